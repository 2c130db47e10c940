/**
 * What a file or folder is that this program does not run: told by the names and shapes of its tensors, or by the classes its configs
 * name. Every place that opens, explains, converts or downloads a model asks here first.
 */

import { FluxionError } from '../../support/errors.ts';
import { describeJson, type Json, type JsonObject, quote } from '../files/json.ts';
import type { StoredTensor } from '../files/tensors.ts';
import type { ModelFamily } from './keymap.ts';

/** Something else than a part of FLUX.1 text-to-image. */
export interface Foreign {
  /** In a few words with an article, such as `a Chroma transformer`. */
  readonly what: string;
  /** The part it might be taken for; `file` where nothing of the file can be used as it is. */
  readonly instead: ModelFamily | 'file';
}

/** What this program runs, for messages. */
export const RUNS = 'FLUX.1 text-to-image models: dev, schnell, Krea and fine-tunes of them';

/** A file's keys, and what is known of each tensor. */
interface Tensors {
  keys(): readonly string[];
  has(key: string): boolean;
  info(key: string): StoredTensor;
}

/** What a key of each pattern tells, all of a row's patterns being there; the first row that fits counts. */
type Signs = readonly (readonly [instead: Foreign['instead'], what: string, ...signs: RegExp[]])[];

/** What an adapter is called: a small file that changes a model. */
export const LORA = 'a LoRA';
const ADAPTER =
  /[._]lora_(?:A|B|down|up|mid|magnitude_vector)\b|\.lora\.(?:down|up)\.|_lora\d?\.(?:down|up)\.|\.(?:lokr_w[12]|hada_w[12])(?:_[ab])?\b|\.oft_(?:blocks|diag|R)\b/m;

const SIGNS: Signs = [
  // Ways of quantising that only their own programs read; some have low-rank parts that look like a LoRA.
  ['file', 'weights quantised by nunchaku (SVDQuant)', /\.(?:wscales|wcscales|smooth_factor|smooth_factor_orig|smooth|smooth_orig)$/m],
  ['file', 'weights quantised by GPTQ or AWQ', /\.qweight$/m, /\.qzeros$/m],
  ['file', 'weights quantised by optimum-quanto', /\.weight\._(?:data|scale|shift|packed|qtype)(?:\.|$)|\.weight_qtype$/m],
  ['file', 'weights quantised by torchao', /\.weight(?:\.|:|_)(?:tensor_impl|original_weight_tensor|qdata|_weight_qdata|layout_tensor)\b|\._weight_qdata$/m],
  ['file', 'weights quantised by HQQ', /\.W_q$/m],
  ['file', 'weights quantised by SDNQ', /\.svd_(?:up|down)$/m],
  ['file', 'weights quantised by MLX', /\.scales$/m, /\.biases$/m],
  ['file', 'weights quantised by bitsandbytes in a way that is not read', /\.bitsandbytes__|\.SCB$/m],
  ['file', 'an IP-Adapter', /(?:^|\.)(?:ip_adapter|image_proj)\b|\.ip_adapter_|ip_adapter_proj_model/m],
  ['file', LORA, ADAPTER],
  ['file', 'a textual inversion', /^(?:emb_params|string_to_param)\b/m],
  // Networks that go beside FLUX.1's.
  ['flux', 'a ControlNet', /(?:^|\.)(?:controlnet_\w+|control_model|zero_convs|input_hint_block|pos_embed_input|control_img_in|control_layers)\./m],
  ['flux', 'FLUX.1 Redux, an image encoder', /(?:^|\.)redux_(?:up|down)\./m],
  // Networks of other models.
  ['flux', 'a Chroma transformer', /(?:^|\.)distilled_guidance_layer\./m],
  ['flux', 'a FLUX.2 transformer', /(?:^|\.)(?:single|double)_stream_modulation(?:_img|_txt)?\./m],
  ['flux', 'a HunyuanVideo or HunyuanImage transformer', /(?:^|\.)(?:individual_)?token_refiner\.|double_blocks\.\d+\.img_attn_qkv\./m],
  ['flux', 'a Qwen-Image transformer', /transformer_blocks\.\d+\.(?:img|txt)_mod\.1\./m],
  ['flux', 'a Lumina or Z-Image transformer', /(?:^|\.)(?:noise|context)_refiner\.\d/m],
  ['flux', 'a HiDream transformer', /(?:^|\.)(?:double|single)_stream_blocks\.\d+\.block\./m],
  ['flux', 'an AuraFlow transformer', /(?:^|\.)register_tokens$/m],
  ['flux', 'a Stable Diffusion 3 transformer', /(?:^|\.)joint_blocks\.\d/m],
  ['flux', 'a Stable Diffusion 3 transformer', /(?:^|\.)pos_embed\.pos_embed$/m, /transformer_blocks\.\d+\.attn\.add_q_proj/m],
  ['flux', 'a Kandinsky transformer', /(?:^|\.)visual_transformer_blocks\.\d/m],
  ['flux', 'a Stable Diffusion XL UNet', /(?:^|\.)(?:input_blocks|down_blocks)\.\d+\./m, /(?:^|\.)(?:label_emb|add_embedding)\./m],
  ['flux', 'a Stable Diffusion UNet', /(?:^|\.)(?:input_blocks|down_blocks)\.\d+\..*(?:transformer_blocks|attentions\.\d+\.proj_in)/m],
  ['flux', 'a Wan or Cosmos video transformer', /(?:^|\.)blocks\.\d+\.(?:cross_attn|self_attn|attn1|attn2)\./m],
  ['flux', 'a PixArt, Sana or LTX transformer', /(?:^|\.)(?:adaln_single|time_embed\.emb)\.|(?:^|\.)caption_projection\.linear/m],
  ['flux', 'a CogView, CogVideoX or Cosmos transformer', /(?:^|\.)patch_embed\.(?:proj|text_proj)\./m],
  ['flux', 'a Bria, Ovis or LongCat transformer', /(?:^|\.)x_embedder\.weight$/m, /(?:^|(?<!time_text_embed)\.)timestep_embedder\.linear_1\./m],
  // Other autoencoders and encoders.
  ['vae', 'the FLUX.2 autoencoder', /(?:^|\.)bn\.running_mean$/m],
  ['vae', 'a tiny autoencoder (TAESD)', /^(?:taesd_)?(?:(?:encoder|decoder)\.(?:layers\.)?)?\d+\.conv\.\d+\.(?:weight|bias)$/m],
  ['vae', 'a video autoencoder, as of Wan or Qwen-Image', /(?:encoder|decoder)\..*\.(?:norm\d?|residual\.\d+|norm_out)\.gamma$/m],
  ['vae', 'a deep-compression autoencoder, as of Sana', /(?:encoder|decoder)\.(?:stages\.\d|(?:down|up)_blocks\.\d+\.\d+\.)/m],
  ['t5', 'a UMT5 encoder', /encoder\.block\.1\.layer\.0\.SelfAttention\.relative_attention_bias\.weight$/m],
  ['t5', 'a T5 encoder of version 1.0, which has no gates', /DenseReluDense\.wi\.weight$/m],
  ['file', 'a language model, such as Qwen3, Mistral or Llama', /^(?:language_)?model\.(?:language_model\.)?layers\.\d+\.(?:self_attn|mlp)\.|^blk\.\d+\.(?:attn_[qkv]|ffn_gate)\./m],
]; // biome-ignore format: a part, what it is and its signs read as one row

