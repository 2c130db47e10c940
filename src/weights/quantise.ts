/**
 * Quantises a matrix on the device: floats in, values with their scales out; each device makes its own part. Every row is scaled so that
 * its largest number becomes the largest of the type. In 4 bits, a multiplier for each group of columns maps the group's largest number to
 * -8, the one value without an opposite.
 */

import type { DType, Float } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { getOrMake } from '../support/get-or-make.ts';
import { select } from '../xla/graph/ops.ts';
import { rotate } from '../xla/graph/rotation.ts';
import { shard } from '../xla/graph/sharding.ts';
import { constant, type Tensor } from '../xla/graph/tensor.ts';
import { type InputSpec, type Traced, trace } from '../xla/graph/trace.ts';
import { type MatrixComponent, type WeightSpec, Weights } from '../xla/graph/weights.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';

/** Avoids division by zero in a row of zeros. */
const TINY = 1e-30;
/** The largest multiplier: its product with -8, the smallest of all, still fits 8 bits. */
const MULTIPLIER = 15;
const LOWEST = -8;

const traces = new Map<string, Traced>();

/** Quantises `weight` [out, in] to the arrays that `components` declare, in their order; the caller still owns `weight`. */
export async function quantise(
  runtime: Runtime,
  weight: ShardedArray,
  components: readonly WeightSpec[],
): Promise<ShardedArray[]> {
  const program = await runtime.compile(quantiseProgram(weight.dtype, components));
  const outputs = await program.start({ weight });
  const arrays = components.map(({ component }) => outputs[component!]!);
  try {
    // Until then, the device may read host memory in place.
    await Promise.all(arrays.map((array) => array.ready()));
  } catch (error) {
    for (const array of arrays) array.dispose();
    throw error;
  }
  return arrays;
}

function quantiseProgram(from: DType, components: readonly WeightSpec[]): Traced {
  const key = JSON.stringify([from, components.map(({ name: _, rows: __, ...spec }) => spec)]);
  const values = components.find(({ component }) => component === 'values')!;
  const { shape, axes, segments } = values;
  const given: InputSpec = { dtype: from, shape, axes, segments };
  return getOrMake(traces, key, () =>
    trace('quantise', new Weights('f32', 'f32'), { weight: given }, ({ weight }) => {
      const made = quantised(rotate(weight as Tensor<Float>, values.rotation ?? 1), components);
      return Object.fromEntries(
        components.map((spec) => [spec.component!, shard(made[spec.component!]!, spec.axes, spec.segments)]),
      );
    }),
  );
}

function quantised(w: Tensor<'f32'>, components: readonly WeightSpec[]): Partial<Record<MatrixComponent, Tensor>> {
  const of = (wanted: MatrixComponent) => components.find(({ component }) => component === wanted);
  const { dtype, shape } = of('values')!;
  const [out] = shape as [number, number];
  const largest = w.abs().maxOver(1).max(TINY);
  const scaled = (most: number) => {
    const scales = largest.mul(1 / most);
    return { scales: scales.reshape([out]), stretched: w.mul(constant(most, 'f32', largest.shape).div(largest)) };
  };
  switch (dtype) {
    case 'i8': {
      const { scales, stretched } = scaled(127);
      return { values: stretched.round().cast('i8'), scales };
    }
    case 'f8e4m3': {
      const { scales, stretched } = scaled(448);
      return { values: stretched.cast('f8e4m3'), scales };
    }
    case 'i4': {
      const { scales, stretched } = scaled(-LOWEST * MULTIPLIER);
      const groups = of('multipliers')!.shape[1]!;
      const grouped = stretched.reshape([out, groups, -1]);
      const [most, least] = [grouped.maxOver(2), grouped.neg().maxOver(2)];
      // The number of largest magnitude becomes -8, whatever its sign.
      const extreme = select(most.compare('GE', least), most, least.neg());
      const rounded = extreme.mul(1 / LOWEST).round();
      const multipliers = select(rounded.compare('EQ', 0), constant(1, 'f32', rounded.shape), rounded);
      const values = grouped
        .div(multipliers)
        .round()
        .max(LOWEST)
        .min(-LOWEST - 1);
      return {
        values: values.cast('i4').reshape(shape),
        scales,
        multipliers: multipliers.cast('i8').reshape([out, groups]),
      };
    }
    default:
      throw new FluxionError('unsupported', `${dtype} is not a type for quantised matrices`);
  }
}
