/**
 * Different requests in one batch: each picture is the one it is alone and is made again to the byte; aborts, slow and absent readers
 * and errors are those of one request; what a model keeps does not grow with what it was asked for.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type BatchSlot, Flux, type Image, type LoadOptions, type Request, recipeSlot } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';
import { growth } from '../support/growth.ts';

const SMALL = { width: 64, height: 48, steps: 2, maxSequenceLength: 16 } as const;
const PROMPTS = [
  'a red house',
  'a sailboat at noon',
  'pine trees',
  'the desert',
  '',
  'hills',
  'night over the sea',
  'a house',
];
const LORA = 'tiny-lora';
/** A model of two layers, whose programs compile fast. */
const RANDOM = repositoryPath('test/fixtures/random-flux');
const RANDOM_LORA = repositoryPath('test/fixtures/lora/random-kohya.safetensors');

/** Eight requests that have nothing in common but their size. */
const STRANGERS = PROMPTS.map(
  (prompt, i): Request => ({
    ...SMALL,
    prompt,
    seed: 10 * i,
    guidance: i,
    loras: [[], [{ path: LORA }], [{ path: LORA, scale: -0.5 }], [{ path: LORA }, { path: LORA, scale: 0.3 }]][i % 4]!,
    noise: i === 5 ? 'philox' : 'torch',
  }),
);

async function only(flux: Flux, request: Request): Promise<Image> {
  const images = await flux.generate(request);
  assert.equal(images.length, 1);
  return images[0]!;
}

/** Requests that arrive within this time share their batches; LoRA files are read meanwhile. */
const gathering: LoadOptions = { device: 'cpu', batchWindow: 100 };

for (const [dtype, least] of [
  ['f32', 75],
  ['bf16', 45],
] as const) {
  describe(`eight strangers in ${dtype}`, () => {
    let flux: Flux;
    let alone: readonly Image[];
    before(async () => {
      flux = await Flux.load('tiny', { ...gathering, dtype });
      alone = [];
      for (const request of STRANGERS) alone = [...alone, await only(flux, request)];
    });
    after(() => flux.close());

    test('share a batch, and have the pictures that they have alone', async () => {
      const batches = flux.stats().batches;
      const together = await Promise.all(STRANGERS.map((request) => only(flux, request)));
      assert.equal(flux.stats().batches, batches + 1);
      for (const [i, image] of together.entries()) {
        const decibels = psnr(image.data, alone[i]!.data);
        assert.ok(decibels >= least, `picture ${i}: ${decibels} dB`);
        for (const [j, other] of alone.entries())
          assert.ok(i === j || psnr(image.data, other.data) < 40, `picture ${i} is picture ${j}`);
      }
      const [first] = together;
      assert.deepEqual(first!.recipe.batch, {
        size: 8,
        index: 0,
        prompts: 'each',
        decoded: 4,
        rank: 16,
      } satisfies BatchSlot);
    });

    test('are made again to the byte, each by itself', async () => {
      const together = await Promise.all(STRANGERS.map((request) => only(flux, request)));
      for (const [i, image] of together.entries()) {
        const slot = recipeSlot(image.recipe);
        const again = await only(flux, { ...STRANGERS[i]!, ...(slot && { slot }) });
        assert.deepEqual(again.data, image.data, `picture ${i}`);
        assert.deepEqual(again.recipe, image.recipe);
      }
    });

    test('may be aborted while others go on', async () => {
      const gone = [0, 3, 6];
      const reason = new Error('enough');
      const outcomes = await Promise.allSettled(
        STRANGERS.map(async (request, i) => {
          const abort = new AbortController();
          for await (const event of flux.stream({ ...request, signal: abort.signal })) {
            if (event.type === 'step' && gone.includes(i)) abort.abort(reason);
            if (event.type === 'image') return event.image;
          }
          throw new Error('no picture');
        }),
      );
      for (const [i, outcome] of outcomes.entries()) {
        if (gone.includes(i)) assert.deepEqual(outcome, { status: 'rejected', reason });
        else if (outcome.status === 'rejected') throw outcome.reason;
        else assert.ok(psnr(outcome.value.data, alone[i]!.data) >= least, `picture ${i}`);
      }
    });
  });
}

