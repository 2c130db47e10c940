/** Operations on several tensors, as functions; operations on one tensor, or on two of one type, are methods of Tensor. */

import type { DType, Float, Integer } from '../../support/dtype.ts';
import type { ArrayType, CustomCall } from './custom-call.ts';
import { broadcastShapes, refuse, resolveDim, type Shape, sameShape } from './shape.ts';
import { type Activations, type ConvolutionWindow, type DotDims, Tensor } from './tensor.ts';

/** Contracts dimensions of two tensors; result [batch…, free of a…, free of b…] in `a`'s element type, or in `dtype`. */
export function dot<D extends DType, R extends DType = D>(
  a: Tensor<D>,
  b: Tensor<NoInfer<D>>,
  dims: DotDims,
  dtype?: R,
): Tensor<R> {
  const pairs = [...zip(dims.batch), ...zip(dims.contract)];
  const left = new Set([...dims.batch[0], ...dims.contract[0]]);
  const right = new Set([...dims.batch[1], ...dims.contract[1]]);
  if (a.dtype !== b.dtype) refuse('dot', [a, b], 'element types differ (cast one)');
  if (left.size !== pairs.length || right.size !== pairs.length)
    refuse('dot', [a, b], 'dimensions must come in pairs, each at most once');
  for (const [i, j] of pairs) {
    if (a.shape[i] !== b.shape[j] || a.shape[i] === undefined)
      refuse('dot', [a, b], `dimension ${i} of the first and dimension ${j} of the second differ in size`);
  }
  const free = (t: Tensor, used: ReadonlySet<number>): number[] => t.shape.filter((_, i) => !used.has(i));
  const shape = [...dims.batch[0].map((i) => a.shape[i]!), ...free(a, left), ...free(b, right)];
  return new Tensor({ kind: 'dot', dims }, [a, b], (dtype ?? a.dtype) as R, shape);
}

/** x [..., in] times a weight stored [out, in]: result [..., out] in x's element type, or in `dtype`. */
export function matmulTransposed<D extends DType, R extends DType = D>(
  x: Tensor<D>,
  weight: Tensor<NoInfer<D>>,
  dtype?: R,
): Tensor<R> {
  return dot(x, weight, { batch: [[], []], contract: [[x.shape.length - 1], [1]] }, dtype);
}

function zip([a, b]: readonly [readonly number[], readonly number[]]): [number, number][] {
  return a.map((x, i) => [x, b[i] ?? -1]);
}

/** Joins tensors along one dimension. */
export function concatenate<D extends DType>(tensors: readonly Tensor<D>[], dim: number): Tensor<D> {
  const [first, ...rest] = tensors;
  if (!first) throw new TypeError('concatenate: no tensors');
  if (rest.length === 0) return first;
  const d = resolveDim('concatenate', dim, first);
  const outer = (t: Tensor): Shape => t.shape.map((n, i) => (i === d ? 0 : n));
  for (const t of rest) {
    if (t.dtype !== first.dtype || !sameShape(outer(t), outer(first)))
      refuse(`concatenate along ${d}`, [first, t], 'element types and all other dimensions must agree');
  }
  const total = tensors.reduce((n, t) => n + t.shape[d]!, 0);
  const shape = first.shape.map((n, i) => (i === d ? total : n));
  return new Tensor({ kind: 'concatenate', dim: d }, tensors, first.dtype, shape);
}

/** Cuts one dimension into pieces of the given sizes. */
export function split<D extends DType>(t: Tensor<D>, sizes: readonly number[], dim: number): Tensor<D>[] {
  const d = resolveDim('split', dim, t);
  const total = sizes.reduce((n, size) => n + size, 0);
  if (total !== t.shape[d]) refuse('split', [t], `pieces of ${sizes.join(' + ')} do not fill dimension ${d}`);
  let start = 0;
  return sizes.map((size) => {
    const piece = t.slice(d, start, start + size);
    start += size;
    return piece;
  });
}

