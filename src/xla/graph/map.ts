/** Repetition without unrolling: one body over the entries of a dimension, a while loop in StableHLO. */

import type { DType } from '../../support/dtype.ts';
import { graph, liftFree } from './graph.ts';
import { refuse } from './shape.ts';
import { parameter, Tensor } from './tensor.ts';

/**
 * Applies `body` to each entry along dimension 0 of `mapped`, one after another, and stacks the results: entries have
 * one dimension less, the result has one more. The tensors in `shared`, and any other tensor that the body uses, are
 * passed whole and computed once, before the loop.
 */
export function map<D extends DType, const M extends readonly Tensor[], const S extends readonly Tensor[]>(
  mapped: M,
  shared: S,
  body: (entries: M, shared: S) => Tensor<D>,
): Tensor<D> {
  const count = mapped[0]?.shape[0];
  if (count === undefined || count === 0 || mapped.some((t) => t.shape[0] !== count))
    refuse('map', mapped, 'expected one or more tensors with the same number of entries, at least one');
  const entryShape = (t: Tensor) => t.shape.slice(1);
  // One entry needs no loop.
  if (count === 1) {
    const result = body(mapped.map((t) => t.reshape(entryShape(t))) as unknown as M, shared);
    return result.reshape([1, ...result.shape]);
  }
  const entries = mapped.map((t, i) => parameter(`entry${i}`, t.dtype, entryShape(t)));
  const whole = shared.map((t, i) => parameter(`shared${i}`, t.dtype, t.shape));
  const result = body(entries as unknown as M, whole as unknown as S);
  const own = [...entries, ...whole];
  const { output, free, parameters } = liftFree(result, own);
  const op = { kind: 'map', body: graph('map', [...own, ...parameters], [output]), mapped: mapped.length } as const;
  return new Tensor(op, [...mapped, ...shared, ...free], output.dtype, [count, ...output.shape]);
}
