/** The projector of FLUX.1 Redux in files: its config, and its tensors, whose names are the same in diffusers and in BFL's file. */

import type { FluxConfig } from '../../models/flux.ts';
import type { ReduxConfig } from '../../models/redux.ts';
import type { SiglipConfig } from '../../models/siglip.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Component, SizeAgreement } from '../../weights/folders/family.ts';
import { affine, itself } from '../../weights/folders/layout.ts';
import { REDUX_DEV } from './presets.ts';

const CLASS = 'ReduxImageEncoder';

/** The network that turns tokens of pictures into text tokens. */
export const REDUX: Component<ReduxConfig> = {
  name: 'redux',
  title: 'a FLUX.1 Redux projector',
  label: 'the Redux projector',
  folder: 'image_embedder',
  configFile: 'config.json',
  class: ['flux', CLASS],
  config: {
    ...keys.codec<ReduxConfig>({
      own: [CLASS],
      only: { _class_name: CLASS },
      fields: {
        reduxDim: keys.integer('redux_dim', 1152, 1, keys.MAX_WIDTH),
        textDim: keys.integer('txt_in_features', 4096, 1, keys.MAX_WIDTH),
      },
    }),
    derive: (at) => ({ reduxDim: at.size('redux_up.weight', 1), textDim: at.size('redux_down.weight', 0) }),
  },
  describe: ({ reduxDim, textDim }) => `Redux, from width ${reduxDim} to ${textDim}`,
  published: { 'FLUX.1 Redux [dev]': REDUX_DEV },
  weights: 'diffusion_pytorch_model',
  tensors: ['redux_up', 'redux_down'].flatMap(affine),
  layouts: [{ name: 'BFL', marker: 'redux_up.weight', parts: itself }],
  words: ['redux', 'image_embedder'],
  fragment: /(?:^|\.)redux_(?:up|down)\./,
  foreign: () => undefined,
  written: { layouts: { diffusers: 'BFL', single: 'BFL' }, prefix: 'redux.' },
};

/** The sizes that a projector must have between an image encoder and a transformer. */
export function reduxAgreements(
  { reduxDim, textDim }: ReduxConfig,
  encoder: SiglipConfig,
  transformer: FluxConfig,
): readonly SizeAgreement[] {
  return [
    ['redux_dim', reduxDim, encoder.width, "the image encoder's hidden_size"],
    ['txt_in_features', textDim, transformer.jointAttentionDim, "the transformer's joint_attention_dim"],
  ];
}
