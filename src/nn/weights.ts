/**
 * Weights as layers declare them: a path in the checkpoint's own names, a shape, and a logical name for each axis.
 * Declaring reads nothing. One list of declarations serves loading, sharding, LoRA and ahead-of-time compilation.
 */

import { type Shape, sameShape, typeText } from '../graph/shape.ts';
import { parameter, type Tensor } from '../graph/tensor.ts';
import type { DType, Float } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';

/** What an axis of a weight means; parallel rules map these to mesh axes. `null` is never sharded. */
export type LogicalAxis = 'embed' | 'heads' | 'mlp' | 'vocab' | 'conv_in' | 'conv_out' | 'norm' | null;

/** Rows `start` to `end` of a weight that is stored with `of` rows in all, such as the keys of a fused `qkv`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
  readonly of: number;
}

/** One declared weight: `name` as in the checkpoint, `dtype` as it lies in memory, `shape` of the declared rows. */
export interface WeightSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly axes: readonly LogicalAxis[];
  readonly rows?: RowRange;
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
  readonly #storage: DType;
  readonly #path: string;
  readonly #declared: Map<string, Declaration>;

  constructor(compute: F, storage: DType, path = '', declared: Map<string, Declaration> = new Map()) {
    this.compute = compute;
    this.#storage = storage;
    this.#path = path;
    this.#declared = declared;
  }

  /** The place one or more names further down: `w.at('img_attn.qkv')`. */
  at(path: string): Weights<F> {
    return new Weights(this.compute, this.#storage, this.#resolve(path), this.#declared);
  }

  /** Declares one weight and returns it in the element type of the calculation; declaring it again returns the same. */
  param(name: string, shape: Shape, axes: readonly LogicalAxis[], rows?: RowRange): Tensor<F> {
    return this.stored(name, shape, axes, rows).cast(this.compute);
  }

  /** Declares one weight and returns it as it lies in memory, for layers that use a part of it and convert only that. */
  stored(name: string, shape: Shape, axes: readonly LogicalAxis[], rows?: RowRange): Tensor {
    const path = this.#resolve(name);
    const key = rows ? `${path}[${rows.start}:${rows.end}]` : path;
    const known = this.#declared.get(key);
    if (known && !sameShape(known.spec.shape, shape))
      throw new FluxionError(
        'bad_shape',
        `${key} is declared as ${typeText(known.spec.dtype, known.spec.shape)} and as [${shape}]`,
      );
    const tensor = known?.tensor ?? parameter(key, this.#storage, shape);
    if (!known) {
      const spec: WeightSpec = { name: path, dtype: this.#storage, shape, axes, ...(rows ? { rows } : {}) };
      this.#declared.set(key, { spec, tensor });
    }
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
