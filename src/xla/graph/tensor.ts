/**
 * A Tensor is a symbolic value: one node of a graph, with its element type in its TypeScript type.
 * It is pure: nothing runs, and nothing has to be disposed. Precision is explicit, never inferred:
 * operands of different element types do not mix, and `cast` is the only bridge.
 */

import { type DType, elementCount, isFloat } from '../../support/dtype.ts';
import type { Meaning, Split } from './axes.ts';
import type { CustomCall } from './custom-call.ts';
import { broadcastShapes, refuse, resolveDim, type Shape, sameShape } from './shape.ts';

export type UnaryFunction =
  | 'negate' | 'exponential' | 'erf' | 'log' | 'tanh' | 'logistic' | 'sqrt' | 'rsqrt' | 'sine' | 'cosine' | 'abs' | 'floor' | 'round_nearest_even'; // biome-ignore format: a list
export type BinaryFunction = 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'power';
export type Comparison = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE';

/** Dimension pairs of a general dot product: dimensions i of the left operand go with dimensions i of the right one. */
export interface DotDims {
  readonly batch: readonly [readonly number[], readonly number[]];
  readonly contract: readonly [readonly number[], readonly number[]];
}

/** A 2-D convolution, NHWC input, weights [out, in, height, width] as checkpoints store them. */
export interface ConvolutionWindow {
  readonly stride: readonly [number, number];
  /** [[top, bottom], [left, right]] */
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
}

/** Whether activations, when multiplied by a quantised matrix, may be `rounded` to its type if that is faster, or are `kept`. */
export type Activations = 'rounded' | 'kept';

/** A function of tensors: its parameters, its outputs, and every operation between them. */
export interface Graph {
  readonly name: string;
  readonly parameters: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Every node the outputs depend on, operands before users, parameters included. */
  readonly nodes: readonly Tensor[];
}

/** The closed set of operations; a switch over `kind` that misses one does not compile. */
export type Op =
  | { readonly kind: 'parameter'; readonly name: string; readonly meaning?: Meaning }
  | { readonly kind: 'constant'; readonly value: number | boolean | Float32Array | Int32Array }
  | { readonly kind: 'iota'; readonly dim: number }
  | { readonly kind: 'unary'; readonly fn: UnaryFunction }
  | { readonly kind: 'binary'; readonly fn: BinaryFunction }
  | { readonly kind: 'compare'; readonly direction: Comparison }
  | { readonly kind: 'select' }
  | { readonly kind: 'convert' }
  | { readonly kind: 'reshape' }
  | { readonly kind: 'transpose'; readonly permutation: readonly number[] }
  /** `dims[i]` is the result dimension that operand dimension i becomes. */
  | { readonly kind: 'broadcast'; readonly dims: readonly number[] }
  | {
      readonly kind: 'slice';
      readonly start: readonly number[];
      readonly limit: readonly number[];
      readonly stride: readonly number[];
    }
  /** `size` entries of one dimension; inputs are the tensor and the start, an i32 scalar, which is clamped. */
  | { readonly kind: 'cut'; readonly dim: number; readonly size: number }
  /** `dealtBy` is the logical axis along which a mesh may split each operand by itself (`sideBySide`). */
  | { readonly kind: 'concatenate'; readonly dim: number; readonly dealtBy?: string }
  | { readonly kind: 'pad'; readonly low: readonly number[]; readonly high: readonly number[] }
  | { readonly kind: 'reduce'; readonly fn: 'add' | 'maximum'; readonly dims: readonly number[] }
  | { readonly kind: 'dot'; readonly dims: DotDims }
  /** Rows of a table [rows, width] picked by integer indices of any shape: result [...indices, width]. */
  | { readonly kind: 'take' }
  | { readonly kind: 'convolution'; readonly window: ConvolutionWindow }
  /** softmax(q kᵀ · scale + bias) v over [b, h, n, c]; inputs q, k, v and, where there is one, the bias. */
  | { readonly kind: 'attention'; readonly scale: number; readonly mask: 'none' | 'causal' }
  /**
   * x [..., in] times (values ∘ multipliers) ∘ scales, transposed; inputs x, values [out, in], scales [out] and, for groups of
   * columns, multipliers [out, in / group]. `activations` says whether x may be rounded to the type of the values; `rotation` is the
   * block by which the matrix is rotated (rotation.ts); x must be rotated alike.
   */
  | { readonly kind: 'quantisedMatmul'; readonly activations: Activations; readonly rotation: number }
  /** Runs `body` on each entry along dimension 0 of the first `mapped` inputs, with the other inputs whole, and stacks the results. */
  | { readonly kind: 'map'; readonly body: Graph; readonly mapped: number }
  /** The unchanged value, hidden from the optimiser. */
  | { readonly kind: 'barrier' }
  /** Names the dimensions for a mesh; prints nothing. */
  | { readonly kind: 'shard'; readonly meaning: Meaning }
  /** The mesh axes that split the value from here on. */
  | { readonly kind: 'constrain'; readonly split: Split }
  /** Runs `body` on every device, on that device's parts of the inputs, split as `operands` says; each result is a part of the value. */
  | { readonly kind: 'manual'; readonly body: Graph; readonly operands: readonly Split[]; readonly result: Split }
  /** A kernel outside StableHLO; the node is its first result. */
  | { readonly kind: 'customCall'; readonly call: CustomCall };

