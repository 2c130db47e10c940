/** Programs of several stages, run on the CPU: the numbers of the whole, nothing left alive, memory counted. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { FLUX_DEV, fluxPrograms } from '../../../src/models.ts';
import { elementCount } from '../../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../../src/support/floats.ts';
import type { Traced } from '../../../src/xla/graph/trace.ts';
import { fusesAttention } from '../../../src/xla/lowering/cpu.ts';
import { cpuFlags } from '../../../src/xla/lowering/lower.ts';
import { Program, programText } from '../../../src/xla/runtime/program.ts';
import { Runtime } from '../../../src/xla/runtime/runtime.ts';
import { liveCounts, type ShardedArray } from '../../../src/xla.ts';
import { seededValues } from '../../support/array.ts';
import { assertClose } from '../../support/close.ts';
import { temporaryFolder } from '../../support/command-line.ts';

const CFG = { ...FLUX_DEV, heads: 8 };
const SIZES = {
  batch: 1,
  prompts: 1,
  imageTokens: 20,
  textTokens: 12,
  steps: 1,
  compute: 'bf16',
  storage: 'bf16',
} as const;
/** Cut as on a processor with AMX; oneDNN's flags are left out, as this processor may not have its kernels. */
const AMX = { apiVersion: '0.115', instructions: ['AMX'] };

for (const part of ['doubleBlock', 'singleBlock'] as const) {
  test(`${part} in three programs`, async () => {
    const before = liveCounts();
    {
      await using runtime = await Runtime.open({ device: 'cpu', cacheDir: 'none' });
      const traced = fluxPrograms(CFG, SIZES)[part];
      const { sharding, client } = runtime;
      const text = programText(traced, {
        target: { platform: 'cpu', cpu: AMX, bf16Products: true },
        sharding,
        precision: 'DEFAULT',
      });
      assert.equal(text.stages.length, 3);
      const executables = await Promise.all(
        text.stages.map((stage) => client.compile(stage.text, { flags: cpuFlags(client.plugin) })),
      );
      const cut = new Program(traced, executables, { sharding, local: [0] }, text);
      const whole = await runtime.compile(traced);

      await assertSame(runtime, whole, cut, 'what stages hand on is freed');

      // q, k and v at least wait for the second stage.
      const handed = 3 * 32 * 1024 * 2;
      assert.ok(cut.memory.temporaries >= handed, `${cut.memory.temporaries} bytes`);
      // The older XLA, which has no kernels for bf16 results, widens a weight as well.
      const widest = Math.max(...traced.graph.parameters.map(({ shape }) => shape.reduce((x, y) => x * y, 4)));
      const widened = fusesAttention({ ...AMX, apiVersion: client.plugin.apiVersion }) ? 0 : widest;
      assert.ok(cut.memory.temporaries < 40 * handed + widened, `${cut.memory.temporaries} bytes`);
    }
    assert.deepEqual(liveCounts(), before);
  });
}

test('programs that the plugin cannot serialise are compiled and run, but not stored', async (t) => {
  using folder = temporaryFolder();
  await using runtime = await Runtime.open({ device: 'cpu', cacheDir: folder.path });
  const { apiVersion } = runtime.client.plugin;
  if (!fusesAttention({ ...AMX, apiVersion })) return t.skip('the older plugin has no oneDNN');
  const stored = (): number => readdirSync(folder.path).filter((name) => name.endsWith('.pjrt')).length;
  const [usual, byOnednn] = [fluxPrograms(CFG, SIZES).singleBlock, fluxPrograms(CFG, SIZES).singleBlock];
  const { instructions } = runtime.target.cpu!;
  // oneDNN has kernels for processors without AMX too.
  const cut = await compileFor(runtime, byOnednn, ['AMX']);
  assert.equal(cut.executables.length, 3);
  assert.equal(stored(), 1, 'the program of attention');
  const whole = await compileFor(
    runtime,
    usual,
    instructions.filter((name) => name !== 'AMX'),
  );
  assert.equal(whole.executables.length, 1);
  assert.equal(stored(), 2);
  await assertSame(runtime, whole, cut, 'results are freed');
});

/** Compiles as on a processor with these instruction sets. */
function compileFor(runtime: Runtime, traced: Traced, instructions: readonly string[]): Promise<Program> {
  const { apiVersion } = runtime.client.plugin;
  Object.assign(runtime.target, { bf16Products: true, cpu: { apiVersion, instructions } });
  return runtime.compile(traced);
}

/** Runs two programs of one traced part on the same random values, compares results, and disposes everything. */
async function assertSame(runtime: Runtime, one: Program, other: Program, freed: string): Promise<void> {
  const { traced } = one;
  const next = seededValues(7);
  const arrays: ShardedArray[] = [];
  for (const { dtype, shape } of traced.graph.parameters) {
    const values = Float32Array.from({ length: elementCount(shape) }, next);
    arrays.push(await runtime.upload(dtype === 'bf16' ? fromF32('bf16', values) : values, dtype, shape));
  }
  const inputs = Object.fromEntries(traced.inputs.map((name, i) => [name, arrays[i]!]));
  const weights = arrays.slice(traced.inputs.length);
  const live = liveCounts()['DeviceArray'];
  const [a, b] = [one.run(inputs, weights), other.run(inputs, weights)];
  for (const name of traced.outputs) {
    const [expected, found] = [a[name]!, b[name]!];
    const count = elementCount(expected.shape);
    const read = async (array: ShardedArray) => toF32('bf16', await array.arrays[0]!.toHost(), count);
    assertClose(`${traced.name} ${name}`, await read(found), await read(expected), { maxRelative: 2e-2 });
    expected.dispose();
    found.dispose();
  }
  assert.equal(liveCounts()['DeviceArray'], live, freed);
  for (const array of arrays) array.dispose();
}
