/**
 * The published FLUX.1 models (https://huggingface.co/black-forest-labs): the configs of their files, for tracing, compiling and
 * inspecting full-size programs without a checkpoint.
 */

import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { ReduxConfig } from '../../models/redux.ts';
import type { SiglipConfig } from '../../models/siglip.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';

/** The transformer of FLUX.1 [dev]. */
export const FLUX_DEV: FluxConfig = {
  inChannels: 64,
  outChannels: 64,
  layers: 19,
  singleLayers: 38,
  heads: 24,
  headDim: 128,
  jointAttentionDim: 4096,
  pooledDim: 768,
  guidanceEmbeds: true,
  axesDimsRope: [16, 56, 56],
};

/** The transformer of FLUX.1 [schnell]: dev's, distilled to few steps, without guidance. */
export const FLUX_SCHNELL: FluxConfig = { ...FLUX_DEV, guidanceEmbeds: false };

/** The transformer of FLUX.1 Fill [dev]: dev's, which also takes the latents of a masked picture and its mask. */
export const FLUX_FILL: FluxConfig = { ...FLUX_DEV, inChannels: 384 };

/** The transformer of FLUX.1 Canny [dev] and Depth [dev]: dev's, which also takes the latents of a picture. */
export const FLUX_CONTROL: FluxConfig = { ...FLUX_DEV, inChannels: 128 };

/** The text tower of OpenAI's CLIP ViT-L/14. */
export const CLIP_L: ClipConfig = {
  vocabSize: 49_408,
  width: 768,
  intermediate: 3072,
  layers: 12,
  heads: 12,
  maxPositions: 77,
  activation: 'quick_gelu',
  eps: 1e-5,
  eosTokenId: 2,
  bosTokenId: 0,
  padTokenId: 1,
  projectionDim: 768,
};

/** The encoder of Google's T5 v1.1 XXL. */
export const T5_XXL: T5Config = {
  vocabSize: 32_128,
  width: 4096,
  dKv: 64,
  dFf: 10_240,
  layers: 24,
  heads: 64,
  buckets: 32,
  maxDistance: 128,
  eps: 1e-6,
};

/** The autoencoder of FLUX.1: 16 latent channels at an eighth of the picture's height and width. */
export const FLUX_VAE: VaeConfig = {
  inChannels: 3,
  outChannels: 3,
  latentChannels: 16,
  blockOutChannels: [128, 256, 512, 512],
  layersPerBlock: 2,
  normGroups: 32,
  scalingFactor: 0.3611,
  shiftFactor: 0.1159,
  midBlockAttention: true,
  useQuantConv: false,
  usePostQuantConv: false,
  sampleSize: 1024,
};

/** The vision tower of Google's SigLIP SO400M, for patches of 14 pixels and pictures of 384. */
export const SIGLIP_SO400M: SiglipConfig = {
  width: 1152,
  intermediate: 4304,
  layers: 27,
  heads: 16,
  imageSize: 384,
  patchSize: 14,
  activation: 'gelu_pytorch_tanh',
  eps: 1e-6,
};

/** The projector of FLUX.1 Redux [dev]. */
export const REDUX_DEV: ReduxConfig = { reduxDim: 1152, textDim: 4096 };
