/** The CLIP text encoder in files: its config, and its tensors in the names of transformers and of OpenAI. */

import type { ClipConfig } from '../../models/clip.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { AdaptedModule, Component, SourcePart } from '../../weights/folders/family.ts';
import { affine, countBlocks, itself, type Rules, respelled } from '../../weights/folders/layout.ts';
import { CLIP_L } from './presets.ts';

/** The config fields that no tensor's shape shows. */
const UNTOLD = ['heads', 'activation', 'eps', 'eosTokenId', 'bosTokenId', 'padTokenId', 'projectionDim'] as const;

const CLASS = 'CLIPTextModel';

const config: Component<ClipConfig>['config'] = {
  ...keys.codec<ClipConfig>({
    inside: ['text_config_dict', 'text_config'],
    only: { model_type: 'clip_text_model' },
    written: (_, dtype) => ({ architectures: [CLASS], attention_dropout: 0, torch_dtype: dtype }),
    fields: {
      vocabSize: keys.integer('vocab_size', 49_408, 1, keys.MAX_VOCABULARY),
      width: keys.integer('hidden_size', 512, 1, keys.MAX_WIDTH),
      intermediate: keys.integer('intermediate_size', 2048, 1, keys.MAX_WIDTH),
      layers: keys.integer('num_hidden_layers', 12, 1, keys.MAX_LAYERS),
      heads: keys.integer('num_attention_heads', 8, 1, 1024),
      maxPositions: keys.integer('max_position_embeddings', 77, 2, keys.MAX_WIDTH),
      activation: keys.oneOf('hidden_act', ['quick_gelu', 'gelu'], 'quick_gelu'),
      eps: keys.number('layer_norm_eps', 1e-5, 0, 1),
      eosTokenId: keys.tokenId('eos_token_id', 49_407),
      // Not used in a forward pass, and null in some files.
      bosTokenId: keys.nullIsMissing(keys.tokenId('bos_token_id', 49_406)),
      padTokenId: keys.nullIsMissing(keys.tokenId('pad_token_id', 1)),
      projectionDim: keys.nullIsMissing(keys.integer('projection_dim', 512, 1, keys.MAX_WIDTH)),
    },
    check({ width, heads }, file) {
      if (width % heads !== 0) throw file.bad('num_attention_heads', `does not divide hidden_size ${width}`);
    },
  }),
  derive(at, known) {
    const vocabSize = at.size('text_model.embeddings.token_embedding.weight', 0);
    const width = at.size('text_model.embeddings.token_embedding.weight', 1);
    const derived: ClipConfig = {
      vocabSize,
      width,
      intermediate: at.size('text_model.encoder.layers.0.mlp.fc1.weight', 0),
      layers: countBlocks((i) => at.has(`text_model.encoder.layers.${i}.mlp.fc1.weight`)),
      heads: Math.max(1, Math.floor(width / 64)),
      maxPositions: at.size('text_model.embeddings.position_embedding.weight', 0),
      activation: 'quick_gelu',
      eps: 1e-5,
      eosTokenId: vocabSize - 1,
      bosTokenId: vocabSize - 2,
      padTokenId: vocabSize - 1,
      projectionDim: width,
    };
    return keys.preferKnown(derived, known, UNTOLD);
  },
};

const LAYER = 'text_model.encoder.layers.#';
/** The modules of a layer, the same in a text and an image encoder. */
export const LINEAR: readonly string[] = [
  ...['q', 'k', 'v', 'out'].map((name) => `self_attn.${name}_proj`),
  'mlp.fc1',
  'mlp.fc2',
];
export const NORMS: readonly string[] = ['layer_norm1', 'layer_norm2'];
/** Every tensor name that it may declare. */
const TENSORS: readonly string[] = [
  'text_model.embeddings.token_embedding.weight',
  'text_model.embeddings.position_embedding.weight',
  ...[...LINEAR, ...NORMS].flatMap((name) => affine(`${LAYER}.${name}`)),
  ...affine('text_model.final_layer_norm'),
];

