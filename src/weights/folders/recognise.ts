/**
 * Recognises files and folders that this program does not run, by the names and shapes of their tensors or the classes in their configs.
 * Every place that opens, explains, converts or downloads a model asks here first.
 */

import { FluxionError } from '../../support/errors.ts';
import { type Json, type JsonObject, quote, unexpected } from '../files/json.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { Family, Tensors } from './family.ts';

/** Something other than a part of a family. */
export interface Foreign {
  /** In a few words with an article, such as `a Chroma transformer`. */
  readonly what: string;
  /** The component that it might be taken for; `file` if nothing in the file can be used as it is. */
  readonly instead: string;
}

/** What this program runs, for messages. */
export const RUNS = 'FLUX.1 text-to-image models: dev, schnell, Krea and fine-tunes of them';

/** Kinds of file or model, each with patterns that must all match a text, such as a file's keys; the first row that fits counts. */
export type Signs = readonly (readonly [what: string, ...signs: RegExp[]])[];

/** Looks up a text in a table, such as a file's keys, one a line. */
export function firstSign(signs: Signs, text: string): string | undefined {
  return signs.find(([, ...patterns]) => patterns.every((pattern) => pattern.test(text)))?.[0];
}

/** What an adapter is called: a small file that changes a model. */
export const LORA = 'a LoRA';
const ADAPTER =
  /[._]lora_(?:A|B|down|up|mid|magnitude_vector)\b|\.lora\.(?:down|up)\.|_lora\d?\.(?:down|up)\.|\.(?:lokr_w[12]|hada_w[12])(?:_[ab])?\b|\.oft_(?:blocks|diag|R)\b/m;

/** Files of which nothing can be used as it is. */
const FILES: Signs = [
  ['weights quantised by nunchaku (SVDQuant)', /\.(?:wscales|wcscales|smooth_factor|smooth_factor_orig|smooth|smooth_orig)$/m],
  ['weights quantised by GPTQ or AWQ', /\.qweight$/m, /\.qzeros$/m],
  ['weights quantised by optimum-quanto', /\.weight\._(?:data|scale|shift|packed|qtype)(?:\.|$)|\.weight_qtype$/m],
  ['weights quantised by torchao', /\.weight(?:\.|:|_)(?:tensor_impl|original_weight_tensor|qdata|_weight_qdata|layout_tensor)\b|\._weight_qdata$/m],
  ['weights quantised by HQQ', /\.W_q$/m],
  ['weights quantised by SDNQ', /\.svd_(?:up|down)$/m],
  ['weights quantised by MLX', /\.scales$/m, /\.biases$/m],
  ['weights quantised by bitsandbytes in a way that is not read', /\.bitsandbytes__|\.SCB$/m],
  ['an IP-Adapter', /(?:^|\.)(?:ip_adapter|image_proj)\b|\.ip_adapter_|ip_adapter_proj_model/m],
  [LORA, ADAPTER],
  ['a textual inversion', /^(?:emb_params|string_to_param)\b/m],
  ['a language model, such as Qwen3, Mistral or Llama', /^(?:language_)?model\.(?:language_model\.)?layers\.\d+\.(?:self_attn|mlp)\.|^blk\.\d+\.(?:attn_[qkv]|ffn_gate)\./m],
]; // biome-ignore format: what it is and its signs read as one row

/** More keys than any model that runs here has; later keys are ignored. */
const MOST_KEYS = 20_000;

/** A file's tensors, to recognise it by. */
export function tensorsIn(store: Pick<TensorStore, 'keys' | 'has' | 'info'>): Tensors {
  const keys = store.keys().slice(0, MOST_KEYS);
  return { store, keys, text: keys.join('\n') };
}

/** Recognises a file by its tensors if it is something other than a part of a family. */
export function recogniseTensors(tensors: Tensors, { components }: Family): Foreign[] {
  const found = [
    { instead: 'file', what: firstSign(FILES, tensors.text) },
    ...components.map((component) => ({ instead: component.name, what: component.foreign(tensors) })),
  ];
  return found.flatMap(({ instead, what }) => (what === undefined ? [] : [{ instead, what }]));
}

