/** Runs the graph around a custom call on f64 arrays: the operations that lay operands out, and whatever runs the call. */

import type { CustomCall } from '../../../src/xla/graph/custom-call.ts';
import type { Tensor } from '../../../src/xla/graph/tensor.ts';
import { graph } from '../../../src/xla.ts';
import { filled, type NumberArray, ravel } from '../../support/array.ts';

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
  switch (op.kind) {
    case 'reshape':
      return { shape, data: x!.data };
    case 'transpose': {
      const strides = stridesOf(x!.shape);
      return gathered(x!, shape, 0, op.permutation.map((d) => strides[d]!)); // biome-ignore format: a call
    }
    case 'slice': {
      const strides = stridesOf(x!.shape);
      return gathered(x!, shape, ravel(op.start, x!.shape), strides.map((stride, d) => stride * op.stride[d]!)); // biome-ignore format: a call
    }
    case 'pad': {
      if ([...op.low, ...op.high].some((size) => size < 0)) throw new RangeError('no negative padding');
      const padded = filled(shape, 0);
      const places = placesOf(x!.shape, ravel(op.low, shape), stridesOf(shape));
      for (const [i, place] of places.entries()) padded.data[place] = x!.data[i]!;
      return padded;
    }
    case 'customCall':
      return runCall(op.call, inputs, shape);
    default:
      throw new TypeError(`no operation ${op.kind}`);
  }
}

/** The array of the elements of `x` at `base` plus each index times its stride. */
function gathered(x: NumberArray, shape: readonly number[], base: number, strides: readonly number[]): NumberArray {
  const places = placesOf(shape, base, strides);
  return filled(shape, (i) => x.data[places[i]!]!);
}

/** `base` plus each index times its stride, for all indices of a shape in row-major order. */
function placesOf(shape: readonly number[], base: number, strides: readonly number[]): Int32Array {
  let places = Int32Array.of(base);
  for (const [d, size] of shape.entries()) {
    const outer = places;
    places = new Int32Array(outer.length * size);
    for (let i = 0; i < places.length; i++) places[i] = outer[Math.floor(i / size)]! + (i % size) * strides[d]!;
  }
  return places;
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1));
}
