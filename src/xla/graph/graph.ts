/** A traced function: named parameters, outputs, and the nodes between them in one deterministic order. */

import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { type Graph, type Op, parameter, Tensor } from './tensor.ts';

export type { Graph };

/** Collects the nodes that `outputs` depend on; throws `bad_shape` for a parameter that is used but not listed. */
export function graph(name: string, parameters: readonly Tensor[], outputs: readonly Tensor[]): Graph {
  const nodes = topological(outputs);
  const listed = new Set(parameters);
  for (const node of nodes) {
    if (node.op.kind === 'parameter' && !listed.has(node))
      throw new FluxionError(
        'bad_shape',
        `graph ${name}: uses the parameter '${node.op.name}', which is not in its list of parameters`,
      );
  }
  return { name, parameters, outputs, nodes };
}

/** Depth-first order without recursion: a whole denoising step is thousands of nodes deep. */
function topological(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, 'open' | 'done'>();
  const stack = [...outputs].reverse();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    const seen = state.get(node);
    if (seen === undefined) {
      state.set(node, 'open');
      for (const input of [...node.inputs].reverse()) if (!state.has(input)) stack.push(input);
    } else {
      stack.pop();
      if (seen === 'open') {
        state.set(node, 'done');
        order.push(node);
      }
    }
  }
  return order;
}

/**
 * Rebuilds a graph bottom-up, the bodies of maps and manual regions included, replacing each node for which `rule`
 * returns a tensor; `rule` sees nodes with new inputs. An unchanged graph is returned itself.
 */
export function rewrite(g: Graph, rule: (node: Tensor) => Tensor | undefined): Graph {
  const replaced = new Map<Tensor, Tensor>();
  const current = (t: Tensor): Tensor => replaced.get(t) ?? t;
  for (const node of g.nodes) {
    const inputs = node.inputs.map(current);
    const op = rewriteBody(node.op, rule);
    const same = op === node.op && inputs.every((input, i) => input === node.inputs[i]);
    const rebuilt = same ? node : new Tensor(op, inputs, node.dtype, node.shape);
    const result = rule(rebuilt) ?? rebuilt;
    if (result !== node) replaced.set(node, result);
  }
  return replaced.size === 0 ? g : graph(g.name, g.parameters, g.outputs.map(current));
}

function rewriteBody(op: Op, rule: (node: Tensor) => Tensor | undefined): Op {
  if (op.kind !== 'map' && op.kind !== 'manual') return op;
  const body = rewrite(op.body, rule);
  return body === op.body ? op : { ...op, body };
}

/**
 * Closes a body over the tensors around it: the parts of `output` that depend on none of the `own` parameters, constants aside, become
 * new parameters. A body without such parts is returned unchanged.
 */
export function liftFree<D extends DType>(
  output: Tensor<D>,
  own: readonly Tensor[],
): { readonly output: Tensor<D>; readonly free: readonly Tensor[]; readonly parameters: readonly Tensor[] } {
  const inside = new Set<Tensor>(own);
  const outside = new Set<Tensor>();
  const lifted = new Map<Tensor, Tensor>();
  const rebuilt = new Map<Tensor, Tensor>();
  const current = (input: Tensor): Tensor => {
    if (!outside.has(input)) return rebuilt.get(input) ?? input;
    const known = lifted.get(input) ?? parameter(`free${lifted.size}`, input.dtype, input.shape);
    lifted.set(input, known);
    return known;
  };
  for (const node of topological([output])) {
    const { op, inputs } = node;
    if (inputs.some((input) => inside.has(input))) inside.add(node);
    else if (!inside.has(node) && (op.kind === 'parameter' || inputs.some((input) => outside.has(input))))
      outside.add(node);
    if (!inside.has(node)) continue;
    const used = inputs.map(current);
    if (used.some((input, i) => input !== inputs[i])) rebuilt.set(node, new Tensor(op, used, node.dtype, node.shape));
  }
  return { output: current(output) as Tensor<D>, free: [...lifted.keys()], parameters: [...lifted.values()] };
}
