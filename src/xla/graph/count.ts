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
  /** Of products with weights: linear layers, convolutions. */
  readonly linear: number;
  /** Of queries with keys, and of attention weights with values. */
  readonly attention: number;
  readonly total: number;
}

/** A traced part, and how often it runs, each time with weights of its own where it has any. */
export interface CountedUse {
  readonly traced: Traced;
  readonly runs: number;
  /** Where in the checkpoint its weights are, if it runs once and their names do not say. */
  readonly scope?: string;
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

/** Operations of one run of a graph, those in the bodies of maps as often as they run; in a manual region, those of one device. */
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

const product = (multiplications: number): Flops => ({
  ...NONE,
  linear: 2 * multiplications,
  total: 2 * multiplications,
});
const attended = (multiplications: number): Flops => ({
  ...NONE,
  attention: 2 * multiplications,
  total: 2 * multiplications,
});

/** The weights of parts, each with how many of it there are; what several parts of one scope share counts once. */
export function countWeights(
  uses: readonly CountedUse[],
): readonly { readonly spec: WeightSpec; readonly count: number }[] {
  const known = new Map<string, { readonly spec: WeightSpec; readonly count: number }>();
  for (const { traced, runs, scope: given = '' } of uses) {
    const scope = runs > 1 ? traced.name : given;
    for (const spec of traced.weights) known.set(`${scope} ${weightKey(spec)}`, { spec, count: runs });
  }
  return [...known.values()];
}

/** The most bytes of intermediate values that are alive at a time, where nothing is fused and each is freed after its last use. */
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
