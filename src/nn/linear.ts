/**
 * Linear layers, and the only place that knows how a matrix is represented in memory: as stored [out, in], or with the factors
 * of adapters beside it.
 */

import { dot, matmulTransposed } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Float } from '../support/dtype.ts';
import type { LogicalAxis, RowRange, Weights } from './weights.ts';

export interface LinearOptions {
  /** Input features; several numbers where the input is several values side by side (`sideBySide`). */
  readonly in: number | readonly number[];
  readonly out: number;
  /** Logical axes of the input and the output features. */
  readonly axes: readonly [input: LogicalAxis, output: LogicalAxis];
  readonly bias?: 'bias' | 'none';
  /** Rows of a larger stored weight that this layer is. */
  readonly rows?: RowRange;
}

/** Declares `weight` [out, in] and `bias` [out]; the forward takes [..., in] to [..., out]. */
export function linear<F extends Float>(w: Weights<F>, options: LinearOptions): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows } = options;
  const { inputs, segments } = inputsOf(options);
  const weight = w.param('weight', [out, inputs], [axes[1], axes[0]], { rows, segments });
  const bias = options.bias === 'none' ? undefined : w.param('bias', [out], [axes[1]], { rows });
  const beside = w.adapterRank > 0 ? adapters(w, options) : undefined;
  return (x) => {
    const product = matmulTransposed(x, weight);
    const y = beside ? product.add(beside(x)) : product;
    if (!bias) return y;
    const ones = Array.from({ length: y.shape.length - 1 }, () => 1);
    return y.add(bias.reshape([...ones, out]));
  };
}

function inputsOf({ in: given }: LinearOptions): { inputs: number; segments: readonly number[] | undefined } {
  if (typeof given === 'number') return { inputs: given, segments: undefined };
  return { inputs: given.reduce((sum, width) => sum + width, 0), segments: given };
}

/** What adapters beside `weight` add to x W ᵀ: ((x Aᵀ) · scale) Bᵀ, the inner product in f32 until it has been scaled. */
function adapters<F extends Float>(w: Weights<F>, options: LinearOptions): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows } = options;
  const { inputs, segments } = inputsOf(options);
  const r = w.adapterRank;
  const matrix = { dtype: w.compute, rows };
  const a = w.factor('weight', { ...matrix, factor: 'A', shape: [r, inputs], axes: [null, axes[0]], segments });
  const b = w.factor('weight', { ...matrix, factor: 'B', shape: [out, r], axes: [axes[1], null] });
  const scale = w.factor('weight', { dtype: 'f32', factor: 'scale', shape: [r], axes: [null], rows });
  return (x) => {
    const inner = dot(x, a, { batch: [[], []], contract: [[x.shape.length - 1], [1]] }, 'f32');
    const ones = Array.from({ length: inner.shape.length - 1 }, () => 1);
    return matmulTransposed(inner.mul(scale.reshape([...ones, r])).cast(x.dtype), b);
  };
}

/**
 * Layers that one fused weight holds in consecutive rows, such as q, k and v of `img_attn.qkv`.
 * They stay separate here: a file that stores them apart and one that stores them fused are then both used in place.
 */
export function fusedLinear<F extends Float>(
  w: Weights<F>,
  options: Omit<LinearOptions, 'out' | 'rows'> & { readonly out: readonly number[] },
): ((x: Tensor<F>) => Tensor<F>)[] {
  const of = options.out.reduce((n, rows) => n + rows, 0);
  let start = 0;
  return options.out.map((out) => {
    const rows = { start, end: start + out, of };
    start += out;
    return linear(w, { ...options, out, rows });
  });
}
