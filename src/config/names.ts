/**
 * The names people give to keys: those of other tools beside MaxDiffusion's, in any case and with dashes, and for what Flux or this
 * program does not have, one sentence on what to do instead.
 */

import { plainName } from '../api/knobs.ts';
import { nearest } from '../support/errors.ts';
import { acceptedKeys } from './accepted.ts';
import { isKey, KEY_NAMES, type KeyName, keyRow } from './keys.ts';

const IMAGE_TO_IMAGE =
  'pictures are made from text alone: there is no image-to-image, inpainting, ControlNet or IP-Adapter here';
const ONE_SAMPLER =
  'Flux has one sampler, flow-matching Euler; num_inference_steps, sigmas, time_shift, base_shift and max_shift set its steps';
const NO_CFG = 'Flux is guided by its guidance embedding, in one pass without CFG: guidance_scale=3.5 sets that';
const NO_NEGATIVE =
  'Flux has no negative prompt, as it is guided in one pass: say in the prompt what the picture shows instead';

/** What to do instead, for names that stand together. */
const ADVICE: readonly (readonly [advice: string, ...names: string[]])[] = [
  [NO_CFG, 'cfg', 'cfg_scale', 'true_cfg', 'true_cfg_scale', 'scale', 'text_cfg'],
  [NO_NEGATIVE, 'negative', 'neg', 'neg_prompt', 'negative_prompt_2', 'uncond', 'no'],
  ['sizes are in pixels: size=1344x768 is about 16:9, 1152x896 about 4:3, 768x1344 about 9:16', 'aspect_ratio', 'aspect', 'ratio', 'ar'],
  [ONE_SAMPLER, 'sampler', 'sampler_name', 'sampling_method', 'scheduler', 'scheduler_type', 'schedule', 'schedule_type', 'solver', 'use_karras_sigmas', 'karras', 'eta'],
  [IMAGE_TO_IMAGE, 'strength', 'denoise', 'denoising_strength', 'image', 'init_image', 'init_img', 'input_image', 'img2img', 'mask', 'mask_image', 'control_image', 'controlnet', 'ip_adapter', 'ip_adapter_image', 'redux'],
  ["Flux takes the pooled output of CLIP's last layer: there is nothing to skip", 'clip_skip'],
  ['pictures are made at their size at once: size=1536x1024 gives a large one', 'upscale', 'upscaler', 'hires_fix', 'hires', 'hr_scale'],
  ['two keys say it: weights_dtype=… for weights, activations_dtype=… for what is computed', 'dtype', 'torch_dtype', 'precision_type', 'float_type'],
  ['quantization=int8, fp8 or int4 chooses it', 'fp8', 'int8', 'int4', 'q8', 'q4', 'bits', 'load_in_8bit', 'load_in_4bit', 'bnb'],
  ['a scale is written after its file: lora=FILE:0.8', 'lora_scale', 'lora_scales', 'lora_weight', 'lora_strength'],
  ['jax_cache_dir=FOLDER is where compiled programs are kept, and the variable FLUXION_CACHE_DIR where all is', 'cache_dir', 'compile_cache'],
  ['residency=streamed streams weights block by block; without it, that is decided by the memory there is', 'lowvram', 'medvram', 'low_vram', 'cpu_offload', 'enable_model_cpu_offload', 'sequential_offload', 'offload'],
  ['attention=flash, or auto, the default, which takes the fastest there is', 'flash_attention', 'xformers', 'sdpa', 'attn', 'use_flash_attention'],
  ['-o picture.jpg names the file, and its ending the format: png, jpg or webp', 'format', 'output_format', 'ext', 'file', 'filename'],
  ['a token is read from HF_TOKEN, or from where the Hugging Face tools keep it', 'token', 'hf_token', 'api_key'],
  ["programs are always compiled, and kept: there is nothing to switch on", 'torch_compile', 'jit'],
  ['--preview step shows every step', 'callback', 'show_progress', 'live_preview'],
  ['Midjourney has it, and Flux does not: say it in the prompt', 'stylize', 'chaos', 'niji', 'quality', 'style', 'v', 'q', 'weird'],
]; // biome-ignore format: one line a subject

const advice: Readonly<Record<string, string>> = Object.fromEntries(
  ADVICE.flatMap(([text, ...names]) => names.map((name) => [name, text])),
);

const keyByAlias: ReadonlyMap<string, KeyName> = new Map(
  KEY_NAMES.flatMap((key) => (keyRow(key).also ?? []).map((alias) => [alias, key])),
);

/** What a name means: a key of ours, one of MaxDiffusion's without effect, a name there is advice for, or nothing we know. */
export type Meaning =
  | { readonly kind: 'key'; readonly name: KeyName }
  | { readonly kind: 'accepted'; readonly name: string }
  | { readonly kind: 'advice'; readonly name: string; readonly advice: string }
  | { readonly kind: 'unknown'; readonly name: string };

/** Finds what a name means, in any spelling: `numInferenceSteps`, `Steps`, `num-inference-steps` are one key. */
export function meaningOf(written: string): Meaning {
  for (const name of [written, plainName(written)]) {
    const key = isKey(name) ? name : keyByAlias.get(name);
    if (key !== undefined) return { kind: 'key', name: key };
    if (Object.hasOwn(acceptedKeys, name)) return { kind: 'accepted', name };
    if (Object.hasOwn(advice, name)) return { kind: 'advice', name, advice: advice[name]! };
  }
  return { kind: 'unknown', name: written };
}

/** Returns the known names that an unknown one may be a slip of, at most `count`; names of up to three letters are no slips. */
export function slipsOf(written: string, count: number): string[] {
  const name = plainName(written);
  if (name.length < 4) return [];
  const known = [...KEY_NAMES, ...keyByAlias.keys(), ...Object.keys(acceptedKeys)].filter(({ length }) => length > 3);
  return nearest(name, known, count, Math.max(1, Math.floor(name.length / 3)));
}
