/** Bytes of what programs take and give, on one device of a mesh. */

import { byteLength } from '../../support/dtype.ts';
import { type CountedUse, countWeights } from '../graph/count.ts';
import { localShape, meaningOf } from '../graph/sharding.ts';
import type { Traced } from '../graph/trace.ts';
import { Sharding } from '../lowering/rules.ts';

export { Sharding };

/** Bytes of weights on one device: of each part as often as it is run with others; what several parts of one scope share counts once. */
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
