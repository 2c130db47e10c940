/** A server's answers about its model and its LoRAs. Plain JSON. */

import { z } from 'zod';
import { JOB_ERROR } from './jobs.ts';
import { count } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import { NETWORKS_BESIDE, PICTURE_USE } from './picture-use.ts';

/** A LoRA that requests may name. */
export const SERVER_LORA = z.object({
  name: z.string(),
  bytes: count,
  dialect: z.string(),
  ranks: z.array(z.number()),
  /** Whether the LoRA takes a picture beside the latents. */
  control: z.boolean(),
});
/** A LoRA that requests may name. */
export type ServerLora = Immutable<z.output<typeof SERVER_LORA>>;

/** The properties of an opened model that requests depend on. */
export const MODEL_TRAITS = z.object({
  defaults: z.object({
    width: count,
    height: count,
    steps: count,
    guidance: z.number(),
    maxSequenceLength: count,
    /** How much a start picture changes. */
    strength: z.number(),
  }),
  /** Whether guidance has an effect. */
  guidance: z.boolean(),
  /** How the model uses a single input picture without a mask. */
  pictureUse: PICTURE_USE,
  /** The networks that were opened with it. */
  beside: NETWORKS_BESIDE,
});

export type ModelTraits = Immutable<z.output<typeof MODEL_TRAITS>>;

const LIMITS = z.object({
  /** Most jobs that wait. */
  queue: count,
  /** Most seconds that a job takes once it is begun. */
  seconds: z.number(),
  /** Pictures of all prompts and seeds of a job. */
  pictures: count,
  /** Pixels of one picture. */
  pixels: count,
  steps: count,
  /** Pixels of an input picture. */
  inputPixels: count,
  /** Most characters of all requests whose jobs have not ended, input pictures included: they stay in memory. */
  inputBytes: count,
});
/** Bounds that a server sets for jobs. */
export type JobLimits = Immutable<z.output<typeof LIMITS>>;

/** The model of a server, and the bounds of requests. */
export const SERVER_MODEL = z.object({
  /** `released`: the model has left the device and returns with the next job. `waiting`: no worker serves it now. */
  status: z.enum(['closed', 'released', 'waiting', 'loading', 'ready', 'failed']),
  model: z.string().optional(),
  device: z.string().optional(),
  /** The current step of loading, with the figures of a download. */
  message: z.string().optional(),
  download: z.object({ bytes: count, totalBytes: count, bytesPerSecond: z.number() }).optional(),
  /** Why loading `failed`; the next job tries again. */
  error: JOB_ERROR.optional(),
  ...MODEL_TRAITS.partial().shape,
  /** The values of `sampler` and `schedule` that requests may have. */
  samplers: z.array(z.string()).optional(),
  schedules: z.array(z.string()).optional(),
  /** Names of the models that jobs can be made with now. */
  models: z.array(z.string()),
  limits: LIMITS,
  queue: z.object({ queued: count, running: count }),
});
/** The model of a server, and the bounds of requests. */
export type ServerModel = Immutable<z.output<typeof SERVER_MODEL>>;
