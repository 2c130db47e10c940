/** Cuts a graph into graphs that run one after the other, so that each can be compiled with its own flags. */

import { type Graph, graph } from './graph.ts';
import { type Op, parameter, Tensor } from './tensor.ts';

/** One stage of a graph. Its parameters stand for `takes` and its outputs for `gives`: nodes of the whole graph. */
export interface Stage {
  readonly graph: Graph;
  /** Parameters of the whole graph, or results of earlier stages. */
  readonly takes: readonly Tensor[];
  readonly gives: readonly Tensor[];
}

/** Operations that are cheaper to repeat than to hand over: applied to parameters, they make rows, gates and broadcasts. */
const REPEATED: ReadonlySet<Op['kind']> = new Set(['reshape', 'slice', 'broadcast', 'convert', 'binary', 'shard']);

/**
 * Puts nodes for which `alone` holds into stages of their own, and every other node into the earliest stage that its operands allow.
 * Cheap operations on parameters are repeated in each stage that uses them. A graph without `alone` nodes is one stage.
 */
export function cutIntoStages(g: Graph, alone: (node: Tensor) => boolean): readonly Stage[] {
  const levels = levelsOf(g, alone);
  const order = [...new Set(levels.values())].sort((a, b) => a - b);
  // Every output must be made by a stage, and none may be listed twice.
  const apart = new Set(g.outputs).size === g.outputs.length && g.outputs.every((output) => levels.has(output));
  if (order.length <= 1 || !apart) return [{ graph: g, takes: g.parameters, gives: g.outputs }];
  return order.map((level, i) => stageAt(g, levels, level, `${g.name}_${i + 1}`));
}

/** The stage of each node that is not repeated: odd for `alone` nodes, even for the others. */
function levelsOf(g: Graph, alone: (node: Tensor) => boolean): Map<Tensor, number> {
  const outputs = new Set(g.outputs);
  const levels = new Map<Tensor, number>();
  for (const node of g.nodes) {
    const { op, inputs } = node;
    if (op.kind === 'parameter') continue;
    const repeated = REPEATED.has(op.kind) || inputs.length === 0;
    if (repeated && !inputs.some((input) => levels.has(input)) && !outputs.has(node)) continue;
    const before = Math.max(0, ...inputs.map((input) => levels.get(input) ?? 0));
    const odd = before % 2;
    levels.set(node, alone(node) ? before + 1 + odd : before + odd);
  }
  return levels;
}

function stageAt(g: Graph, levels: ReadonlyMap<Tensor, number>, level: number, name: string): Stage {
  const made = new Map<Tensor, Tensor>();
  const takes = new Map<Tensor, Tensor>();
  /** The node's counterpart in this stage: computed, repeated or taken. */
  const current = (node: Tensor): Tensor => {
    const known = made.get(node) ?? takes.get(node);
    if (known) return known;
    if (node.op.kind !== 'parameter' && !levels.has(node)) return make(node);
    const taken = parameter(`v${takes.size}`, node.dtype, node.shape);
    takes.set(node, taken);
    return taken;
  };
  const make = (node: Tensor): Tensor => {
    const here = new Tensor(node.op, node.inputs.map(current), node.dtype, node.shape);
    made.set(node, here);
    return here;
  };
  const own = g.nodes.filter((node) => levels.get(node) === level);
  for (const node of own) make(node);
  const later = new Set(g.nodes.flatMap((node) => ((levels.get(node) ?? level) === level ? [] : node.inputs)));
  const gives = own.filter((node) => later.has(node) || g.outputs.includes(node));
  const results = gives.map((node) => made.get(node)!);
  return { graph: graph(name, [...takes.values()], results), takes: [...takes.keys()], gives };
}
