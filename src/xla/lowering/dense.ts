/** Attention as two dots around a softmax, with all scores [b, h, n, m] in memory: works on every platform. */

import type { DType, Float } from '../../support/dtype.ts';
import { iota, select } from '../graph/ops.ts';
import { einsum } from '../graph/rearrange.ts';
import { constant, Tensor } from '../graph/tensor.ts';
import type { AttentionInputs } from './attention.ts';

/** Scores and softmax in f32; probabilities are rounded to the operands' type for the second dot. */
export function denseAttention<F extends Float>({ q, k, v, bias, scale, mask }: AttentionInputs<F>): Tensor<F> {
  let scores = einsum('b h n c, b h m c -> b h n m', q, k, 'f32');
  if (scale !== 1) scores = scores.mul(scale);
  if (bias) scores = scores.add(bias.cast('f32'));
  if (mask === 'causal') {
    const row = iota('i32', scores.shape, 2);
    const column = iota('i32', scores.shape, 3);
    scores = select(column.compare('LE', row), scores, constant(Number.NEGATIVE_INFINITY, 'f32', scores.shape));
  }
  const weights = scores.sub(scores.maxOver(3)).exp();
  const probabilities = weights.div(weights.sum(3)).cast(q.dtype);
  return einsum('b h n m, b h m c -> b h n c', probabilities, v);
}

/** The same values, computed before and apart from what uses them. */
export function apart<D extends DType>(t: Tensor<D>): Tensor<D> {
  return new Tensor({ kind: 'barrier' }, [t], t.dtype, t.shape);
}

/**
 * Dense attention that XLA:CPU fuses into one kernel, without scores in memory; barriers keep its neighbours out of the fusion.
 * Computed in `F`, whose products have kernels on this processor. Those kernels take only row-major arrays. XLA stores a transposed array
 * in another order and would widen its products to f32; a reshaped array is row-major.
 */
export function fusedAttention<F extends Float>(
  { q, k, v, bias, ...rest }: AttentionInputs<Float>,
  dtype: F,
): Tensor<Float> {
  const operand = (t: Tensor<Float>): Tensor<F> => {
    const [b, h, ...rows] = t.shape as [number, number, number, number];
    return apart(t.cast(dtype).reshape([b * h, ...rows])).reshape(t.shape);
  };
  const inputs = { q: operand(q), k: operand(k), v: operand(v) };
  return apart(denseAttention<F>({ ...inputs, bias: bias?.cast(dtype), ...rest })).cast(q.dtype);
}
