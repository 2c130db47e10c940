/** The schema of requests. */

import { z } from 'zod';
import {
  boolean,
  kind,
  list,
  margins,
  NUMBER,
  number,
  numbers,
  oneOf,
  picture,
  pictures,
  prompts,
  seeds,
  sigmas,
  TEXT,
  whole,
  wholes,
} from './kinds.ts';
import { type Immutable, type Knobs, settings, signal, strict } from './knobs.ts';

/** A LoRA: where it is, and its strength. */
export const LORA = strict(
  {
    /** A file, a folder, or a repository of the Hugging Face hub: `ORG/NAME`, or `ORG/NAME@REVISION`. */
    path: TEXT,
    /** Which file of a folder or repository. */
    weightName: TEXT.optional(),
    /** The LoRA's name in recipes and reports; the file's name by default. */
    name: TEXT.optional(),
    /** Factor for everything the file adds, 1 by default; 0 turns the LoRA off, a negative factor inverts it. */
    scale: NUMBER.optional(),
  },
  "{ path: 'ink.safetensors', scale: 0.8 }",
);

/** A LoRA to use, and how strongly. */
export type LoraUse = Immutable<z.input<typeof LORA>>;

/** A list of LoRAs. */
export const LORAS = list(LORA, 'LoRAs');

/** A slot of a batch. */
export const SLOT = strict(
  {
    size: whole(1, 4096).type,
    index: whole(0, 4095).type,
    /** Whether the programs take a prompt for every slot; without it, one for all. */
    prompts: z.literal('each').optional(),
    /** How many prompts were encoded together, if more than one. */
    encoded: whole(1, 64).type.optional(),
    /** How many pictures were decoded together, in the order of their slots, if more than one. */
    decoded: whole(1, 64).type.optional(),
    /** Ranks of the adapters that the programs take, if the picture's own adapters would need a different number. */
    rank: whole(0, 2 ** 20).type.optional(),
  },
  '{ size: 4, index: 0 }',
).refine(({ size, index }) => index < size, 'an index below its size');

/** The slot of a batch that a picture is made in; the last bits of its values depend on it. */
export type BatchSlot = Immutable<z.output<typeof SLOT>>;

const side = whole(16, 8192, 16);

