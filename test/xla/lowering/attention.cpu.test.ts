/** Attention in blocks of queries, run on the CPU: against dense attention, and in f64. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromF32, toF32 } from '../../../src/support/floats.ts';
import { readHloProgram } from '../../../src/xla/ahead/hlo-program.ts';
import { map } from '../../../src/xla/graph/map.ts';
import type { AttentionInputs } from '../../../src/xla/lowering/attention.ts';
import { chunkedAttention } from '../../../src/xla/lowering/chunked.ts';
import { fusesAttention } from '../../../src/xla/lowering/cpu.ts';
import { denseAttention, fusedAttention } from '../../../src/xla/lowering/dense.ts';
import { cpuFlags, lower, type Target } from '../../../src/xla/lowering/lower.ts';
import {
  attention,
  Client,
  type Executable,
  ensurePlugin,
  graph,
  iota,
  Plugin,
  parameter,
  print,
  type Tensor,
} from '../../../src/xla.ts';
import { filled, type NumberArray, referenceAttention, seededValues } from '../../support/array.ts';
import { assertClose } from '../../support/close.ts';

interface Sizes {
  readonly b?: number;
  readonly h?: number;
  readonly n: number;
  readonly m: number;
  readonly c: number;
}

let client: Client;
before(async () => {
  client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
});
after(() => client[Symbol.asyncDispose]());

async function run(program: Executable, arrays: readonly { readonly tensor: Tensor; readonly data: Float32Array }[]) {
  using held = new DisposableStack();
  const inputs = await Promise.all(
    arrays.map(async ({ tensor: { dtype, shape }, data }) =>
      held.use(await client.upload(fromF32(dtype, data), { dtype, shape })),
    ),
  );
  const [output] = program.run(inputs);
  held.use(output!);
  return toF32(
    output!.dtype,
    await output!.toHost(),
    output!.shape.reduce((n, d) => n * d, 1),
  );
}

/** Operands that hold what their type can hold, their graphs, and the values in f64. */
function operands<F extends 'f32' | 'bf16'>(
  { b = 1, h = 1, n, m, c }: Sizes,
  dtype: F,
  bias: 'bias' | 'none',
  magnitude = 1,
) {
  const next = seededValues(n + m);
  const make = (name: string, shape: readonly number[], size: number) => {
    const tensor = parameter(name, dtype, shape);
    const values = Float32Array.from({ length: shape.reduce((x, d) => x * d, 1) }, () => size * next());
    const data = toF32(dtype, fromF32(dtype, values), values.length);
    return { tensor, data, array: { shape, data: Float64Array.from(data) } satisfies NumberArray };
  };
  const q = make('q', [b, h, n, c], magnitude);
  const k = make('k', [b, h, m, c], magnitude);
  const v = make('v', [b, h, m, c], 1);
  const extra = bias === 'bias' ? [make('bias', [1, h, n, m], 2)] : [];
  return { q, k, v, all: [q, k, v, ...extra], bias: extra[0]?.tensor };
}

const CASES: readonly (readonly [string, Sizes, number])[] = [
  ['one block', { n: 16, m: 16, c: 16 }, 16],
  ['even blocks', { h: 3, n: 96, m: 96, c: 32 }, 32],
  ['heads and batch', { b: 2, h: 3, n: 40, m: 56, c: 16 }, 20],
  ['odd sizes', { h: 2, n: 37, m: 53, c: 24 }, 10],
  ['one query a block', { h: 2, n: 5, m: 7, c: 8 }, 1],
  ['more rows than queries', { n: 5, m: 300, c: 64 }, 512],
  ['many keys', { h: 2, n: 70, m: 1500, c: 128 }, 512],
];

