/** The FLUX.1 transformer in files: its config, its names, and the networks that are mistaken for it. */

import type { FluxConfig } from '../../models/flux.ts';
import { FluxionError } from '../../support/errors.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component, DeclaredShapes } from '../../weights/folders/family.ts';
import { affine, countBlocks, itself } from '../../weights/folders/layout.ts';
import { firstSign, type Signs } from '../../weights/folders/recognise.ts';
import { bflToDiffusers, FLUX_ADAPTED, FLUX_MODULES } from './modules.ts';
import { FLUX_DEV, FLUX_SCHNELL } from './presets.ts';

/** The config fields that a transformer and a ControlNet share. */
type Trunk = Omit<FluxConfig, 'inChannels' | 'outChannels'>;

/** The keys of these fields. */
export const TRUNK: keys.ConfigKeys<Trunk>['fields'] = {
  layers: keys.integer('num_layers', 19, 0, keys.MAX_LAYERS),
  singleLayers: keys.integer('num_single_layers', 38, 0, keys.MAX_LAYERS),
  headDim: keys.integer('attention_head_dim', 128, 2, 1024),
  heads: keys.integer('num_attention_heads', 24, 1, 1024),
  jointAttentionDim: keys.integer('joint_attention_dim', 4096, 1, keys.MAX_WIDTH),
  pooledDim: keys.integer('pooled_projection_dim', 768, 1, keys.MAX_WIDTH),
  guidanceEmbeds: keys.boolean('guidance_embeds', false),
  axesDimsRope: keys.integers('axes_dims_rope', [16, 56, 56], [2, 1024], 3) as keys.ConfigField<
    FluxConfig['axesDimsRope']
  >,
};

/** Checks that these fields fit each other. */
export const checkTrunk: NonNullable<keys.ConfigKeys<Trunk>['check']> = (
  { heads, headDim, axesDimsRope: axes },
  file,
) => {
  if (axes.some((dim) => dim % 2 !== 0)) throw file.bad('axes_dims_rope', 'expected even numbers');
  if (axes[0] + axes[1] + axes[2] !== headDim)
    throw file.bad('axes_dims_rope', `expected a sum of ${headDim}, the head dimension`);
  const most = Math.floor(keys.MAX_WIDTH / headDim);
  if (heads > most)
    throw file.bad('num_attention_heads', `expected at most ${most} with attention_head_dim ${headDim}`);
};

const CLASS = 'FluxTransformer2DModel';

/** The config in files: `undefined` output channels are as many as the input's. */
const stored = keys.codec<Omit<FluxConfig, 'outChannels'> & { readonly outChannels: number | undefined }>({
  only: { _class_name: CLASS, patch_size: 1 },
  fields: {
    inChannels: keys.integer('in_channels', 64, 1, keys.MAX_WIDTH),
    outChannels: keys.optional(keys.integer('out_channels', 64, 1, keys.MAX_WIDTH)),
    ...TRUNK,
  },
  check: checkTrunk,
});

const config: Component<FluxConfig>['config'] = {
  read(json, path) {
    const { inChannels, outChannels = inChannels, ...trunk } = stored.read(json, path);
    return { inChannels, outChannels, ...trunk };
  },
  write: ({ outChannels, ...config }, dtype) =>
    stored.write({ ...config, outChannels: outChannels === config.inChannels ? undefined : outChannels }, dtype),
  derive(at, known) {
    const outChannels = at.size('final_layer.linear.weight', 0);
    const { inChannels, ...trunk } = derivedTrunk(at, known);
    return keys.preferKnown({ inChannels, outChannels, ...trunk }, known, ['axesDimsRope']);
  },
};

/** Derives the fields that a transformer and a ControlNet share from shapes; `known` may tell how heads divide their rotary channels. */
export function derivedTrunk(at: DeclaredShapes, known: Rotary | undefined): Trunk & Pick<FluxConfig, 'inChannels'> {
  const width = at.size('img_in.weight', 0);
  const layers = countBlocks((i) => at.has(`double_blocks.${i}.img_attn.proj.weight`));
  const singleLayers = countBlocks((i) => at.has(`single_blocks.${i}.linear2.weight`));
  const norm = layers > 0 ? 'double_blocks.0.img_attn.norm.query_norm.scale' : 'single_blocks.0.norm.query_norm.scale';
  const headDim = at.size(norm, 0);
  const heads = width / headDim;
  if (!Number.isInteger(heads)) {
    throw new FluxionError('bad_weights', `${at.path}: heads of ${headDim} do not divide the width ${width}`);
  }
  return {
    inChannels: at.size('img_in.weight', 1),
    layers,
    singleLayers,
    headDim,
    heads,
    jointAttentionDim: at.size('txt_in.weight', 1),
    pooledDim: at.size('vector_in.in_layer.weight', 1),
    guidanceEmbeds: at.has('guidance_in.in_layer.weight'),
    axesDimsRope: ropeAxes(at, headDim, known),
  };
}

type Rotary = Pick<FluxConfig, 'headDim' | 'axesDimsRope'>;