/** A symbolic value in a graph: an operation, its operands, an element type and a shape. It holds no data. */
export class Tensor<D extends DType = DType> {
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly dtype: D;
  readonly shape: Shape;

  constructor(op: Op, inputs: readonly Tensor[], dtype: D, shape: Shape) {
    this.op = op;
    this.inputs = inputs;
    this.dtype = dtype;
    this.shape = shape;
  }

  add(other: Tensor<D> | number): Tensor<D> {
    return binary('add', this, other);
  }
  sub(other: Tensor<D> | number): Tensor<D> {
    return binary('subtract', this, other);
  }
  mul(other: Tensor<D> | number): Tensor<D> {
    return binary('multiply', this, other);
  }
  div(other: Tensor<D> | number): Tensor<D> {
    return binary('divide', this, other);
  }
  max(other: Tensor<D> | number): Tensor<D> {
    return binary('maximum', this, other);
  }
  min(other: Tensor<D> | number): Tensor<D> {
    return binary('minimum', this, other);
  }
  pow(other: Tensor<D> | number): Tensor<D> {
    return binary('power', this, other);
  }

  neg(): Tensor<D> {
    return this.unary('negate');
  }
  exp(): Tensor<D> {
    return this.unary('exponential');
  }
  /** The Gauss error function. */
  erf(): Tensor<D> {
    return this.unary('erf');
  }
  log(): Tensor<D> {
    return this.unary('log');
  }
  tanh(): Tensor<D> {
    return this.unary('tanh');
  }
  /** The logistic function 1 / (1 + exp(-x)). */
  sigmoid(): Tensor<D> {
    return this.unary('logistic');
  }
  sqrt(): Tensor<D> {
    return this.unary('sqrt');
  }
  rsqrt(): Tensor<D> {
    return this.unary('rsqrt');
  }
  sin(): Tensor<D> {
    return this.unary('sine');
  }
  cos(): Tensor<D> {
    return this.unary('cosine');
  }
  abs(): Tensor<D> {
    return this.unary('abs');
  }
  floor(): Tensor<D> {
    return this.unary('floor');
  }

  /** Rounds to the nearest whole number; halves go to the even one. */
  round(): Tensor<D> {
    return this.unary('round_nearest_even');
  }

  compare(direction: Comparison, other: Tensor<D> | number): Tensor<'bool'> {
    const [a, b] = together(`compare ${direction}`, this, other);
    return new Tensor({ kind: 'compare', direction }, [a, b], 'bool', a.shape);
  }

