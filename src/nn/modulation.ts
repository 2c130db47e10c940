/** Adaptive layer normalisation: shifts, scales and gates that depend on timestep, guidance and pooled text alone. */

import type { Float } from '../support/dtype.ts';
import type { Tensor } from '../xla/graph/tensor.ts';

/** shift, scale and gate [b, 1, d] of one residual branch. */
export interface Modulation<F extends Float> {
  readonly shift: Tensor<F>;
  readonly scale: Tensor<F>;
  readonly gate: Tensor<F>;
}

/** x · (1 + scale) + shift, for x [b, n, d]. */
export function modulate<F extends Float>(
  x: Tensor<F>,
  { shift, scale }: Pick<Modulation<F>, 'shift' | 'scale'>,
): Tensor<F> {
  return x.mul(scale.add(1)).add(shift);
}

/** Reads consecutive (shift, scale, gate) triples out of rows [b, 3 · branches, d]. */
export function modulations<F extends Float>(rows: Tensor<F>): Modulation<F>[] {
  const row = (i: number) => rows.slice(1, i, i + 1);
  return Array.from({ length: rows.shape[1]! / 3 }, (_, branch) => ({
    shift: row(3 * branch),
    scale: row(3 * branch + 1),
    gate: row(3 * branch + 2),
  }));
}
