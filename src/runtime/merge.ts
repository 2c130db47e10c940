/** A low-rank product added to a weight on the device: W + B · A in f32, rounded once to the type the weight is kept in. */

import { dot } from '../graph/ops.ts';
import { shard } from '../graph/sharding.ts';
import { spec, type Traced, trace } from '../nn/trace.ts';
import { type WeightSpec, Weights } from '../nn/weights.ts';
import type { DType } from '../support/dtype.ts';
import { fromF32 } from '../support/floats.ts';
import type { ArrayPlan, Runtime, ShardedArray } from './runtime.ts';

/** B · A, for A [rank, in] and B [out, rank]. */
export interface Product {
  readonly rank: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

const traces = new Map<string, Traced>();

/** Returns W + B · A for a declared weight [out, in] that lies on the devices as `base`, each device making its own part. */
export async function placeMerged(
  runtime: Runtime,
  weight: WeightSpec,
  base: ShardedArray,
  { rank, a, b }: Product,
): Promise<ShardedArray> {
  const { axes, segments } = weight;
  const [out, inputs] = weight.shape as [number, number];
  const traced = mergeProgram(base.dtype, weight, rank);
  using given = new DisposableStack();
  const place = async (plan: ArrayPlan, bytes: Uint8Array) =>
    given.use(await runtime.place(plan, (part) => part.take(bytes, plan.dtype)));
  const program = await runtime.compile(traced);
  const outputs = program.run({
    weight: base,
    a: await place({ dtype: 'f32', shape: [rank, inputs], axes: [null, axes[1]!], segments }, fromF32('f32', a)),
    b: await place({ dtype: 'f32', shape: [out, rank], axes: [axes[0]!, null] }, fromF32('f32', b)),
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

function mergeProgram(from: DType, { dtype, shape, axes, segments }: WeightSpec, rank: number): Traced {
  const key = [from, shape, rank, dtype, axes].join();
  const known = traces.get(key);
  if (known) return known;
  const [out, inputs] = shape as [number, number];
  const given = {
    weight: { ...spec(from, shape, axes), segments },
    a: { ...spec('f32', [rank, inputs], [null, axes[1]!]), segments },
    b: spec('f32', [out, rank], [axes[0]!, null]),
  };
  const traced = trace('merge', new Weights('f32', 'f32'), given, ({ weight, a, b }) => {
    const sum = weight.cast('f32').add(dot(b, a, { batch: [[], []], contract: [[1], [0]] }));
    return { merged: shard(sum.cast(dtype), axes, segments) };
  });
  traces.set(key, traced);
  return traced;
}
