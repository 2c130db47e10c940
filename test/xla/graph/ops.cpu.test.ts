/** Every operation of the graph computes what it says: one program with one result for each, run on the CPU, against plain arithmetic. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { applyRope } from '../../../src/nn/rope.ts';
import { toF32 } from '../../../src/support/floats.ts';
import { graph } from '../../../src/xla/graph/graph.ts';
import {
  attention,
  concatenate,
  convolution,
  cut,
  iota,
  padZeros,
  select,
  split,
  take,
} from '../../../src/xla/graph/ops.ts';
import { print } from '../../../src/xla/graph/print.ts';
import { einsum, rearrange } from '../../../src/xla/graph/rearrange.ts';
import { constant, parameter, type Tensor } from '../../../src/xla/graph/tensor.ts';
import { lower } from '../../../src/xla/lowering/lower.ts';
import { Client, Plugin } from '../../../src/xla/pjrt/client.ts';
import { ensurePlugin } from '../../../src/xla/plugins/plugins.ts';

const A = [-1.5, 0.25, 2, 0.5, -0.75, 3];
const B = [2, -1, 0.5, 4, -0.25, 1];
const a = parameter('a', 'f32', [2, 3]);
const b = parameter('b', 'f32', [2, 3]);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const each = (f: (x: number, y: number) => number): number[] => A.map((x, i) => f(x, B[i]!));
const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
const softmax = (scores: readonly number[]): number[] => {
  const weights = scores.map((s) => Math.exp(s));
  return weights.map((w) => w / sum(weights));
};

/** softmax(q qᵀ / 2 + bias) q over the rows of A, which `seen` limits for each query. */
function attended(
  seen: (query: number, key: number) => boolean,
  bias: (query: number, key: number) => number,
): number[] {
  const rows = [A.slice(0, 3), A.slice(3)];
  return rows.flatMap((q, i) => {
    const scores = rows.map((k, j) =>
      seen(i, j) ? sum(q.map((x, c) => x * k[c]!)) / 2 + bias(i, j) : Number.NEGATIVE_INFINITY,
    );
    const weights = softmax(scores);
    return [0, 1, 2].map((c) => sum(rows.map((v, j) => weights[j]! * v[c]!)));
  });
}

const index = constant(Int32Array.of(1, 0, 7), 'i32', [3]);
const picture = a.reshape([1, 2, 3, 1]);
const heads = a.reshape([1, 1, 2, 3]);
const kernel = constant(Float32Array.of(1, 10, 100, 1000), 'f32', [1, 1, 2, 2]);
const window = {
  stride: [1, 2],
  padding: [
    [0, 1],
    [1, 0],
  ],
} as const;

