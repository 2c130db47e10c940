/** Shapes and the rules they follow. Broadcasting is stricter than numpy's: ranks must agree, and a dimension of 1 stretches. */

import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';

/** Sizes of the dimensions, outermost first; empty for a scalar. */
export type Shape = readonly number[];

/** Writes a type as error messages show it, such as `bf16[1, 512, 3072]`. */
export function typeText(dtype: DType, shape: Shape): string {
  return `${dtype}[${shape.join(', ')}]`;
}

/** Throws `bad_shape` with the operation and the types of its operands. */
export function refuse(op: string, given: readonly { dtype: DType; shape: Shape }[], why: string): never {
  const types = given.map((t) => typeText(t.dtype, t.shape)).join(' and ');
  throw new FluxionError('bad_shape', `${op}: ${why}; got ${types}`);
}

/** The shape that two operands broadcast to; undefined if they do not. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const agree = a.length === b.length && a.every((size, i) => size === b[i] || size === 1 || b[i] === 1);
  return agree ? a.map((size, i) => (size === 1 ? b[i]! : size)) : undefined;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Resolves a dimension index that may count from the end (-1 is the last). */
export function resolveDim(op: string, dim: number, t: { dtype: DType; shape: Shape }): number {
  const resolved = dim < 0 ? dim + t.shape.length : dim;
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= t.shape.length) refuse(op, [t], `no dimension ${dim}`);
  return resolved;
}