/** The models that classes of diffusers and transformers, and each `model_type`, belong to. */
const CLASSES: Signs = [
  ['a ControlNet of FLUX.1', /^FluxControlNet|^FluxMultiControlNet/],
  ['FLUX.1 Redux', /^FluxPriorRedux|^ReduxImageEncoder/],
  ['FLUX.2', /^(?:Flux2|AutoencoderKLFlux2)/],
  ['Chroma', /^Chroma/],
  ['Stable Diffusion XL', /^StableDiffusionXL/],
  ['Stable Diffusion 3', /^(?:StableDiffusion3|SD3)/],
  ['Stable Diffusion', /^(?:StableDiffusion|UNet2DConditionModel|KolorsPipeline)/],
  ['a ControlNet', /ControlNet/],
  ['Qwen-Image', /^QwenImage/],
  ['Z-Image', /^ZImage/],
  ['HiDream', /^HiDream/],
  ['Lumina', /^(?:Lumina)/],
  ['Sana', /^(?:Sana|AutoencoderDC)/],
  ['PixArt', /^PixArt/],
  ['AuraFlow', /^AuraFlow/],
  ['Wan', /^(?:Wan|AutoencoderKLWan)/],
  ['Hunyuan', /^HunyuanVideo|^AutoencoderKLHunyuan|^HunyuanImage/],
  ['LTX', /^(?:LTX|AutoencoderKLLTX)/],
  ['CogView or CogVideoX', /^CogV/],
  ['Kandinsky', /^Kandinsky/],
  ['Bria', /^Bria/],
  ['a tiny autoencoder (TAESD)', /^AutoencoderTiny/],
  ['an image encoder', /^(?:CLIPVision|Siglip)|^(?:clip_vision|siglip)/],
  ['a UMT5 encoder', /^(?:UMT5)|^umt5/],
  ['a language model', /^(?:Qwen|Mistral|Llama|Gemma)|^(?:qwen|mistral|llama|gemma)/],
];

/** Returns the class that a pipeline's `model_index.json` names; throws `unsupported` for one that is not run here. */
export function requirePipeline(index: JsonObject, file: string, { pipelines }: Family): string {
  const name = index.get('_class_name');
  if (typeof name !== 'string') throw unexpected(`${file}: _class_name`, "a pipeline such as 'FluxPipeline'", name);
  if (pipelines.includes(name)) return name;
  const model = firstSign(CLASSES, name);
  throw notRun(file, model === undefined ? `a pipeline of class ${quote(name)}` : `${model} (${name})`);
}

/** Says what a component's config.json describes, if it names the class of another model that is recognised and not among `own`. */
export function recogniseConfig(json: JsonObject, own: readonly string[] = []): string | undefined {
  const architectures = json.get('architectures');
  const named: (Json | undefined)[] = [
    json.get('_class_name'),
    json.get('model_type'),
    ...(Array.isArray(architectures) ? architectures : []),
  ];
  for (const name of named) {
    const model = typeof name === 'string' && !own.includes(name) ? firstSign(CLASSES, name) : undefined;
    if (model !== undefined) return `${model} (${String(name)})`;
  }
  return undefined;
}

/** The options for networks beside a model, by what they are. */
const BESIDE: Signs = [
  ['controlnet', /^a ControlNet of FLUX\.1/],
  ['redux', /^FLUX\.1 Redux/],
  ['image_encoder', /^an image encoder \([Ss]iglip/],
];

/** The error for a file of another model, or of a network beside one. */
export function notRun(where: string, what: string): FluxionError {
  const option = firstSign(BESIDE, what);
  if (option !== undefined)
    return new FluxionError('unsupported', `${where}: this is ${what}, a network for use beside a model`, {
      hint: `name the model as before, and add ${option}=${where.replace(/(?:[/\\]|: )(?:model_index|config)\.json$/, '')}`,
    });
  return new FluxionError('unsupported', `${where}: this is ${what}, and this program runs ${RUNS}`, {
    hint: 'fluxion pull black-forest-labs/FLUX.1-schnell downloads one that it runs',
  });
}
