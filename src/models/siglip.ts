/**
 * The SigLIP vision encoder (https://arxiv.org/abs/2303.15343; transformers `SiglipVisionModel`). FLUX.1 Redux uses the normalised tokens of its
 * last layer, without pooling. Notable: its layers are CLIP's, without a mask, and one program serves them all; a convolution whose window equals
 * its stride is computed as a product of patches.
 *
 * b batch · n tokens, one per patch · d width · p side of a patch
 */

import { affineLayerNorm } from '../nn/norm.ts';
import type { Float } from '../support/dtype.ts';
import { matmulTransposed } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import { shard } from '../xla/graph/sharding.ts';
import { perPictureAxes, spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import { encoderLayer } from './clip.ts';
import type { TokenSizes } from './element-types.ts';

/** A SigLIP vision encoder (transformers `SiglipVisionConfig`). */
export interface SiglipConfig {
  readonly width: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  /** Side of the square picture in pixels. */
  readonly imageSize: number;
  /** Side of a patch in pixels; pixels right and below of the last whole patch are not seen. */
  readonly patchSize: number;
  readonly activation: 'gelu_pytorch_tanh' | 'gelu' | 'quick_gelu';
  readonly eps: number;
}

/** The parts of the encoder as programs. */
export interface SiglipPrograms {
  /** pixels [b, size, size, 3] f32 from -1 to 1 → x [b, n, d] */
  readonly embed: Traced;
  /** x → x (weights of one layer) */
  readonly layer: Traced;
  /** x → x, normalised */
  readonly finalNorm: Traced;
}

/** Tokens of a picture. */
export function siglipTokens({ imageSize, patchSize }: Pick<SiglipConfig, 'imageSize' | 'patchSize'>): number {
  return Math.floor(imageSize / patchSize) ** 2;
}

/** Traces every part of an encoder for the given sizes; needs no weights. */
export function siglipPrograms<F extends Float>(
  cfg: SiglipConfig,
  { batch: b, compute: f, storage }: Omit<TokenSizes, 'tokens'> & { readonly compute: F },
): SiglipPrograms {
  const { width: d, imageSize: size, patchSize: p, eps } = cfg;
  const n = siglipTokens(cfg);
  const w = () => new Weights(f, storage);
  const x = spec(f, [b, n, d], TOKENS);
  const pixels = spec('f32', [b, size, size, 3], perPictureAxes(4));

  return {
    embed: trace('siglip_embed', w(), { pixels }, (given, weights) => {
      const embeddings = weights.at('vision_model.embeddings');
      const window = embeddings.at('patch_embedding');
      const kernel = window.param('weight', [d, 3, p, p], ['embed', null, null, null]).reshape([d, 3 * p * p]);
      const bias = window.param('bias', [d], ['embed']);
      const positions = embeddings.param('position_embedding.weight', [n, d], [null, 'embed']);
      const seen = Math.floor(size / p) * p;
      const whole = given.pixels.slice(1, 0, seen).slice(2, 0, seen).cast(f);
      const patches = rearrange(whole, 'b (h p) (w q) c -> b (h w) (c p q)', { p, q: p });
      const tokens = matmulTransposed(patches, kernel).add(bias.reshape([1, 1, d]));
      return { x: shard(tokens.add(positions.reshape([1, n, d])), TOKENS) };
    }),
    layer: trace('siglip_layer', w(), { x }, (given, weights) => ({
      x: shard(encoderLayer(weights, cfg, 'none')(given.x), TOKENS),
    })),
    finalNorm: trace('siglip_final_norm', w(), { x }, (given, weights) => ({
      x: shard(affineLayerNorm(weights.at('vision_model.post_layernorm'), { width: d, eps })(given.x), TOKENS),
    })),
  };
}
