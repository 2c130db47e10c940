/** A compiled program taken apart: its operations, run one at a time, give its very results, and their work is counted to the FLOP. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Replay } from '../../../src/xla/ahead/replay.ts';
import type { DeviceArray } from '../../../src/xla/pjrt/array.ts';
import { Client, Plugin } from '../../../src/xla/pjrt/client.ts';
import type { Executable } from '../../../src/xla/pjrt/executable.ts';
import { liveCounts } from '../../../src/xla/pjrt/lifetime.ts';
import { ensurePlugin, findPlugin } from '../../../src/xla/plugins/plugins.ts';
import { run } from '../../support/command-line.ts';
import { repositoryPath } from '../../support/fixture.ts';

const [M, K, N] = [256, 512, 1024];
const LOOPS = 5;

/** Two products with a function between them, one of them in a transposed layout, and a loop with a product in it. */
const TEXT = `module @measured {
  func.func public @main(%x: tensor<${M}x${K}xbf16>, %w: tensor<${N}x${K}xbf16>, %v: tensor<${K}x${K}xf32>)
      -> (tensor<${N}x${M}xf32>, tensor<${K}x${K}xf32>, tensor<${M}x${K}xbf16>) {
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<${M}x${K}xbf16>, tensor<${N}x${K}xbf16>) -> tensor<${M}x${N}xf32>
    %1 = stablehlo.tanh %0 : tensor<${M}x${N}xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<${M}x${N}xf32>) -> tensor<${N}x${M}xf32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %count = stablehlo.constant dense<${LOOPS}> : tensor<i32>
    %3:3 = stablehlo.while(%i = %zero, %a = %v, %b = %v) : tensor<i32>, tensor<${K}x${K}xf32>, tensor<${K}x${K}xf32>
    cond {
      %less = stablehlo.compare LT, %i, %count : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %less : tensor<i1>
    } do {
      %next = stablehlo.add %i, %one : tensor<i32>
      %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<${K}x${K}xf32>, tensor<${K}x${K}xf32>) -> tensor<${K}x${K}xf32>
      %d = stablehlo.tanh %c : tensor<${K}x${K}xf32>
      stablehlo.return %next, %d, %b : tensor<i32>, tensor<${K}x${K}xf32>, tensor<${K}x${K}xf32>
    }
    return %2, %3#1, %x : tensor<${N}x${M}xf32>, tensor<${K}x${K}xf32>, tensor<${M}x${K}xbf16>
  }
}`;

describe('a program', () => {
  let client: Client;
  let program: Executable;
  let args: DeviceArray[];

  before(async () => {
    client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
    program = await client.compile(TEXT, { flags: { xla_cpu_enable_concurrency_optimized_scheduler: false } });
    const upload = (dtype: 'bf16' | 'f32', shape: readonly number[]): Promise<DeviceArray> => {
      const values = Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => Math.sin(i * 0.37) / 16);
      const bits = new Uint32Array(values.buffer);
      const bytes = dtype === 'f32' ? values : Uint16Array.from(bits, (word) => word >>> 16);
      return client.upload(new Uint8Array(bytes.buffer), { dtype, shape });
    };
    args = [await upload('bf16', [M, K]), await upload('bf16', [N, K]), await upload('f32', [K, K])];
  });
  after(() => client[Symbol.asyncDispose]());

  test('gives the same results in pieces, bit for bit, and leaves nothing behind', async () => {
    const counted = liveCounts();
    {
      using replay = await Replay.of(client, program);
      const expected = program.run(args);
      const results = replay.run(args);
      for (const [i, whole] of expected.entries()) {
        const piece = results[i];
        // What is an argument given back is no operation's, unless it is copied.
        if (piece) assert.deepEqual(await piece.toHost(), await whole.toHost(), `result ${i}`);
        else assert.equal(i, 2);
      }
      for (const array of [...expected, ...results]) array?.dispose();
    }
    assert.deepEqual(liveCounts(), counted);
  });

  test('has its products timed, with their exact work', async () => {
    using replay = await Replay.of(client, program);
    const told: string[] = [];
    const times = await replay.time(args, { onOperation: ({ name }) => told.push(name) });
    assert.ok(times.passes >= 2 && times.start > 0 && times.start < 0.1, JSON.stringify([times.passes, times.start]));
    assert.deepEqual(
      told,
      times.operations.map(({ operation }) => operation.name),
    );
    const loop = times.operations.find(({ operation }) => operation.kind.startsWith('while'));
    assert.equal(loop?.operation.flops, LOOPS * 2 * K * K * K);
    assert.match(loop!.operation.kind, new RegExp(`^while, ${LOOPS} times: .*(dot|tanh)`));
    const flops = times.operations.reduce((sum, { operation }) => sum + operation.flops!, 0);
    assert.equal(flops, 2 * M * K * N + LOOPS * 2 * K * K * K);
    const product = times.operations.find(({ operation }) => operation.flops === 2 * M * K * N)!;
    assert.match(product.operation.kind, /dot/);
    assert.match(product.operation.shape, new RegExp(`${M}.*${N}|${N}.*${M}`));
    // From 100 MFLOP/s on a machine with much else to do to 100 TFLOP/s.
    for (const { operation, seconds } of [product, loop!])
      assert.ok(
        operation.flops! / seconds > 1e8 && operation.flops! / seconds < 1e14,
        `${operation.kind}: ${seconds} s`,
      );
    const sum = times.operations.reduce((total, { seconds }) => total + seconds, 0);
    assert.ok(sum > times.program / 20 && sum < 20 * times.program, `${sum} s of ${times.program} s`);
  });

  test('is not begun again once the signal has fired', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await assert.rejects(Replay.of(client, program, aborted), /enough/);
    using replay = await Replay.of(client, program);
    await assert.rejects(replay.time(args, { signal: aborted }), /enough/);
  });
});

test("the profiler of NVIDIA's plugin starts, stops and gives its record, without a GPU an empty one", async (t) => {
  const plugin = findPlugin('cuda', {});
  if (!plugin) return t.skip("NVIDIA's plugin is not installed: fluxion plugins install cuda");
  // Such a plugin leaves threads behind: in a process of its own.
  const src = repositoryPath('src');
  const code = `
    const { Api } = await import('${src}/xla/pjrt/call.ts');
    const { Profiler } = await import('${src}/xla/pjrt/profiler.ts');
    const { readXSpace } = await import('${src}/xla/ahead/xspace.ts');
    const api = Api.load(${JSON.stringify(plugin.path)});
    for (let i = 0; i < 2; i++) {
      using profiler = Profiler.of(api);
      profiler.start();
      profiler.stop();
      console.log(readXSpace(profiler.collect()).dropped);
    }
    process.reallyExit(0);`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module-typescript', '-e', code], { cwd: src });
  assert.equal(stdout, '0\n0\n', stderr);
});