const CASES: Readonly<Record<string, readonly [result: Tensor, expected: readonly number[]]>> = {
  add: [a.add(b), each((x, y) => x + y)],
  sub: [a.sub(b), each((x, y) => x - y)],
  mul: [a.mul(b), each((x, y) => x * y)],
  div: [a.div(b), each((x, y) => x / y)],
  max: [a.max(b), each(Math.max)],
  min: [a.min(b), each(Math.min)],
  pow: [a.abs().pow(b), each((x, y) => Math.abs(x) ** y)],
  neg: [a.neg(), A.map((x) => -x)],
  exp: [a.exp(), A.map(Math.exp)],
  log: [a.abs().log(), A.map((x) => Math.log(Math.abs(x)))],
  tanh: [a.tanh(), A.map(Math.tanh)],
  sigmoid: [a.sigmoid(), A.map(sigmoid)],
  sqrt: [a.abs().sqrt(), A.map((x) => Math.sqrt(Math.abs(x)))],
  rsqrt: [a.abs().rsqrt(), A.map((x) => 1 / Math.sqrt(Math.abs(x)))],
  sin: [a.sin(), A.map(Math.sin)],
  cos: [a.cos(), A.map(Math.cos)],
  floor: [a.floor(), A.map(Math.floor)],
  // erf(-1.5), erf(0.25), …: https://dlmf.nist.gov/7.2
  erf: [a.erf(), [-0.966105146, 0.27632639, 0.995322265, 0.520499878, -0.711155634, 0.99997791]],
  stretched: [a.add(b.slice(0, 1, 2)), A.map((x, i) => x + B[3 + (i % 3)]!)],
  compare: [a.compare('LE', b).cast('f32'), each((x, y) => Number(x <= y))],
  select: [select(a.compare('GT', 0), a, b), each((x, y) => (x > 0 ? x : y))],
  cast: [constant(1.00390625, 'f32').cast('bf16').cast('f32'), [1]],
  infinity: [constant(Number.NEGATIVE_INFINITY, 'bf16').exp(), [0]],
  bf16: [constant(Float32Array.of(1.5, -2), 'bf16', [2]).mul(2), [3, -4]],
  iota: [iota('i32', [2, 3], 1).cast('f32'), [0, 1, 2, 0, 1, 2]],
  slice: [a.slice(1, 0, 3, 2), [A[0]!, A[2]!, A[3]!, A[5]!]],
  split: [split(a, [1, 2], 1)[1]!, [A[1]!, A[2]!, A[4]!, A[5]!]],
  concatenate: [concatenate([a, b], 1), [...A.slice(0, 3), ...B.slice(0, 3), ...A.slice(3), ...B.slice(3)]],
  pad: [padZeros(a, [0, 1], [1, 0]), [0, ...A.slice(0, 3), 0, ...A.slice(3), 0, 0, 0, 0]],
  sum: [a.sum(0), [0, 1, 2].map((c) => A[c]! + A[3 + c]!)],
  mean: [a.mean(1), [sum(A.slice(0, 3)) / 3, sum(A.slice(3)) / 3]],
  maxOver: [a.maxOver(1), [2, 3]],
  'take, clamped': [take(a, index), [...A.slice(3), ...A.slice(0, 3), ...A.slice(3)]],
  rearrange: [rearrange(a, 'y (x c) -> c (x y)', { c: 1 }), [A[0]!, A[3]!, A[1]!, A[4]!, A[2]!, A[5]!]],
  einsum: [einsum('i c, j c -> j i', a, b), [0, 3].flatMap((j) => [0, 3].map((i) => dotRows(i, j)))],
  // Output rows 0, 1 and columns 0, 1 of the picture with a column of zeros before and a row of zeros below.
  convolution: [
    convolution(picture, kernel, window),
    [10 * A[0]! + 1000 * A[3]!, A[1]! + 10 * A[2]! + 100 * A[4]! + 1000 * A[5]!, 10 * A[3]!, A[4]! + 10 * A[5]!],
  ],
  'a cut from a start that is known later': [cut(a, 1, constant(1, 'i32'), 2), [A[1]!, A[2]!, A[4]!, A[5]!]],
  'a cut that would not fit': [cut(a, 1, constant(7, 'i32'), 2), [A[1]!, A[2]!, A[4]!, A[5]!]],
  attention: [
    attention(heads, heads, heads, { scale: 0.5 }),
    attended(
      () => true,
      () => 0,
    ),
  ],
  'causal attention': [
    attention(heads, heads, heads, { scale: 0.5, mask: 'causal' }),
    attended(
      (query, key) => key <= query,
      () => 0,
    ),
  ],
  'biased attention': [
    attention(heads, heads, heads, { scale: 0.5, bias: b.slice(1, 0, 2).reshape([1, 1, 2, 2]) }),
    attended(
      () => true,
      (query, key) => B[3 * query + key]!,
    ),
  ],
  // A quarter turn takes (x, y) to (-y, x); pairs come back as all firsts, all seconds.
  rope: [
    applyRope(
      constant(Float32Array.of(1, 2, 3, 4), 'f32', [1, 1, 1, 4]),
      constant(Float32Array.of(0, 1), 'f32', [1, 2]),
      constant(Float32Array.of(1, 0), 'f32', [1, 2]),
    ),
    [-2, 3, 1, 4],
  ],
};

function dotRows(i: number, j: number): number {
  return sum([0, 1, 2].map((c) => A[i + c]! * B[j + c]!));
}

describe('operations on the CPU', () => {
  let client: Client;
  const found = new Map<string, Float32Array>();

  before(async () => {
    client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
    const results = Object.values(CASES).map(([result]) => result);
    const program = await client.compile(print(lower(graph('operations', [a, b], results), { platform: 'cpu' })));
    const upload = (values: readonly number[]) =>
      client.upload(new Uint8Array(Float32Array.from(values).buffer), { dtype: 'f32', shape: [2, 3] });
    const outputs = program.run([await upload(A), await upload(B)]);
    for (const [i, name] of Object.keys(CASES).entries()) {
      const { dtype, shape } = results[i]!;
      const count = shape.reduce((n, d) => n * d, 1);
      found.set(name, toF32(dtype, await outputs[i]!.toHost(), count));
    }
  });
  after(() => client[Symbol.asyncDispose]());

  for (const [name, [, expected]] of Object.entries(CASES)) {
    test(name, () => {
      const actual = found.get(name)!;
      assert.equal(actual.length, expected.length);
      expected.forEach((value, i) => {
        const error = Math.abs(actual[i]! - value);
        assert.ok(error <= 2e-6 * Math.max(1, Math.abs(value)), `[${i}]: found ${actual[i]}, expected ${value}`);
      });
    });
  }
});
