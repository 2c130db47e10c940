/** Events of opening models and making pictures. Everything but pixels, which stay in memory, can be written as JSON. */

import { z } from 'zod';
import { count, SEED_NUMBER } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import { RECIPE } from './recipe.ts';

const seconds = z.number();

/** Wall-clock seconds of a run's parts. */
export type Timings = Immutable<z.output<typeof TIMINGS>>;
const TIMINGS = z.object({
  /** Opening the model: configs, tokenizers, checking every weight's name and shape. */
  load: seconds,
  /** Getting all programs, from the compiler or the cache. */
  compile: seconds,
  /** Placing the text encoders and encoding all prompts. */
  encode: seconds,
  /** The denoising loops, all pictures. */
  denoise: seconds,
  /** Median over all steps; steps that the first-block cache cut short count only if there are no others. */
  secondsPerStep: seconds,
  /** Latents to pixels, all pictures. */
  decode: seconds,
  /** Denoising and decoding, as in MaxDiffusion's inference time. */
  inference: seconds,
});

/** Figures of a finished run. */
export type Report = Immutable<z.output<typeof REPORT>>;
const REPORT = z.object({
  timings: TIMINGS,
  /** Highest resident memory of the process, in bytes. */
  peakMemory: count,
  /** Highest memory in use on the device, in bytes, if the plugin reports it. */
  peakDeviceMemory: count.optional(),
  programs: z.object({ compiled: count, fromCache: count }),
  device: z.string(),
  images: count,
  /** Denoising steps of all batches, and how many of them the first-block cache cut short. */
  steps: z.object({ all: count, cached: count }),
});

/** Memory of one device in a stage, in bytes. */
export type StageMemory = Immutable<z.output<typeof STAGE_MEMORY>>;
const STAGE_MEMORY = z.object({
  /** `encode` is for prompts, `pictures` for input pictures. */
  stage: z.enum(['encode', 'pictures', 'denoise', 'decode']),
  /** Weights that are in place. */
  weights: count,
  /** Values that programs hand to each other. */
  values: count,
  /** The most temporary memory that one program needs. */
  temporaries: count,
  /** Compiled programs. */
  code: count,
  total: count,
});

/** The residency of weights. */
export type Residency = Immutable<z.output<typeof RESIDENCY>>;
const RESIDENCY = z.object({
  /** `kept` for later prompts, `released` once prompts are encoded, or `streamed`, layer by layer. */
  encoders: z.enum(['kept', 'released', 'streamed']),
  /**
   * `kept` for later pictures; `yields` its room to the encoders of the next request; `released` after every batch, for the decoder;
   * or `streamed`, block by block, in every step.
   */
  transformer: z.enum(['kept', 'yields', 'released', 'streamed']),
  /** How many blocks, counted from the first, are resident for the whole batch while the others are streamed. */
  held: count,
  /** The modulation layers, used once a picture: 27 % of the transformer's weights. */
  modulations: z.enum(['kept', 'released']),
});

/** What a run holds in memory, in bytes. */
export type MemoryPlan = Immutable<z.output<typeof MEMORY_PLAN>>;
const MEMORY_PLAN = RESIDENCY.extend({
  /** Most bytes that one device may hold. */
  budget: z.number(),
  stages: z.array(STAGE_MEMORY),
  /** The largest stage. */
  peak: count,
  /** Page-locked memory of the host in which streamed weights wait, and the most that may be used. */
  host: count,
  hostBudget: z.number(),
  fits: z.boolean(),
});

/** A report on a LoRA file. */
export type LoraReport = Immutable<z.output<typeof LORA_REPORT>>;
const LORA_REPORT = z.object({
  /** The LoRA's name in recipes and reports. */
  name: z.string(),
  path: z.string(),
  /** Which program's spelling its keys are in. */
  dialect: z.string(),
  algorithms: z.array(z.string()),
  /** Modules matched, by the names of the components that adapters change. */
  modules: z.record(z.string(), count),
  /** Different ranks, ascending. */
  ranks: z.array(z.number()),
  /** The distinct stored alphas, ascending; empty if none is stored, in which case alpha is the rank. */
  alphas: z.array(z.number()),
  /** Whether this is a control LoRA (FLUX.1 Canny, Depth), which takes a picture beside the latents. */
  control: z.boolean(),
  /** Keys that match nothing: their number, and the first ten. */
  unmatched: z.object({ count, first: z.array(z.string()) }),
  /** Settings beside the weights that are not applied, or are uncertain. */
  warnings: z.array(z.string()),
});

/** The indices of the pictures concerned, and the number of pictures in the request. */
const pictures = { pictures: z.array(count), total: count };
const sides = { width: count, height: count };

/** What a run reports, in the order in which it happens, as JSON. */
export const EVENT = z.discriminatedUnion('type', [
  /** A stage of some pictures begins. */
  z.object({ type: z.literal('stage'), stage: z.enum(['compile', 'encode', 'denoise', 'decode']), ...pictures }),
  /** The memory plan of the run, before any weight is placed. */
  z.object({ type: z.literal('memory'), plan: MEMORY_PLAN }),
  /** A LoRA is applied in this run: what was matched in its file, and its strength. */
  z.object({ type: z.literal('lora'), lora: LORA_REPORT, scale: z.number() }),
  /** Something the user should know, such as a prompt that was cut. */
  z.object({ type: z.literal('warning'), message: z.string() }),
  /** A denoising step of some pictures is done; `step` counts from 1. */
  z.object({
    type: z.literal('step'),
    step: count,
    steps: count,
    ...pictures,
    seconds,
    /** Set if only the first block ran and the first-block cache stood in for the others. */
    cached: z.literal(true).optional(),
    /** The predicted clean pictures at an eighth of their size, one for each of `pictures`, when asked for; RGB, 8 bit, row-major, in base64. */
    previews: z.array(z.object({ ...sides, rgb: z.base64() })).optional(),
  }),
  /** A picture is done; `index` counts all pictures of the run from 0. */
  z.object({
    type: z.literal('image'),
    image: z.object({ ...sides, recipe: RECIPE }),
    seed: SEED_NUMBER,
    index: count,
  }),
  z.object({ type: z.literal('done'), report: REPORT }),
]);

type EventJson = Immutable<z.output<typeof EVENT>>;
type Kind<T extends EventJson['type']> = Extract<EventJson, { type: T }>;

/** An event of a run in memory, with the pictures and previews themselves. */
export type EventOf<Image, Preview> =
  | Exclude<EventJson, { type: 'image' | 'step' }>
  | (Omit<Kind<'step'>, 'previews'> & { readonly previews?: readonly Preview[] })
  | (Omit<Kind<'image'>, 'image'> & { readonly image: Image });
