/** A low-rank product added to a weight on the device: W + B · A in f32, rounded once to the type the weight is kept in. */

import { dot } from '../graph/ops.ts';
import { spec, type Traced, trace } from '../nn/trace.ts';
import { Weights } from '../nn/weights.ts';
import { type DType, isFloat } from '../support/dtype.ts';
import { convertFloats } from '../support/floats.ts';
import type { DeviceArray, Runtime } from './runtime.ts';

/** B · A, for A [rank, in] and B [out, rank]. */
export interface Product {
  readonly rank: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

interface Stored {
  readonly bytes: Uint8Array;
  readonly dtype: DType;
  /** [out, in] */
  readonly shape: readonly number[];
}

const traces = new Map<string, Traced>();

/** Places W + B · A as `dtype`. */
export async function placeMerged(
  runtime: Runtime,
  weight: Stored,
  { rank, a, b }: Product,
  dtype: DType,
): Promise<DeviceArray> {
  const [out, inputs] = weight.shape as [number, number];
  // Not every compiler reads the small types.
  const from = isFloat(weight.dtype) ? weight.dtype : 'f32';
  const bytes = convertFloats(weight.dtype, from, weight.bytes, weight.shape);
  const key = [from, out, inputs, rank, dtype].join();
  const traced = traces.get(key) ?? mergeProgram(from, out, inputs, rank, dtype);
  traces.set(key, traced);
  using given = new DisposableStack();
  const upload = async (values: ArrayBufferView, type: DType, shape: readonly number[]) =>
    given.use(await runtime.upload(values, type, shape));
  const program = await runtime.compile(traced);
  const outputs = program.run({
    weight: await upload(bytes, from, weight.shape),
    a: await upload(a, 'f32', [rank, inputs]),
    b: await upload(b, 'f32', [out, rank]),
  });
  const merged = outputs['merged']!;
  try {
    // What was given may be memory of ours that the device reads in place.
    await merged.ready();
  } catch (error) {
    merged.dispose();
    throw error;
  }
  return merged;
}

function mergeProgram(from: DType, out: number, inputs: number, rank: number, dtype: DType): Traced {
  const given = { weight: spec(from, [out, inputs]), a: spec('f32', [rank, inputs]), b: spec('f32', [out, rank]) };
  return trace('merge', new Weights('f32', 'f32'), given, ({ weight, a, b }) => ({
    merged: weight
      .cast('f32')
      .add(dot(b, a, { batch: [[], []], contract: [[1], [0]] }))
      .cast(dtype),
  }));
}
