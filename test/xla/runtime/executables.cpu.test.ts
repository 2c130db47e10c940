/** Pictures of many sizes out of one model: programs that were used long ago are freed, those of a run in progress are not. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Flux } from '../../../src/index.ts';
import { spec, trace } from '../../../src/xla/graph/trace.ts';
import { Weights } from '../../../src/xla/graph/weights.ts';
import { Client, Plugin } from '../../../src/xla/pjrt/client.ts';
import type { Executable } from '../../../src/xla/pjrt/executable.ts';
import { liveCounts } from '../../../src/xla/pjrt/lifetime.ts';
import { ensurePlugin } from '../../../src/xla/plugins/plugins.ts';
import { LoadedExecutables } from '../../../src/xla/runtime/executables.ts';
import { Runtime } from '../../../src/xla/runtime/runtime.ts';

describe('loaded programs', () => {
  let client: Client;
  before(async () => {
    client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
  });
  after(() => client[Symbol.asyncDispose]());

  const load = (value: number) => async () => ({
    executable: await client.compile(
      `func.func @main() -> tensor<f32> { %0 = stablehlo.constant dense<${value}.0> : tensor<f32> return %0 : tensor<f32> }`,
    ),
    bytes: 1000,
  });

  test('those used longest ago are freed when no run uses them', async () => {
    const programs = new LoadedExecutables(2);
    const loaded: Executable[] = [];
    const use = async (i: number) => {
      loaded[i] = await programs.get(String(i), load(i));
    };
    const ended = () => loaded.map((program) => program.handle.isEnded);
    {
      using _run = programs.lease();
      for (const i of [0, 1, 2, 3]) await use(i);
      await use(0);
      {
        using _inner = programs.lease();
        await use(1);
      }
      assert.deepEqual(ended(), [false, false, false, false], 'a run keeps all it uses, however many');
    }
    assert.deepEqual(ended(), [false, false, true, true]);
    assert.equal(programs.size, 2);
    const again = await programs.get('2', load(2));
    assert.ok(!again.handle.isEnded, 'what was freed is loaded again');
  });

  test('also by their bytes, of which those in use do not count as too many', async () => {
    const programs = new LoadedExecutables(100, 2500);
    const loaded: Executable[] = [];
    {
      using _run = programs.lease();
      for (const i of [0, 1, 2]) loaded.push(await programs.get(String(i), load(i)));
      assert.equal(programs.bytes, 3000);
    }
    assert.deepEqual(
      loaded.map((program) => program.handle.isEnded),
      [true, false, false],
    );
    assert.deepEqual([programs.size, programs.evicted], [2, 1]);
  });

  test('a failure is not kept, and one load serves all who ask meanwhile', async () => {
    const programs = new LoadedExecutables(2);
    await assert.rejects(
      programs.get('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    let loads = 0;
    const once = () => {
      loads++;
      return load(7)();
    };
    const [first, second] = await Promise.all([programs.get('a', once), programs.get('a', once)]);
    assert.equal(first, second);
    assert.equal(loads, 1);
  });

  test('an abort ends the waiting of one, and the load goes on for the others', async () => {
    const programs = new LoadedExecutables(2);
    const [leaving, gate] = [new AbortController(), Promise.withResolvers<void>()];
    let loads = 0;
    const slow = async () => {
      loads++;
      await gate.promise;
      return load(8)();
    };
    const first = programs.get('a', slow, leaving.signal);
    const second = programs.get('a', slow, new AbortController().signal);
    leaving.abort(new Error('gone'));
    await assert.rejects(first, /gone/);
    gate.resolve();
    assert.ok(!(await second).handle.isEnded);
    await assert.rejects(programs.get('a', slow, leaving.signal), /gone/);
    assert.equal(await programs.get('a', slow), await second, 'what was loaded for nobody in particular is kept');
    assert.equal(loads, 1);
  });
});

test('closing a model while it reads the cache leaves the entries', async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'fluxion-closing-'));
  try {
    const parts = Array.from({ length: 8 }, (_, i) =>
      trace(`part${i}`, new Weights('f32', 'f32'), { x: spec('f32', [4]) }, ({ x }) => ({ y: x.mul(i + 2) })),
    );
    const open = () => Runtime.open({ device: 'cpu', cacheDir });
    {
      await using runtime = await open();
      for (const part of parts) await runtime.compile(part);
    }
    const kept = readdirSync(cacheDir).toSorted();
    assert.equal(kept.length, parts.length);
    const runtime = await open();
    const reading = parts.map((part) => runtime.compile(part));
    const settled = Promise.allSettled(reading);
    await runtime[Symbol.asyncDispose]();
    await settled;
    assert.deepEqual(readdirSync(cacheDir).toSorted(), kept);
    await using again = await open();
    for (const part of parts) await again.compile(part);
    assert.deepEqual({ ...again.compiled }, { programs: 0, fromCache: parts.length });
  } finally {
    rmSync(cacheDir, { recursive: true });
  }
});

test('many sizes leave as many programs loaded as a few do', async () => {
  const counts: number[] = [];
  await using flux = await Flux.load('tiny', { device: 'cpu' });
  for (let i = 0; i < 8; i++) {
    await flux.generate({
      prompt: 'a red house',
      steps: 1,
      width: 32 + 16 * (i % 4),
      height: 32 + 16 * Math.floor(i / 4),
    });
    counts.push(liveCounts().Executable!);
  }
  assert.ok(counts[0]! < 64, counts.join());
  assert.ok(Math.max(...counts) <= 128, counts.join());
  assert.equal(counts.at(-1), counts.at(-2), counts.join());
});
