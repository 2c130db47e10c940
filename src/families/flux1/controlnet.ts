/** ControlNets of FLUX.1 in files: their config, and their tensors in the names of diffusers (InstantX, Shakker, jasperai) and of XLabs. */

import { type ControlNetConfig, HINT_CONVOLUTIONS, HINT_SCALE } from '../../models/controlnet.ts';
import type { FluxConfig } from '../../models/flux.ts';
import { FluxionError } from '../../support/errors.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component, SizeAgreement, SourcePart } from '../../weights/folders/family.ts';
import { affine } from '../../weights/folders/layout.ts';
import { firstSign, type Signs } from '../../weights/folders/recognise.ts';
import { bflToDiffusers, FLUX_MODULES } from './modules.ts';
import { checkTrunk, derivedTrunk, TRUNK } from './transformer.ts';

const CLASS = 'FluxControlNetModel';
/** Limits above what any known ControlNet has: kinds of control, channels of reduced pixels, side of a patch. */
const MAX_MODES = 1024;
const MAX_HINT = 1024;
const MAX_PATCH = 16;

const config: Component<ControlNetConfig>['config'] = {
  ...keys.codec<ControlNetConfig>({
    own: [CLASS],
    only: { _class_name: CLASS },
    fields: {
      inChannels: keys.integer('in_channels', 64, 1, keys.MAX_WIDTH),
      ...TRUNK,
      modes: keys.optional(keys.integer('num_mode', 1, 1, MAX_MODES)),
      hintChannels: keys.optional(keys.integer('conditioning_embedding_channels', 1, 1, MAX_HINT)),
      patchSize: keys.integer('patch_size', 1, 1, MAX_PATCH),
    },
    check(config, file) {
      if (file.read(keys.integer('extra_condition_channels', 0, 0, keys.MAX_WIDTH)) > 0)
        throw file.bad('extra_condition_channels', 'expected none', { code: 'unsupported' });
      const { inChannels, hintChannels, patchSize } = config;
      if (hintChannels !== undefined && hintChannels * patchSize ** 2 !== inChannels)
        throw file.bad(
          'conditioning_embedding_channels',
          `expected in_channels / patch_size² (${inChannels} / ${patchSize}²)`,
        );
      checkTrunk(config, file);
    },
  }),
  derive(at, known) {
    const trunk = derivedTrunk(at, known);
    const control = at.size('controlnet_x_embedder.weight', 1);
    if (control !== trunk.inChannels) {
      throw new FluxionError(
        'unsupported',
        `${at.path}: this ControlNet takes ${control} control channels beside ${trunk.inChannels} latent channels, as for inpainting`,
        { hint: 'use a ControlNet that takes a picture, such as those of InstantX, Shakker Labs, jasperai and XLabs' },
      );
    }
    const hintChannels = at.has(HINT_LAST) ? at.size(HINT_LAST, 0) : undefined;
    const patchSize = hintChannels === undefined ? 1 : Math.sqrt(trunk.inChannels / hintChannels);
    if (!Number.isInteger(patchSize)) {
      throw new FluxionError(
        'bad_weights',
        `${at.path}: ${hintChannels} channels of the picture do not make tokens of ${trunk.inChannels}`,
      );
    }
    return { ...trunk, modes: at.has(MODES) ? at.size(MODES, 0) : undefined, hintChannels, patchSize };
  },
};

const HINT_LAST = 'input_hint_block.conv_out.weight';
const MODES = 'controlnet_mode_embedder.weight';

/** XLabs' numbers of the convolutions of pixels also count the activations between them (https://github.com/XLabs-AI/x-flux, `src/flux/controlnet.py`). */
const XLABS_HINT = new Map(
  HINT_CONVOLUTIONS.map((name, i) => [`input_hint_block.${name}`, `input_hint_block.${2 * i}`]),
);

function xlabs(declared: string): readonly SourcePart[] {
  const dot = declared.lastIndexOf('.');
  const module = declared.slice(0, dot);
  const name = module === 'controlnet_x_embedder' ? 'pos_embed_input' : (XLABS_HINT.get(module) ?? module);
  return [{ key: name + declared.slice(dot) }];
}

/** ControlNets of other models that share names with these. */
const FOREIGN: Signs = [
  ['a ControlNet of Qwen-Image', /(?:^|\.)controlnet_x_embedder\./m, /transformer_blocks\.\d+\.img_mod\.1\./m],
];

/** A network beside a model that steers the transformer by a picture. */
export const CONTROLNET: Component<ControlNetConfig> = {
  name: 'controlnet',
  title: 'a FLUX.1 ControlNet',
  label: 'the ControlNet',
  folder: 'controlnet',
  configFile: 'config.json',
  class: ['diffusers', CLASS],
  config,
  describe: ({ layers, singleLayers, modes, hintChannels }) =>
    `ControlNet, ${layers} double and ${singleLayers} single blocks${modes === undefined ? '' : `, ${modes} kinds of control`}${hintChannels === undefined ? '' : ', takes pixels'}`,
  published: {},
  weights: 'diffusion_pytorch_model',
  tensors: [
    ...FLUX_MODULES.filter(({ bfl }) => !bfl.startsWith('final_layer.')).flatMap(({ bfl }) =>
      bfl.endsWith('_norm') ? [`${bfl}.scale`] : affine(bfl),
    ),
    ...['controlnet_x_embedder', 'controlnet_blocks.#', 'controlnet_single_blocks.#'].flatMap(affine),
    MODES,
    ...HINT_CONVOLUTIONS.flatMap((name) => affine(`input_hint_block.${name}`)),
  ],
  layouts: [
    { name: 'diffusers', marker: 'controlnet_x_embedder.weight', parts: bflToDiffusers },
    { name: 'XLabs', marker: 'pos_embed_input.weight', parts: xlabs },
  ],
  words: ['controlnet'],
  fragment: /(?:^|\.)controlnet_(?:single_)?blocks\.\d+\./,
  foreign: ({ text }) => firstSign(FOREIGN, text),
  written: {
    layouts: { diffusers: 'diffusers', single: 'diffusers' },
    prefix: 'controlnet.',
  },
};

/** The sizes a ControlNet must have to fit a transformer whose latents are `scale` pixels wide. */
export function controlNetAgreements(
  net: ControlNetConfig,
  transformer: FluxConfig,
  scale: number,
): readonly SizeAgreement[] {
  const patch: SizeAgreement = ['patch_size', net.patchSize, (2 * scale) / HINT_SCALE, "the model's autoencoder"];
  return [
    ...(net.hintChannels === undefined ? [] : [patch]),
    ['in_channels', net.inChannels, transformer.outChannels, "the transformer's latents"],
    [
      'num_attention_heads × attention_head_dim',
      net.heads * net.headDim,
      transformer.heads * transformer.headDim,
      "the transformer's",
    ],
    ['joint_attention_dim', net.jointAttentionDim, transformer.jointAttentionDim, "the transformer's"],
    ['pooled_projection_dim', net.pooledDim, transformer.pooledDim, "the transformer's"],
  ];
}
