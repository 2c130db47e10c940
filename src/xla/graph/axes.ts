/** What dimensions mean (logical axes), and the axes of a mesh that split them. */

import type { Shape } from './shape.ts';

/** What each dimension means, such as `['activation_batch', 'activation_length', null]`; null is never split. */
export type Axes = readonly (string | null)[];

/** What the dimensions of a value mean. */
export interface Meaning {
  readonly axes: Axes;
  /** Widths of the segments that make up the last dimension: a mesh splits each of them, or none. */
  readonly segments?: readonly number[] | undefined;
}

/** One axis of a device mesh. */
export interface MeshAxis {
  readonly name: string;
  readonly size: number;
}

/** The mesh axes that split each dimension, the major one first; an empty list leaves a dimension whole. */
export type Split = readonly (readonly string[])[];

/** How many parts a list of mesh axes makes. */
export function partsOf(axes: readonly string[], mesh: readonly MeshAxis[]): number {
  return axes.reduce((parts, name) => parts * (mesh.find((axis) => axis.name === name)?.size ?? 1), 1);
}

/** The shape of one device's part. */
export function localShape(shape: Shape, split: Split, mesh: readonly MeshAxis[]): Shape {
  return shape.map((size, dim) => size / partsOf(split[dim]!, mesh));
}