describe('one model', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load('tiny', gathering);
  });
  after(() => flux.close());

  test('an error of one request is its own', async () => {
    const [good, bad, wrong] = await Promise.allSettled([
      flux.generate({ ...SMALL, prompt: 'hills' }),
      flux.generate({ ...SMALL, prompt: 'hills', loras: [{ path: 'missing.safetensors' }] }),
      flux.generate({ ...SMALL, prompt: 'hills', width: 17 }),
    ]);
    assert.equal(good!.status, 'fulfilled');
    assert.equal(bad!.status === 'rejected' && bad!.reason.code, 'not_found');
    assert.equal(wrong!.status === 'rejected' && wrong!.reason.code, 'bad_request');
  });

  test('what cannot be mixed is a batch of its own: jax noise, the first-block cache, other sizes, steps and lengths', async () => {
    const odd: Partial<Request>[] = [
      { noise: 'jax', batch: 2 },
      { noise: 'jax', batch: 2, seed: 1 },
      { cache: 'fbcache', steps: 4 },
      { width: 80 },
      { steps: 1 },
      { maxSequenceLength: 8 },
      { sigmas: [1, 0.3] },
    ];
    const alone: Image[][] = [];
    for (const request of odd) alone.push(await flux.generate({ ...SMALL, prompt: 'a red house', ...request }));
    const { batches } = flux.stats();
    const together = await Promise.all(
      odd.map((request) => flux.generate({ ...SMALL, prompt: 'a red house', ...request })),
    );
    assert.equal(flux.stats().batches, batches + odd.length);
    for (const [i, images] of together.entries())
      assert.deepEqual(
        images.map(({ data }) => data),
        alone[i]!.map(({ data }) => data),
        JSON.stringify(odd[i]),
      );
  });

  test('maxBatch bounds what is mixed, and batch asks for more of one prompt', async () => {
    await using narrow = await Flux.load('tiny', { ...gathering, maxBatch: 2 });
    const sizes = async (request: Partial<Request>) =>
      (await narrow.generate({ ...SMALL, prompt: PROMPTS.slice(0, 3), ...request })).map(
        ({ recipe }) => recipe.batch?.size ?? 1,
      );
    assert.deepEqual(await sizes({}), [2, 2, 1]);
    assert.deepEqual(await sizes({ prompt: 'a red house', batch: 5 }), [5, 5, 5, 5, 5]);
  });

  test('pictures of several prompts and seeds come in their order, with previews of their own', async () => {
    const seen: number[] = [];
    for await (const event of flux.stream({ ...SMALL, prompt: PROMPTS.slice(0, 3), seed: [1, 2], preview: 'step' })) {
      if (event.type === 'image') seen.push(event.index);
      if (event.type !== 'step') continue;
      assert.deepEqual([event.pictures, event.total], [[0, 1, 2, 3, 4, 5], 6]);
      assert.equal(event.previews?.length, 6);
    }
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
  });

  test('500 requests of 20 callers, some aborted, some with slow or absent readers: all others are answered, and nothing is left', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    // The weights that stay are those of the last request.
    const held = async () => {
      await flux.generate({ ...SMALL, prompt: 'hills' });
      return liveCounts()['DeviceArray'];
    };
    const before = await held();
    let random = 7;
    const draw = (): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random / 2_147_483_647;
    };
    const absent: AsyncGenerator<unknown>[] = [];
    const outcomes = { answered: 0, aborted: 0, absent: 0, left: 0 };
    const memory: number[] = [];
    const caller = async (name: string): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const [kind, moment] = [draw(), draw()];
        const abort = new AbortController();
        const stream = flux.stream({
          ...SMALL,
          steps: 1 + Math.floor(2 * draw()),
          prompt: PROMPTS[Math.floor(8 * draw())]!,
          seed: i,
          guidance: 4 * draw(),
          loras: draw() < 0.3 ? [{ path: LORA, scale: draw() }] : [],
          caller: name,
          signal: abort.signal,
        });
        if (kind < 0.3) {
          const aborted = setTimeout(100 * moment).then(() => abort.abort(new Error('aborted')));
          // It may be answered before.
          await Array.fromAsync(stream).then(
            () => outcomes.answered++,
            (error) => {
              assert.match(String(error), /aborted/);
              outcomes.aborted++;
            },
          );
          await aborted;
        } else if (kind < 0.4) {
          outcomes.absent++;
          absent.push(stream);
          await stream.next();
        } else {
          let pictures = 0;
          for await (const event of stream) {
            if (kind < 0.5) await setTimeout(10 * moment);
            if (event.type === 'image') pictures++;
            if (kind > 0.95 && event.type === 'step') break;
          }
          assert.ok(pictures === 1 || kind > 0.95);
          outcomes[pictures === 1 ? 'answered' : 'left']++;
        }
        memory.push(process.memoryUsage.rss() / 2 ** 20);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => caller(`caller ${i}`)));
    for (const stream of absent) await stream.return(undefined);
    process.off('unhandledRejection', note);

    assert.equal(
      Object.values(outcomes).reduce((sum, count) => sum + count, 0),
      500,
      JSON.stringify(outcomes),
    );
    assert.deepEqual(unhandled, []);
    const { requests, waiting } = flux.stats();
    assert.deepEqual([requests, waiting], [0, 0]);
    assert.equal(await held(), before);
    // By the half, nearly all programs are there; half a MiB kept for each request of the other half would be more than this.
    const grown = growth(memory.slice(memory.length / 2));
    assert.ok(grown < 120, `resident memory grew by ${grown} MiB`);
  });
});

