/**
 * Sharding as models and compilers speak of it. A model names what its dimensions mean (logical axes) and knows no devices;
 * under a mesh those names become the mesh axes that split each dimension (src/parallel). Without one, `shard` is nothing.
 */

import type { DType } from '../../support/dtype.ts';
import { concatenate } from './ops.ts';
import { refuse, type Shape } from './shape.ts';
import { type Op, Tensor } from './tensor.ts';

/** What each dimension means, such as `['activation_batch', 'activation_length', null]`; null is never split. */
export type Axes = readonly (string | null)[];

/** What the dimensions of a value mean. */
export interface Meaning {
  readonly axes: Axes;
  /** Widths of what is side by side in the last dimension: a mesh deals each out by itself, or leaves all whole. */
  readonly segments?: readonly number[] | undefined;
}

/** One axis of a device mesh. */
export interface MeshAxis {
  readonly name: string;
  readonly size: number;
}

/** The mesh axes that split each dimension, the major one first; an empty list leaves a dimension whole. */
export type Split = readonly (readonly string[])[];

/** Names the dimensions of a value, so that a mesh can share it out; the value stays what it is. */
export function shard<D extends DType>(t: Tensor<D>, axes: Axes, segments?: readonly number[]): Tensor<D> {
  if (axes.length !== t.shape.length) refuse('shard', [t], `${axes.length} axes for ${t.shape.length} dimensions`);
  return new Tensor({ kind: 'shard', meaning: { axes, segments } }, [t], t.dtype, t.shape);
}

/**
 * Joins tensors along the last dimension for a weight that is declared with their widths (`segments`). Where a mesh splits
 * that dimension, each part holds its share of every tensor, one after the other, so that nothing moves between devices:
 * the elements are then in another order, which the weight's own columns follow.
 */
export function sideBySide<D extends DType>(tensors: readonly Tensor<D>[], axes: Axes): Tensor<D> {
  const { op, inputs, dtype, shape } = concatenate(tensors, -1);
  const dealtBy = axes.at(-1);
  const joined = new Tensor(op.kind === 'concatenate' && dealtBy ? { ...op, dealtBy } : op, inputs, dtype, shape);
  return shard(
    joined,
    axes,
    tensors.map((t) => t.shape.at(-1)!),
  );
}

/** What the dimensions of a parameter or a result were declared to mean; nothing where they were not. */
export function meaningOf({ op, shape }: { readonly op: Op; readonly shape: Shape }): Meaning {
  const meaning = op.kind === 'shard' || op.kind === 'parameter' ? op.meaning : undefined;
  return meaning ?? { axes: shape.map(() => null) };
}

/** How many parts a list of mesh axes makes. */
export function partsOf(axes: readonly string[], mesh: readonly MeshAxis[]): number {
  return axes.reduce((parts, name) => parts * (mesh.find((axis) => axis.name === name)?.size ?? 1), 1);
}

/** The shape of one device's part. */
export function localShape(shape: Shape, split: Split, mesh: readonly MeshAxis[]): Shape {
  return shape.map((size, dim) => size / partsOf(split[dim]!, mesh));
}
