/** The defaults of a model, and everything decided about a request that needs no device. */

import { randomInt } from 'node:crypto';
import { type LoraTag, takeLoraTags } from '../api/lora-tags.ts';
import type { RecipeInputs } from '../api/recipe.ts';
import { type BatchSlot, type CheckedRequest, STEERED, STEERING, type Steering } from '../api/request.ts';
import type { ModelSizes } from '../families/flux1/flux1.ts';
import { toolOf } from '../families/flux1/tools.ts';
import type { NoiseKind } from '../sampling/generator.ts';
import { type LatentSize, latentSize } from '../sampling/latents.ts';
import { SAMPLERS, type SamplerName } from '../sampling/samplers/by-name.ts';
import { cutSchedule, type Schedule, type SchedulerConfig, type Spacing, schedule } from '../sampling/schedule.ts';
import { FluxionError } from '../support/errors.ts';
import type { Condition } from './conditions/condition.ts';

/** What a model assumes where a request says nothing. */
export interface RequestDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  readonly maxSequenceLength: number;
  /** How much a picture to start from changes. */
  readonly strength: number;
}

/**
 * The defaults of a kind of model: dev's if it is distilled for guidance, schnell's if it is distilled for few steps, as an unshifted
 * schedule shows, and settings between them otherwise. A copy of the model under another name has the same defaults. `promptTokens` is the
 * length that its T5 tokenizer was made for.
 */
export function requestDefaults({ transformer, vae, scheduler }: ModelSizes, promptTokens: number): RequestDefaults {
  const fills = toolOf(transformer, vae) === 'fill';
  const shared = { width: vae.sampleSize, height: vae.sampleSize, strength: fills ? 1 : 0.6 };
  return transformer.guidanceEmbeds
    ? { ...shared, steps: 28, guidance: fills ? 30 : 3.5, maxSequenceLength: Math.min(promptTokens, 512) }
    : {
        ...shared,
        steps: scheduler.useDynamicShifting ? 8 : 4,
        guidance: 0,
        maxSequenceLength: Math.min(promptTokens, 256),
      };
}

/** What the text encoders read: CLIP and T5. */
export interface Prompt {
  readonly prompt: string;
  readonly prompt2: string;
}

/** A prompt and its first seed, from which a batch of pictures is made. */
export interface SeededPrompt extends Prompt {
  /** The prompt that pictures are guided away from. */
  readonly negative?: Prompt | undefined;
  readonly seed: bigint;
  /** LoRAs that the prompt names. */
  readonly loraTags: readonly LoraTag[];
}

/** A request with everything decided. */
export interface DecidedRequest {
  readonly prompts: readonly SeededPrompt[];
  readonly batch: number;
  readonly width: number;
  readonly height: number;
  readonly size: LatentSize;
  /** Steps that were asked for; a strength below 1 runs only the later ones. */
  readonly steps: number;
  readonly sampler: SamplerName;
  readonly schedule: Schedule;
  /** How the noise levels are spaced. */
  readonly spacing: Spacing;
  readonly guidance: number;
  /** How strongly pictures are guided away from a negative prompt; undefined without one. */
  readonly trueCfgScale: number | undefined;
  readonly steering: Steering;
  /** The input pictures as recipes name them, and the conditions made from them; none until the pictures are read. */
  readonly inputs: RecipeInputs | undefined;
  readonly conditions: readonly Condition[];
  readonly noise: NoiseKind;
  readonly maxSequenceLength: number;
  readonly sigmas: readonly number[] | undefined;
  readonly preview: 'off' | 'step';
  /** Threshold of the first-block cache; `undefined` without the cache. */
  readonly cacheThreshold: number | undefined;
  /** The slot that each picture is made in, the others running empty. */
  readonly slot: BatchSlot | undefined;
}

/** Whether a request's pictures may share a batch with any others. JAX's noise is drawn, and the first-block cache decides, once for a whole batch. */
export function mixes({ noise, cacheThreshold }: Pick<DecidedRequest, 'noise' | 'cacheThreshold'>): boolean {
  return noise !== 'jax' && cacheThreshold === undefined;
}

/** ParaAttention's for FLUX.1 dev. */
const CACHE_THRESHOLD = 0.08;
const MAX_PICTURES = 65_536;

/**
 * Fills in the defaults of a request, and checks what depends on the model; throws `bad_request` naming the field. `natural` is the size
 * that the input pictures suggest.
 */
