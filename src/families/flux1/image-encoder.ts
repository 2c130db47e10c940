/** The image encoder of FLUX.1 Redux in files: SigLIP's vision tower, by itself or inside a whole SigLIP model. */

import type { SiglipConfig } from '../../models/siglip.ts';
import { FluxionError } from '../../support/errors.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component } from '../../weights/folders/family.ts';
import { affine, countBlocks, itself } from '../../weights/folders/layout.ts';
import { firstSign, type Signs } from '../../weights/folders/recognise.ts';
import { LINEAR, NORMS } from './clip.ts';
import { SIGLIP_SO400M } from './presets.ts';

const CLASS = 'SiglipVisionModel';
const MODEL_TYPE = 'siglip_vision_model';
/** Most pixels in a side of a picture or of a patch. */
const MAX_SIZE = 4096;

const config: Component<SiglipConfig>['config'] = {
  ...keys.codec<SiglipConfig>({
    inside: ['vision_config'],
    own: [CLASS, MODEL_TYPE, 'SiglipModel', 'siglip'],
    only: { model_type: MODEL_TYPE, num_channels: 3 },
    written: (_, dtype) => ({ architectures: [CLASS], attention_dropout: 0, torch_dtype: dtype }),
    fields: {
      width: keys.integer('hidden_size', 768, 1, keys.MAX_WIDTH),
      intermediate: keys.integer('intermediate_size', 3072, 1, keys.MAX_WIDTH),
      layers: keys.integer('num_hidden_layers', 12, 1, keys.MAX_LAYERS),
      heads: keys.integer('num_attention_heads', 12, 1, 1024),
      imageSize: keys.integer('image_size', 224, 1, MAX_SIZE),
      patchSize: keys.integer('patch_size', 16, 1, MAX_SIZE),
      activation: keys.oneOf('hidden_act', ['gelu_pytorch_tanh', 'gelu', 'quick_gelu'], 'gelu_pytorch_tanh'),
      eps: keys.number('layer_norm_eps', 1e-6, 0, 1),
    },
    check({ width, heads, imageSize, patchSize }, file) {
      if (width % heads !== 0) throw file.bad('num_attention_heads', `does not divide hidden_size ${width}`);
      if (patchSize > imageSize) throw file.bad('patch_size', `expected an integer from 1 to ${imageSize}`);
    },
  }),
  derive(at, known = SIGLIP_SO400M) {
    const width = at.size(PATCHES, 0);
    const patchSize = at.size(PATCHES, 2);
    const grid = Math.sqrt(at.size(POSITIONS, 0));
    if (!Number.isInteger(grid)) {
      throw new FluxionError('bad_weights', `${at.path}: ${grid ** 2} positions do not make a square picture`);
    }
    const derived: SiglipConfig = {
      ...SIGLIP_SO400M,
      width,
      intermediate: at.size(`${ENCODER}.0.mlp.fc1.weight`, 0),
      layers: countBlocks((i) => at.has(`${ENCODER}.${i}.mlp.fc1.weight`)),
      heads: Math.max(1, Math.floor(width / 64)),
      imageSize: grid * patchSize,
      patchSize,
    };
    const seen = (size: number): number => Math.floor(size / patchSize);
    return seen(known.imageSize) === grid
      ? keys.preferKnown(derived, known, ['heads', 'activation', 'eps', 'imageSize'])
      : derived;
  },
};

const ENCODER = 'vision_model.encoder.layers';
const PATCHES = 'vision_model.embeddings.patch_embedding.weight';
const POSITIONS = 'vision_model.embeddings.position_embedding.weight';

/** Unused keys beside the tower: the pooling of its tokens, and the text tower of a whole model. */
const UNUSED = [/^(?:vision_model\.)?head\./, /^text_model\./, /^logit_(?:scale|bias)$/, /(?:^|\.)position_ids$/];

/** Image encoders of other models, by their keys. */
const FOREIGN: Signs = [
  ['a CLIP image encoder', /(?:^|\.)(?:vision_model\.|visual\.).*class_embedding$|(?:^|\.)embeddings\.class_embedding$/m],
]; // biome-ignore format: what it is and its signs read as one row

/** SigLIP's vision tower. */
export const IMAGE_ENCODER: Component<SiglipConfig> = {
  name: 'image_encoder',
  title: 'a SigLIP image encoder',
  label: 'the image encoder',
  folder: 'image_encoder',
  configFile: 'config.json',
  class: ['transformers', CLASS],
  config,
  describe: ({ layers, width, imageSize, patchSize }) =>
    `SigLIP, ${layers} layers, width ${width}, pictures of ${imageSize}×${imageSize} in patches of ${patchSize}`,
  published: { 'SigLIP SO400M, 384 pixels': SIGLIP_SO400M },
  weights: 'model',
  tensors: [
    ...affine('vision_model.embeddings.patch_embedding'),
    POSITIONS,
    ...[...LINEAR, ...NORMS].flatMap((name) => affine(`${ENCODER}.#.${name}`)),
    ...affine('vision_model.post_layernorm'),
  ],
  layouts: [
    { name: 'transformers 4', marker: PATCHES, parts: itself, unused: UNUSED },
    {
      name: 'transformers 5',
      marker: 'embeddings.patch_embedding.weight',
      parts: (declared) => [{ key: declared.replace(/^vision_model\./, '') }],
      unused: UNUSED,
    },
  ],
  words: ['image_encoder', 'clip_vision'],
  fragment: /(?:^|\.)vision_model\.encoder\.layers\.\d+\./,
  foreign: ({ text }) => firstSign(FOREIGN, text),
  written: { layouts: { diffusers: 'transformers 4', single: 'transformers 4' }, prefix: 'image_encoder.' },
};
