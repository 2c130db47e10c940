/**
 * Device arithmetic for adapters while weights are placed: W + B · A in f32, rounded once to the weight's type; and products of matrices
 * on the host.
 */

import type { DType } from '../support/dtype.ts';
import { convertFloats, fromF32 } from '../support/floats.ts';
import { getOrMake } from '../support/get-or-make.ts';
import { dot } from '../xla/graph/ops.ts';
import { shard } from '../xla/graph/sharding.ts';
import { type InputSpec, spec, type Traced, trace } from '../xla/graph/trace.ts';
import { type WeightSpec, Weights } from '../xla/graph/weights.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { Matrix, Product } from './lora/matrix.ts';

const traces = new Map<string, Traced>();

/** Returns W + B · A for a declared weight [out, in], placed like `base`; each device computes its own part. */
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
  const place = async (plan: InputSpec, bytes: Uint8Array) =>
    given.use(await runtime.place(plan, (part) => part.take(bytes, plan.dtype)));
  const program = await runtime.compile(traced);
  const outputs = await program.start({
    weight: base,
    a: await place({ dtype: 'f32', shape: [rank, inputs], axes: [null, axes[1]!], segments }, fromF32('f32', a)),
    b: await place({ dtype: 'f32', shape: [out, rank], axes: [axes[0]!, null] }, fromF32('f32', b)),
  });
  const merged = outputs['merged']!;
  try {
    // Until then, the device may read host memory in place.
    await merged.ready();
  } catch (error) {
    merged.dispose();
    throw error;
  }
  return merged;
}

function mergeProgram(from: DType, { dtype, shape, axes, segments }: WeightSpec, rank: number): Traced {
  const key = [from, shape, rank, dtype, axes].join();
  const [out, inputs] = shape as [number, number];
  const given = {
    weight: { ...spec(from, shape, axes), segments },
    a: { ...spec('f32', [rank, inputs], [null, axes[1]!]), segments },
    b: spec('f32', [out, rank], [axes[0]!, null]),
  };
  return getOrMake(traces, key, () =>
    trace('merge', new Weights('f32', 'f32'), given, ({ weight, a, b }) => {
      const sum = weight.cast('f32').add(dot(b, a, { batch: [[], []], contract: [[1], [0]] }));
      return { merged: shard(sum.cast(dtype), axes, segments) };
    }),
  );
}

/** Multiplies [n, k] by [k, m] in f32 and returns the product to the host. Shapes are few: each is compiled once. */
export async function multiplied(runtime: Runtime, left: Matrix, right: Matrix): Promise<Float32Array> {
  using _programs = runtime.lease();
  using given = new DisposableStack();
  const place = async ({ rows, columns, dtype, bytes }: Matrix) => {
    const values = convertFloats(dtype, 'f32', bytes, [rows, columns]);
    return given.use(await runtime.place({ dtype: 'f32', shape: [rows, columns] }, (part) => part.take(values, 'f32')));
  };
  const program = await runtime.compile(productProgram(left.rows, left.columns, right.columns));
  const outputs = await program.start({ left: await place(left), right: await place(right) });
  const product = given.use(outputs['product']!);
  return new Float32Array((await product.toHost()).buffer as ArrayBuffer);
}

function productProgram(n: number, k: number, m: number): Traced {
  const key = `product ${n} ${k} ${m}`;
  const given = { left: spec('f32', [n, k]), right: spec('f32', [k, m]) };
  return getOrMake(traces, key, () =>
    trace('product', new Weights('f32', 'f32'), given, ({ left, right }) => ({
      product: dot(left, right, { batch: [[], []], contract: [[1], [0]] }),
    })),
  );
}
