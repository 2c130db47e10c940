/**
 * Weights as layers declare them: a path in the checkpoint's own names, a shape, and a logical name for each axis.
 * Declaring reads nothing. One list of declarations serves loading, sharding, LoRA and ahead-of-time compilation.
 */

import type { DType, Float } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { type Shape, sameShape, typeText } from './shape.ts';
import { type Activations, parameter, type Tensor } from './tensor.ts';

/** What an axis of a weight means; parallel rules map these to mesh axes. `null` is never sharded. */
export type LogicalAxis =
  | 'embed'
  | 'heads'
  | 'mlp'
  | 'vocab'
  | 'conv_in'
  | 'conv_out'
  | 'norm'
  | 'activation_batch'
  | null;

/** Rows `start` to `end` of a weight that is stored with `of` rows in all, such as the keys of a fused `qkv`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
  readonly of: number;
}

/**
 * One of the arrays that stand beside a matrix W [out, in] for adapters of up to R ranks in all, W + B · diag(scale) · A for each
 * picture: A [R, in], B [out, R], scale [b, R]. Adapters are exchanged by exchanging these, under the same program.
 */
export type AdapterFactor = 'A' | 'B' | 'scale';

/** How the matrices of linear layers lie in memory: as they are, or in fewer bits (docs/guide/quantization.md). */
export type MatrixForm = 'plain' | QuantisedForm;
export type QuantisedForm = 'int8' | 'fp8' | 'int4';

/** One of the arrays that a quantised matrix [out, in] is kept in: values [out, in], scales [out], multipliers [out, in / group]. */
export type MatrixComponent = 'values' | 'scales' | 'multipliers';

/** One declared weight: `name` as in the checkpoint, `dtype` as it lies in memory, `shape` of the declared rows. */
export interface WeightSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly axes: readonly LogicalAxis[];
  readonly rows?: RowRange;
  /** Widths of what is side by side in the last dimension, where a mesh deals each out by itself. */
  readonly segments?: readonly number[];
  /** Set for what is no weight of a checkpoint, but a factor beside the weight of this name and these rows. */
  readonly factor?: AdapterFactor;
  /** Set for what a quantised weight is kept in; the values stand for the weight of the checkpoint. */
  readonly component?: MatrixComponent;
  /** Columns of a block in which quantised values are rotated (xla/graph/rotation.ts); absent for none. */
  readonly rotation?: number;
}

/** Names a declared weight, row part of one, component of one or factor beside one; equal names are one declaration. */
export function weightKey({
  name,
  rows,
  factor,
  component,
}: Pick<WeightSpec, 'name' | 'rows' | 'factor' | 'component'>): string {
  const part = rows ? `${name}[${rows.start}:${rows.end}]` : name;
  if (factor) return `${part}.lora_${factor}`;
  return component && component !== 'values' ? `${part}.${component}` : part;
}

/** Whether an array stands for a weight of the checkpoint: of what a quantised one is kept in, the values do. */
export function isStored({ factor, component = 'values' }: WeightSpec): boolean {
  return factor === undefined && component === 'values';
}

interface ArrayOptions<D extends DType> {
  readonly factor?: AdapterFactor;
  readonly component?: MatrixComponent;
  readonly rotation?: number;
  readonly dtype: D;
  readonly shape: Shape;
  readonly axes: readonly LogicalAxis[];
  readonly rows: RowRange | undefined;
  readonly segments?: readonly number[] | undefined;
}

/** What else there is to say of a weight. */
interface WeightOptions {
  readonly rows?: RowRange | undefined;
  readonly segments?: readonly number[] | undefined;
}

/** What linear layers are told of their matrices. */
export interface MatrixOptions {
  /** Ranks of adapters that they leave room for; 0, the default, for none. */
  readonly adapterRank?: number | undefined;
  /** Pictures of a batch, each of which has its own strengths of adapters; 1 by default. */
  readonly pictures?: number | undefined;
  /** `plain` by default. */
  readonly form?: MatrixForm | undefined;
  /** Whether what is multiplied by a quantised matrix may be rounded as well; it may by default. */
  readonly activations?: Activations;
}

interface Declaration {
  readonly spec: WeightSpec;
  readonly tensor: Tensor;
}

/**
 * A place in the checkpoint's name space, and the list everything below it declares into.
 * `compute` is the element type layers calculate in; weights are stored in `storage` and converted where they are used.
 */
export class Weights<F extends Float> {
  readonly compute: F;
  readonly matrices: MatrixOptions;
  readonly #storage: DType;
  readonly #path: string;
  readonly #declared: Map<string, Declaration>;

  constructor(
    compute: F,
    storage: DType,
    matrices: MatrixOptions = {},
    path = '',
    declared: Map<string, Declaration> = new Map(),
  ) {
    this.compute = compute;
    this.matrices = matrices;
    this.#storage = storage;
    this.#path = path;
    this.#declared = declared;
  }

  /** The place one or more names further down: `w.at('img_attn.qkv')`. */
  at(path: string): Weights<F> {
    return new Weights(this.compute, this.#storage, this.matrices, this.#resolve(path), this.#declared);
  }

  /** The same place, with layers that calculate in another element type. */
  in<G extends Float>(compute: G): Weights<G> {
    return new Weights(compute, this.#storage, this.matrices, this.#path, this.#declared);
  }

  /** Declares one weight and returns it in the element type of the calculation; declaring it again returns the same. */
  param(name: string, shape: Shape, axes: readonly LogicalAxis[], options?: WeightOptions): Tensor<F> {
    return this.stored(name, shape, axes, options).cast(this.compute);
  }

  /** Declares one weight and returns it as it lies in memory, for layers that use a part of it and convert only that. */
  stored(name: string, shape: Shape, axes: readonly LogicalAxis[], { rows, segments }: WeightOptions = {}): Tensor {
    const part = { ...(rows && { rows }), ...(segments && { segments }) };
    return this.#declare({ name: this.#resolve(name), dtype: this.#storage, shape, axes, ...part });
  }

  /** Declares an array that the weight `name` is kept in, or a factor beside it, in an element type of its own. */
  array<D extends DType>(name: string, { rows, segments, ...array }: ArrayOptions<D>): Tensor<D> {
    const spec = { name: this.#resolve(name), ...array, ...(rows && { rows }), ...(segments && { segments }) };
    return this.#declare(spec) as Tensor<D>;
  }

  #declare(spec: WeightSpec): Tensor {
    const key = weightKey(spec);
    const known = this.#declared.get(key);
    if (known && !sameShape(known.spec.shape, spec.shape))
      throw new FluxionError(
        'bad_shape',
        `${key} is declared as ${typeText(known.spec.dtype, known.spec.shape)} and as [${spec.shape}]`,
      );
    const tensor = known?.tensor ?? parameter(key, spec.dtype, spec.shape, spec);
    if (!known) this.#declared.set(key, { spec, tensor });
    return tensor;
  }

  /** Everything declared so far at any place of this name space, in order. */
  get declared(): readonly Declaration[] {
    return [...this.#declared.values()];
  }

  #resolve(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