/** Takes `size` entries of one dimension from `start` on. `start` is a scalar known only at run time, clamped so that the entries fit. */
export function cut<D extends DType>(t: Tensor<D>, dim: number, start: Tensor<'i32'>, size: number): Tensor<D> {
  const d = resolveDim('cut', dim, t);
  if (start.shape.length > 0 || !Number.isInteger(size) || size < 1 || size > t.shape[d]!)
    refuse(
      'cut',
      [t, start],
      `cannot take ${size} of ${t.shape[d]} entries in dimension ${d}; the start must be a scalar`,
    );
  const shape = t.shape.map((n, i) => (i === d ? size : n));
  return new Tensor({ kind: 'cut', dim: d, size }, [t, start], t.dtype, shape);
}

/** Picks `whenTrue` where the condition holds, `whenFalse` elsewhere; shapes broadcast. */
export function select<D extends DType>(
  condition: Tensor<'bool'>,
  whenTrue: Tensor<D>,
  whenFalse: Tensor<NoInfer<D>>,
): Tensor<D> {
  const values = broadcastShapes(whenTrue.shape, whenFalse.shape);
  const shape = values && broadcastShapes(condition.shape, values);
  if (!shape || whenTrue.dtype !== whenFalse.dtype)
    refuse('select', [condition, whenTrue, whenFalse], 'shapes do not broadcast, or element types differ');
  const operands = [condition.broadcastTo(shape), whenTrue.broadcastTo(shape), whenFalse.broadcastTo(shape)];
  return new Tensor({ kind: 'select' }, operands, whenTrue.dtype, shape);
}

/** 0, 1, 2, … along dimension `dim` of `shape`. */
export function iota<D extends DType>(dtype: D, shape: Shape, dim: number): Tensor<D> {
  return new Tensor({ kind: 'iota', dim: resolveDim('iota', dim, { dtype, shape }) }, [], dtype, shape);
}

/** Rows of `table` [rows, width] at integer `indices` [...]: result [..., width]. Indices out of range are clamped. */
export function take<D extends DType>(table: Tensor<D>, indices: Tensor<Integer>): Tensor<D> {
  if (table.shape.length !== 2) refuse('take', [table, indices], 'the table must be [rows, width]');
  return new Tensor({ kind: 'take' }, [table, indices], table.dtype, [...indices.shape, table.shape[1]!]);
}

/** Surrounds a tensor with zeros, `low[i]` before and `high[i]` after in dimension i. */
export function padZeros<D extends DType>(t: Tensor<D>, low: readonly number[], high: readonly number[]): Tensor<D> {
  const bad = (list: readonly number[]) => list.length !== t.shape.length || !list.every((n) => n >= 0);
  if (bad(low) || bad(high)) refuse('pad', [t], `bad amounts [${low.join(', ')}] and [${high.join(', ')}]`);
  if ([...low, ...high].every((n) => n === 0)) return t;
  const shape = t.shape.map((d, i) => d + low[i]! + high[i]!);
  return new Tensor({ kind: 'pad', low, high }, [t], t.dtype, shape);
}

/** 2-D convolution of x [b, height, width, in] with weights [out, in, kh, kw]: result [b, height', width', out]. */
export function convolution<F extends Float>(
  x: Tensor<F>,
  weight: Tensor<NoInfer<F>>,
  window: ConvolutionWindow,
): Tensor<F> {
  const [b, height, width, channels] = x.shape;
  const [out, inner, kh, kw] = weight.shape;
  if (x.shape.length !== 4 || weight.shape.length !== 4 || channels !== inner || x.dtype !== weight.dtype)
    refuse('convolution', [x, weight], 'expected [b, height, width, in] and [out, in, kh, kw]');
  const extent = (n: number, k: number, i: 0 | 1): number =>
    Math.floor((n + window.padding[i][0] + window.padding[i][1] - k) / window.stride[i]) + 1;
  const shape = [b!, extent(height!, kh!, 0), extent(width!, kw!, 1), out!];
  if (!shape.every((d) => d > 0)) refuse('convolution', [x, weight], 'the window does not fit the picture');
  return new Tensor({ kind: 'convolution', window }, [x, weight], x.dtype, shape);
}

