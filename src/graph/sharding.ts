/**
 * Sharding as models and compilers speak of it. A model names what its dimensions mean (logical axes) and knows no devices;
 * under a mesh those names become the mesh axes that split each dimension (src/parallel). Without one, `shard` is nothing.
 */

import type { DType } from '../support/dtype.ts';
import { concatenate } from './ops.ts';
import { refuse, type Shape } from './shape.ts';
import { type Op, Tensor } from './tensor.ts';

/** What each dimension means, such as `['activation_batch', 'activation_length', null]`; null is never split. */
export type Axes = readonly (string | null)[];

/** One axis of a device mesh. */
export interface MeshAxis {
  readonly name: string;
  readonly size: number;
}

/** The mesh axes that split each dimension, the major one first; an empty list leaves a dimension whole. */
export type Split = readonly (readonly string[])[];

/** Names the dimensions of a value, so that a mesh can share it out; the value stays what it is. */
export function shard<D extends DType>(t: Tensor<D>, axes: Axes): Tensor<D> {
  if (axes.length !== t.shape.length) refuse('shard', [t], `${axes.length} axes for ${t.shape.length} dimensions`);
  return new Tensor({ kind: 'shard', axes }, [t], t.dtype, t.shape);
}

/**
 * Joins tensors along the last dimension for a weight that is declared with their widths (`segments`). Where a mesh splits
 * that dimension, each part holds its share of every tensor, one after the other, so that nothing moves between devices:
 * the elements are then in another order, which the weight's own columns follow.
 */
export function sideBySide<D extends DType>(tensors: readonly Tensor<D>[], axes: Axes): Tensor<D> {
  const joined = concatenate(tensors, -1);
  const segments = tensors.map((t) => t.shape.at(-1)!);
  return new Tensor({ kind: 'shard', axes, segments }, [joined], joined.dtype, joined.shape);
}

/** The axes a parameter or a result was declared with; all null where it was not. */
export function declaredAxes({ op, shape }: { readonly op: Op; readonly shape: Shape }): Axes {
  const axes = op.kind === 'shard' || op.kind === 'parameter' ? op.axes : undefined;
  return axes ?? shape.map(() => null);
}

/** How many parts a list of mesh axes makes. */
export function partsOf(axes: readonly string[], mesh: readonly MeshAxis[]): number {
  return axes.reduce((parts, name) => parts * (mesh.find((axis) => axis.name === name)?.size ?? 1), 1);
}

/** The shape of one device's part. */
export function localShape(shape: Shape, split: Split, mesh: readonly MeshAxis[]): Shape {
  return shape.map((size, dim) => size / partsOf(split[dim]!, mesh));
}
