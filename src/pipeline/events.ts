/** What a run reports while it goes on: one discriminated union, in the order things happen. */

import type { MemoryPlan } from '../engine/memory-plan.ts';
import type { Image, Pixels } from '../picture/image.ts';
import { oneLine } from '../support/quote.ts';
import type { LoraReport } from './loras.ts';

/** Wall-clock seconds of a run's parts. */
export interface Timings {
  /** Opening the model: configs, tokenizers, checking every weight's name and shape. */
  readonly load: number;
  /** Getting all programs, from the compiler or the cache. */
  readonly compile: number;
  /** Placing the text encoders and encoding all prompts. */
  readonly encode: number;
  /** The denoising loops, all pictures. */
  readonly denoise: number;
  /** Median over all steps, without those that the first-block cache cut short where others are left. */
  readonly secondsPerStep: number;
  /** Latents to pixels, all pictures. */
  readonly decode: number;
  /** What MaxDiffusion calls inference time: denoising and decoding. */
  readonly inference: number;
}

/** Figures of a finished run. */
export interface Report {
  readonly timings: Timings;
  /** Highest resident memory of the process, in bytes. */
  readonly peakMemory: number;
  /** Highest memory in use on the device, in bytes, where the plugin tells. */
  readonly peakDeviceMemory?: number;
  readonly programs: { readonly compiled: number; readonly fromCache: number };
  readonly device: string;
  readonly images: number;
  /** Denoising steps of all batches, and how many of them the first-block cache cut short. */
  readonly steps: { readonly all: number; readonly cached: number };
}

/** What a run reports, told apart by `type`; `stream` yields events in the order in which things happen. */
export type Event =
  /** A part of the run begins. */
  | {
      readonly type: 'stage';
      readonly stage: 'compile' | 'encode' | 'denoise' | 'decode';
      readonly job: number;
      readonly jobs: number;
    }
  /** What the run will hold in memory, before any weight is placed. */
  | { readonly type: 'memory'; readonly plan: MemoryPlan }
  /** A LoRA is applied in this run: what was matched in its file, and its strength. */
  | { readonly type: 'lora'; readonly lora: LoraReport; readonly scale: number }
  /** Something the user should know, such as a prompt that was cut. */
  | { readonly type: 'warning'; readonly message: string }
  /** A denoising step is done; `step` counts from 1 within the job. */
  | {
      readonly type: 'step';
      readonly step: number;
      readonly steps: number;
      readonly job: number;
      readonly jobs: number;
      readonly seconds: number;
      /** The first block alone was run, and the first-block cache stood in for the others; absent otherwise. */
      readonly cached?: true;
      /** The predicted clean pictures at an eighth of their size, one per picture of the batch, when asked for. */
      readonly previews?: readonly Pixels[];
    }
  /** A picture is done; `index` counts all pictures of the run from 0. */
  | { readonly type: 'image'; readonly image: Image; readonly seed: bigint; readonly index: number }
  | { readonly type: 'done'; readonly report: Report };

/** Makes a warning, safe to print whatever names it quotes. */
export function warning(message: string): Event & { readonly type: 'warning' } {
  return { type: 'warning', message: oneLine(message) };
}
