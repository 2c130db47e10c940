/** Bytes of programs' weights and outputs on one device of a mesh. */

import { byteLength } from '../../support/dtype.ts';
import { localShape } from '../graph/axes.ts';
import { type CountedUse, countWeights } from '../graph/count.ts';
import { meaningOf } from '../graph/sharding.ts';
import type { Traced } from '../graph/trace.ts';
import { Sharding } from '../lowering/rules.ts';

export { Sharding };

/** Bytes of weights on one device, for every run of a part that has its own; weights that parts of one scope share count once. */
export function weightBytes(uses: readonly CountedUse[], sharding: Sharding): number {
  return countWeights(uses).reduce((sum, { spec, count }) => {
    const split = sharding.split(spec, spec.shape);
    return sum + count * byteLength(spec.dtype, localShape(spec.shape, split, sharding.mesh));
  }, 0);
}

/** Bytes of each output of a part on one device. */
export function outputBytes({ graph }: Traced, sharding: Sharding): number[] {
  return graph.outputs.map((t) => {
    const split = sharding.split(meaningOf(t), t.shape);
    return byteLength(t.dtype, localShape(t.shape, split, sharding.mesh));
  });
}
