/** Bytes of what programs take and give, on one device of a mesh. */

import { byteLength } from '../../support/dtype.ts';
import { localShape, meaningOf } from '../graph/sharding.ts';
import type { Traced } from '../graph/trace.ts';
import { weightKey } from '../graph/weights.ts';
import { Sharding } from '../lowering/rules.ts';

export { Sharding };

/** Bytes of weights on one device: of each part as often as it is run with others; what several parts of one scope share counts once. */
export function weightBytes(
  uses: readonly { readonly traced: Traced; readonly runs: number; readonly scope?: string }[],
  sharding: Sharding,
): number {
  const known = new Map<string, number>();
  for (const { traced, runs, scope: given = '' } of uses) {
    const scope = runs > 1 ? traced.name : given;
    for (const spec of traced.weights) {
      const split = sharding.split(spec, spec.shape);
      const bytes = byteLength(spec.dtype, localShape(spec.shape, split, sharding.mesh));
      known.set(`${scope} ${weightKey(spec)}`, runs * bytes);
    }
  }
  return known.values().reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes of each output of a part on one device. */
export function outputBytes({ graph }: Traced, sharding: Sharding): number[] {
  return graph.outputs.map((t) => {
    const split = sharding.split(meaningOf(t), t.shape);
    return byteLength(t.dtype, localShape(t.shape, split, sharding.mesh));
  });
}