/** More keys than any model of a size that is run here has; what stands after them does not change what a file is. */
const MOST_KEYS = 20_000;

/** Tells what a file is by its tensors, where that is something else than a part of FLUX.1 text-to-image. */
export function recogniseTensors(store: Tensors): Foreign[] {
  const keys = store.keys().slice(0, MOST_KEYS);
  const text = keys.join('\n');
  const found = new Map<Foreign['instead'], Foreign>();
  for (const [instead, what, ...signs] of SIGNS) {
    if (!found.has(instead) && signs.every((sign) => sign.test(text))) found.set(instead, { instead, what });
  }
  for (const foreign of [byInputs(store, keys), byLatents(store, keys), clipWithoutText(text)]) {
    if (foreign && !found.has(foreign.instead)) found.set(foreign.instead, foreign);
  }
  return [...found.values()];
}

/** FLUX.1's tools have its network with more inputs: beside each latent those of a picture, and perhaps of a mask. */
function byInputs(store: Tensors, keys: readonly string[]): Foreign | undefined {
  const first = keys.find((key) => /(?:^|\.)(?:img_in|x_embedder)\.weight$/.test(key));
  if (first === undefined) return undefined;
  const prefix = first.replace(/(?:img_in|x_embedder)\.weight$/, '');
  const last = ['final_layer.linear.weight', 'proj_out.weight'].find((name) => store.has(prefix + name));
  const inputs = store.info(first).shape[1];
  const outputs = last === undefined ? undefined : store.info(prefix + last).shape[0];
  const what = inputs && outputs ? toolOf(inputs, outputs) : undefined;
  return what === undefined ? undefined : { instead: 'flux', what };
}

/** Names the FLUX.1 tool whose network has so many channels in and out; undefined for text-to-image, which has as many of each. */
export function toolOf(inputs: number, outputs: number): string | undefined {
  switch (inputs / outputs) {
    case 1:
      return undefined;
    case 2:
      return 'a FLUX.1 Control transformer (Canny or Depth), which also takes a picture';
    case 6:
      return 'a FLUX.1 Fill transformer, which also takes a picture and a mask';
    default:
      return `a transformer with ${inputs} channels in and ${outputs} out, which also takes a picture`;
  }
}