/** A module of a layer; transformers 5 has no `text_model` in front. */
const adapted = (name: string, kind: Pick<AdaptedModule, 'norm'>): [name: string, module: AdaptedModule][] =>
  [LAYER, LAYER.replace('text_model.', '')].map((layer) => [
    `${layer}.${name}`,
    { module: `${LAYER}.${name}`, ...kind },
  ]);
const ADAPTED = [
  ...LINEAR.flatMap((name) => adapted(name, {})),
  ...NORMS.flatMap((name) => adapted(name, { norm: true })),
  ['text_model.final_layer_norm', { module: 'text_model.final_layer_norm', norm: true }],
] as const;

const UNUSED = [
  /(^|\.)position_ids$/,
  /^(text_model\.)?text_projection(\.|$)/,
  /^visual_projection\./,
  /^vision_model\./,
  /^logit_scale$/,
];

/** Source: OpenAI CLIP `clip/model.py`, also of open_clip; transformers `convert_clip_original_pytorch_to_hf.py`. */
const OPENAI: Rules = [
  [/^text_model\.embeddings\.token_embedding\./, 'token_embedding.'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^text_model\.final_layer_norm\./, 'ln_final.'],
  [/^text_model\.encoder\.layers\.(\d+)\./, 'transformer.resblocks.$1.'],
  [/\.self_attn\.[qkv]_proj\.(weight|bias)$/, '.attn.in_proj_$1'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
  [/\.layer_norm([12])\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
];

/** OpenAI's CLIP has the three projections of attention in one tensor. */
function openAi(declared: string): readonly SourcePart[] {
  const key = respelled(declared, OPENAI);
  const projection = /\.self_attn\.([qkv])_proj\./.exec(declared)?.[1];
  return [projection === undefined ? { key } : { key, run: ['qkv'.indexOf(projection), 3] }];
}

/** The text tower of CLIP; a file may hold the whole model. */
export const CLIP: Component<ClipConfig> = {
  name: 'clip',
  title: 'a CLIP text encoder',
  label: 'CLIP',
  folder: 'text_encoder',
  configFile: 'config.json',
  class: ['transformers', CLASS],
  config,
  describe: ({ layers, width }) => `CLIP, ${layers} layers, width ${width}`,
  published: { 'CLIP ViT-L/14': CLIP_L },
  incidental: ['eosTokenId', 'bosTokenId', 'padTokenId', 'projectionDim'],
  tokenizer: { folder: 'tokenizer', files: ['tokenizer.json', 'vocab.json'], class: ['transformers', 'CLIPTokenizer'] },
  weights: 'model',
  tensors: TENSORS,
  layouts: [
    {
      name: 'transformers 4',
      marker: 'text_model.embeddings.token_embedding.weight',
      parts: itself,
      unused: UNUSED,
    },
    {
      name: 'transformers 5',
      marker: 'embeddings.token_embedding.weight',
      parts: (declared) => [{ key: declared.replace(/^text_model\./, '') }],
      unused: UNUSED,
    },
    {
      name: 'OpenAI',
      marker: 'token_embedding.weight',
      parts: openAi,
      unused: [...UNUSED, /^visual\./, /^(?:text_projection|input_resolution|context_length|vocab_size|attn_mask)$/],
    },
  ],
  words: ['text_encoders', 'clip_l', 'cond_stage_model', 'conditioner', 'embedders', '0', 'text_encoder'],
  adapted: ADAPTED,
  fragment: /(?:^|\.)encoder\.layers\.\d+\.self_attn\.|(?:^|\.)resblocks\.\d+\./,
  foreign({ text }) {
    const isVision = /(?:^|\.)(?:vision_model\.|visual\.|patch_embedding\.)/m.test(text);
    const hasText = /(?:^|\.)(?:text_model\.|token_embedding\.weight$)/m.test(text);
    return isVision && !hasText ? 'an image encoder (CLIP vision or SigLIP)' : undefined;
  },
  written: {
    layouts: { diffusers: 'transformers 4', single: 'transformers 4' },
    prefix: 'text_encoders.clip_l.transformer.',
  },
};