  /** Converts the element type; the only way values of different types meet. */
  cast<T extends DType>(dtype: T): Tensor<T> {
    if ((this.dtype as DType) === dtype) return this as unknown as Tensor<T>;
    return new Tensor({ kind: 'convert' }, [this], dtype, this.shape);
  }

  /** Reinterprets the elements in row-major order; one dimension may be -1. */
  reshape(shape: Shape): Tensor<D> {
    const count = elementCount(this.shape);
    const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
    const filled = shape.map((d) => (d === -1 ? count / known : d));
    if (shape.filter((d) => d === -1).length > 1 || !filled.every(isSize) || elementCount(filled) !== count)
      refuse('reshape', [this], `cannot become [${shape.join(', ')}]`);
    return sameShape(filled, this.shape) ? this : new Tensor({ kind: 'reshape' }, [this], this.dtype, filled);
  }

  /** Reorders dimensions: result dimension i is operand dimension `permutation[i]`. */
  transpose(permutation: readonly number[]): Tensor<D> {
    const dims = permutation.map((dim) => resolveDim('transpose', dim, this));
    if (dims.length !== this.shape.length || new Set(dims).size !== dims.length)
      refuse('transpose', [this], `[${permutation.join(', ')}] is not a permutation of its dimensions`);
    if (dims.every((dim, i) => dim === i)) return this;
    const shape = dims.map((dim) => this.shape[dim]!);
    return new Tensor({ kind: 'transpose', permutation: dims }, [this], this.dtype, shape);
  }

  /** Stretches dimensions of 1 (same rank), or a scalar, to `shape`. */
  broadcastTo(shape: Shape): Tensor<D> {
    if (sameShape(shape, this.shape)) return this;
    const fits = this.shape.length === 0 || broadcastShapes(this.shape, shape)?.every((d, i) => d === shape[i]);
    if (!fits) refuse('broadcast', [this], `cannot stretch to [${shape.join(', ')}]`);
    const kept = this.shape.flatMap((d, i) => (d === shape[i] ? [i] : []));
    // Dimensions of 1 that stretch are dropped first: broadcast_in_dim then only adds dimensions, which XLA fuses best.
    const squeezed = this.reshape(kept.map((i) => this.shape[i]!));
    return new Tensor({ kind: 'broadcast', dims: kept }, [squeezed], this.dtype, shape);
  }

  /** Takes every `stride`-th entry of one dimension from `start` (inclusive) to `limit` (exclusive). */
  slice(dim: number, start: number, limit: number, stride = 1): Tensor<D> {
    const d = resolveDim('slice', dim, this);
    const size = this.shape[d]!;
    const whole = [start, limit, stride].every(Number.isInteger);
    if (!(whole && 0 <= start && start < limit && limit <= size && stride >= 1))
      refuse('slice', [this], `[${start}, ${limit}) by ${stride} is outside dimension ${d} of size ${size}`);
    if (start === 0 && limit === size && stride === 1) return this;
    const op = {
      kind: 'slice',
      start: this.shape.map((_, i) => (i === d ? start : 0)),
      limit: this.shape.map((n, i) => (i === d ? limit : n)),
      stride: this.shape.map((_, i) => (i === d ? stride : 1)),
    } as const;
    const shape = this.shape.map((n, i) => (i === d ? Math.ceil((limit - start) / stride) : n));
    return new Tensor(op, [this], this.dtype, shape);
  }

  /** Sums over `dims`, which stay as dimensions of 1. */
  sum(...dims: number[]): Tensor<D> {
    return reduce('add', this, dims);
  }
  /** Averages over `dims`, which stay as dimensions of 1. */
  mean(...dims: number[]): Tensor<D> {
    const count = dims.reduce((n, dim) => n * this.shape[resolveDim('mean', dim, this)]!, 1);
    return this.sum(...dims).mul(1 / count);
  }
  /** Takes the largest over `dims`, which stay as dimensions of 1. */
  maxOver(...dims: number[]): Tensor<D> {
    return reduce('maximum', this, dims);
  }

