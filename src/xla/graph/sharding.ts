/**
 * Sharding. A model names what its dimensions mean (logical axes) and knows no devices; under a mesh, rules map each name to the mesh
 * axes that split the dimension (xla/lowering/rules.ts). Without a mesh, `shard` does nothing.
 */

import type { DType } from '../../support/dtype.ts';
import type { Axes, Meaning } from './axes.ts';
import { concatenate } from './ops.ts';
import { refuse, type Shape } from './shape.ts';
import { type Op, Tensor } from './tensor.ts';

/** Names the dimensions of a value, so that a mesh can split it; the value is unchanged. */
export function shard<D extends DType>(t: Tensor<D>, axes: Axes, segments?: readonly number[]): Tensor<D> {
  if (axes.length !== t.shape.length) refuse('shard', [t], `${axes.length} axes for ${t.shape.length} dimensions`);
  return new Tensor({ kind: 'shard', meaning: { axes, segments } }, [t], t.dtype, t.shape);
}

/**
 * Joins tensors along the last dimension for a weight that is declared with their widths (`segments`). If a mesh splits that
 * dimension, each device holds its share of every tensor, so that nothing moves between devices; the weight's columns follow the same
 * order.
 */
export function sideBySide<D extends DType>(tensors: readonly Tensor<D>[], axes: Axes): Tensor<D> {
  const { op, inputs, dtype, shape } = concatenate(tensors, -1);
  const dealtBy = axes.at(-1);
  const joined = new Tensor(op.kind === 'concatenate' && dealtBy ? { ...op, dealtBy } : op, inputs, dtype, shape);
  const widths = tensors.map((t) => t.shape.at(-1)!);
  return shard(joined, axes, widths);
}

/** The declared meaning of a parameter's or a result's dimensions; all null if none was declared. */
export function meaningOf({ op, shape }: { readonly op: Op; readonly shape: Shape }): Meaning {
  const meaning = op.kind === 'shard' || op.kind === 'parameter' ? op.meaning : undefined;
  return meaning ?? { axes: shape.map(() => null) };
}
