/** Runs small graphs on the host, element by element in f32: what a program says, without a device. */

import assert from 'node:assert/strict';
import { elementCount } from '../../src/support/dtype.ts';
import type { Tensor } from '../../src/xla/graph/tensor.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';

const BINARY = {
  add: (a: number, b: number) => a + b,
  subtract: (a: number, b: number) => a - b,
  multiply: (a: number, b: number) => a * b,
} as const;

/** Returns the outputs of a traced part by name. A graph may add, subtract and multiply f32 values, and stretch one over a shape. */
export function runOnHost<O extends string>(
  { graph, inputs, outputs }: Traced<string, O>,
  given: Readonly<Record<string, ArrayLike<number>>>,
): Readonly<Record<O, Float32Array>> {
  const values = new Map<Tensor, Float32Array>();
  for (const [i, parameter] of graph.parameters.entries()) {
    const value = Float32Array.from(given[inputs[i]!] ?? assert.fail(`no ${inputs[i]}`));
    assert.equal(value.length, elementCount(parameter.shape), inputs[i]);
    values.set(parameter, value);
  }
  const known = (tensor: Tensor) => values.get(tensor)!;
  for (const node of graph.nodes) {
    const { op } = node;
    const [a, b] = node.inputs.map(known);
    if (op.kind === 'shard' || op.kind === 'reshape') values.set(node, a!);
    else if (op.kind === 'broadcast' && a!.length === 1)
      values.set(node, new Float32Array(elementCount(node.shape)).fill(a![0]!));
    else if (op.kind === 'binary' && op.fn in BINARY) {
      const compute = BINARY[op.fn as keyof typeof BINARY];
      values.set(
        node,
        a!.map((value, i) => compute(value, b![i]!)),
      );
    } else assert.equal(op.kind, 'parameter', 'an operation that the host does not run');
  }
  return Object.fromEntries(outputs.map((name, i) => [name, known(graph.outputs[i]!)])) as Record<O, Float32Array>;
}