  private unary(fn: UnaryFunction): Tensor<D> {
    if (!isFloat(this.dtype) && fn !== 'negate' && fn !== 'abs') refuse(fn, [this], 'needs a floating-point operand');
    return new Tensor({ kind: 'unary', fn }, [this], this.dtype, this.shape);
  }
}

/** A named input of the graph, and what its dimensions mean. */
export function parameter<D extends DType>(name: string, dtype: D, shape: Shape, meaning?: Meaning): Tensor<D> {
  if (!shape.every(isSize)) refuse(`parameter ${name}`, [{ dtype, shape }], 'bad shape');
  if (meaning && meaning.axes.length !== shape.length)
    refuse(`parameter ${name}`, [{ dtype, shape }], `${meaning.axes.length} axes for ${shape.length} dimensions`);
  return new Tensor({ kind: 'parameter', name, ...(meaning && { meaning }) }, [], dtype, [...shape]);
}

/** A value known at trace time: one number stretched over `shape`, or an array with a number for each element. */
export function constant<D extends DType>(
  value: number | boolean | Float32Array | Int32Array,
  dtype: D,
  shape: Shape = [],
): Tensor<D> {
  const bad = (why: string): never => refuse('constant', [{ dtype, shape }], why);
  if (typeof value === 'object') {
    if (value.length !== elementCount(shape)) bad(`has ${value.length} values`);
    if (value instanceof Float32Array ? !isFloat(dtype) : dtype !== 'i32')
      bad(`cannot hold a ${value.constructor.name}`);
    return new Tensor({ kind: 'constant', value }, [], dtype, shape);
  }
  const fits = typeof value === 'boolean' ? dtype === 'bool' : holds(dtype, value);
  if (!fits) bad(`cannot hold ${value}`);
  return new Tensor<D>({ kind: 'constant', value }, [], dtype, []).broadcastTo(shape);
}

function binary<D extends DType>(fn: BinaryFunction, left: Tensor<D>, right: Tensor<D> | number): Tensor<D> {
  const [a, b] = together(fn, left, right);
  return new Tensor({ kind: 'binary', fn }, [a, b], left.dtype, a.shape);
}

/** Whether a number is in a type's range; fractions may be rounded. */
function holds(dtype: DType, value: number): boolean {
  if (isFloat(dtype)) return true;
  return dtype !== 'bool' && Number.isInteger(value) && (value >= 0 || !dtype.startsWith('u'));
}

function isSize(d: number): boolean {
  return Number.isSafeInteger(d) && d >= 0;
}

/** Both operands, broadcast to a common shape. */
function together<D extends DType>(op: string, left: Tensor<D>, right: Tensor<D> | number): [Tensor<D>, Tensor<D>] {
  if (typeof right === 'number') return [left, constant(right, left.dtype, left.shape)];
  if (left.dtype !== right.dtype) refuse(op, [left, right], 'element types differ (cast one)');
  const shape = broadcastShapes(left.shape, right.shape);
  if (!shape) refuse(op, [left, right], 'shapes do not broadcast (ranks must agree; a dimension of 1 stretches)');
  return [left.broadcastTo(shape), right.broadcastTo(shape)];
}

function reduce<D extends DType>(fn: 'add' | 'maximum', t: Tensor<D>, dims: readonly number[]): Tensor<D> {
  const resolved = dims.map((dim) => resolveDim(`reduce ${fn}`, dim, t)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length) refuse(`reduce ${fn}`, [t], `[${dims.join(', ')}] names one twice`);
  if (t.dtype === 'bool' || (fn === 'maximum' && !isFloat(t.dtype)))
    refuse(`reduce ${fn}`, [t], `needs a ${fn === 'add' ? 'number' : 'floating-point operand'}`);
  const shape = t.shape.filter((_, i) => !resolved.includes(i));
  const kept = t.shape.map((d, i) => (resolved.includes(i) ? 1 : d));
  return new Tensor({ kind: 'reduce', fn, dims: resolved }, [t], t.dtype, shape).reshape(kept);
}
