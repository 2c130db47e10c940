/** The T5 encoder in files: its config, and its tensors in the names of transformers and of llama.cpp. */

import type { T5Config } from '../../models/t5.ts';
import { FluxionError } from '../../support/errors.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component } from '../../weights/folders/family.ts';
import { countBlocks, itself, type Rules, respelled } from '../../weights/folders/layout.ts';
import { firstSign, type Signs } from '../../weights/folders/recognise.ts';
import { T5_XXL } from './presets.ts';

const CLASS = 'T5EncoderModel';
const GATED = 'gated-gelu';

const config: Component<T5Config>['config'] = {
  ...keys.codec<T5Config>({
    only: { model_type: 't5' },
    written: (_, dtype) => ({
      architectures: [CLASS],
      dense_act_fn: 'gelu_new',
      dropout_rate: 0,
      eos_token_id: 1,
      feed_forward_proj: GATED,
      is_encoder_decoder: false,
      is_gated_act: true,
      pad_token_id: 0,
      tie_word_embeddings: true,
      torch_dtype: dtype,
      use_cache: false,
    }),
    fields: {
      vocabSize: keys.integer('vocab_size', 32_128, 1, keys.MAX_VOCABULARY),
      width: keys.integer('d_model', 512, 1, keys.MAX_WIDTH),
      dKv: keys.integer('d_kv', 64, 1, keys.MAX_WIDTH),
      dFf: keys.integer('d_ff', 2048, 1, keys.MAX_WIDTH),
      layers: keys.integer('num_layers', 6, 1, keys.MAX_LAYERS),
      heads: keys.integer('num_heads', 8, 1, 1024),
      buckets: keys.integer('relative_attention_num_buckets', 32, 4, keys.MAX_WIDTH),
      maxDistance: keys.integer('relative_attention_max_distance', 128, 2, keys.MAX_WIDTH),
      eps: keys.number('layer_norm_epsilon', 1e-6, 0, 1),
    },
    check({ heads, dKv, buckets, maxDistance }, file) {
      if (heads * dKv > keys.MAX_WIDTH)
        throw file.bad('num_heads', `expected at most ${Math.floor(keys.MAX_WIDTH / dKv)} with d_kv ${dKv}`);
      if (buckets % 2 !== 0) throw file.bad('relative_attention_num_buckets', 'expected an even number');
      // Half of each direction's buckets are exact distances; the logarithmic ones must reach beyond them.
      if (maxDistance <= buckets / 4)
        throw file.bad('relative_attention_max_distance', `expected more than ${buckets / 4}`);
      file.read(keys.oneOf('feed_forward_proj', [GATED], 'relu'));
    },
  }),
  derive(at, known) {
    const attention = 'encoder.block.0.layer.0.SelfAttention';
    const heads = at.size(`${attention}.relative_attention_bias.weight`, 1);
    const derived: T5Config = {
      ...T5_XXL,
      vocabSize: at.size('shared.weight', 0),
      width: at.size('shared.weight', 1),
      dKv: at.size(`${attention}.q.weight`, 0) / heads,
      dFf: at.size('encoder.block.0.layer.1.DenseReluDense.wi_0.weight', 0),
      layers: countBlocks((i) => at.has(`encoder.block.${i}.layer.1.DenseReluDense.wo.weight`)),
      heads,
      buckets: at.size(`${attention}.relative_attention_bias.weight`, 0),
    };
    if (!Number.isInteger(derived.dKv)) {
      throw new FluxionError(
        'bad_weights',
        `${at.path}: ${heads} heads do not divide the rows of ${attention}.q.weight`,
      );
    }
    return keys.preferKnown(derived, known, ['maxDistance', 'eps']);
  },
};

const BLOCK = 'encoder.block.#';
const LINEAR = [
  ...['q', 'k', 'v', 'o'].map((name) => `${BLOCK}.layer.0.SelfAttention.${name}`),
  ...['wi_0', 'wi_1', 'wo'].map((name) => `${BLOCK}.layer.1.DenseReluDense.${name}`),
];
const NORMS = [`${BLOCK}.layer.0.layer_norm`, `${BLOCK}.layer.1.layer_norm`, 'encoder.final_layer_norm'];
const BIAS = `${BLOCK}.layer.0.SelfAttention.relative_attention_bias`;

/** Source: llama.cpp `gguf-py/gguf/tensor_mapping.py`, the T5 encoder. */
const LLAMA: Rules = [
  [/^shared\./, 'token_embd.'],
  [/^encoder\.final_layer_norm\./, 'enc.output_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.([qkvo])\./, 'enc.blk.$1.attn_$2.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.relative_attention_bias\./, 'enc.blk.$1.attn_rel_b.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.layer_norm\./, 'enc.blk.$1.attn_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_0\./, 'enc.blk.$1.ffn_gate.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_1\./, 'enc.blk.$1.ffn_up.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\./, 'enc.blk.$1.ffn_down.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.layer_norm\./, 'enc.blk.$1.ffn_norm.'],
];

/** Encoders of other models, by their keys. */
const FOREIGN: Signs = [
  ['a UMT5 encoder', /encoder\.block\.1\.layer\.0\.SelfAttention\.relative_attention_bias\.weight$/m],
  ['a T5 encoder of version 1.0, which has no gates', /DenseReluDense\.wi\.weight$/m],
];

/** The encoder of T5 v1.1; a file may hold the whole model. */
export const T5: Component<T5Config> = {
  name: 't5',
  title: 'a T5 encoder',
  label: 'T5',
  folder: 'text_encoder_2',
  configFile: 'config.json',
  class: ['transformers', CLASS],
  config,
  describe: ({ layers, width }) => `T5, ${layers} layers, width ${width}`,
  published: { 'T5 v1.1 XXL': T5_XXL },
  tokenizer: {
    folder: 'tokenizer_2',
    files: ['tokenizer.json', 'spiece.model'],
    class: ['transformers', 'T5TokenizerFast'],
  },
  weights: 'model',
  tensors: ['shared', ...LINEAR, BIAS, ...NORMS].map((module) => `${module}.weight`),
  layouts: [
    {
      name: 'transformers',
      marker: 'encoder.final_layer_norm.weight',
      parts: itself,
      aliases: new Map([['shared.weight', 'encoder.embed_tokens.weight']]),
      unused: [/^decoder\./, /^lm_head\./],
    },
    {
      name: 'llama.cpp',
      marker: 'enc.output_norm.weight',
      parts: (declared) => [{ key: respelled(declared, LLAMA) }],
      unused: [/^dec\./, /^output\./],
    },
  ],
  words: ['text_encoders', 't5xxl', 'text_encoder_2'],
  adapted: [
    ...LINEAR.map((module) => [module, { module }] as const),
    ...NORMS.map((module) => [module, { module, norm: true }] as const),
  ],
  fragment: /(?:^|\.)encoder\.block\.\d+\.|(?:^|\.)enc\.blk\.\d+\./,
  foreign: ({ text }) => firstSign(FOREIGN, text),
  written: {
    layouts: { diffusers: 'transformers', single: 'transformers' },
    prefix: 'text_encoders.t5xxl.transformer.',
    gguf: { architecture: 't5encoder', layout: 'llama.cpp' },
    wide: /relative_attention_bias|attn_rel_b/,
  },
};
