/**
 * Which program wrote a LoRA file, as far as its keys tell. Only the report uses it: keys are parsed one by one
 * (keys.ts), so that a file in no known dialect, or in two, is read just the same.
 */

import { firstSign, type Signs } from '../folders/recognise.ts';

const BFL = '(?:double_blocks|single_blocks|img_in|txt_in|time_in|vector_in|guidance_in|final_layer)';

/** The signs of each among a file's keys, most specific first. */
const DIALECTS: Signs = [
  ['kohya sd-scripts', new RegExp(`^(?:lora|oft)_unet_${BFL}`, 'm')],
  ['kohya sd-scripts, diffusers names', /^(?:lora|oft)_unet_/m],
  ['OneTrainer', /^lora_transformer_/m],
  ['OneTrainer, BFL names in parts', /(?:_attn\.qkv|\.linear1)\.\d\./m],
  ['LyCORIS', /^lycoris_/m],
  ['XLabs', /(?:double|single)_blocks\.\d+\.processor\./m],
  ['diffusers, attention processors', /\.attn\.processor\./m],
  ['BFL control', new RegExp(`^${BFL}[^\\n]*\\.(?:query|key)_norm\\.scale$`, 'm')],
  ['fal, BFL names through PEFT', new RegExp(`^base_model\\.model\\.${BFL}`, 'm')],
  ['PEFT', /(?:^|\.)base_model\.model\./m],
  ['ComfyUI, BFL names', new RegExp(`^(?:model\\.)?diffusion_model\\.${BFL}`, 'm')],
  ['ComfyUI, diffusers names', /^(?:model\.)?diffusion_model\./m],
  ['BFL names', new RegExp(`^(?:transformer\\.)?${BFL}[._]`, 'm')],
  ['diffusers', /^(?:transformer|text_encoder|text_encoder_2)\.|^(?:single_)?transformer_blocks\./m],
  ['kohya sd-scripts', /^lora_te\d?[_.]/m],
  ['ComfyUI', /^text_encoders\./m],
  ['diffusers names', /transformer_blocks[._]\d/m],
  ['BFL names', /(?:double|single)_blocks[._]\d/m],
];

/** Names the dialect of a file's keys; `unknown` if none fits. */
export function dialectOf(keys: readonly string[]): string {
  return firstSign(DIALECTS, keys.join('\n')) ?? 'unknown';
}

/** LoRA files of other models, by keys that only they have. */
const FOREIGN: Signs = [
  ['a Stable Diffusion 1, 2 or XL LoRA', /^lora_te2_text_model|(?:input_blocks|down_blocks)[._]\d|lora_unet_(?:input|down|mid|up)/m],
  ['a Stable Diffusion 3 LoRA', /joint_blocks[._]\d/m],
  ['a FLUX.2 LoRA', /double_stream_modulation|single_stream_modulation|to_qkv_mlp_proj/m],
  ['a Chroma LoRA', /distilled_guidance_layer/m],
  ['a Wan LoRA', /(?:^|[._])blocks[._]\d+[._](?:self_attn|cross_attn)/m],
  ['a Qwen-Image LoRA', /transformer_blocks[._]\d+[._]attn[._]to_q/m, /img_mlp[._]net/],
  ['a HunyuanVideo LoRA', /token_refiner|(?:img|txt)_mod[._]linear|(?:img|txt)_mlp[._]fc[12]/m],
]; // biome-ignore format: a model and its signs read as one row

/** Algorithms that are recognised by their tensors but not applied. */
const UNSUPPORTED: Signs = [
  ['OFT', /\.oft_(?:blocks|diag)|\.oft_R\b/m],
  ['IA3', /\.on_input$/m],
  ['Tucker-decomposed LoRA, made for convolutions', /\.lora_mid\.|\.(?:hada_t[12]|lokr_t2)$/m],
];

/** Names a file's algorithm if it is recognised but not supported. */
export function unsupportedAlgorithm(keys: readonly string[]): string | undefined {
  return firstSign(UNSUPPORTED, keys.join('\n'));
}

/** Names the model a file's LoRA is for when it is known not to be FLUX.1. */
export function foreignModel(keys: readonly string[]): string | undefined {
  return firstSign(FOREIGN, keys.join('\n'));
}