test('30 sizes of picture leave memory level', async () => {
  // V8 lets garbage pile up, and gives new objects up to 128 MiB, whatever the program keeps.
  setFlagsFromString('--expose-gc');
  setFlagsFromString('--semi-space-growth-factor=1');
  const collectGarbage = runInNewContext('gc') as () => void;
  await using flux = await Flux.load(RANDOM, { device: 'cpu' });
  const memory: number[] = [];
  for (let i = 0; i < 30; i++) {
    await flux.generate({
      ...SMALL,
      prompt: 'hills',
      steps: 1,
      width: 32 + 16 * (i % 10),
      height: 32 + 16 * Math.floor(i / 10),
    });
    collectGarbage();
    memory.push(process.memoryUsage.rss() / 2 ** 20);
  }
  const { programs } = flux.stats();
  assert.ok(programs.loaded < 160 && programs.evicted > 0, JSON.stringify(programs));
  // From the tenth on, what was made for the first sizes is gone.
  const grown = growth(memory.slice(10));
  assert.ok(grown < 45, `resident memory grew by ${grown} MiB: ${memory.map(Math.round)}`);
});

describe('strangers share batches however the model is opened', () => {
  const opened: [string, LoadOptions, number][] = [
    ['streamed block by block', { residency: 'streamed' }, 1],
    ['quantised', { quantization: 'int8' }, 1],
    ['with LoRAs merged, apart', { loraMode: 'merged' }, 2],
    ['with encoders that stay', { offloadEncoders: false }, 1],
    ['on two devices, data parallel', { cpuDevices: 2, mesh: { ici: { data: 2 } } }, 1],
    ['on two devices, FSDP', { cpuDevices: 2, mesh: { ici: { data: 1, fsdp: 2 } } }, 1],
  ];
  for (const [name, options, batches] of opened) {
    test(name, async () => {
      await using flux = await Flux.load(RANDOM, { ...gathering, dtype: 'f32', ...options });
      const strangers = STRANGERS.slice(0, 3).map((request, i) => ({
        ...request,
        loras: i === 1 ? [{ path: RANDOM_LORA }] : [],
      }));
      const alone: Image[] = [];
      for (const request of strangers) alone.push(await only(flux, request));
      const before = flux.stats().batches;
      const together = await Promise.all(strangers.map((request) => only(flux, request)));
      assert.equal(flux.stats().batches - before, batches);
      for (const [i, image] of together.entries()) {
        const decibels = psnr(image.data, alone[i]!.data);
        // Rounded to 8 bits, a value may fall on the other side of a step.
        assert.ok(decibels >= (options.quantization ? 45 : 60), `picture ${i}: ${decibels} dB`);
        const slot = recipeSlot(image.recipe);
        const again = await only(flux, { ...strangers[i]!, ...(slot && { slot }) });
        assert.deepEqual(again.data, image.data, `picture ${i}`);
      }
    });
  }
});
