/** Normalisations. Statistics are computed in f32 whatever the element type, and the result is rounded once. */

import type { Float } from '../support/dtype.ts';
import { concatenate } from '../xla/graph/ops.ts';
import type { Shape } from '../xla/graph/shape.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import type { Weights } from '../xla/graph/weights.ts';

/** A vector [c] shaped to stretch over every dimension of `like` but the last. */
function alongLast<F extends Float>(vector: Tensor<F>, like: Shape): Tensor<'f32'> {
  return vector.cast('f32').reshape([...like.slice(0, -1).map(() => 1), like.at(-1)!]);
}

/** What the transformer and the autoencoder add to a variance. */
const EPS = 1e-6;

/** (x - mean) / √(variance + eps) over the last dimension, without scale or shift. */
export function layerNorm<F extends Float>(x: Tensor<F>): Tensor<F> {
  return standardize(x.cast('f32'), EPS).cast(x.dtype);
}

/** Layer normalisation with a learned scale and shift, `weight` and `bias` [width]. */
export function affineLayerNorm<F extends Float>(
  w: Weights<F>,
  { width, eps }: { readonly width: number; readonly eps: number },
): (x: Tensor<F>) => Tensor<F> {
  const weight = w.param('weight', [width], ['norm']);
  const bias = w.param('bias', [width], ['norm']);
  return (x) =>
    standardize(x.cast('f32'), eps).mul(alongLast(weight, x.shape)).add(alongLast(bias, x.shape)).cast(x.dtype);
}

/** x / √(mean x² + eps) · weight over the last dimension; the weight is called `name` in the checkpoint. */
export function rmsNorm<F extends Float>(
  w: Weights<F>,
  { width, eps, name }: { readonly width: number; readonly eps: number; readonly name: string },
): (x: Tensor<Float>) => Tensor<'f32'> {
  const weight = w.param(name, [width], ['norm']);
  return (x) => {
    const f = x.cast('f32');
    return f.mul(f.mul(f).mean(-1).add(eps).rsqrt()).mul(alongLast(weight, x.shape));
  };
}

/**
 * Mean and variance of every channel over a picture [b, height, width, c]: [1, b, 2, c]. Several parts of equal size, stacked along the
 * first dimension, give the values of the whole.
 */
export function channelMoments<F extends Float>(x: Tensor<F>): Tensor<'f32'> {
  const [b, , , c] = x.shape as [number, number, number, number];
  // Along rows first: their sums spread over the device's threads, and each adds few numbers.
  const average = (t: Tensor<'f32'>): Tensor<'f32'> => t.mean(2).mean(1);
  const f = x.cast('f32');
  const mean = average(f);
  const centred = f.sub(mean);
  return concatenate([mean, average(centred.mul(centred))], 1).reshape([1, b, 2, c]);
}

/**
 * Group normalisation of a picture [b, height, width, c] in `groups` groups of channels, with `weight` and `bias` [c], by its own moments or
 * by those of the picture that it is a part of.
 */
export function groupNorm<F extends Float>(
  w: Weights<F>,
  { channels, groups }: { readonly channels: number; readonly groups: number },
): (x: Tensor<F>, moments?: Tensor<'f32'>) => Tensor<F> {
  const weight = w.param('weight', [channels], ['norm']);
  const bias = w.param('bias', [channels], ['norm']);
  return (x, moments = channelMoments(x)) => {
    const [parts, b] = moments.shape as [number, number, number, number];
    const of = (i: number): Tensor<'f32'> => moments.slice(2, i, i + 1).reshape([parts, b, groups, channels / groups]);
    const over = (t: Tensor<'f32'>): Tensor<'f32'> => t.mean(3).mean(0);
    const mean = over(of(0));
    // A group's variance is the mean of its channels' variances plus the variance of their means.
    const apart = of(0).sub(mean);
    const variance = over(of(1).add(apart.mul(apart)));
    const perChannel = (t: Tensor<'f32'>): Tensor<'f32'> =>
      t.broadcastTo([1, b, groups, channels / groups]).reshape([b, 1, 1, channels]);
    const scale = perChannel(variance.add(EPS).rsqrt()).mul(alongLast(weight, x.shape));
    return x.cast('f32').sub(perChannel(mean)).mul(scale).add(alongLast(bias, x.shape)).cast(x.dtype);
  };
}

/** (x - mean) / √(variance + eps) over the last dimension. */
function standardize(x: Tensor<'f32'>, eps: number): Tensor<'f32'> {
  const centred = x.sub(x.mean(-1));
  return centred.mul(centred.mul(centred).mean(-1).add(eps).rsqrt());
}
