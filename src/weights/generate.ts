/** Generates weights where they are used: values by the rule of `weights/random.ts`, each device computing its own part. */

import { elementCount } from '../support/dtype.ts';
import { fromF32 } from '../support/floats.ts';
import { getOrMake } from '../support/get-or-make.ts';
import { iota } from '../xla/graph/ops.ts';
import { shard } from '../xla/graph/sharding.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import { spec, type Traced, trace } from '../xla/graph/trace.ts';
import { type WeightSpec, Weights } from '../xla/graph/weights.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { Generated } from './folders/bind.ts';
import { generateValues, HASH } from './random.ts';

const traces = new Map<string, Traced>();

/** The device generates this many values or more; the host generates fewer in less time than a program compiles. */
const MANY = 2 ** 20;

/** Places the values of a declared weight. */
export async function placeGenerated(
  runtime: Runtime,
  weight: WeightSpec,
  rule: Generated,
  many = MANY,
): Promise<ShardedArray> {
  const { dtype } = weight;
  const count = elementCount(weight.shape);
  if (count < many) {
    const bytes = fromF32(dtype, generateValues(rule, count));
    return runtime.place(weight, (part) => part.take(bytes, dtype));
  }
  const program = await runtime.compile(generator(weight));
  using start = await runtime.upload(Uint32Array.of(rule.offset, rule.seed), 'u32', [2]);
  using range = await runtime.upload(Float32Array.of(rule.spread, rule.centre), 'f32', [2]);
  return (await program.start({ start, range }))['weight']!;
}

function generator({ dtype, shape, axes, segments }: WeightSpec): Traced {
  const key = [dtype, shape, axes, segments].join(' ');
  return getOrMake(traces, key, () =>
    trace(
      'random_weight',
      new Weights('f32', 'f32'),
      { start: spec('u32', [2]), range: spec('f32', [2]) },
      ({ start, range }) => {
        const scalar = <T extends 'u32' | 'f32'>(t: Tensor<T>, i: number): Tensor<T> =>
          t
            .slice(0, i, i + 1)
            .reshape([])
            .broadcastTo(shape);
        const shifted = (t: Tensor<'u32'>, bits: number): Tensor<'u32'> => t.div(2 ** bits);
        const [first, second, third, last] = HASH.shifts;
        let stride = 1;
        let index = scalar(start, 0);
        for (let dim = shape.length - 1; dim >= 0; dim--) {
          index = index.add(iota('u32', shape, dim).mul(stride));
          stride *= shape[dim]!;
        }
        let h = index.mul(HASH.index).add(scalar(start, 1));
        h = h.mul(h).add(shifted(h, first));
        h = h.add(shifted(h, second)).mul(HASH.first);
        h = h.add(shifted(h, third)).mul(HASH.second);
        h = h.add(shifted(h, last));
        const unit = h
          .cast('f32')
          .mul(2 ** -32)
          .sub(0.5);
        return { weight: shard(unit.mul(scalar(range, 0)).add(scalar(range, 1)).cast(dtype), axes, segments) };
      },
    ),
  );
}
