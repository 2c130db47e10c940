/** Products of bf16 by f32 arithmetic, run on the CPU: the same numbers, no widened weights in memory, no weights copied on the way there. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FLUX_DEV, fluxPrograms } from '../../../src/models.ts';
import { fromF32, toF32 } from '../../../src/support/floats.ts';
import { multipliesBf16 } from '../../../src/support/processor.ts';
import { matmulTransposed } from '../../../src/xla/graph/ops.ts';
import { orientationFor } from '../../../src/xla/lowering/cpu.ts';
import { cpuFlags, lower } from '../../../src/xla/lowering/lower.ts';
import { openMapped, Runtime } from '../../../src/xla/runtime/runtime.ts';
import { Client, ensurePlugin, type Graph, graph, Plugin, parameter, print } from '../../../src/xla.ts';
import { seededValues } from '../../support/array.ts';
import { assertClose } from '../../support/close.ts';

let client: Client;
before(async () => {
  client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
});
after(() => client[Symbol.asyncDispose]());

const widened = { platform: 'cpu', bf16Products: false } as const;
/** The same with the newer XLA, where products are written as they stand. */
const direct = { ...widened, cpu: { apiVersion: '0.115', instructions: ['AVX2'] } } as const;

/** x [batch, tokens, in] times a weight [out, in]. */
function layer(tokens: number, inner: number, out: number, batch = 1) {
  const x = parameter('x', 'bf16', [batch, tokens, inner]);
  const w = parameter('w', 'bf16', [out, inner]);
  return { x, w, node: graph('layer', [x, w], [matmulTransposed(x, w)]) };
}

function values(count: number, seed: number): { bytes: Uint8Array; data: Float32Array } {
  const next = seededValues(seed);
  const bytes = fromF32('bf16', Float32Array.from({ length: count }, next));
  return { bytes, data: toF32('bf16', bytes, count) };
}

describe('widened products', () => {
  for (const [name, tokens, inner, out, batch] of [
    ['one tile', 64, 96, 40, 1],
    ['two tiles of rows, odd sizes', 67, 50, 1001, 1],
    ['two tiles of columns, odd sizes', 65, 4111, 37, 1],
    ['tiles both ways, two pictures', 33, 4200, 800, 2],
  ] as const) {
    for (const target of [widened, direct])
      test(`${name}, ${target === direct ? 'x Wᵀ' : 'W xᵀ'}: the numbers of f64, rounded`, async () => {
        const { x, w, node } = layer(tokens, inner, out, batch);
        const lowered = lower(node, target);
        const kinds = lowered.nodes.filter(({ op }) => op.kind === 'dot');
        assert.equal(kinds.length, Math.ceil(out / 768) * Math.ceil(inner / 4096));
        assert.ok(kinds.every(({ inputs }) => inputs.every(({ dtype }) => dtype === 'f32')));
        using program = await client.compile(print(lowered), { flags: cpuFlags(client.plugin) });
        const [a, b] = [values(batch * tokens * inner, 1), values(out * inner, 2)];
        using left = await client.upload(a.bytes, { dtype: 'bf16', shape: x.shape });
        using right = await client.upload(b.bytes, { dtype: 'bf16', shape: w.shape });
        const [product] = program.run([left, right]);
        using result = product!;
        const rows = batch * tokens;
        const expected = new Float32Array(rows * out);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < out; j++) {
            let sum = 0;
            for (let k = 0; k < inner; k++) sum += a.data[i * inner + k]! * b.data[j * inner + k]!;
            expected[i * out + j] = sum;
          }
        }
        assertClose(name, toF32('bf16', await result.toHost(), rows * out), expected, { maxRelative: 4e-3 });
      });
  }

  test('few tokens, and processors that multiply bf16, are left alone', () => {
    const same = (node: Graph, target: Parameters<typeof lower>[1]) =>
      print(lower(node, target)) === print(lower(node, { platform: 'cpu' }));
    assert.ok(same(layer(63, 96, 40).node, widened));
    assert.ok(same(layer(64, 96, 40).node, { platform: 'cpu', bf16Products: true }));
    assert.ok(!same(layer(64, 96, 40).node, widened));
  });

  test('no widened matrix is ever whole: temporaries of a full-size block', async () => {
    const sizes = { batch: 1, prompts: 1, imageTokens: 256, textTokens: 512, steps: 1 } as const;
    const { singleBlock } = fluxPrograms(FLUX_DEV, { ...sizes, compute: 'bf16', storage: 'bf16' });
    // The older XLA, for which products are never written as they stand, widens more of those at a time.
    const isNewer = orientationFor({ ...direct.cpu, apiVersion: client.plugin.apiVersion }) === 'x Wᵀ';
    for (const target of isNewer ? [widened, direct] : [widened]) {
      using program = await client.compile(print(lower(singleBlock.graph, target)), {
        flags: cpuFlags(client.plugin),
      });
      const { temporaries } = program.memoryStats()!;
      // 768 tokens of the widest value, 15360, in f32 are 45 MiB; the largest weight widened would be 180 MiB, all of them 540.
      assert.ok(temporaries < 120 * 2 ** 20, `${temporaries} bytes of temporaries`);
    }
  });
});

test('the system tells which processors multiply bf16 faster than f32', () => {
  const info = (flags: string, vendor = 'AuthenticAMD') =>
    `processor\t: 0\nvendor_id\t: ${vendor}\nflags\t\t: ${flags}\n\nprocessor\t: 1\nflags\t\t: fpu\n`;
  assert.equal(multipliesBf16(info('fpu avx2 fma')), false);
  assert.equal(multipliesBf16(info('fpu avx512f avx512_bf16')), true);
  assert.equal(multipliesBf16(info('fpu avx512f avx512_bf16', 'GenuineIntel')), false);
  assert.equal(multipliesBf16(info('fpu avx512f avx512_bf16 amx_bf16', 'GenuineIntel')), true);
  assert.equal(multipliesBf16('processor\t: 0\nFeatures\t: fp asimd bf16\n'), true);
  assert.equal(multipliesBf16(''), undefined);
});

test('weights of full size in a file are used in place', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-mapped-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'block');
  // The matrices of a single block, one after the other, aligned to 64 bytes; a sparse file takes no room.
  const matrices = [[9216, 3072], [12288, 3072], [3072, 15360]] as const; // biome-ignore format: a list
  const sizes = matrices.map(([rows, columns]) => 2 * rows * columns);
  writeFileSync(path, '');
  truncateSync(path, 64 + sizes.reduce((sum, size) => sum + size, 0));
  await using runtime = await Runtime.open({ device: 'cpu' });
  using mapped = openMapped(path);
  using held = new DisposableStack();
  const before = process.memoryUsage.rss();
  let at = 64;
  for (const [i, shape] of matrices.entries()) {
    const array = held.use(await runtime.upload(mapped.view(at, sizes[i]!), 'bf16', shape));
    assert.equal(array.arrays[0]!.zeroCopy, true);
    at += sizes[i]!;
  }
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < at / 4, `memory grew by ${grown} bytes for ${at} of weights`);
});