describe('attention in blocks, and in one kernel', () => {
  for (const [name, sizes, rows] of CASES) {
    for (const dtype of ['f32', 'bf16'] as const) {
      for (const withBias of ['none', 'bias'] as const) {
        test(`${name}, ${dtype}, ${withBias === 'bias' ? 'with a bias' : 'without bias'}`, async () => {
          const { q, k, v, all, bias } = operands(sizes, dtype, withBias);
          const scale = sizes.c ** -0.5;
          const inputs: AttentionInputs = { q: q.tensor, k: k.tensor, v: v.tensor, bias, scale, mask: 'none' };
          const parameters = all.map(({ tensor }) => tensor);
          const compiled = (out: Tensor) => client.compile(print(graph('attention', parameters, [out])));
          using chunked = await compiled(chunkedAttention(inputs, rows));
          using dense = await compiled(denseAttention(inputs));
          using fused = await compiled(fusedAttention(inputs, 'f32'));
          const [a, b, c] = [await run(chunked, all), await run(dense, all), await run(fused, all)];
          assertClose('dense', a, b, { maxRelative: dtype === 'f32' ? 1e-6 : 8e-3 });
          assertClose('fused', a, c, { maxRelative: dtype === 'f32' ? 2e-6 : 1e-2 });
          if (withBias === 'bias') return;
          const expected = referenceAttention(q.array, k.array, v.array, scale);
          assertClose('f64', a, Float32Array.from(expected.data), { maxRelative: dtype === 'f32' ? 2e-6 : 1e-2 });
        });
      }
    }
  }

  test('extreme scores neither overflow nor vanish', async () => {
    for (const magnitude of [0, 30, 3e3]) {
      const sizes = { h: 2, n: 21, m: 33, c: 16 };
      const { q, k, v, all } = operands(sizes, 'f32', 'none', magnitude);
      const inputs: AttentionInputs = {
        q: q.tensor,
        k: k.tensor,
        v: v.tensor,
        bias: undefined,
        scale: 1,
        mask: 'none',
      };
      const expected = referenceAttention(q.array, k.array, v.array, 1);
      for (const out of [chunkedAttention(inputs, 8), fusedAttention(inputs, 'f32')]) {
        using program = await client.compile(print(graph('attention', [q.tensor, k.tensor, v.tensor], [out])));
        // Scores of millions have an f32 ulp of about 1, so that only the winning key is certain.
        assertClose(`${magnitude}`, await run(program, all), Float32Array.from(expected.data), {
          maxRelative: magnitude > 100 ? 1 : 1e-4,
        });
      }
    }
  });

  test('takes a fraction of the memory of all scores, and so does what the CPU takes for many tokens', async () => {
    const sizes = { h: 4, n: 1536, m: 1536, c: 64 };
    const { q, k, v } = operands(sizes, 'f32', 'none');
    const parameters = [q.tensor, k.tensor, v.tensor];
    const node = graph('attention', parameters, [attention(q.tensor, k.tensor, v.tensor, { scale: 0.125 })]);
    const temporaries = async (target: Target): Promise<number> => {
      using program = await client.compile(print(lower(node, target)), { flags: cpuFlags(client.plugin) });
      return program.memoryStats()!.temporaries;
    };
    const scores = 4 * sizes.h * sizes.n * sizes.m;
    const blocks = await temporaries({ platform: 'cpu' });
    assert.ok(blocks < scores / 2, `${blocks} bytes in blocks, ${scores} of scores`);
    const cpu = { apiVersion: client.plugin.apiVersion, instructions: [] };
    const chosen = await temporaries({ platform: 'cpu', cpu });
    assert.ok(chosen < scores / 2, `${chosen} bytes as chosen, ${scores} of scores`);
  });
});

test('a map runs its body for each entry, with what is shared whole, also inside another', async () => {
  const x = parameter('x', 'f32', [3, 2, 4]);
  const w = parameter('w', 'f32', [4]);
  const row = iota('f32', [3], 0);
  const scaled = map([x, row], [w], ([rows, index], [weights]) =>
    map([rows], [weights, index], ([entry], [inner, i]) => entry.mul(inner).add(i.reshape([1]).broadcastTo([4]))),
  );
  using program = await client.compile(print(graph('nested', [x, w], [scaled])));
  const values = filled([3, 2, 4], (i) => i + 1);
  const actual = await run(program, [
    { tensor: x, data: Float32Array.from(values.data) },
    { tensor: w, data: Float32Array.of(1, 10, 100, 1000) },
  ]);
  const expected = values.data.map((value, i) => value * 10 ** (i % 4) + Math.floor(i / 8));
  assert.deepEqual([...actual], [...expected]);
});

test('attention of transposed arrays multiplies bf16 without widening it', async (t) => {
  const cpu = { apiVersion: client.plugin.apiVersion, instructions: [] };
  if (!fusesAttention(cpu)) return t.skip('the older XLA has no such kernel');
  const projected = ['q', 'k', 'v'].map((name) => parameter(name, 'bf16', [1, 64, 4, 32]));
  const [q, k, v] = projected.map((x) => x.transpose([0, 2, 1, 3]));
  const lowered = lower(graph('attention', projected, [attention(q!, k!, v!, { scale: 1 })]), {
    platform: 'cpu',
    cpu,
    bf16Products: true,
  });
  using program = await client.compile(print(lowered), { flags: cpuFlags(client.plugin) });
  const { computations } = readHloProgram(program.optimizedProgram()!.bytes);
  const operandTypes = computations.flatMap(({ instructions }) =>
    [...instructions.values()]
      .filter(({ opcode }) => opcode === 'dot')
      .flatMap(({ operands }) => operands.map((operand) => instructions.get(operand)!.shape[0]!.type)),
  );
  assert.deepEqual(operandTypes, ['bf16', 'bf16', 'bf16', 'bf16']);
});
