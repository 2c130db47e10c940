/** What can be asked of a model. */

import type { z } from 'zod';
import { list, NUMBER, number, oneOf, prompts, seeds, sigmas, TEXT, whole } from './kinds.ts';
import { type Immutable, type Knobs, settings, signal, strict } from './knobs.ts';

/** A LoRA: its place and strength. */
export const LORA = strict(
  {
    /** A file, a folder, or a repository of the Hugging Face hub: `ORG/NAME`, or `ORG/NAME@REVISION`. */
    path: TEXT,
    /** Which file of a folder or repository. */
    weightName: TEXT.optional(),
    /** What recipes and reports call it; the file's name by default. */
    name: TEXT.optional(),
    /** Multiplies all the file adds, 1 by default; 0 is as if it were not there, below 0 the opposite. */
    scale: NUMBER.optional(),
  },
  "{ path: 'ink.safetensors', scale: 0.8 }",
);

/** A LoRA to use, and how strongly. */
export type LoraUse = Immutable<z.input<typeof LORA>>;

/** A list of LoRAs. */
export const LORAS = list(LORA, 'LoRAs');

const side = whole(16, 8192, 16);

export const REQUEST_KNOBS = {
  prompt: {
    kind: prompts, key: 'prompt', also: ['p', 'positive_prompt', 'caption'], group: 'Picture', required: true,
    default: 'a red house in the mountains at sunset', example: '"a lighthouse by the sea at night"',
    help: 'What the picture shows; @FILE reads a prompt from each line of a file, and a list in a configuration makes one batch for each.',
  },
  prompt2: {
    kind: prompts, key: 'prompt_2', also: ['prompt2', 't5_prompt'], group: 'Picture',
    unset: 'the same as prompt', example: '"a lighthouse on a rock, waves, stars"',
    help: 'Text for the T5 encoder alone; one for all prompts, or a list as long as prompt.',
  },
  width: {
    kind: side, key: 'width', also: ['w', 'W', 'image_width'], group: 'Picture', unset: 'resolution', example: '1024',
    help: 'Width in pixels.',
  },
  height: {
    kind: side, key: 'height', also: ['h', 'H', 'image_height'], group: 'Picture', unset: 'resolution', example: '768',
    help: 'Height in pixels.',
  },
  steps: {
    kind: whole(1, 1000), key: 'num_inference_steps', also: ['steps', 'num_steps', 'n_steps', 'inference_steps', 'sampling_steps', 'sample_steps'], group: 'Sampling',
    unset: '28 for a guidance-distilled model, 4 for a step-distilled one, else 8', example: '8',
    help: 'Denoising steps.',
  },
  guidance: {
    kind: number(0, 100), key: 'guidance_scale', also: ['guidance', 'g', 'distilled_guidance', 'distilled_cfg_scale', 'distilled_cfg', 'flux_guidance'], group: 'Sampling',
    unset: '3.5 for a guidance-distilled model, else 0', example: '3.5',
    help: 'Distilled guidance; a model without guidance embedding ignores it.',
  },
  seed: {
    kind: seeds, key: 'seed', also: ['s', 'S', 'seeds'], group: 'Picture', default: 0, example: '1,2,3',
    help: 'Seed of the noise, or a list of seeds with one batch each; random (or -1) draws a seed, which the recipe records.',
  },
  batch: {
    kind: whole(1, 4096), key: 'batch', also: ['n', 'batch_size', 'num_images', 'num_images_per_prompt', 'num_outputs', 'n_samples', 'count'], group: 'Picture',
    unset: 'per_device_batch_size × devices', example: '4',
    help: 'Pictures for each prompt and seed.',
  },
  noise: {
    kind: oneOf('torch', 'jax', 'philox'), key: 'noise', group: 'Picture', default: 'torch',
    help: "Random generator of the noise: torch's on the CPU (diffusers), JAX's (MaxDiffusion), or Philox.",
  },
  maxSequenceLength: {
    kind: whole(1, 512), key: 'max_sequence_length', also: ['max_seq_len', 'max_seq_length', 'max_length', 'sequence_length'], group: 'Sampling',
    unset: "what the model's T5 tokenizer was made for, at most 512, or 256 without guidance embedding", example: '256',
    help: 'Number of tokens that T5 prompts are padded or cut to.',
  },
  sigmas: {
    kind: sigmas, key: 'sigmas', also: ['custom_sigmas'], group: 'Sampling', unset: 'evenly spaced', example: '1.0,0.75,0.5,0.25',
    help: 'Noise levels before the shift, in falling order, one for each step; the final 0 is added.',
  },
  loras: {
    kind: { name: 'loras', type: LORAS, expected: 'a list of LoRAs', placeholder: '' },
    help: "LoRAs for this request, instead of the model's current ones; <lora:NAME:SCALE> in a prompt adds to either.",
  },
  cache: {
    kind: oneOf('off', 'fbcache'), key: 'cache', group: 'Sampling', default: 'off',
    help: 'First-block cache: fbcache skips the other blocks in steps where the first block changes little; faster, with a slightly different picture.',
  },
  threshold: {
    kind: number(0, 10), key: 'threshold', group: 'Sampling', unset: '0.08', example: '0.08',
    help: "With cache=fbcache, the relative change of the first block's residual below which a step's other blocks are skipped; 0 skips none.",
  },
  preview: {
    kind: oneOf('off', 'step'), key: 'preview', group: 'Sampling', default: 'off',
    help: 'Decodes the predicted clean picture after every step.',
  },
  signal: signal("Stops the work within a block; the stream then rejects with the signal's reason."),
} as const satisfies Knobs; // biome-ignore format: one knob reads as one row

/** A request for pictures. */
export const REQUEST = settings(REQUEST_KNOBS, "{ prompt: 'a red house', seed: 7 }");

/** A request for pictures. What is left out takes the model's default. */
export type Request = Immutable<z.input<typeof REQUEST>>;

/** A request whose fields were checked. */
export type CheckedRequest = Immutable<z.output<typeof REQUEST>>;
