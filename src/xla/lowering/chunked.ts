/** Attention over blocks of queries, one head after the other: the arithmetic of dense.ts with few scores alive at once. */

import type { Float } from '../../support/dtype.ts';
import { map } from '../graph/map.ts';
import { padZeros } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { AttentionInputs } from './attention.ts';
import { denseAttention } from './dense.ts';

/**
 * Computes attention without a causal mask, at most `rows` queries of one head at a time, in blocks of equal size; by default, enough rows
 * for a product to run at full speed (docs/measurements/cpu.md). Every row of scores is whole, so that nothing is rescaled. Results are
 * collected in f32: to insert one block of bf16, XLA:CPU would widen and round all blocks.
 */
export function chunkedAttention<F extends Float>(
  { q, k, v, bias, scale }: AttentionInputs<F>,
  rows?: number,
): Tensor<F> {
  const [b, h, n, c] = q.shape as [number, number, number, number];
  const m = k.shape[2]!;
  const blocks = Math.ceil(n / (rows ?? (c > 128 ? 1024 : 512)));
  const size = Math.ceil(n / blocks);
  const padded = blocks * size;
  const inBlocks = (t: Tensor<F>): Tensor<F> => {
    const whole = padZeros(t, [0, 0, 0, 0], [0, 0, padded - n, 0]);
    return whole.reshape([b * h, blocks, 1, 1, size, t.shape[3]!]);
  };
  const heads = (t: Tensor<F>): Tensor<F> => t.reshape([b * h, 1, 1, m, c]);
  const biases = bias ? [inBlocks(bias.broadcastTo([b, h, n, m]))] : [];

  const out = map([inBlocks(q), heads(k), heads(v), ...biases], [], ([queries, keys, values, biasBlocks]) =>
    map([queries!, ...(biasBlocks ? [biasBlocks] : [])], [keys!, values!], ([query, biasBlock], [key, value]) =>
      denseAttention({ q: query!, k: key!, v: value!, bias: biasBlock, scale, mask: 'none' }).cast('f32'),
    ),
  );
  return out.reshape([b, h, padded, c]).slice(2, 0, n).cast(q.dtype);
}
