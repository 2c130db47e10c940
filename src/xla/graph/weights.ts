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
 * One of the arrays beside a matrix W [out, in] for adapters of up to R ranks in total: each picture uses W + B · diag(scale) · A, with A
 * [R, in], B [out, R], scale [b, R]. Changing these arrays changes adapters without a new program.
 */
export type AdapterFactor = 'A' | 'B' | 'scale';

/** How the matrices of linear layers are stored: as they are, or in fewer bits (docs/guide/quantization.md). */
export type MatrixForm = 'plain' | QuantisedForm;
export type QuantisedForm = 'int8' | 'fp8' | 'int4';

/** One of the arrays of a quantised matrix [out, in]: values [out, in], scales [out], multipliers [out, in / group]. */
export type MatrixComponent = 'values' | 'scales' | 'multipliers';

/** One declared weight: `name` in the checkpoint, `dtype` in memory, `shape` of the declared rows. */
export interface WeightSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly axes: readonly LogicalAxis[];
  readonly rows?: RowRange;
  /** Widths of the segments that make up the last dimension, each of which a mesh splits. */
  readonly segments?: readonly number[];
  /** How many of the last columns the checkpoint lacks: they are zero, and only adapters use them. */
  readonly zeros?: number;
  /** Set for an adapter factor beside the weight with this name and these rows. */
  readonly factor?: AdapterFactor;
  /** Set for an array of a quantised weight; only `values` is bound to a checkpoint tensor. */
  readonly component?: MatrixComponent;
  /** Block of columns by which quantised values are rotated (xla/graph/rotation.ts); absent for none. */
  readonly rotation?: number;
}

/** Names a declared array: a weight or some of its rows, a component or a factor; equal names are one declaration. */
export function weightKey(spec: Pick<WeightSpec, 'name' | 'rows' | 'zeros' | 'factor' | 'component'>): string {
  const { name, rows, zeros, factor, component } = spec;
  const part = rows ? `${name}[${rows.start}:${rows.end}]` : name;
  if (factor) return `${part}.lora_${factor}`;
  if (zeros) return `${part}.with_zeros`;
  return component && component !== 'values' ? `${part}.${component}` : part;
}

/** Whether an array is bound to a tensor of the checkpoint: of a quantised weight's arrays, only `values` is. */
export function isStored({ factor, component = 'values' }: WeightSpec): boolean {
  return factor === undefined && component === 'values';
}

interface WeightOptions {
  readonly rows?: RowRange | undefined;
  readonly segments?: readonly number[] | undefined;
  readonly zeros?: number | undefined;
}

interface ArrayOptions<D extends DType>
  extends WeightOptions,
    Pick<WeightSpec, 'factor' | 'component' | 'rotation' | 'shape' | 'axes'> {
  readonly dtype: D;
}

/** How linear layers represent their matrices. */
export interface MatrixOptions {
  /** Ranks of adapters to leave room for; 0 by default. */
  readonly adapterRank?: number | undefined;
  /** Pictures of a batch, each with its own adapter strengths; 1 by default. */
  readonly pictures?: number | undefined;
  /** `plain` by default. */
  readonly form?: MatrixForm | undefined;
  /** Whether activations may be rounded as well; they may by default. */
  readonly activations?: Activations;
}

interface Declaration {
  readonly spec: WeightSpec;
  readonly tensor: Tensor;
}

/**
 * A position in the checkpoint's name space, and the list of everything declared in that name space. `compute` is the element type that
 * layers compute in; weights are stored in `storage` and converted where they are used.
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

  /** The position one or more names further down: `w.at('img_attn.qkv')`. */
  at(path: string): Weights<F> {
    return new Weights(this.compute, this.#storage, this.matrices, this.#resolve(path), this.#declared);
  }

  /** The same position, for layers that compute in another element type. */
  in<G extends Float>(compute: G): Weights<G> {
    return new Weights(compute, this.#storage, this.matrices, this.#path, this.#declared);
  }

  /** Declares one weight and returns it in the element type of the calculation; declaring it again returns the same. */
  param(name: string, shape: Shape, axes: readonly LogicalAxis[], options?: WeightOptions): Tensor<F> {
    return this.stored(name, shape, axes, options).cast(this.compute);
  }

  /** Declares one weight and returns it unconverted, for layers that convert only the part they use. */
  stored(name: string, shape: Shape, axes: readonly LogicalAxis[], options?: WeightOptions): Tensor {
    return this.array(name, { dtype: this.#storage, shape, axes, ...options });
  }

  /** Declares an array with its own element type: one of the quantised weight `name`, or a factor beside it. */
  array<D extends DType>(name: string, { rows, segments, zeros, ...array }: ArrayOptions<D>): Tensor<D> {
    const part = { ...(rows && { rows }), ...(segments && { segments }), ...(zeros && { zeros }) };
    const spec = { name: this.#resolve(name), ...array, ...part };
    const key = weightKey(spec);
    const known = this.#declared.get(key);
    if (known && !sameShape(known.spec.shape, spec.shape))
      throw new FluxionError(
        'bad_shape',
        `${key} is declared twice, as ${typeText(known.spec.dtype, known.spec.shape)} and as [${spec.shape}]`,
      );
    const tensor = known?.tensor ?? parameter(key, spec.dtype, spec.shape, spec);
    if (!known) this.#declared.set(key, { spec, tensor });
    return tensor as Tensor<D>;
  }

  /** Everything declared so far anywhere in this name space, in order. */
  get declared(): readonly Declaration[] {
    return [...this.#declared.values()];
  }

  #resolve(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
