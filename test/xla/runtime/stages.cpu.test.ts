/** Programs of several stages, run on the CPU: the numbers of the whole, nothing left alive, memory counted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLUX_DEV, fluxPrograms } from '../../../src/models.ts';
import { fromF32, toF32 } from '../../../src/support/floats.ts';
import { fusesAttention } from '../../../src/xla/lowering/cpu.ts';
import { cpuFlags } from '../../../src/xla/lowering/lower.ts';
import { Program, programText } from '../../../src/xla/runtime/program.ts';
import { Runtime } from '../../../src/xla/runtime/runtime.ts';
import { liveCounts, type ShardedArray } from '../../../src/xla.ts';
import { seededValues } from '../../support/array.ts';
import { assertClose } from '../../support/close.ts';

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

      const next = seededValues(7);
      const arrays: ShardedArray[] = [];
      for (const { dtype, shape } of traced.graph.parameters) {
        const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next);
        arrays.push(await runtime.upload(dtype === 'bf16' ? fromF32('bf16', values) : values, dtype, shape));
      }
      const inputs = Object.fromEntries(traced.inputs.map((name, i) => [name, arrays[i]!]));
      const weights = arrays.slice(traced.inputs.length);
      const live = liveCounts()['DeviceArray'];
      const [a, b] = [whole.run(inputs, weights), cut.run(inputs, weights)];
      for (const name of traced.outputs) {
        const [expected, found] = [a[name]!, b[name]!];
        const count = expected.shape.reduce((x, y) => x * y, 1);
        const read = async (array: typeof found) => toF32('bf16', await array.arrays[0]!.toHost(), count);
        assertClose(`${part} ${name}`, await read(found), await read(expected), { maxRelative: 2e-2 });
        expected.dispose();
        found.dispose();
      }
      assert.equal(liveCounts()['DeviceArray'], live, 'what stages hand on is freed');

      // q, k and v at least wait for the second stage.
      const handed = 3 * 32 * 1024 * 2;
      assert.ok(cut.memory.temporaries >= handed, `${cut.memory.temporaries} bytes`);
      // The older XLA, which has no kernels for bf16 results, widens a weight as well.
      const widest = Math.max(...traced.graph.parameters.map(({ shape }) => shape.reduce((x, y) => x * y, 4)));
      const widened = fusesAttention({ ...AMX, apiVersion: client.plugin.apiVersion }) ? 0 : widest;
      assert.ok(cut.memory.temporaries < 40 * handed + widened, `${cut.memory.temporaries} bytes`);
      for (const array of arrays) array.dispose();
    }
    assert.deepEqual(liveCounts(), before);
  });
}
