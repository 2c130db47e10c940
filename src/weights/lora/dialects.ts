/**
 * Which program wrote a LoRA file, as far as its keys tell. Only the report uses it: keys are parsed one by one
 * (keys.ts), so that a file in no known dialect, or in two, is read just the same.
 */

interface Dialect {
  readonly name: string;
  /** Recognises it among all keys, joined by line ends. */
  readonly sign: RegExp;
}

const BFL = '(?:double_blocks|single_blocks|img_in|txt_in|time_in|vector_in|guidance_in|final_layer)';

/** Most specific first. */
const DIALECTS: readonly Dialect[] = [
  { name: 'kohya sd-scripts', sign: new RegExp(`^(?:lora|oft)_unet_${BFL}`, 'm') },
  { name: 'kohya sd-scripts, diffusers names', sign: /^(?:lora|oft)_unet_/m },
  { name: 'OneTrainer', sign: /^lora_transformer_/m },
  { name: 'OneTrainer, BFL names in parts', sign: /(?:_attn\.qkv|\.linear1)\.\d\./m },
  { name: 'LyCORIS', sign: /^lycoris_/m },
  { name: 'XLabs', sign: /(?:double|single)_blocks\.\d+\.processor\./m },
  { name: 'diffusers, attention processors', sign: /\.attn\.processor\./m },
  { name: 'BFL control', sign: new RegExp(`^${BFL}[^\\n]*\\.(?:query|key)_norm\\.scale$`, 'm') },
  { name: 'fal, BFL names through PEFT', sign: new RegExp(`^base_model\\.model\\.${BFL}`, 'm') },
  { name: 'PEFT', sign: /(?:^|\.)base_model\.model\./m },
  { name: 'ComfyUI, BFL names', sign: new RegExp(`^(?:model\\.)?diffusion_model\\.${BFL}`, 'm') },
  { name: 'ComfyUI, diffusers names', sign: /^(?:model\.)?diffusion_model\./m },
  { name: 'BFL names', sign: new RegExp(`^(?:transformer\\.)?${BFL}[._]`, 'm') },
  { name: 'diffusers', sign: /^(?:transformer|text_encoder|text_encoder_2)\.|^(?:single_)?transformer_blocks\./m },
  { name: 'kohya sd-scripts', sign: /^lora_te\d?[_.]/m },
  { name: 'ComfyUI', sign: /^text_encoders\./m },
  { name: 'diffusers names', sign: /transformer_blocks[._]\d/m },
  { name: 'BFL names', sign: /(?:double|single)_blocks[._]\d/m },
];

/** Names the dialect of a file's keys; `unknown` if none fits. */
export function dialectOf(keys: readonly string[]): string {
  const text = keys.join('\n');
  return DIALECTS.find(({ sign }) => sign.test(text))?.name ?? 'unknown';
}

/** LoRA files of other models, by keys that only they have. */
const FOREIGN: readonly (readonly [sign: RegExp, what: string, also?: RegExp])[] = [
  [/^lora_te2_text_model|(?:input_blocks|down_blocks)[._]\d|lora_unet_(?:input|down|mid|up)/m, 'a Stable Diffusion 1, 2 or XL LoRA'],
  [/joint_blocks[._]\d/m, 'a Stable Diffusion 3 LoRA'],
  [/double_stream_modulation|single_stream_modulation|to_qkv_mlp_proj/m, 'a FLUX.2 LoRA'],
  [/distilled_guidance_layer/m, 'a Chroma LoRA'],
  [/(?:^|[._])blocks[._]\d+[._](?:self_attn|cross_attn)/m, 'a Wan LoRA'],
  [/transformer_blocks[._]\d+[._]attn[._]to_q/m, 'a Qwen-Image LoRA', /img_mlp[._]net/],
  [/token_refiner|(?:img|txt)_mod[._]linear|(?:img|txt)_mlp[._]fc[12]/m, 'a HunyuanVideo LoRA'],
]; // biome-ignore format: a sign and its meaning read as one row

/** Algorithms that are recognised by their tensors but not applied. */
const UNSUPPORTED: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\.oft_(?:blocks|diag)|\.oft_R\b/m, 'OFT'],
  [/\.on_input$/m, 'IA3'],
  [/\.lora_mid\.|\.(?:hada_t[12]|lokr_t2)$/m, 'Tucker-decomposed LoRA, made for convolutions'],
];

/** Names a file's algorithm if it is recognised but not supported. */
export function unsupportedAlgorithm(keys: readonly string[]): string | undefined {
  const text = keys.join('\n');
  return UNSUPPORTED.find(([sign]) => sign.test(text))?.[1];
}

/** Names the model a file's LoRA is for when it is known not to be FLUX.1. */
export function foreignModel(keys: readonly string[]): string | undefined {
  const text = keys.join('\n');
  return FOREIGN.find(([sign, , also]) => sign.test(text) && (also?.test(text) ?? true))?.[1];
}
