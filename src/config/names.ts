/**
 * Other names for keys: those of other tools, in any case and with dashes. A feature that Flux or this program lacks has a sentence of
 * advice instead.
 */

import { plainName } from '../api/knobs.ts';
import { nearest } from '../support/errors.ts';
import { acceptedKeys } from './accepted.ts';
import { isKey, KEY_NAMES, type KeyName, keyRow } from './keys.ts';

const NO_ADAPTER =
  'there is no IP-Adapter here: reference_image shows a picture to a Kontext model, and image starts from one';

/** Advice, each with the names it answers. */
const ADVICE: readonly (readonly [advice: string, ...names: string[]])[] = [
  ['guidance_scale=3.5 sets the guidance, and true_cfg_scale that away from negative_prompt', 'scale'],
  ['sizes are in pixels: size=1344x768 is about 16:9, 1152x896 about 4:3, 768x1344 about 9:16', 'aspect_ratio', 'aspect', 'ratio', 'ar'],
  ['schedule=karras, exponential or beta spaces the noise levels', 'use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas', 'karras'],
  ['sampler=euler_ancestral adds new noise in every step, as much as eta 1 does', 'eta', 's_noise', 's_churn'],
  [NO_ADAPTER, 'ip_adapter', 'ip_adapter_image'],
  ["Flux takes the pooled output of CLIP's last layer: there is nothing to skip", 'clip_skip'],
  ['pictures are made at full size in one pass: size=1536x1024 gives a large one', 'upscale', 'upscaler', 'hires_fix', 'hires', 'hr_scale'],
  ['there are two keys: weights_dtype=… for weights, activations_dtype=… for activations', 'dtype', 'torch_dtype', 'precision_type', 'float_type'],
  ['quantization=int8, fp8 or int4 chooses it', 'fp8', 'int8', 'int4', 'q8', 'q4', 'bits', 'load_in_8bit', 'load_in_4bit', 'bnb'],
  ['a scale is written after its file: lora=FILE:0.8', 'lora_scale', 'lora_scales', 'lora_weight', 'lora_strength'],
  ['jax_cache_dir=FOLDER sets the folder of compiled programs, and the variable FLUXION_CACHE_DIR that of the whole cache', 'cache_dir', 'compile_cache'],
  ['residency=streamed streams weights block by block; by default that depends on the memory available', 'lowvram', 'medvram', 'low_vram', 'cpu_offload', 'enable_model_cpu_offload', 'sequential_offload', 'offload'],
  ['attention=flash, or the default, auto, which takes the fastest available', 'flash_attention', 'xformers', 'sdpa', 'attn', 'use_flash_attention'],
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

/** The meaning of a name: a key, a MaxDiffusion key without effect, a name with advice, or unknown. */
export type NameMeaning =
  | { readonly kind: 'key'; readonly name: KeyName }
  | { readonly kind: 'accepted'; readonly name: string }
  | { readonly kind: 'advice'; readonly name: string; readonly advice: string }
  | { readonly kind: 'unknown'; readonly name: string };

/** Looks up a name in any spelling: `numInferenceSteps`, `Steps` and `num-inference-steps` are one key. */
export function meaningOf(written: string): NameMeaning {
  for (const name of [written, plainName(written)]) {
    const key = isKey(name) ? name : keyByAlias.get(name);
    if (key !== undefined) return { kind: 'key', name: key };
    if (Object.hasOwn(acceptedKeys, name)) return { kind: 'accepted', name };
    if (Object.hasOwn(advice, name)) return { kind: 'advice', name, advice: advice[name]! };
  }
  return { kind: 'unknown', name: written };
}

/** Returns at most `count` known names that an unknown one may misspell; none for names of up to three letters. */
export function slipsOf(written: string, count: number): string[] {
  const name = plainName(written);
  if (name.length < 4) return [];
  const known = [...KEY_NAMES, ...keyByAlias.keys(), ...Object.keys(acceptedKeys)].filter(({ length }) => length > 3);
  return nearest(name, known, count, Math.max(1, Math.floor(name.length / 3)));
}
