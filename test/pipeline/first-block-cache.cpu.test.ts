/** The first-block cache in pictures of the bundled model, on the CPU plugin: what it skips is told, and nothing is skipped unasked. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { type Event, Flux, type LoadOptions, type Request } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { fluxion, temporaryFolder } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';

const SMALL = { prompt: 'a lighthouse by the sea', width: 64, height: 80, steps: 12, seed: 7 } as const;

after(() => assert.deepEqual(liveCounts(), {}, 'native objects alive after all models were disposed'));

async function run(flux: Flux, request: Partial<Request> = {}) {
  const events: Event[] = [];
  for await (const event of flux.stream({ ...SMALL, ...request })) events.push(event);
  const done = events.at(-1)!;
  assert.ok(done.type === 'done');
  return {
    images: events.flatMap((event) => (event.type === 'image' ? [event.image] : [])),
    cached: events.flatMap((event) => (event.type === 'step' && event.cached ? [event.step] : [])),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    report: done.report,
  };
}

async function opened<T>(options: LoadOptions, use: (flux: Flux) => Promise<T>): Promise<T> {
  await using flux = await Flux.load('tiny', { device: 'cpu', ...options });
  return await use(flux);
}

describe('cache: fbcache', () => {
  test('with threshold 0 gives the bytes of a run without it', async () => {
    await opened({}, async (flux) => {
      const plain = await run(flux, { batch: 2 });
      const none = await run(flux, { batch: 2, cache: 'fbcache', threshold: 0 });
      for (const [i, image] of none.images.entries()) assert.deepEqual(image.data, plain.images[i]!.data);
      assert.deepEqual([none.cached, none.report.steps], [[], { all: 12, cached: 0 }]);
      assert.deepEqual(plain.report.steps, { all: 12, cached: 0 });
    });
  });

  test('skips more the higher the threshold, and tells of it in events, report and recipe', async () => {
    await opened({}, async (flux) => {
      const plain = await run(flux);
      const [low, high] = [0.15, 0.4];
      const some = await run(flux, { cache: 'fbcache', threshold: low });
      const many = await run(flux, { cache: 'fbcache', threshold: high });
      assert.ok(0 < some.cached.length && some.cached.length < many.cached.length, `${some.cached}; ${many.cached}`);
      assert.ok(!many.cached.includes(1), 'the first step has nothing to go by');
      for (const { cached, report, images } of [some, many]) {
        assert.deepEqual(report.steps, { all: 12, cached: cached.length });
        assert.deepEqual(images[0]!.recipe.cache?.cachedSteps, cached);
      }
      const [near, far] = [some, many].map(({ images }) => psnr(images[0]!.data, plain.images[0]!.data));
      assert.ok(near! > far! && far! > 15, `PSNR ${near} and ${far} dB`);
    });
  });

  test('says where it has no effect or does not pay, and refuses what is no threshold', async () => {
    await opened({}, async (flux) => {
      assert.match((await run(flux, { steps: 1, threshold: 0.1 })).warnings.join(), /no effect without cache=fbcache/);
      assert.match((await run(flux, { steps: 4, cache: 'fbcache' })).warnings.join(), /does not pay at 4 steps/);
      assert.doesNotMatch((await run(flux, { steps: 5, cache: 'fbcache' })).warnings.join(), /cache/);
      for (const threshold of [-1, Number.NaN]) {
        await assert.rejects(run(flux, { cache: 'fbcache', threshold }), { code: 'bad_request', message: /threshold/ });
      }
      await assert.rejects(run(flux, { cache: 'on' as 'off' }), { code: 'bad_request', message: /cache.*fbcache/ });
    });
  });

  test('an aborted run leaves nothing behind, and the next one begins anew', async () => {
    await opened({}, async (flux) => {
      const request = { cache: 'fbcache', threshold: 0.4 } as const;
      const before = await run(flux, request);
      for await (const event of flux.stream({ ...SMALL, ...request })) {
        if (event.type === 'step' && event.cached) break;
      }
      const again = await run(flux, request);
      assert.deepEqual(again.images[0]!.data, before.images[0]!.data);
    });
  });

  test('goes with blocks that come and go', async () => {
    const request = { cache: 'fbcache', threshold: 0.3 } as const;
    const kept = await opened({}, (flux) => run(flux, request));
    const streamed = await opened({ residency: 'streamed' }, (flux) => run(flux, request));
    assert.ok(kept.cached.length > 0);
    assert.deepEqual(streamed.cached, kept.cached);
    assert.deepEqual(streamed.images[0]!.data, kept.images[0]!.data);
  });

  test('goes with LoRAs merged and beside the weights', async () => {
    const loras = [{ path: repositoryPath('models/tiny-lora') }];
    const request = { cache: 'fbcache', threshold: 0.3, loras } as const;
    const [merged, beside] = await Promise.all(
      (['merged', 'beside'] as const).map((loraMode) =>
        opened(
          { dtype: 'f32', loraMode },
          async (flux) => [await run(flux, { loras }), await run(flux, request)] as const,
        ),
      ),
    );
    assert.ok(merged![1].cached.length > 0);
    assert.deepEqual(beside![1].cached, merged![1].cached);
    assert.ok(psnr(beside![1].images[0]!.data, merged![1].images[0]!.data) > 45);
    assert.ok(psnr(merged![0].images[0]!.data, merged![1].images[0]!.data) < 60, 'the cache changed nothing');
  });

  for (const ici of [{ data: 2 }, { data: 1, context: 2 }]) {
    test(`decides over all devices of a mesh: ${JSON.stringify(ici)}`, async () => {
      const request = { batch: 2, cache: 'fbcache', threshold: 0.3 } as const;
      const one = await opened({ dtype: 'f32' }, (flux) => run(flux, request));
      const two = await opened({ dtype: 'f32', cpuDevices: 2, mesh: { ici } }, (flux) => run(flux, request));
      assert.ok(one.cached.length > 0);
      assert.deepEqual(two.cached, one.cached);
      for (const [i, image] of two.images.entries()) assert.ok(psnr(image.data, one.images[i]!.data) > 45);
    });
  }
});

test('on the command line: reported as JSON and in the table, and made again by redo', async () => {
  using folder = temporaryFolder();
  const args = ['resolution=64', 'num_inference_steps=12', 'cache=fbcache', 'threshold=0.3'];
  const shown = await fluxion(['generate', ...args], { cwd: folder.path });
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stderr, /denoise .* a step; first block alone in [1-9]\d* of 12/);
  const printed = await fluxion(['generate', '--json', ...args], { cwd: folder.path });
  const { steps, cached_steps: cached } = JSON.parse(printed.stdout) as { steps: number; cached_steps: number };
  assert.ok(steps === 12 && cached > 0 && cached < 12, printed.stdout);
  assert.deepEqual(readFileSync(folder.file('flux_0.png')), readFileSync(folder.file('flux_1.png')));
  const again = await fluxion(['redo', 'flux_0.png', '--check'], { cwd: folder.path });
  assert.deepEqual([again.status, again.stdout], [0, 'flux_0.png: identical\n'], again.stderr);
  const inspected = await fluxion(['inspect', 'flux_0.png'], { cwd: folder.path });
  assert.match(inspected.stdout, new RegExp(`cache +fbcache, threshold 0.3: first block alone in ${cached} steps`));
});