export function decide(
  request: CheckedRequest,
  defaults: RequestDefaults,
  scheduler: SchedulerConfig,
  vaeScale: number,
  natural: { readonly width: number; readonly height: number } = defaults,
): DecidedRequest {
  const { width = natural.width, height = natural.height, steps = defaults.steps, batch = 1, sigmas } = request;
  const { guidance = defaults.guidance, maxSequenceLength = defaults.maxSequenceLength } = request;
  const { sampler = 'euler', schedule: spacing = 'default' } = request;
  const { noise = 'torch', preview = 'off', cache = 'off', threshold = CACHE_THRESHOLD } = request;
  const size = latentSize(width, height, vaeScale);
  const prompts = [request.prompt].flat();
  const textOf = (field: 'prompt2' | 'negativePrompt' | 'negativePrompt2', unset: readonly string[]) => {
    const texts = [request[field] ?? unset].flat();
    if (texts.length > 1 && texts.length !== prompts.length)
      throw bad(field, `one, or as many as there are prompts (${prompts.length})`, texts.length);
    return (i: number): string | undefined => (texts.length === 1 ? texts[0] : texts[i]);
  };
  const prompt2 = textOf('prompt2', prompts);
  const negative = textOf('negativePrompt', []);
  const negative2 = textOf('negativePrompt2', [request.negativePrompt ?? []].flat());
  const { trueCfgScale = 1 } = request;
  const guidesAway = trueCfgScale > 1 && (request.negativePrompt ?? request.negativePrompt2) !== undefined;
  const seeds = [request.seed ?? 0].flat().map((seed) => BigInt(seed === 'random' ? randomInt(RANDOM_SEEDS) : seed));
  const pictures = prompts.length * seeds.length * batch;
  if (pictures > MAX_PICTURES)
    throw bad('batch', `at most ${MAX_PICTURES} pictures of all prompts and seeds`, pictures);
  const whole = schedule(scheduler, {
    steps,
    imageTokens: size.tokens,
    sigmas,
    levels: SAMPLERS[sampler].levels,
    spacing,
  });
  // The area around an outpainted picture is new, so there is nothing to preserve.
  const usual = request.outpaint === undefined ? defaults.strength : 1;
  const strength = request.image === undefined ? undefined : (request.strength ?? usual);
  return {
    prompts: prompts.flatMap((prompt, i) => {
      const { text, tags } = takeLoraTags(prompt);
      const { text: text2, tags: tags2 } = takeLoraTags(prompt2(i)!);
      const away = guidesAway && { negative: { prompt: negative(i) ?? '', prompt2: negative2(i) ?? '' } };
      // A tag counts once, whichever of a picture's prompts has it.
      const more = tags2.filter((tag) => !tags.some(({ name, scale }) => name === tag.name && scale === tag.scale));
      const loraTags = [...tags, ...more];
      return seeds.map((seed) => ({ prompt: text, prompt2: text2, ...away, seed, loraTags }));
    }),
    batch,
    width,
    height,
    size,
    steps: whole.timesteps.length,
    sampler,
    schedule: strength === undefined ? whole : cutSchedule(whole, strength),
    spacing,
    guidance,
    trueCfgScale: guidesAway ? trueCfgScale : undefined,
    steering: { ...STEERING.parse(Object.fromEntries(STEERED.map((field) => [field, request[field]]))), strength },
    inputs: undefined,
    conditions: [],
    noise,
    maxSequenceLength,
    sigmas,
    preview,
    cacheThreshold: cache === 'fbcache' ? threshold : undefined,
    slot: request.slot,
  };
}

/** At this many steps or fewer, consecutive steps differ too much for the first-block cache. */
const FEW_STEPS = 4;

const LOST_LETTERS =
  'the prompt has a replacement character (�): letters were lost in decoding, as happens to text that is not UTF-8';

/** Warnings about a request that can be honoured but may not be what was meant; devices make `together` pictures in `slots`. */
export function requestWarnings(
  request: CheckedRequest,
  decided: DecidedRequest,
  { guidance }: RequestDefaults,
  { together, slots }: { readonly together: number; readonly slots: number },
): string[] {
  const ignored = `guidance ${decided.guidance} has no effect: the model has no guidance embedding`;
  const empty = `${together} ${together === 1 ? 'picture' : 'pictures'} for ${slots} slots: ${slots - together} ${slots - together === 1 ? 'slot runs' : 'slots run'} empty`;
  return [
    ...(slots > together ? [empty] : []),
    ...(guidance === 0 && decided.guidance > 0 ? [ignored] : []),
    ...(decided.prompts.some(({ prompt, prompt2 }) => (prompt + prompt2).includes('\ufffd')) ? [LOST_LETTERS] : []),
    ...cacheWarnings(request, decided),
    ...negativeWarnings(request, decided),
    ...scheduleWarnings(decided),
  ];
}

/** Warns of a negative prompt without a scale, and the reverse. An empty one is fine: all of MaxDiffusion's files have it. */
function negativeWarnings(
  { negativePrompt, trueCfgScale = 1 }: CheckedRequest,
  { trueCfgScale: scale }: DecidedRequest,
): string[] {
  if (scale !== undefined) return [];
  if (trueCfgScale > 1) return ['true_cfg_scale has no effect without a negative_prompt, which may be empty'];
  return [negativePrompt ?? []].flat().some((text) => text !== '')
    ? ['negative_prompt has no effect without a true_cfg_scale above 1']
    : [];
}

/** Warns of a first-block cache that has no effect or does not pay. */
function cacheWarnings({ threshold }: CheckedRequest, { cacheThreshold, schedule }: DecidedRequest): string[] {
  const steps = schedule.timesteps.length;
  if (cacheThreshold === undefined)
    return threshold === undefined ? [] : ['threshold has no effect without cache=fbcache'];
  if (steps > FEW_STEPS || cacheThreshold === 0) return [];
  return [
    `cache=fbcache does not pay at ${steps} ${steps === 1 ? 'step' : 'steps'}: each step changes too much for its blocks to be skipped, and the picture suffers if they are`,
  ];
}

/** Warns if given noise levels are respaced. */
function scheduleWarnings({ sigmas, spacing }: DecidedRequest): string[] {
  if (sigmas === undefined || spacing === 'default') return [];
  return [`schedule=${spacing} keeps the ends and the number of the given sigmas, and spaces the others anew`];
}

/** Random seeds are below 2³², as in other tools. */
const RANDOM_SEEDS = 2 ** 32;

function bad(field: string, expected: string, found: number): FluxionError {
  return new FluxionError('bad_request', `expected ${expected}, found ${found}`, { field });
}
