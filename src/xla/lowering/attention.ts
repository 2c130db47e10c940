/** The input of every attention kernel, and the layout that fused kernels share. */

import type { Float } from '../../support/dtype.ts';
import { padZeros } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';

/** The operands of an attention node; shapes as `attention` in xla/graph/ops.ts gives them. */
export interface AttentionInputs<F extends Float = Float> {
  readonly q: Tensor<F>;
  readonly k: Tensor<F>;
  readonly v: Tensor<F>;
  readonly bias: Tensor<F> | undefined;
  readonly scale: number;
  readonly mask: 'none' | 'causal';
}

/** The sizes of an attention: batch, heads, queries, keys, and the width of a head. */
export interface AttentionSizes {
  readonly b: number;
  readonly h: number;
  readonly n: number;
  readonly m: number;
  readonly c: number;
}

/** Reads the sizes off the operands. */
export function sizesOf({ q, k }: Pick<AttentionInputs, 'q' | 'k'>): AttentionSizes {
  const [b, h, n, c] = q.shape as [number, number, number, number];
  return { b, h, n, m: k.shape[2]!, c };
}

/**
 * Lays [b, h, n, c] out as [b, tokens, h · width], padded with zeros: heads are then blocks of columns, as projections produce
 * them, so that the model's transposes cancel on the way in and out.
 */
export function packHeads<F extends Float>(x: Tensor<F>, tokens: number, width: number): Tensor<F> {
  const [b, h, n, c] = x.shape as [number, number, number, number];
  const padded = padZeros(x.transpose([0, 2, 1, 3]), [0, 0, 0, 0], [0, tokens - n, 0, width - c]);
  return padded.reshape([b, tokens, h * width]);
}

/** Converts [b, tokens, h · width] back to [b, h, n, c], dropping the padding. */
export function unpackHeads<F extends Float>(x: Tensor<F>, { b, h, n, c }: AttentionSizes): Tensor<F> {
  const heads = x.reshape([b, x.shape[1]!, h, x.shape[2]! / h]);
  return heads.slice(1, 0, n).slice(3, 0, c).transpose([0, 2, 1, 3]);
}

/** The score of a masked key: far below any other, but finite, so that the difference of two is a number. */
export const MASKED: number = -0.7 * 3.4028234663852886e38;

/** A value in the text of a kernel. */
export interface Value {
  readonly name: string;
  readonly type: string;
}
