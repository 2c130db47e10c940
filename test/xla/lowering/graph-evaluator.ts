/** Runs the graph around a custom call on f64 arrays: the operations that lay operands out, and whatever runs the call. */

import type { CustomCall } from '../../../src/xla/graph/custom-call.ts';
import type { Tensor } from '../../../src/xla/graph/tensor.ts';
import { graph } from '../../../src/xla.ts';
import { filled, type NumberArray, ravel, unravel } from '../../support/array.ts';

export type RunCall = (call: CustomCall, operands: readonly NumberArray[], shape: readonly number[]) => NumberArray;

/** The value of `output` for given parameters. */
export function evaluateGraph(
  output: Tensor,
  parameters: ReadonlyMap<Tensor, NumberArray>,
  runCall: RunCall,
): NumberArray {
  const values = new Map<Tensor, NumberArray>(parameters);
  for (const node of graph('evaluated', [...parameters.keys()], [output]).nodes) {
    if (values.has(node)) continue;
    values.set(
      node,
      evaluate(
        node,
        node.inputs.map((input) => values.get(input)!),
        runCall,
      ),
    );
  }
  return values.get(output)!;
}

function evaluate({ op, shape }: Tensor, inputs: readonly NumberArray[], runCall: RunCall): NumberArray {
  const [x] = inputs;
  /** A result whose element at some indices is the operand's at others; undefined stands for 0. */
  const moved = (from: (indices: number[]) => readonly number[] | undefined): NumberArray =>
    filled(shape, (i) => {
      const source = from(unravel(i, shape));
      return source ? x!.data[ravel(source, x!.shape)]! : 0;
    });
  switch (op.kind) {
    case 'reshape':
      return { shape, data: x!.data };
    case 'transpose':
      return moved((indices) => op.permutation.map((_, d) => indices[op.permutation.indexOf(d)]!));
    case 'slice':
      return moved((indices) => indices.map((index, d) => op.start[d]! + index * op.stride[d]!));
    case 'pad':
      return moved((indices) => {
        const source = indices.map((index, d) => index - op.low[d]!);
        return source.every((index, d) => index >= 0 && index < x!.shape[d]!) ? source : undefined;
      });
    case 'customCall':
      return runCall(op.call, inputs, shape);
    default:
      throw new TypeError(`no operation ${op.kind}`);
  }
}