/** How scores become weights: scale, mask and bias. */
export interface AttentionArguments<F extends Float> {
  /** Multiplies the scores; 1/√c for most models, 1 for T5. */
  readonly scale: number;
  readonly mask?: 'none' | 'causal';
  /** Added to the scaled scores: [1 or b, 1 or h, n, m]. */
  readonly bias?: Tensor<F>;
}

/**
 * softmax(q kᵀ · scale + bias) v for q [b, h, n, c] and k, v [b, h, m, c]: result [b, h, n, c].
 * Attention stays one node; lowering decides which kernel computes it on a platform.
 */
export function attention<F extends Float>(
  q: Tensor<F>,
  k: Tensor<NoInfer<F>>,
  v: Tensor<NoInfer<F>>,
  { scale, mask = 'none', bias }: AttentionArguments<NoInfer<F>>,
): Tensor<F> {
  const [b, h, n, c] = q.shape;
  const m = k.shape[2];
  if (q.shape.length !== 4 || !sameShape(k.shape, [b!, h!, m!, c!]) || !sameShape(v.shape, k.shape))
    refuse('attention', [q, k, v], 'expected q [b, h, n, c] and k, v [b, h, m, c]');
  if ([k, v, bias].some((t) => t && t.dtype !== q.dtype))
    refuse('attention', bias ? [q, k, v, bias] : [q, k, v], 'element types differ (cast some)');
  if (mask === 'causal' && n !== m) refuse('attention', [q, k], 'a causal mask needs as many queries as keys');
  if (bias && !sameShape(broadcastShapes(bias.shape, [b!, h!, n!, m!]) ?? [], [b!, h!, n!, m!]))
    refuse('attention bias', [q, k, bias], `expected [1 or ${b}, 1 or ${h}, ${n}, ${m}]`);
  return new Tensor({ kind: 'attention', scale, mask }, bias ? [q, k, v, bias] : [q, k, v], q.dtype, q.shape);
}

/** A matrix [out, in] in fewer bits: row i is `scales[i]` · `values[i]`, after each group of columns is multiplied by its multiplier. */
export interface QuantisedMatrix {
  /** [out, in] i8, f8e4m3 or i4 */
  readonly values: Tensor;
  /** [out] */
  readonly scales: Tensor<'f32'>;
  /** [out, in / group]; value times multiplier fits into i8. */
  readonly multipliers?: Tensor<'i8'> | undefined;
  /** Block of columns by which rows are rotated (rotation.ts); 1, the default, for none. */
  readonly rotation?: number | undefined;
}

/**
 * x [..., in] times a quantised matrix, transposed: result [..., out] in x's element type.
 * The product stays one node; lowering decides which element types a platform computes it in.
 */
export function quantisedMatmul<F extends Float>(
  x: Tensor<F>,
  { values, scales, multipliers, rotation = 1 }: QuantisedMatrix,
  activations: Activations,
): Tensor<F> {
  const inputs = [x, values, scales, ...(multipliers ? [multipliers] : [])];
  const [out, width] = values.shape;
  const groups = multipliers?.shape[1] ?? 1;
  if (values.shape.length !== 2 || x.shape.at(-1) !== width || !sameShape(scales.shape, [out!]))
    refuse('quantised matmul', inputs, 'expected x [..., in], values [out, in] and scales [out]');
  if (multipliers && (!sameShape(multipliers.shape, [out!, groups]) || width! % groups !== 0))
    refuse('quantised matmul', inputs, 'expected multipliers [out, groups] where groups divide the columns');
  if (width! % rotation !== 0) refuse('quantised matmul', inputs, `blocks of ${rotation} do not divide the columns`);
  const shape = [...x.shape.slice(0, -1), out!];
  return new Tensor({ kind: 'quantisedMatmul', activations, rotation }, inputs, x.dtype, shape);
}

/** Calls a kernel; the value is its first result. */
export function customCall<D extends DType>(
  call: CustomCall,
  operands: readonly Tensor[],
  result: ArrayType<D>,
): Tensor<D> {
  return new Tensor({ kind: 'customCall', call }, operands, result.dtype, result.shape);
}
