/** The library on the CPU plugin with the bundled model: what a request yields, how it stops, and that nothing is left behind. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Event, Flux, type Image, recipeSlot } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { temporaryFolder } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';
import { writeSafetensors } from '../support/safetensors.ts';
import { decoderAlone } from '../support/spellings.ts';

const SMALL = { width: 64, height: 64, steps: 2 } as const;

let flux: Flux;
before(async () => {
  flux = await Flux.load('tiny', { device: 'cpu' });
});
after(async () => {
  await flux[Symbol.asyncDispose]();
  assert.deepEqual(liveCounts(), {}, 'native objects alive after the model was disposed');
});

/** All events but the bundled model's word on what it was trained for. */
async function drain(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events.filter((event) => event.type !== 'warning' || !/ was trained on /.test(event.message));
}

/** The largest difference of any byte. */
function worst(a: Image, b: Image): number {
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

describe('a stream of events', () => {
  test('tells of stages, steps, pictures and a report, in order', async () => {
    const events = await drain(flux.stream({ ...SMALL, steps: 3, prompt: 'green hills', seed: [5, 9] }));
    const told = events.map((e) => (e.type === 'stage' ? e.stage : e.type));
    const batch = ['denoise', 'step', 'step', 'step', 'decode', 'image', 'image'];
    assert.deepEqual(told, ['compile', 'memory', 'encode', ...batch, 'done']);
    assert.ok(events.every((e) => e.type !== 'step' || (e.pictures.join() === '0,1' && e.total === 2)));
    const images = events.filter((e) => e.type === 'image');
    assert.deepEqual(
      images.map((e) => [e.seed, e.index]),
      [
        [5, 0],
        [9, 1],
      ],
    );
    const done = events.at(-1)!;
    assert.ok(done.type === 'done');
    const { timings, images: count, peakMemory } = done.report;
    assert.equal(count, 2);
    assert.ok(timings.inference > 0 && timings.inference >= timings.denoise, JSON.stringify(timings));
    // The median of three, of which two took as long at least.
    assert.ok(
      timings.secondsPerStep > 0 && timings.secondsPerStep * 2 <= timings.denoise * 1.01,
      JSON.stringify(timings),
    );
    assert.ok(peakMemory > 50e6);
  });

  test('says what a prompt too long for an encoder loses', async () => {
    const prompt = `${'a lighthouse by the sea, '.repeat(30)}at the very end`;
    const events = await drain(flux.stream({ ...SMALL, steps: 1, prompt, maxSequenceLength: 16 }));
    const warnings = events.flatMap((e) => (e.type === 'warning' ? [e.message] : []));
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /CLIP's 77 tokens.*at the very end/);
    assert.match(warnings[1]!, /T5's 16 tokens.*at the very end/);
  });

  test('refuses what cannot be honoured before any work', async () => {
    const cases: [object, RegExp][] = [
      [{ width: 100 }, /width: expected a multiple of 16/],
      [{ height: 0 }, /height/],
      [{ steps: 0 }, /steps/],
      [{ batch: 0 }, /batch/],
      [{ batch: 4096, seed: Array.from({ length: 17 }, (_, i) => i) }, /batch: expected at most 65536 pictures.*69632/],
      [{ batch: 1.5 }, /batch/],
      [{ seed: 0.5 }, /seed/],
      [{ seed: [] }, /seed/],
      [{ prompt: [] }, /prompt/],
      [{ prompt: ['a', 'b', 'c'], prompt2: ['a', 'b'] }, /prompt2/],
      [{ noise: 'numpy' }, /noise/],
      [{ guidance: Number.NaN }, /guidance/],
      [{ sigmas: [0.2, 0.9] }, /sigmas/],
      [{ maxSequenceLength: 513 }, /maxSequenceLength/],
    ];
    for (const [change, message] of cases) {
      await assert.rejects(flux.generate({ ...SMALL, prompt: 'x', ...change }), { code: 'bad_request', message });
    }
  });
});

describe('pictures', () => {
  test('a batch equals single runs from seed + i, and pictures differ', async () => {
    await using exact = await Flux.load('tiny', { device: 'cpu', dtype: 'f32' });
    for (const noise of ['torch', 'philox'] as const) {
      const request = { ...SMALL, prompt: 'a blue sailboat on the ocean', noise };
      const batch = await exact.generate({ ...request, seed: 40, batch: 3 });
      const single = await exact.generate({ ...request, seed: [40, 41, 42] });
      assert.deepEqual(
        batch.map((i) => i.seed),
        [40, 41, 42],
      );
      batch.forEach((image, i) => {
        assert.ok(
          worst(image, single[i]!) <= 1,
          `${noise}: picture ${i} of the batch is not the one of seed ${40 + i}`,
        );
      });
      assert.ok(psnr(batch[0]!.data, batch[1]!.data) < 30, 'pictures of different seeds are alike');
    }
  });

  test('jax noise is one draw for the whole batch', async () => {
    const request = { ...SMALL, prompt: 'desert dunes', noise: 'jax', seed: 3 } as const;
    const [first] = await flux.generate({ ...request, batch: 2 });
    const [alone] = await flux.generate(request);
    assert.ok(psnr(first!.data, alone!.data) > 40, 'the first picture is drawn from the start of the stream');
    const [, second] = await flux.generate({ ...request, batch: 2 });
    const [other] = await flux.generate({ ...request, seed: 4 });
    assert.ok(psnr(second!.data, other!.data) < 30, 'the second is not that of the next seed');
  });

  for (const model of ['tiny', repositoryPath('test/fixtures/random-flux')]) {
    test(`bf16 is close to f32: ${model.split('/').at(-1)}`, async () => {
      await using f32 = await Flux.load(model, { device: 'cpu', dtype: 'f32' });
      await using bf16 = await Flux.load(model, { device: 'cpu', dtype: 'bf16' });
      const request = { width: 96, height: 64, steps: 4, maxSequenceLength: 32, guidance: 3.5 };
      for (const [prompt, seed] of [
        ['a red house in the mountains at sunset', 0],
        ['starry sky over the sea', 11],
      ] as const) {
        // Drawn in bf16 by both: it is the arithmetic that is compared.
        const [a] = await f32.generate({ ...request, prompt, seed, noise: 'jax' });
        const [b] = await bf16.generate({ ...request, prompt, seed, noise: 'jax' });
        const decibels = psnr(a!.data, b!.data);
        assert.ok(decibels >= 30, `PSNR of '${prompt}' is ${decibels.toFixed(1)} dB`);
      }
    });
  }

  test('a preview is the picture to come, eight times smaller', () => assertPreviews(flux, 18));

  test('so it is where the autoencoder has no encoder to fit it to', async () => {
    using folder = temporaryFolder();
    writeSafetensors(folder.file('vae.safetensors'), decoderAlone());
    await using decoding = await Flux.load('tiny', { device: 'cpu', vae: folder.file('vae.safetensors') });
    await assertPreviews(decoding, 15);
  });

  async function assertPreviews(model: Flux, least: number): Promise<void> {
    const prompt = ['a yellow house in the desert, noon', 'a starry sky over the sea', 'green hills with pine trees'];
    const events = await drain(model.stream({ prompt, steps: 4, seed: 2, preview: 'step' }));
    const images = events.flatMap((e) => (e.type === 'image' ? [e.image] : []));
    const closeness = [0, 0, 0, 0];
    for (const event of events) {
      if (event.type !== 'step') continue;
      for (const [i, preview] of event.previews!.entries()) {
        assert.deepEqual([preview.width, preview.height], [16, 16]);
        closeness[event.step - 1]! += psnr(preview.data, shrink(images[event.pictures[i]!]!, 8)) / prompt.length;
      }
    }
    const shown = closeness.map((d) => `${d.toFixed(1)} dB`).join(', ');
    assert.ok(closeness[3]! > least, `previews of the last step are too far from the pictures: ${shown}`);
    assert.ok(closeness[3]! > closeness[0]! + 1, `previews do not approach the pictures: ${shown}`);
  }
});

/** Averages blocks of `by` × `by` pixels. */
function shrink({ width, height, data }: Image, by: number): Uint8Array {
  const out = new Uint8Array((width / by) * (height / by) * 3);
  for (let y = 0; y < height / by; y++)
    for (let x = 0; x < width / by; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < by; dy++)
          for (let dx = 0; dx < by; dx++) sum += data[((y * by + dy) * width + x * by + dx) * 3 + c]!;
        out[(y * (width / by) + x) * 3 + c] = Math.round(sum / (by * by));
      }
  return out;
}

describe('stopping and sharing', () => {
  test('an abort rejects with its reason between blocks and leaves nothing', async () => {
    await flux.generate({ ...SMALL, prompt: 'hills' });
    const before = liveCounts()['DeviceArray'];
    const reason = new Error('enough');
    const abort = new AbortController();
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const event of flux.stream({ ...SMALL, prompt: 'hills', steps: 50, signal: abort.signal })) {
        seen.push(event.type);
        if (event.type === 'step') setTimeout(() => abort.abort(reason), 5);
      }
    }, reason);
    assert.ok(seen.filter((type) => type === 'step').length < 10, 'it went on after the abort');
    assert.equal(liveCounts()['DeviceArray'], before);
  });

  test('a signal that has aborted already starts nothing', async () => {
    await assert.rejects(flux.generate({ ...SMALL, prompt: 'x', signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  test('leaving the loop ends the run', async () => {
    const before = liveCounts()['DeviceArray'];
    for await (const event of flux.stream({ ...SMALL, prompt: 'hills', steps: 50 })) if (event.type === 'step') break;
    assert.equal(liveCounts()['DeviceArray'], before);
    assert.equal((await flux.generate({ ...SMALL, prompt: 'hills' })).length, 1, 'the model can still be used');
  });

  test('requests made at the same time share a batch, and have the pictures they have alone', async () => {
    const prompts = ['a red house at night', 'a sailboat at noon', 'pine trees at sunrise'];
    const together = await Promise.all(prompts.map((prompt) => flux.generate({ ...SMALL, prompt })));
    for (const [i, prompt] of prompts.entries()) {
      const [alone] = await flux.generate({ ...SMALL, prompt });
      assert.deepEqual(together[i]![0]!.recipe.batch, { size: 3, index: i, prompts: 'each', encoded: 3, decoded: 2 });
      const decibels = psnr(together[i]![0]!.data, alone!.data);
      assert.ok(decibels >= 45, `${prompt}: ${decibels} dB`);
      const slot = recipeSlot(together[i]![0]!.recipe)!;
      const [inSlot] = await flux.generate({ ...SMALL, prompt, slot });
      assert.deepEqual(together[i]![0]!.data, inSlot!.data, prompt);
    }
  });

  test('the event loop stays alive while pictures are made', async () => {
    const shares: number[] = [];
    // A busy machine can hold up any one run; work that blocks the loop holds up all of them.
    while (shares.length < 3 && !shares.some((share) => share < 1 / 2)) {
      let worstLag = 0;
      const start = performance.now();
      let last = start;
      const timer = setInterval(() => {
        worstLag = Math.max(worstLag, performance.now() - last - 5);
        last = performance.now();
      }, 5);
      try {
        await flux.generate({ prompt: 'hills', steps: 8 });
      } finally {
        clearInterval(timer);
      }
      shares.push(worstLag / (performance.now() - start));
    }
    assert.ok(
      shares.some((share) => share < 1 / 2),
      `the event loop stood still for ${shares.map((share) => share.toFixed(2)).join(', ')} of each run`,
    );
  });
});
