/** The autoencoder in files: its config, and its tensors in the names of diffusers and of latent-diffusion programs. */

import type { VaeConfig } from '../../models/vae.ts';
import { FluxionError } from '../../support/errors.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component, DeclaredShapes, SourcePart } from '../../weights/folders/family.ts';
import { affine, countBlocks, itself, type Rules, respelled } from '../../weights/folders/layout.ts';
import { firstSign, type Signs } from '../../weights/folders/recognise.ts';
import { FLUX_VAE } from './presets.ts';

const ENCODER = 'encoder.conv_in.weight';

/** Tells whether an autoencoder's weights have its encoder too: files for text-to-image may lack it. */
export function hasEncoder(shapes: DeclaredShapes): boolean {
  return shapes.has(ENCODER);
}

/** The kinds of blocks, each the same at every level. */
const BLOCKS = { down_block_types: 'DownEncoderBlock2D', up_block_types: 'UpDecoderBlock2D' };

/** The hint for a key without a default. */
const fluxHas = (value: number): string => `FLUX.1's autoencoder has ${value}`;

const config: Component<VaeConfig>['config'] = {
  ...keys.codec<VaeConfig>({
    only: { _class_name: 'AutoencoderKL', act_fn: 'silu' },
    onlyItems: BLOCKS,
    off: { latents_mean: 'per-channel latent statistics', latents_std: 'per-channel latent statistics' },
    fields: {
      inChannels: keys.integer('in_channels', 3, 1, 64),
      outChannels: keys.integer('out_channels', 3, 1, 64),
      latentChannels: keys.integer('latent_channels', 4, 1, 1024),
      blockOutChannels: keys.integers('block_out_channels', [64], [1, keys.MAX_WIDTH]),
      layersPerBlock: keys.integer('layers_per_block', 1, 1, keys.MAX_LAYERS),
      normGroups: keys.integer('norm_num_groups', 32, 1, keys.MAX_WIDTH),
      // There is no usable default: those of the class are Stable Diffusion's, which would shift FLUX.1's colours.
      scalingFactor: keys.number('scaling_factor', fluxHas(FLUX_VAE.scalingFactor), 1e-6, 1e6),
      shiftFactor: keys.number('shift_factor', fluxHas(FLUX_VAE.shiftFactor), -1e6, 1e6),
      midBlockAttention: keys.boolean('mid_block_add_attention', true),
      useQuantConv: keys.boolean('use_quant_conv', true),
      usePostQuantConv: keys.boolean('use_post_quant_conv', true),
      sampleSize: keys.integer('sample_size', 32, 1, 16_384),
    },
    written: ({ blockOutChannels }) => ({
      ...Object.fromEntries(Object.entries(BLOCKS).map(([key, block]) => [key, blockOutChannels.map(() => block)])),
      force_upcast: true,
      latents_mean: null,
      latents_std: null,
    }),
    check({ blockOutChannels, normGroups }, file) {
      if (blockOutChannels.some((channels) => channels % normGroups !== 0))
        throw file.bad('block_out_channels', `expected multiples of norm_num_groups ${normGroups}`);
    },
  }),
  derive(at, known) {
    // Everything is derived from the decoder: files for text-to-image may lack the encoder.
    const resnet = (level: number, i: number): string => `decoder.up_blocks.${level}.resnets.${i}.conv1.weight`;
    const levels = countBlocks((level) => at.has(resnet(level, 0)));
    const outChannels = at.size('decoder.conv_out.weight', 0);
    const derived: VaeConfig = {
      ...FLUX_VAE,
      inChannels: at.has(ENCODER) ? at.size(ENCODER, 1) : outChannels,
      outChannels,
      latentChannels: at.size('decoder.conv_in.weight', 1),
      blockOutChannels: Array.from({ length: levels }, (_, level) => at.size(resnet(levels - 1 - level, 0), 0)),
      layersPerBlock: countBlocks((i) => at.has(resnet(0, i))) - 1,
      midBlockAttention: at.has('decoder.mid_block.attentions.0.to_q.weight'),
      useQuantConv: at.has('quant_conv.weight'),
      usePostQuantConv: at.has('post_quant_conv.weight'),
    };
    const config = keys.preferKnown(derived, known, ['normGroups', 'scalingFactor', 'shiftFactor', 'sampleSize']);
    if (config.blockOutChannels.every((channels) => channels % config.normGroups === 0)) return config;
    throw new FluxionError(
      'unsupported',
      `${at.path}: cannot tell the number of normalisation groups for levels of ${config.blockOutChannels.join(', ')} channels`,
      { hint: 'put the weights into a folder with their config.json' },
    );
  },
};

const RESNET = ['norm1', 'conv1', 'norm2', 'conv2', 'conv_shortcut'];
/** Every tensor name that it may declare. */
const TENSORS: readonly string[] = [
  ...['encoder', 'decoder'].flatMap((side) => [
    ...['conv_in', 'conv_norm_out', 'conv_out'].flatMap((name) => affine(`${side}.${name}`)),
    ...RESNET.flatMap((name) => affine(`${side}.mid_block.resnets.#.${name}`)),
    ...['group_norm', 'to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((name) =>
      affine(`${side}.mid_block.attentions.0.${name}`),
    ),
  ]),
  ...RESNET.flatMap((name) => affine(`encoder.down_blocks.#.resnets.#.${name}`)),
  ...RESNET.flatMap((name) => affine(`decoder.up_blocks.#.resnets.#.${name}`)),
  ...affine('encoder.down_blocks.#.downsamplers.0.conv'),
  ...affine('decoder.up_blocks.#.upsamplers.0.conv'),
  ...affine('quant_conv'),
  ...affine('post_quant_conv'),
];

