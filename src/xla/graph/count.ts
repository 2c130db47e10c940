/**
 * What programs cost, counted in their graphs: floating-point operations, numbers and bytes of weights, bytes of intermediate values.
 * An addition and a multiplication are two operations; norms, activations and softmax take memory's time and are not counted.
 */

import { byteLength, elementCount } from '../../support/dtype.ts';
import type { Graph } from './graph.ts';
import type { Traced } from './trace.ts';
import { type WeightSpec, weightKey } from './weights.ts';

/** Floating-point operations. */
export interface Flops {
  /** In products with weights: linear layers, convolutions. */
  readonly linear: number;
  /** In products of queries with keys, and of attention weights with values. */
  readonly attention: number;
  readonly total: number;
}

/** A traced part and how often it runs, each time with its own weights. */
export interface CountedUse {
  readonly traced: Traced;
  readonly runs: number;
  /** Prefix of its weights in the checkpoint, for a part that runs once with relative names; for a repeated part, its network. */
  readonly scope?: string;
  /** Prefixes of each run's weights, if parts of other sizes use the same relative names. */
  readonly scopes?: readonly string[];
}

const NONE: Flops = { linear: 0, attention: 0, total: 0 };

/** Adds up operations. */
export function sumFlops(list: readonly Flops[]): Flops {
  return list.reduce(
    (sum, { linear, attention, total }) => ({
      linear: sum.linear + linear,
      attention: sum.attention + attention,
      total: sum.total + total,
    }),
    NONE,
  );
}

/** Multiplies operations. */
export function timesFlops({ linear, attention, total }: Flops, times: number): Flops {
  return { linear: times * linear, attention: times * attention, total: times * total };
}

/** Counts the operations of one run of a graph. The body of a map counts once per entry; a manual region counts for one device. */
export function countFlops({ nodes }: Graph): Flops {
  return sumFlops(
    nodes.map(({ op, inputs, shape }) => {
      const out = elementCount(shape);
      switch (op.kind) {
        case 'dot':
          return product(out * op.dims.contract[0].reduce((n, dim) => n * inputs[0]!.shape[dim]!, 1));
        case 'quantisedMatmul':
          return product(out * inputs[0]!.shape.at(-1)!);
        case 'convolution':
          return product(out * elementCount(inputs[1]!.shape.slice(1)));
        case 'attention':
          return attended(2 * elementCount(inputs[0]!.shape) * inputs[1]!.shape[2]!);
        case 'map':
          return timesFlops(countFlops(op.body), shape[0]!);
        case 'manual':
          return countFlops(op.body);
        default:
          return NONE;
      }
    }),
  );
}

const product = (pairs: number): Flops => ({ linear: 2 * pairs, attention: 0, total: 2 * pairs });
const attended = (pairs: number): Flops => ({ linear: 0, attention: 2 * pairs, total: 2 * pairs });

/** Lists the weights of parts, each with its number of copies; a weight that several parts of one scope share is listed once. */
export function countWeights(
  uses: readonly CountedUse[],
): readonly { readonly spec: WeightSpec; readonly count: number }[] {
  const known = new Map<string, { readonly spec: WeightSpec; readonly count: number }>();
  for (const { traced, runs, scope = '', scopes } of uses) {
    const copies = scopes?.map((each) => [each, 1] as const) ?? [[runs > 1 ? `${scope} ${traced.name}` : scope, runs]];
    for (const spec of traced.weights)
      for (const [of, count] of copies) known.set(`${of} ${weightKey(spec)}`, { spec, count });
  }
  return [...known.values()];
}

/** Peak bytes of intermediate values if nothing is fused and each is freed after its last use. */
export function countTemporaries({ nodes, outputs }: Graph): number {
  const last = new Map(nodes.flatMap((node, i) => node.inputs.map((input) => [input, i] as const)));
  let [alive, most] = [0, 0];
  for (const [i, node] of nodes.entries()) {
    if (node.op.kind !== 'parameter' && !outputs.includes(node)) alive += byteLength(node.dtype, node.shape);
    most = Math.max(most, alive);
    for (const input of new Set(node.inputs)) {
      const ends = last.get(input) === i && input.op.kind !== 'parameter' && !outputs.includes(input);
      if (ends) alive -= byteLength(input.dtype, input.shape);
    }
  }
  return most;
}
