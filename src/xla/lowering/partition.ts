/**
 * A graph under a mesh: logical axes become mesh axes, so that every split that matters is decided before XLA's partitioner runs.
 * Notable: weights that are split along the batch's axes are gathered where they are used, at most one program's at a time; each
 * device computes attention over its own heads in a manual region, which may hold any kernel.
 */

import { localShape, partsOf, type Split } from '../graph/axes.ts';
import { type Graph, graph, rewrite } from '../graph/graph.ts';
import { concatenate } from '../graph/ops.ts';
import { meaningOf } from '../graph/sharding.ts';
import { parameter, Tensor } from '../graph/tensor.ts';
import type { Sharding } from './rules.ts';

/** A partitioned graph, and the shardings of its parameters and results. */
export interface Partitioned {
  readonly graph: Graph;
  readonly parameters: readonly Split[];
  readonly results: readonly Split[];
}

/** Partitions a graph; its parameters from `firstWeight` on are weights. */
export function partition(g: Graph, sharding: Sharding, firstWeight: number): Partitioned {
  const splitOf = (t: Tensor): Split => sharding.split(meaningOf(t), t.shape);
  const parameters = g.parameters.map(splitOf);
  const results = g.outputs.map(splitOf);
  const gathered = new Map<Tensor, Tensor>();
  for (const [i, p] of g.parameters.entries()) {
    const split = sharding.gathered(parameters[i]!);
    if (i >= firstWeight && !sameSplit(split, parameters[i]!)) gathered.set(p, constrain(p, split));
  }
  const decided = rewrite(g, (node) => {
    if (node.op.kind === 'parameter') return gathered.get(node);
    if (node.op.kind === 'attention') return attentionByPart(node, sharding);
    if (node.op.kind === 'concatenate') return dealtOut(node, sharding);
    return node.op.kind === 'shard' ? constrain(node.inputs[0]!, splitOf(node)) : undefined;
  });
  return { graph: decided, parameters, results };
}

function constrain<T extends Tensor>(t: T, split: Split): T {
  return new Tensor({ kind: 'constrain', split }, [t], t.dtype, t.shape) as T;
}

function sameSplit(a: Split, b: Split): boolean {
  return a.every((names, dim) => names.join() === b[dim]!.join());
}

/** Reorders a concatenation by shares: the first share of every operand, then the second share of every operand, … */
function dealtOut({ op, inputs, shape }: Tensor, sharding: Sharding): Tensor | undefined {
  if (op.kind !== 'concatenate' || op.dealtBy === undefined) return undefined;
  const widths = inputs.map((t) => t.shape.at(-1)!);
  const shares = sharding.shares(op.dealtBy, widths);
  if (shares === 1) return undefined;
  const pieces = inputs.map((t) => t.reshape([...t.shape.slice(0, -1), shares, t.shape.at(-1)! / shares]));
  return concatenate(pieces, -1).reshape(shape);
}

/** Attention [b, h, n, c] on each device's own pictures, heads and queries. */
function attentionByPart(node: Tensor, sharding: Sharding): Tensor {
  const { mesh } = sharding;
  const causal = node.op.kind === 'attention' && node.op.mask === 'causal';
  const axes = ['activation_batch', 'attention_heads', causal ? null : 'attention_length', null];
  const split = sharding.split({ axes }, node.shape);
  const [batch, heads, length] = split as [readonly string[], readonly string[], readonly string[]];
  if (partsOf([...batch, ...heads, ...length], mesh) === 1) return node;
  const keys = [batch, heads, [], []];
  const bias = (t: Tensor): Split => [batch, heads, length, []].map((names, dim) => (t.shape[dim] === 1 ? [] : names));
  const operands = node.inputs.map((t, i) => (i === 0 ? split : i < 3 ? keys : bias(t)));
  const parts = node.inputs.map((t, i) => parameter(`part${i}`, t.dtype, localShape(t.shape, operands[i]!, mesh)));
  const result = new Tensor(node.op, parts, node.dtype, localShape(node.shape, split, mesh));
  const op = { kind: 'manual', body: graph('attention', parts, [result]), operands, result: split } as const;
  return new Tensor(op, node.inputs, node.dtype, node.shape);
}