/** diffusers before 0.18 named the VAE's attention projections after their role. */
const OLD_ATTENTION = new Map([
  ['to_q', 'query'],
  ['to_k', 'key'],
  ['to_v', 'value'],
  ['to_out.0', 'proj_attn'],
]);

/** Sources: BFL `src/flux/modules/autoencoder.py`; diffusers `loaders/single_file_utils.py`, `convert_ldm_vae_checkpoint`. */
const LDM: Rules = [
  [/^(encoder|decoder)\.conv_norm_out\./, '$1.norm_out.'],
  [/^encoder\.down_blocks\.(\d+)\.resnets\.(\d+)\./, 'encoder.down.$1.block.$2.'],
  [/^encoder\.down_blocks\.(\d+)\.downsamplers\.0\./, 'encoder.down.$1.downsample.'],
  [/^decoder\.up_blocks\.(\d+)\.resnets\.(\d+)\./, 'decoder.up.$1.block.$2.'],
  [/^decoder\.up_blocks\.(\d+)\.upsamplers\.0\./, 'decoder.up.$1.upsample.'],
  [/\.mid_block\.resnets\.0\./, '.mid.block_1.'],
  [/\.mid_block\.resnets\.1\./, '.mid.block_2.'],
  [/\.mid_block\.attentions\.0\.group_norm\./, '.mid.attn_1.norm.'],
  [/\.mid_block\.attentions\.0\.to_([qkv])\./, '.mid.attn_1.$1.'],
  [/\.mid_block\.attentions\.0\.to_out\.0\./, '.mid.attn_1.proj_out.'],
  [/\.conv_shortcut\./, '.nin_shortcut.'],
];

/**
 * Latent-diffusion names count the decoder's levels from the finest, so the number of levels must be known: as many as the file holds or
 * will hold.
 */
function latentDiffusion(declared: string, has: (key: string) => boolean): readonly SourcePart[] {
  const level = /^decoder\.up_blocks\.(\d+)\./.exec(declared)?.[1];
  if (level === undefined) return [{ key: respelled(declared, LDM) }];
  const levels = countBlocks((i) =>
    [`decoder.up.${i}.block.0.norm1.weight`, `decoder.up_blocks.${i}.resnets.0.norm1.weight`].some(has),
  );
  return [{ key: respelled(declared.replace(level, String(levels - 1 - Number(level))), LDM) }];
}

/** Autoencoders of other models, by their keys. */
const FOREIGN: Signs = [
  ['the FLUX.2 autoencoder', /(?:^|\.)bn\.running_mean$/m],
  [
    'a tiny autoencoder (TAESD)',
    /^(?:taesd_)?(?:(?:encoder|decoder)\.(?:layers\.)?)?\d+\.conv\.\d+\.(?:weight|bias)$/m,
  ],
  [
    'a video autoencoder, as of Wan or Qwen-Image',
    /(?:encoder|decoder)\..*\.(?:norm\d?|residual\.\d+|norm_out)\.gamma$/m,
  ],
  ['a deep-compression autoencoder, as of Sana', /(?:encoder|decoder)\.(?:stages\.\d|(?:down|up)_blocks\.\d+\.\d+\.)/m],
];

/** The autoencoder of latent diffusion, whose encoder may be missing in a file. */
export const AUTOENCODER: Component<VaeConfig> = {
  name: 'vae',
  title: 'an autoencoder',
  label: 'the autoencoder',
  folder: 'vae',
  configFile: 'config.json',
  class: ['diffusers', 'AutoencoderKL'],
  config,
  describe: ({ latentChannels, blockOutChannels, sampleSize }) =>
    `${latentChannels} latent channels, levels ${blockOutChannels.join(', ')}, made for ${sampleSize}×${sampleSize}`,
  published: { 'the FLUX.1 autoencoder': FLUX_VAE },
  incidental: ['sampleSize'],
  weights: 'diffusion_pytorch_model',
  tensors: TENSORS,
  layouts: [
    {
      name: 'diffusers before 0.18',
      marker: 'decoder.mid_block.attentions.0.query.weight',
      parts: (declared) => [
        {
          key: declared.replace(
            /(?<=\.attentions\.\d+\.)(to_q|to_k|to_v|to_out\.0)(?=\.)/,
            (role) => OLD_ATTENTION.get(role) ?? role,
          ),
        },
      ],
    },
    {
      name: 'diffusers',
      marker: 'decoder.conv_norm_out.weight',
      parts: itself,
      shape: (key, shape) =>
        /\.mid_block\.attentions\.0\.to_\w+(\.0)?\.weight$/.test(key) ? shape.slice(0, 2) : shape,
    },
    {
      name: 'latent diffusion',
      marker: 'decoder.norm_out.weight',
      parts: latentDiffusion,
      // Attention is 1×1 convolutions here.
      shape: (key, shape) =>
        /\.mid\.attn_1\.(q|k|v|proj_out)\.weight$/.test(key) ? [...shape.slice(0, 2), 1, 1] : shape,
    },
  ],
  words: ['vae', 'first_stage_model', 'autoencoder'],
  fragment: /(?:^|\.)(?:encoder|decoder)\.(?:up|down|up_blocks|down_blocks)\.\d+\./,
  foreign({ store, keys, text }) {
    const key = keys.find((candidate) => /(?:^|\.)decoder\.conv_in\.weight$/.test(candidate));
    const isStableDiffusion = key !== undefined && store.info(key).shape[1] === 4;
    return (
      firstSign(FOREIGN, text) ??
      (isStableDiffusion ? 'a Stable Diffusion autoencoder, of 4 latent channels' : undefined)
    );
  },
  written: {
    layouts: { diffusers: 'diffusers', single: 'latent diffusion' },
    prefix: 'vae.',
  },
};
