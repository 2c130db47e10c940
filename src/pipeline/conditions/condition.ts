/**
 * Conditions steer a picture besides its prompt: pictures to start from, to preserve, to refer to. A condition is made once, when its
 * request is decided. For each picture, it then computes inputs of programs on the host, in the form of latents.
 */

import type { CheckedRequest } from '../../api/request.ts';
import type { Tool } from '../../families/flux1/tools.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { ConditionSizes } from '../../models/programs.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { Pixels } from '../../picture/image.ts';
import type { Box, Raster } from '../../picture/resample.ts';
import { type LatentSize, packed, packLatents } from '../../sampling/latents.ts';
import type { ModelFloat } from '../../support/dtype.ts';
import type { Extras } from '../extras.ts';
import type { Inputs } from '../inputs.ts';

/** A picture as networks take it; an image encoder takes a square. */
export interface SignedPicture {
  /** [height, width, 3] in -1 to 1. */
  readonly values: Float32Array;
  /** Equal for equal values and sizes. */
  readonly key: string;
}

/** A picture as the autoencoder takes it. */
export interface SizedPicture extends SignedPicture {
  readonly size: LatentSize;
}

/** The output of the text encoders for one prompt. */
export interface EncodedPrompt {
  /** [t, joint attention dim] */
  readonly sequence: Float32Array;
  /** [pooled dim] */
  readonly pooled: Float32Array;
}

/** Pictures that are parts of a prompt. */
export interface PromptPictures {
  /** Equal if they turn the same prompt into the same tokens. */
  readonly key: string;
  readonly pictures: readonly SignedPicture[];
  join(prompt: EncodedPrompt, tokensOf: (picture: SignedPicture) => Float32Array): EncodedPrompt;
}

/** What a condition adds to the programs of a batch. */
export interface ConditionPrograms extends Pick<ConditionSizes, 'addedChannels' | 'blend' | 'promptTokens'> {
  /** Latent sizes of reference pictures. */
  readonly references?: readonly LatentSize[] | undefined;
  /** The ControlNet of each control picture, by its index in the model's list. */
  readonly nets?: readonly number[] | undefined;
}

/** A request's condition. */
export interface Condition {
  /** The condition's kind, and everything that pictures of one batch must share. */
  readonly key: readonly unknown[];
  readonly programs: ConditionPrograms;
  /** Pictures that the autoencoder encodes for it. */
  readonly pictures: readonly SizedPicture[];
  readonly prompt?: PromptPictures;
  /** Runs before the picture's noise is drawn. */
  readonly before?: (making: PictureMaking) => void;
  /** Runs after the picture's noise is drawn. */
  readonly after?: (making: PictureMaking) => void;
  readonly finish?: (picture: Pixels) => Pixels;
}

/** A request, as a kind of condition sees it. */
export interface ConditionRequest {
  readonly request: CheckedRequest;
  readonly inputs: Inputs;
  /** The part of `image` that is repainted, if not all of it, and the mask for pasting it back. */
  readonly crop: { readonly box: Box; readonly mask: Raster } | undefined;
  readonly width: number;
  readonly height: number;
  readonly size: LatentSize;
  /** Evaluations of the transformer, over all steps. */
  readonly evaluations: number;
  readonly transformer: FluxConfig;
  readonly vae: VaeConfig;
  readonly extras: Extras;
  /** The kind of transformer, which the request's LoRAs may change. */
  readonly tool: Tool | 'plain' | undefined;
}

/** The moments of an encoded picture's latents [h, w, 2c]: means, then logarithms of variances. */
export type Moments = Float32Array;

/** What the latents of a picture are made from. */
export interface MakingFrom {
  /** The first noise level. */
  readonly sigma: number;
  /** Draws standard normal values. */
  readonly normal: (count: number, dtype: ModelFloat) => Float32Array;
  /** The type that the noise of latents is drawn in. */
  readonly dtype: ModelFloat;
  readonly moments: (picture: SizedPicture) => Moments;
  readonly vae: VaeConfig;
}

/** A picture whose latents are being made. Conditions and noise draw from its generator in order. */
export class PictureMaking {
  readonly from: MakingFrom;
  /** Inputs of programs by name, packed: [l, c]; `reference` is [r, c]. */
  readonly given: Record<string, Float32Array> = {};
  /** Clean latents that the picture starts from, packed. */
  known: Float32Array | undefined;

  constructor(from: MakingFrom) {
    this.from = from;
  }

  /** Draws packed noise of a size. */
  noise({ height, width }: LatentSize): Float32Array {
    const { vae, normal, dtype } = this.from;
    const channels = vae.latentChannels;
    return packLatents(normal(channels * height * width, dtype), [1, channels, height, width]);
  }

  /** Draws latents of a picture from its moments, packed (diffusers `retrieve_latents`, `sample_mode='sample'`). */
  sample(picture: SizedPicture): Float32Array {
    const noise = this.noise(picture.size);
    return this.#latents(picture, (mean, logVariance, i) => {
      const deviation = Math.exp(0.5 * Math.min(20, Math.max(-30, logVariance)));
      return mean + deviation * noise[i]!;
    });
  }

  /** The mean latents of a picture, packed (`sample_mode='argmax'`). */
  mean(picture: SizedPicture): Float32Array {
    return this.#latents(picture, (mean) => mean);
  }

  #latents(picture: SizedPicture, value: (mean: number, logVariance: number, packed: number) => number): Float32Array {
    const { latentChannels: c, shiftFactor, scalingFactor } = this.from.vae;
    const moments = this.from.moments(picture);
    return packed(picture.size, c, (row, column, channel, at) => {
      const mean = (row * picture.size.width + column) * 2 * c + channel;
      return (value(moments[mean]!, moments[mean + c]!, at) - shiftFactor) * scalingFactor;
    });
  }
}
