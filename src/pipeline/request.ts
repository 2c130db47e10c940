/** What can be asked of a model, its defaults, and the checks that come before any work. */

import { randomInt } from 'node:crypto';
import { type LoraTag, takeLoraTags } from '../api/lora-tags.ts';
import { type LatentSize, latentSize } from '../sampling/latents.ts';
import type { NoiseKind } from '../sampling/noise.ts';
import { type Schedule, type SchedulerConfig, schedule } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';
import type { LoraUse } from './loras.ts';

/** A request for pictures. What is left out takes the model's default. */
export interface Request {
  /** One prompt, or several: each makes its own pictures. */
  readonly prompt: string | readonly string[];
  /** Text for the T5 encoder alone: one for all prompts, or as many as there are. The same as `prompt` by default. */
  readonly prompt2?: string | readonly string[] | undefined;
  /** Pixels, a multiple of 16. */
  readonly width?: number | undefined;
  /** Pixels, a multiple of 16. */
  readonly height?: number | undefined;
  /** Denoising steps. */
  readonly steps?: number | undefined;
  /** Distilled guidance; ignored by models without a guidance embedding. */
  readonly guidance?: number | undefined;
  /** Seed of the noise, or several: each makes its own pictures. 0 by default; `random` and -1 are drawn, and recorded. */
  readonly seed?: Seed | readonly Seed[] | undefined;
  /** Pictures for each prompt and seed; picture i uses seed + i (but see `noise`). */
  readonly batch?: number | undefined;
  /** Whose noise a seed stands for: `torch` (diffusers on CPU, the default), `jax` (MaxDiffusion, one draw a batch), `philox`. */
  readonly noise?: NoiseKind | undefined;
  /** Tokens that T5's prompt is padded or cut to. */
  readonly maxSequenceLength?: number | undefined;
  /** Noise levels before shifting, from high to low; decides the number of steps. */
  readonly sigmas?: readonly number[] | undefined;
  /** LoRAs for this request, in place of those in force (`flux.loras`); `<lora:NAME:SCALE>` in a prompt adds to either. */
  readonly loras?: readonly LoraUse[] | undefined;
  /**
   * `fbcache`: skips all blocks but the first in steps that change little (first-block cache). Faster, and another picture than
   * without; `off`, the default, computes every step whole.
   */
  readonly cache?: 'off' | 'fbcache' | undefined;
  /** Relative change of the first block's residual below which `cache: 'fbcache'` skips the others: 0 skips none. 0.08 by default. */
  readonly threshold?: number | undefined;
  /** `step`: every step event carries a small preview of the predicted clean picture. */
  readonly preview?: 'off' | 'step' | undefined;
  /** Stops the work within a block; the stream then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The seed of a picture's noise: a whole number from -2^63 to 2^64 - 1, or `random` to draw one. */
export type Seed = number | bigint | 'random';

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
export interface Plan {
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
const MAX_PROMPT = 100_000;
const MAX_BATCH = 4096;
const MAX_JOBS = 65_536;
const MAX_TOKENS = 512;

/** Fills in the defaults of a request whose types were checked, and checks the rest; throws `bad_request` naming the field. */
export function plan(request: Request, defaults: RequestDefaults, scheduler: SchedulerConfig, vaeScale: number): Plan {
  const { width = defaults.width, height = defaults.height, steps = defaults.steps, batch = 1, sigmas } = request;
  const { guidance = defaults.guidance, maxSequenceLength = defaults.maxSequenceLength } = request;
  whole('batch', batch, 1, MAX_BATCH);
  whole('maxSequenceLength', maxSequenceLength, 1, MAX_TOKENS);
  if (!Number.isFinite(guidance) || guidance < 0) throw bad('guidance', 'a number from 0', guidance);
  const { noise = 'torch', preview = 'off', cache = 'off', threshold = CACHE_THRESHOLD } = request;
  if (!Number.isFinite(threshold) || threshold < 0) throw bad('threshold', 'a number from 0', threshold);
  const size = latentSize(width, height, vaeScale);
  const prompts = list(request.prompt);
  if (prompts.length === 0) throw bad('prompt', 'at least one', '[]');
  const prompts2 = request.prompt2 === undefined ? prompts : list(request.prompt2);
  if (prompts2.length !== 1 && prompts2.length !== prompts.length)
    throw bad('prompt2', `one, or as many as there are prompts (${prompts.length})`, `${prompts2.length}`);
  for (const text of [...prompts, ...prompts2]) {
    if (text.length > MAX_PROMPT) throw bad('prompt', `at most ${MAX_PROMPT} characters`, text.length);
  }
  const seeds = list(request.seed ?? 0).map(seedOf);
  if (seeds.length === 0) throw bad('seed', 'at least one', '[]');
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
export function requestWarnings(request: Request, plan: Plan, { guidance }: RequestDefaults, places: number): string[] {
  const { batch } = plan;
  const ignored = `guidance ${plan.guidance} has no effect: the model has no guidance embedding`;
  const empty = `the devices make ${places} pictures at a time, and ${batch} ${batch === 1 ? 'is' : 'are'} asked for: the other places stay empty`;
  return [
    ...(places > batch ? [empty] : []),
    ...(guidance === 0 && plan.guidance > 0 ? [ignored] : []),
    ...(plan.jobs.some(({ prompt, prompt2 }) => (prompt + prompt2).includes('\ufffd')) ? [LOST_LETTERS] : []),
    ...cacheWarnings(request, plan),
  ];
}

/** What to tell of a first-block cache that has no effect, or does not pay. */
function cacheWarnings({ threshold }: Request, { cacheThreshold, schedule }: Plan): string[] {
  const steps = schedule.timesteps.length;
  if (cacheThreshold === undefined)
    return threshold === undefined ? [] : ['threshold has no effect without cache=fbcache'];
  if (steps > FEW_STEPS || cacheThreshold === 0) return [];
  return [
    `cache=fbcache does not pay at ${steps} ${steps === 1 ? 'step' : 'steps'}: each changes too much for its blocks to be skipped, and where they are the picture suffers`,
  ];
}

function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

/** Random seeds are as large as those of other tools. */
const RANDOM_SEEDS = 2 ** 32;

function seedOf(seed: Seed): bigint {
  if (seed === 'random' || seed === -1 || seed === -1n) return BigInt(randomInt(RANDOM_SEEDS));
  if (typeof seed !== 'bigint' && !Number.isSafeInteger(seed)) throw bad('seed', "a whole number, or 'random'", seed);
  const value = BigInt(seed);
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw bad('seed', 'a whole number from -2^63 to 2^64 - 1', seed);
  return value;
}

function whole(field: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw bad(field, `a whole number from ${low} to ${high}`, value);
}

function bad(field: string, expected: string, found: unknown): FluxionError {
  return new FluxionError('bad_request', `${field}: expected ${expected}, found ${String(found)}`);
}