/** Stable Diffusion's autoencoders have FLUX.1's network with 4 latent channels. */
function byLatents(store: Tensors, keys: readonly string[]): Foreign | undefined {
  const key = keys.find((candidate) => /(?:^|\.)decoder\.conv_in\.weight$/.test(candidate));
  const channels = key === undefined ? undefined : store.info(key).shape[1];
  return channels === 4 ? { instead: 'vae', what: 'a Stable Diffusion autoencoder, of 4 latent channels' } : undefined;
}

function clipWithoutText(text: string): Foreign | undefined {
  const isVision = /(?:^|\.)(?:vision_model\.|visual\.|patch_embedding\.)/m.test(text);
  const hasText = /(?:^|\.)(?:text_model\.|token_embedding\.weight$)/m.test(text);
  return isVision && !hasText ? { instead: 'clip', what: 'an image encoder (CLIP vision or SigLIP)' } : undefined;
}

/** What classes in configs are, by the beginning of their names; the first that fits counts. */
const CLASSES: readonly (readonly [begins: RegExp, what: string])[] = [
  [/^FluxFill/, 'FLUX.1 Fill'],
  [/^FluxControlNet|^FluxMultiControlNet/, 'a ControlNet of FLUX.1'],
  [/^FluxControl/, 'FLUX.1 Control (Canny or Depth)'],
  [/^FluxPriorRedux|^ReduxImageEncoder/, 'FLUX.1 Redux'],
  [/^(?:Flux2|AutoencoderKLFlux2)/, 'FLUX.2'],
  [/^Chroma/, 'Chroma'],
  [/^StableDiffusionXL/, 'Stable Diffusion XL'],
  [/^(?:StableDiffusion3|SD3)/, 'Stable Diffusion 3'],
  [/^(?:StableDiffusion|UNet2DConditionModel|KolorsPipeline)/, 'Stable Diffusion'],
  [/ControlNet/, 'a ControlNet'],
  [/^QwenImage/, 'Qwen-Image'],
  [/^ZImage/, 'Z-Image'],
  [/^HiDream/, 'HiDream'],
  [/^(?:Lumina)/, 'Lumina'],
  [/^(?:Sana|AutoencoderDC)/, 'Sana'],
  [/^PixArt/, 'PixArt'],
  [/^AuraFlow/, 'AuraFlow'],
  [/^(?:Wan|AutoencoderKLWan)/, 'Wan'],
  [/^HunyuanVideo|^AutoencoderKLHunyuan|^HunyuanImage/, 'Hunyuan'],
  [/^(?:LTX|AutoencoderKLLTX)/, 'LTX'],
  [/^CogV/, 'CogView or CogVideoX'],
  [/^Kandinsky/, 'Kandinsky'],
  [/^Bria/, 'Bria'],
  [/^AutoencoderTiny/, 'a tiny autoencoder (TAESD)'],
  [/^(?:CLIPVision|Siglip)|^(?:clip_vision|siglip)/, 'an image encoder'],
  [/^(?:UMT5)|^umt5/, 'a UMT5 encoder'],
  [/^(?:Qwen|Mistral|Llama|Gemma)|^(?:qwen|mistral|llama|gemma)/, 'a language model'],
];

/** Pipelines of diffusers whose components are those of text-to-image; Kontext's network is dev's. */
const PIPELINES = [
  'FluxPipeline',
  'FluxImg2ImgPipeline',
  'FluxInpaintPipeline',
  'FluxKontextPipeline',
  'FluxKontextInpaintPipeline',
];

/** Names the model that a class of diffusers or transformers, or a `model_type`, belongs to. */
export function modelOfClass(name: string): string | undefined {
  return CLASSES.find(([begins]) => begins.test(name))?.[1];
}

/** Returns the class that a pipeline's `model_index.json` names; throws `unsupported` for one that is not run here. */
export function requirePipeline(index: JsonObject, file: string): string {
  const name = index.get('_class_name');
  if (typeof name !== 'string') {
    const found = describeJson(name);
    throw new FluxionError(
      'bad_file',
      `${file}: _class_name: expected a pipeline such as 'FluxPipeline', found ${found}`,
    );
  }
  if (PIPELINES.includes(name)) return name;
  const model = modelOfClass(name);
  throw notRun(file, model === undefined ? `a pipeline of class ${quote(name)}` : `${model} (${name})`);
}

/** Tells what a component's config.json is of, where it names a class that is recognised and of another model. */
export function recogniseConfig(json: JsonObject): string | undefined {
  const architectures = json.get('architectures');
  const named: (Json | undefined)[] = [
    json.get('_class_name'),
    json.get('model_type'),
    ...(Array.isArray(architectures) ? architectures : []),
  ];
  for (const name of named) {
    const model = typeof name === 'string' ? modelOfClass(name) : undefined;
    if (model !== undefined) return `${model} (${String(name)})`;
  }
  return undefined;
}

/** The error for what is of another model. */
export function notRun(where: string, what: string): FluxionError {
  return new FluxionError('unsupported', `${where}: this is ${what}, and this program runs ${RUNS}`, {
    hint: 'fluxion pull black-forest-labs/FLUX.1-schnell downloads one that it runs',
  });
}
