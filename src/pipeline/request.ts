/** What a model assumes where a request says nothing, and what a request comes to: everything decided that needs no device. */

import { randomInt } from 'node:crypto';
import { type LoraTag, takeLoraTags } from '../api/lora-tags.ts';
import type { CheckedRequest } from '../api/request.ts';
import { type LatentSize, latentSize } from '../sampling/latents.ts';
import type { NoiseKind } from '../sampling/noise.ts';
import { type Schedule, type SchedulerConfig, schedule } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';

/** What a model assumes where a request says nothing. */
export interface RequestDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  readonly maxSequenceLength: number;
}

/** What a model's defaults depend on: its own configs, so that a copy under another name has the same. */
export interface DefaultsOf {
  readonly transformer: { readonly guidanceEmbeds: boolean };
  readonly vae: { readonly sampleSize: number };
  readonly scheduler: { readonly useDynamicShifting: boolean };
}

/**
 * What a model of this kind assumes: dev's settings where it is distilled for guidance, schnell's where it is distilled for few steps,
 * which an unshifted schedule tells, and between them otherwise. `promptTokens` is what its T5 tokenizer was made for.
 */
export function requestDefaults({ transformer, vae, scheduler }: DefaultsOf, promptTokens: number): RequestDefaults {
  const size = { width: vae.sampleSize, height: vae.sampleSize };
  return transformer.guidanceEmbeds
    ? { ...size, steps: 28, guidance: 3.5, maxSequenceLength: Math.min(promptTokens, 512) }
    : {
        ...size,
        steps: scheduler.useDynamicShifting ? 8 : 4,
        guidance: 0,
        maxSequenceLength: Math.min(promptTokens, 256),
      };
}

/** One batch: pictures made together from one prompt and one first seed. */
export interface Job {
  readonly prompt: string;
  readonly prompt2: string;
  readonly seed: bigint;
  /** LoRAs that the prompt names. */
  readonly loraTags: readonly LoraTag[];
}

/** A request with everything decided. */
export interface DecidedRequest {
  readonly jobs: readonly Job[];
  readonly batch: number;
  readonly width: number;
  readonly height: number;
  readonly size: LatentSize;
  readonly schedule: Schedule;
  readonly guidance: number;
  readonly noise: NoiseKind;
  readonly maxSequenceLength: number;
  readonly sigmas: readonly number[] | undefined;
  readonly preview: 'off' | 'step';
  /** Threshold of the first-block cache; undefined where there is none. */
  readonly cacheThreshold: number | undefined;
}

/** ParaAttention's for FLUX.1 dev. */
const CACHE_THRESHOLD = 0.08;
const MAX_JOBS = 65_536;

/** Fills in the defaults of a request, and checks what depends on the model; throws `bad_request` naming the field. */
export function decide(
  request: CheckedRequest,
  defaults: RequestDefaults,
  scheduler: SchedulerConfig,
  vaeScale: number,
): DecidedRequest {
  const { width = defaults.width, height = defaults.height, steps = defaults.steps, batch = 1, sigmas } = request;
  const { guidance = defaults.guidance, maxSequenceLength = defaults.maxSequenceLength } = request;
  const { noise = 'torch', preview = 'off', cache = 'off', threshold = CACHE_THRESHOLD } = request;
  const size = latentSize(width, height, vaeScale);
  const prompts = [request.prompt].flat();
  const prompts2 = [request.prompt2 ?? prompts].flat();
  if (prompts2.length !== 1 && prompts2.length !== prompts.length)
    throw bad('prompt2', `one, or as many as there are prompts (${prompts.length})`, prompts2.length);
  const seeds = [request.seed ?? 0].flat().map(seedOf);
  if (prompts.length * seeds.length > MAX_JOBS)
    throw bad('seed', `at most ${MAX_JOBS} pairs of a prompt and a seed`, prompts.length * seeds.length);
  return {
    jobs: prompts.flatMap((prompt, i) => {
      const { text, tags } = takeLoraTags(prompt);
      const { text: text2, tags: tags2 } = takeLoraTags((prompts2.length === 1 ? prompts2[0] : prompts2[i])!);
      // A tag counts once, whichever of a picture's prompts has it.
      const more = tags2.filter((tag) => !tags.some(({ name, scale }) => name === tag.name && scale === tag.scale));
      const loraTags = [...tags, ...more];
      return seeds.map((seed) => ({ prompt: text, prompt2: text2, seed, loraTags }));
    }),
    batch,
    width,
    height,
    size,
    schedule: schedule(scheduler, { steps, imageTokens: size.tokens, sigmas }),
    guidance,
    noise,
    maxSequenceLength,
    sigmas,
    preview,
    cacheThreshold: cache === 'fbcache' ? threshold : undefined,
  };
}

/** Steps at and below which consecutive ones are too far apart for the first-block cache. */
const FEW_STEPS = 4;

const LOST_LETTERS =
  'the prompt has a replacement character (�): it lost letters where it was decoded, as text that is not UTF-8 does';

/** What to tell of a request that can be honoured, and may not be what was meant; `places` are the pictures that devices make at a time. */
export function requestWarnings(
  request: CheckedRequest,
  decided: DecidedRequest,
  { guidance }: RequestDefaults,
  places: number,
): string[] {
  const { batch } = decided;
  const ignored = `guidance ${decided.guidance} has no effect: the model has no guidance embedding`;
  const empty = `${batch} ${batch === 1 ? 'picture' : 'pictures'} for ${places} slots: ${places - batch} ${places - batch === 1 ? 'slot runs' : 'slots run'} empty`;
  return [
    ...(places > batch ? [empty] : []),
    ...(guidance === 0 && decided.guidance > 0 ? [ignored] : []),
    ...(decided.jobs.some(({ prompt, prompt2 }) => (prompt + prompt2).includes('\ufffd')) ? [LOST_LETTERS] : []),
    ...cacheWarnings(request, decided),
  ];
}

/** What to tell of a first-block cache that has no effect, or does not pay. */
function cacheWarnings({ threshold }: CheckedRequest, { cacheThreshold, schedule }: DecidedRequest): string[] {
  const steps = schedule.timesteps.length;
  if (cacheThreshold === undefined)
    return threshold === undefined ? [] : ['threshold has no effect without cache=fbcache'];
  if (steps > FEW_STEPS || cacheThreshold === 0) return [];
  return [
    `cache=fbcache does not pay at ${steps} ${steps === 1 ? 'step' : 'steps'}: each changes too much for its blocks to be skipped, and where they are the picture suffers`,
  ];
}

/** Random seeds are as large as those of other tools. */
const RANDOM_SEEDS = 2 ** 32;

function seedOf(seed: number | bigint | 'random'): bigint {
  return BigInt(seed === 'random' ? randomInt(RANDOM_SEEDS) : seed);
}

function bad(field: string, expected: string, found: number): FluxionError {
  return new FluxionError('bad_request', `${field}: expected ${expected}, found ${found}`);
}
