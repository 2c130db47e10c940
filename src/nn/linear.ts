/**
 * Linear layers; the only place that knows how a matrix is represented in memory: as stored [out, in] or in fewer bits, with or without
 * the factors of adapters.
 */

import type { DType, Float } from '../support/dtype.ts';
import { matmulTransposed, quantisedMatmul } from '../xla/graph/ops.ts';
import { rotationBlock } from '../xla/graph/rotation.ts';
import type { Shape } from '../xla/graph/shape.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import type { LogicalAxis, MatrixComponent, QuantisedForm, RowRange, Weights } from '../xla/graph/weights.ts';

export interface LinearOptions {
  /** Input features; several numbers if the input is several values side by side (`sideBySide`). */
  readonly in: number | readonly number[];
  readonly out: number;
  readonly axes: readonly [input: LogicalAxis, output: LogicalAxis];
  readonly bias?: 'bias' | 'none';
  /** The rows of a larger stored weight that belong to this layer. */
  readonly rows?: RowRange;
  /** How many of the last input features have no columns in the checkpoint's plain matrix: only adapters use them. */
  readonly zeros?: number;
  /** The dimension of the input that pictures lie along, each with its own strengths of adapters; the first by default. */
  readonly pictures?: number | undefined;
}

/** Declares `weight` [out, in] and `bias` [out]; the forward takes [..., in] to [..., out]. */
export function linear<F extends Float>(w: Weights<F>, options: LinearOptions): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows } = options;
  const { form = 'plain', adapterRank = 0 } = w.matrices;
  const multiply = form === 'plain' ? plain(w, options) : quantised(w, options, form);
  const bias = options.bias === 'none' ? undefined : w.param('bias', [out], [axes[1]], { rows });
  const beside = adapterRank > 0 ? adapters(w, options, adapterRank) : undefined;
  return (x) => {
    const product = multiply(x);
    const y = beside ? product.add(beside(x)) : product;
    if (!bias) return y;
    return y.add(bias.reshape([...y.shape.slice(1).map(() => 1), out]));
  };
}

function inputsOf({ in: given }: LinearOptions): { inputs: number; segments: readonly number[] | undefined } {
  if (typeof given === 'number') return { inputs: given, segments: undefined };
  return { inputs: given.reduce((sum, width) => sum + width, 0), segments: given };
}

/** x Wᵀ for W as stored. */
function plain<F extends Float>(w: Weights<F>, options: LinearOptions): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows, zeros } = options;
  const { inputs, segments } = inputsOf(options);
  const weight = w.param('weight', [out, inputs], [axes[1], axes[0]], { rows, segments, zeros });
  return (x) => matmulTransposed(x, weight);
}

/** Element types of quantised values. */
const VALUES = { int8: 'i8', fp8: 'f8e4m3', int4: 'i4' } as const;
/** Columns that share a multiplier: the first of these that divides the width of every value side by side, or else all columns. */
const GROUPS = [32, 16, 8];

/** x Wᵀ for a quantised W: one scale for each row and, in 4 bits, a multiplier for each group of columns. */
function quantised<F extends Float>(
  w: Weights<F>,
  options: LinearOptions,
  form: QuantisedForm,
): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows } = options;
  const { inputs, segments } = inputsOf(options);
  const { activations = 'rounded' } = w.matrices;
  const widths = segments ?? [inputs];
  // When activations are rounded to integers, a few outliers would leave too few steps for the rest.
  const rotation = activations === 'rounded' && form !== 'fp8' ? rotationBlock(widths) : 1;
  const declare = <D extends DType>(component: MatrixComponent, dtype: D, shape: Shape, parts?: Shape): Tensor<D> =>
    w.array('weight', {
      component,
      dtype,
      shape,
      axes: [axes[1], axes[0]].slice(0, shape.length),
      rows,
      segments: parts,
      ...(component === 'values' && rotation > 1 && { rotation }),
    });
  const values = declare('values', VALUES[form], [out, inputs], segments);
  const scales = declare('scales', 'f32', [out]);
  const group = GROUPS.find((columns) => widths.every((width) => width % columns === 0));
  const parts = group === undefined ? undefined : segments?.map((width) => width / group);
  const multipliers =
    form === 'int4' ? declare('multipliers', 'i8', [out, inputs / (group ?? inputs)], parts) : undefined;
  return (x) => quantisedMatmul(x, { values, scales, multipliers, rotation }, activations);
}

/** What adapters beside `weight` add to x Wᵀ: ((x Aᵀ) · scale) Bᵀ, with a scale for each picture. The inner product stays f32 until it is scaled. */
function adapters<F extends Float>(w: Weights<F>, options: LinearOptions, r: number): (x: Tensor<F>) => Tensor<F> {
  const { out, axes, rows, pictures = 0 } = options;
  const { inputs, segments } = inputsOf(options);
  const { pictures: b = 1 } = w.matrices;
  const matrix = { dtype: w.compute, rows };
  const down = w.array('weight', { ...matrix, factor: 'A', shape: [r, inputs], axes: [null, axes[0]], segments });
  const up = w.array('weight', { ...matrix, factor: 'B', shape: [out, r], axes: [axes[1], null] });
  const strengths = { dtype: 'f32', factor: 'scale', shape: [b, r], axes: ['activation_batch', null] } as const;
  const scale = w.array('weight', { ...strengths, rows });
  return (x) => {
    const inner = matmulTransposed(x, down, 'f32');
    const shape = inner.shape.map((_, dim) => (dim === pictures ? b : dim === inner.shape.length - 1 ? r : 1));
    return matmulTransposed(inner.mul(scale.reshape(shape)).cast(x.dtype), up);
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