/** FLUX.1 gives an eighth of a head's channels to the index and the rest to rows and columns: 16, 56, 56 of 128. */
function ropeAxes({ path }: DeclaredShapes, headDim: number, known: Rotary | undefined): [number, number, number] {
  if (known?.headDim === headDim) return [...known.axesDimsRope];
  if (headDim % 32 === 0) return [headDim / 8, (headDim / 16) * 7, (headDim / 16) * 7];
  throw new FluxionError('unsupported', `${path}: cannot tell how heads of ${headDim} divide their rotary channels`, {
    hint: 'put the weights into a folder with their config.json',
  });
}

/** Signs, by key, of networks that go beside the transformer and of other models. */
const FOREIGN: Signs = [
  ['a ControlNet', /(?:^|\.)(?:controlnet_\w+|control_model|zero_convs|input_hint_block|pos_embed_input|control_img_in|control_layers)\./m],
  ['FLUX.1 Redux, an image encoder', /(?:^|\.)redux_(?:up|down)\./m],
  ['a Chroma transformer', /(?:^|\.)distilled_guidance_layer\./m],
  ['a FLUX.2 transformer', /(?:^|\.)(?:single|double)_stream_modulation(?:_img|_txt)?\./m],
  ['a HunyuanVideo or HunyuanImage transformer', /(?:^|\.)(?:individual_)?token_refiner\.|double_blocks\.\d+\.img_attn_qkv\./m],
  ['a Qwen-Image transformer', /transformer_blocks\.\d+\.(?:img|txt)_mod\.1\./m],
  ['a Lumina or Z-Image transformer', /(?:^|\.)(?:noise|context)_refiner\.\d/m],
  ['a HiDream transformer', /(?:^|\.)(?:double|single)_stream_blocks\.\d+\.block\./m],
  ['an AuraFlow transformer', /(?:^|\.)register_tokens$/m],
  ['a Stable Diffusion 3 transformer', /(?:^|\.)joint_blocks\.\d/m],
  ['a Stable Diffusion 3 transformer', /(?:^|\.)pos_embed\.pos_embed$/m, /transformer_blocks\.\d+\.attn\.add_q_proj/m],
  ['a Kandinsky transformer', /(?:^|\.)visual_transformer_blocks\.\d/m],
  ['a Stable Diffusion XL UNet', /(?:^|\.)(?:input_blocks|down_blocks)\.\d+\./m, /(?:^|\.)(?:label_emb|add_embedding)\./m],
  ['a Stable Diffusion UNet', /(?:^|\.)(?:input_blocks|down_blocks)\.\d+\..*(?:transformer_blocks|attentions\.\d+\.proj_in)/m],
  ['a Wan or Cosmos video transformer', /(?:^|\.)blocks\.\d+\.(?:cross_attn|self_attn|attn1|attn2)\./m],
  ['a PixArt, Sana or LTX transformer', /(?:^|\.)(?:adaln_single|time_embed\.emb)\.|(?:^|\.)caption_projection\.linear/m],
  ['a CogView, CogVideoX or Cosmos transformer', /(?:^|\.)patch_embed\.(?:proj|text_proj)\./m],
  ['a Bria, Ovis or LongCat transformer', /(?:^|\.)x_embedder\.weight$/m, /(?:^|(?<!time_text_embed)\.)timestep_embedder\.linear_1\./m],
]; // biome-ignore format: what it is and its signs read as one row

/** The network that denoises. */
export const TRANSFORMER: Component<FluxConfig> = {
  name: 'transformer',
  title: 'a Flux transformer',
  label: 'the transformer',
  folder: 'transformer',
  configFile: 'config.json',
  class: ['diffusers', CLASS],
  config,
  describe: ({ layers, singleLayers, heads, headDim, guidanceEmbeds, inChannels, outChannels }) =>
    `${layers} double and ${singleLayers} single blocks, width ${heads * headDim}, ${heads} heads, ${guidanceEmbeds ? 'with' : 'without'} guidance embedding${inChannels > outChannels ? `, ${inChannels - outChannels} channels of pictures beside ${outChannels} of latents` : ''}`,
  published: { 'FLUX.1 [dev]': FLUX_DEV, 'FLUX.1 [schnell]': FLUX_SCHNELL },
  variant: ({ guidanceEmbeds }) => (guidanceEmbeds ? 'dev' : 'schnell'),
  weights: 'diffusion_pytorch_model',
  tensors: FLUX_MODULES.flatMap(({ bfl }) => (bfl.endsWith('_norm') ? [`${bfl}.scale`] : affine(bfl))),
  layouts: [
    { name: 'diffusers', marker: 'x_embedder.weight', parts: bflToDiffusers },
    { name: 'BFL', marker: 'img_in.weight', parts: itself },
  ],
  words: ['net'],
  adapted: FLUX_ADAPTED,
  fragment: /(?:^|\.)(?:double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\.\d+\./,
  foreign: ({ text }) => firstSign(FOREIGN, text),
  written: {
    layouts: { diffusers: 'diffusers', single: 'BFL' },
    prefix: 'model.diffusion_model.',
    gguf: { architecture: 'flux', layout: 'BFL' },
    wide: /(^|\.)(img_in|txt_in|time_in|vector_in|guidance_in|final_layer|x_embedder|context_embedder|time_text_embed|norm_out)\.|^proj_out\./,
  },
};
