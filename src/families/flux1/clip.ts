/** The CLIP text encoder in files: its config, and its tensors in the names of transformers and of OpenAI. */

import type { ClipConfig } from '../../models/clip.ts';
import { Fields, MAX_LAYERS, MAX_VOCABULARY, MAX_WIDTH, preferKnown } from '../../weights/folders/config-fields.ts';
import type { AdaptedModule, Component, SourcePart } from '../../weights/folders/family.ts';
import { affine, countBlocks, itself, type Rules, respelled } from '../../weights/folders/layout.ts';
import { CLIP_L } from './presets.ts';

/** The config fields that no tensor's shape shows. */
const UNTOLD = ['heads', 'activation', 'eps', 'eosTokenId', 'bosTokenId', 'padTokenId', 'projectionDim'] as const;

const config: Component<ClipConfig>['config'] = {
  read(json, path) {
    const nested = json.get('text_config_dict') ?? json.get('text_config');
    const f = nested instanceof Map ? new Fields(nested, path, { prefix: 'text_config.' }) : new Fields(json, path);
    f.expect('model_type', 'clip_text_model');
    const width = f.integer('hidden_size', 512, 1, MAX_WIDTH);
    const heads = f.integer('num_attention_heads', 8, 1, 1024);
    if (width % heads !== 0) throw f.bad('num_attention_heads', `does not divide hidden_size ${width}`);
    return {
      vocabSize: f.integer('vocab_size', 49_408, 1, MAX_VOCABULARY),
      width,
      intermediate: f.integer('intermediate_size', 2048, 1, MAX_WIDTH),
      layers: f.integer('num_hidden_layers', 12, 1, MAX_LAYERS),
      heads,
      maxPositions: f.integer('max_position_embeddings', 77, 2, MAX_WIDTH),
      activation: f.oneOf('hidden_act', ['quick_gelu', 'gelu'], 'quick_gelu'),
      eps: f.number('layer_norm_eps', 1e-5, 0, 1),
      eosTokenId: f.tokenId('eos_token_id', 49_407),
      // Not used in a forward pass, and null in some files.
      bosTokenId: f.isNull('bos_token_id') ? 49_406 : f.tokenId('bos_token_id', 49_406),
      padTokenId: f.isNull('pad_token_id') ? 1 : f.tokenId('pad_token_id', 1),
      projectionDim: f.isNull('projection_dim') ? 512 : f.integer('projection_dim', 512, 1, MAX_WIDTH),
    };
  },
  write(config, dtype) {
    return {
      architectures: ['CLIPTextModel'],
      attention_dropout: 0,
      bos_token_id: config.bosTokenId,
      eos_token_id: config.eosTokenId,
      hidden_act: config.activation,
      hidden_size: config.width,
      intermediate_size: config.intermediate,
      layer_norm_eps: config.eps,
      max_position_embeddings: config.maxPositions,
      model_type: 'clip_text_model',
      num_attention_heads: config.heads,
      num_hidden_layers: config.layers,
      pad_token_id: config.padTokenId,
      projection_dim: config.projectionDim,
      torch_dtype: dtype,
      vocab_size: config.vocabSize,
    };
  },
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
    return preferKnown(derived, known, UNTOLD);
  },
};

const LAYER = 'text_model.encoder.layers.#';
const LINEAR = [...['q', 'k', 'v', 'out'].map((name) => `self_attn.${name}_proj`), 'mlp.fc1', 'mlp.fc2'];
const NORMS = ['layer_norm1', 'layer_norm2'];
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
  class: ['transformers', 'CLIPTextModel'],
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