export const REQUEST_KNOBS = {
  prompt: {
    kind: prompts, key: 'prompt', also: ['p', 'positive_prompt', 'caption'], group: 'Picture', required: true,
    default: 'a red house in the mountains at sunset', example: '"a lighthouse by the sea at night"',
    help: 'What the picture shows; @FILE reads a prompt from each line of a file, and a list in a configuration makes pictures of each.',
  },
  prompt2: {
    kind: prompts, key: 'prompt_2', also: ['prompt2', 't5_prompt'], group: 'Picture',
    unset: 'the same as prompt', example: '"a lighthouse on a rock, waves, stars"',
    help: 'Text for the T5 encoder only; one for all prompts, or a list as long as prompt.',
  },
  negativePrompt: {
    kind: prompts, key: 'negative_prompt', also: ['negative', 'neg', 'neg_prompt', 'uncond'], group: 'Picture', unset: 'none', example: '"people, text"',
    help: 'What the picture is guided away from, if true_cfg_scale is above 1; one for all prompts, or a list as long as prompt.',
  },
  negativePrompt2: {
    kind: prompts, key: 'negative_prompt_2', also: ['negative_prompt2'], group: 'Picture', unset: 'the same as negative_prompt', example: '"blurred"',
    help: 'A negative prompt for the T5 encoder only.',
  },
  width: {
    kind: side, key: 'width', also: ['w', 'W', 'image_width'], group: 'Picture', unset: "resolution, or that of the picture that goes in", example: '1024',
    help: 'Width in pixels.',
  },
  height: {
    kind: side, key: 'height', also: ['h', 'H', 'image_height'], group: 'Picture', unset: "resolution, or that of the picture that goes in", example: '768',
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
  trueCfgScale: {
    kind: number(0, 100), key: 'true_cfg_scale', also: ['true_cfg', 'cfg', 'cfg_scale', 'text_cfg'], group: 'Sampling', default: 1, example: '4',
    help: 'How strongly a picture is guided away from negative_prompt; above 1, every step takes twice as long.',
  },
  image: {
    kind: picture, key: 'image', also: ['init_image', 'init_img', 'input_image', 'img2img'], group: 'Pictures in', unset: 'none', example: 'photo.jpg',
    help: 'A picture to start from; - reads standard input. With mask_image or outpaint, only the masked or added part is repainted.',
  },
  strength: {
    kind: number(0, 1), key: 'strength', also: ['denoise', 'denoising_strength', 'image_prompt_strength'], group: 'Pictures in', unset: '0.6, or 1 for a Fill model', example: '0.75',
    help: 'How much image changes: the share of the steps that are run.',
  },
  maskImage: {
    kind: picture, key: 'mask_image', also: ['mask'], group: 'Pictures in', unset: 'none', example: 'mask.png',
    help: 'A mask for image: white is repainted, black stays.',
  },
  softMask: {
    kind: boolean, key: 'soft_mask', also: ['soft_inpainting'], group: 'Pictures in', default: false,
    help: 'Blends old and new where the mask is grey; by default, greys become black or white, as in diffusers.',
  },
  maskBlur: {
    kind: number(0, 512), key: 'mask_blur', group: 'Pictures in', default: 0, example: '8',
    help: "Radius in pixels by which the mask is blurred first: its corners become round, and with soft_mask its edges soft.",
  },
  paddingMaskCrop: {
    kind: whole(0, 8192), key: 'padding_mask_crop', also: ['inpaint_full_res_padding'], group: 'Pictures in', unset: 'all of image is worked on', example: '32',
    help: 'Repaints only the area around the mask, with this many pixels of margin, at full size, and pastes it back into image.',
  },
  outpaint: {
    kind: margins, key: 'outpaint', also: ['expand'], group: 'Pictures in', unset: 'none', example: '128,128,0,0',
    help: 'Pixels to add on the left, right, top and bottom of image, and to paint.',
  },
  resize: {
    kind: oneOf('stretch', 'cover', 'contain'), key: 'resize', also: ['resize_mode'], group: 'Pictures in', default: 'stretch',
    help: 'How input pictures are fitted to width and height: stretched, cropped (cover), or extended at their edges (contain).',
  },
  referenceImage: {
    kind: pictures, key: 'reference_image', also: ['reference', 'references', 'kontext_image', 'image_reference'], group: 'Pictures in', unset: 'none', example: 'house.png',
    help: 'A picture that the model looks at (FLUX.1 Kontext), or a list of them.',
  },
  referenceResize: {
    kind: boolean, key: 'reference_resize', group: 'Pictures in', default: true,
    help: 'Resizes each reference to the best-fitting size that Kontext was trained on.',
  },
  controlImage: {
    kind: pictures, key: 'control_image', also: ['control_picture'], group: 'Pictures in', unset: 'none', example: 'edges.png',
    help: 'Edges, depths or another control of the picture, for a Canny or Depth model or LoRA, or a ControlNet; or a list, one for each ControlNet.',
  },
  controlMode: {
    kind: wholes(0, 1023), key: 'control_mode', also: ['controlnet_mode', 'control_type'], group: 'Pictures in', unset: 'none', example: '0',
    help: 'The kind of control, for a ControlNet that has several (union); or a list, one for each control_image.',
  },
  controlnetConditioningScale: {
    kind: numbers(-10, 10), key: 'controlnet_conditioning_scale', also: ['controlnet_scale', 'controlnet_strength', 'control_strength', 'control_scale'], group: 'Pictures in', default: 1, example: '0.7',
    help: 'How strongly a ControlNet steers; or a list, one for each control_image.',
  },
  controlGuidanceStart: {
    kind: numbers(0, 1), key: 'control_guidance_start', also: ['control_start', 'controlnet_start'], group: 'Pictures in', default: 0, example: '0.1',
    help: 'The part of the steps after which a ControlNet begins; or a list, one for each control_image.',
  },
  controlGuidanceEnd: {
    kind: numbers(0, 1), key: 'control_guidance_end', also: ['control_end', 'controlnet_end'], group: 'Pictures in', default: 1, example: '0.8',
    help: 'The part of the steps after which a ControlNet ends; or a list, one for each control_image.',
  },
  reduxImage: {
    kind: pictures, key: 'redux_image', also: ['image_prompt', 'redux_images'], group: 'Pictures in', unset: 'none', example: 'style.png',
    help: 'A picture as part of the prompt (FLUX.1 Redux), or a list of pictures to mix.',
  },
  promptEmbedsScale: {
    kind: numbers(-10, 10), key: 'prompt_embeds_scale', also: ['redux_scale', 'redux_strength'], group: 'Pictures in', default: 1, example: '0.7',
    help: 'How strongly the prompt with redux_image counts; or a list, one for each redux_image.',
  },
  pooledPromptEmbedsScale: {
    kind: numbers(-10, 10), key: 'pooled_prompt_embeds_scale', group: 'Pictures in', default: 1, example: '0.7',
    help: "How strongly CLIP's part of the prompt counts beside redux_image; or a list, one for each redux_image.",
  },
  control: {
    kind: oneOf('off', 'canny'), key: 'control', also: ['preprocessor', 'control_preprocessor'], group: 'Pictures in', default: 'off',
    help: 'Preprocessing of control_image: canny draws its edges.',
  },
  cannyLow: {
    kind: number(0, 2000), key: 'canny_low', also: ['low_threshold', 'canny_low_threshold'], group: 'Pictures in', default: 100, example: '50',
    help: 'With control=canny, the gradient below which no edge goes on.',
  },
  cannyHigh: {
    kind: number(0, 2000), key: 'canny_high', also: ['high_threshold', 'canny_high_threshold'], group: 'Pictures in', default: 200, example: '100',
    help: 'With control=canny, the gradient above which an edge begins.',
  },
  allowUrl: {
    kind: boolean, key: 'allow_url', group: 'Pictures in', default: false,
    help: 'Allows http and https addresses as pictures, and downloads them.',
  },
  embedInputs: {
    kind: boolean, key: 'embed_inputs', group: 'Pictures in', default: false,
    help: 'Stores small input pictures inside the recipe, so that redo needs no other file.',
  },
  seed: {
    kind: seeds, key: 'seed', also: ['s', 'S', 'seeds'], group: 'Picture', default: 0, example: '1,2,3',
    help: 'Seed of the noise, or a list of seeds with pictures of each; random (or -1) draws a seed, which the recipe records.',
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
  sampler: {
    kind: oneOf('euler', 'heun', 'dpmpp_2m', 'lcm', 'euler_ancestral'), key: 'sampler', also: ['sampler_name', 'sampling_method', 'sample_method', 'solver'], group: 'Sampling', default: 'euler',
    help: 'How a step moves the latents. heun evaluates the model twice a step; lcm, for LoRAs that make a picture in a few steps, and euler_ancestral add new noise in every step.',
  },
  schedule: {
    kind: oneOf('default', 'karras', 'exponential', 'beta'), key: 'schedule', also: ['scheduler', 'schedule_type', 'scheduler_type', 'sigma_schedule'], group: 'Sampling', default: 'default',
    help: 'How the noise levels are spaced between the highest and the lowest, after the shift; default leaves them as they are.',
  },
  sigmas: {
    kind: sigmas, key: 'sigmas', also: ['custom_sigmas'], group: 'Sampling', unset: 'evenly spaced', example: '1.0,0.75,0.5,0.25',
    help: 'Noise levels before the shift, in falling order, one for each step; the final 0 is added.',
  },
  loras: {
    kind: kind('loras', LORAS, 'a list of LoRAs'),
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
  caller: {
    kind: kind('caller', TEXT, 'a name'),
    help: 'Whose request it is: callers take turns, and requests of one caller are served in order. By default, every request is a caller.',
  },
  slot: {
    kind: kind('slot', SLOT, 'a slot of a batch'),
    help: "Makes each picture in this slot of a batch, such as a recipe's; the other slots run empty.",
  },
  signal: signal("Stops the work within a block; the stream then rejects with the signal's reason."),
} as const satisfies Knobs; // biome-ignore format: one knob reads as one row

/** A request for pictures. */
export const REQUEST = settings(REQUEST_KNOBS, "{ prompt: 'a red house', seed: 7 }");

export { INPUT_FIELDS } from './input-fields.ts';

/** Fields that say how input pictures are used. */
export const STEERED = [
  'strength', 'maskBlur', 'softMask', 'paddingMaskCrop', 'outpaint', 'resize', 'referenceResize', 'controlMode',
  'controlnetConditioningScale', 'controlGuidanceStart', 'controlGuidanceEnd', 'promptEmbedsScale',
  'pooledPromptEmbedsScale', 'control', 'cannyLow', 'cannyHigh',
] as const; // biome-ignore format: a list

type Steered = Record<(typeof STEERED)[number], true>;
export const STEERING = REQUEST.pick(Object.fromEntries(STEERED.map((field) => [field, true])) as Steered);

/** How input pictures steer the result. */
export type Steering = Immutable<z.output<typeof STEERING>>;

/** A request for pictures. A missing field takes the model's default. */
export type Request = Immutable<z.input<typeof REQUEST>>;

/** A request whose fields were checked. */
export type CheckedRequest = Immutable<z.output<typeof REQUEST>>;
