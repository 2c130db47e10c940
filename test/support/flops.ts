/** Counts the operations of a graph's matrix products, convolutions and attention, node by node. */

import type { Graph } from '../../src/xla/graph/graph.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';

export interface CountedFlops {
  readonly linear: number;
  readonly attention: number;
}

/** Counts a traced part; graphs inside graphs are not looked into, and traced models have none. */
export function countFlops({ graph }: Pick<Traced, 'graph'>): CountedFlops {
  return countGraph(graph);
}

function countGraph(graph: Graph): CountedFlops {
  let [linear, attention] = [0, 0];
  for (const { op, inputs, shape } of graph.nodes) {
    const out = shape.reduce((n, d) => n * d, 1);
    if (op.kind === 'dot') linear += 2 * out * op.dims.contract[0].reduce((n, dim) => n * inputs[0]!.shape[dim]!, 1);
    if (op.kind === 'convolution') {
      const [, inChannels, height, width] = inputs[1]!.shape;
      linear += 2 * out * inChannels! * height! * width!;
    }
    if (op.kind === 'attention') attention += 4 * out * inputs[1]!.shape[2]!;
    if (op.kind === 'map' || op.kind === 'manual') throw new Error(`${op.kind}: not counted`);
  }
  return { linear, attention };
}
