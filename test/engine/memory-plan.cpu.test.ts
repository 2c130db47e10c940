/** What a run holds in memory: the plan, and that weights which come and go make the same picture as those that stay. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { BUNDLED_FOLDER } from '../../src/families/flux1/published.ts';
import { type Event, Flux, type LoadOptions, type MemoryPlan } from '../../src/index.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { readingFile } from '../../src/weights/files/file-bytes.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { blocks, WeightSet } from '../../src/weights/set.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';

const MIB = 2 ** 20;
const REQUEST = { prompt: 'a lighthouse by the sea', steps: 3, width: 96, height: 64, seed: 5 } as const;

async function run(options: LoadOptions, request: object = {}) {
  await using flux = await Flux.load('tiny', { device: 'cpu', ...options });
  const events: Event[] = [];
  for await (const event of flux.stream({ ...REQUEST, ...request })) events.push(event);
  const plan = events.flatMap((event) => (event.type === 'memory' ? [event.plan] : []))[0]!;
  const pictures = events.flatMap((event) => (event.type === 'image' ? [event.image.data] : []));
  return { plan, pictures };
}

const shown = ({ encoders, transformer, modulations }: MemoryPlan) => [encoders, transformer, modulations].join(' ');

describe('a plan', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load('tiny', { device: 'cpu' });
  });
  after(() => flux[Symbol.asyncDispose]());

  test('places nothing, and counts every weight', async () => {
    const { DeviceArray: arrays } = liveCounts();
    const plan = await flux.plan(REQUEST);
    assert.equal(liveCounts().DeviceArray, arrays);
    assert.equal(shown(plan), 'released kept kept');
    const source = openPipelineFolder(FLUX1, BUNDLED_FOLDER);
    const bytes = (['clip', 't5'] as const).reduce((sum, component) => {
      using store = source.openWeights(component);
      // T5's embedding is in its file under two names.
      return (
        sum + store.keys().reduce((n, key) => n + (key.startsWith('encoder.embed') ? 0 : store.bytes(key).length), 0)
      );
    }, 0);
    using transformer = source.openWeights('transformer');
    const own = transformer.keys().reduce((n, key) => n + transformer.bytes(key).length, 0);
    using vae = source.openWeights('vae');
    const decoder = vae.keys().reduce((n, key) => n + (key.startsWith('decoder') ? vae.bytes(key).length : 0), 0);
    assert.deepEqual(
      plan.stages.map(({ stage, weights }) => [stage, weights]),
      [
        ['encode', bytes + own + decoder],
        ['denoise', own + decoder],
        ['decode', own + decoder],
      ],
    );
    assert.ok(plan.fits && plan.peak < 64 * MIB);
  });

  test('takes the first arrangement that fits, the smaller the room', async () => {
    const seen = new Set<string>();
    for (const limit of [40, 17, 15, 13, 11, 9, 7, 5]) {
      await using small = await Flux.load('tiny', { device: 'cpu', memoryLimit: limit * MIB });
      const plan = await small.plan(REQUEST);
      assert.equal(plan.fits, plan.peak <= limit * MIB);
      if (plan.fits) seen.add(shown(plan));
    }
    assert.deepEqual([...seen][0], 'released kept kept');
    assert.ok(seen.size >= 3, [...seen].join(', '));
  });

  test('that streams keeps as many blocks as there is room for, and no more', async () => {
    const held = new Map<number, number>();
    for (let limit = 6; limit < 12; limit += 0.5) {
      await using small = await Flux.load('tiny', { device: 'cpu', memoryLimit: limit * MIB });
      const plan = await small.plan(REQUEST);
      if (plan.fits && plan.transformer === 'streamed') held.set(limit, plan.held);
      assert.ok(plan.held === 0 || (plan.transformer === 'streamed' && plan.fits));
    }
    const counts = [...held.values()];
    assert.ok(new Set(counts).size >= 3 && Math.max(...counts) > 1, JSON.stringify([...held]));
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      'the more room, the more blocks',
    );
    await using told = await Flux.load('tiny', { device: 'cpu', residency: 'streamed' });
    assert.equal((await told.plan(REQUEST)).held, 0, 'streaming that was asked for takes little');
  });

  test('that does not fit is refused before anything is placed, with a remedy', async () => {
    await using small = await Flux.load('tiny', { device: 'cpu', memoryLimit: 2 * MIB });
    await assert.rejects(small.generate(REQUEST), (error: Error & { hint?: string }) => {
      assert.match(error.message, /^this run needs .* at its largest stage \(\w+\), and 2(?:\.0)? MiB may be used$/);
      assert.match(error.hint ?? '', /smaller pictures|smaller weights/);
      return true;
    });
  });
});

describe('weights that come and go', () => {
  test('make the same picture, bit for bit, in every arrangement', async () => {
    const { pictures: expected } = await run({ residency: 'resident' }, { prompt: ['a', 'b'] });
    const streamed = await run({ residency: 'streamed' }, { prompt: ['a', 'b'] });
    assert.equal(shown(streamed.plan), 'streamed streamed released');
    assert.deepEqual(streamed.pictures, expected);
    const seen = new Set<string>();
    for (const limit of [17, 14, 10.75, 8]) {
      const { plan, pictures } = await run({ memoryLimit: limit * MIB }, { prompt: ['a', 'b'] });
      const arrangement = `${shown(plan)} ${plan.held}`;
      if (seen.has(arrangement)) continue;
      seen.add(arrangement);
      assert.deepEqual(pictures, expected, arrangement);
    }
    assert.ok(seen.size >= 3 && [...seen].some((each) => /streamed \w+ [1-9]/.test(each)), [...seen].join(', '));
    assert.deepEqual(liveCounts(), {});
  });

  test('take pictures that go in, which are planned for in a stage of their own', async () => {
    const { pictures: made } = await run({});
    const pixels = { data: made[0]!, width: REQUEST.width, height: REQUEST.height, channels: 3 } as const;
    const request = { referenceImage: [pixels], referenceResize: false };
    const { plan: roomy, pictures: expected } = await run({ vaeTiling: 'off' }, request);
    assert.deepEqual(
      roomy.stages.map(({ stage }) => stage),
      ['encode', 'pictures', 'denoise', 'decode'],
    );
    assert.notDeepEqual(expected, made);
    const limit = roomy.stages.find(({ stage }) => stage === 'denoise')!.total;
    const { plan, pictures } = await run({ vaeTiling: 'off', memoryLimit: limit - 4 * MIB }, request);
    assert.ok(plan.fits && plan.transformer !== 'kept', shown(plan));
    assert.deepEqual(pictures, expected);
    assert.deepEqual(liveCounts(), {});
  });

  test('take LoRAs beside them', async () => {
    const loras = [{ path: 'tiny-lora', scale: 0.7 }];
    const { pictures: expected } = await run({ loraMode: 'beside' }, { loras });
    const { pictures } = await run({ loraMode: 'merged', residency: 'streamed' }, { loras });
    assert.deepEqual(pictures, expected);
  });

  test('of random values are those of one block', async () => {
    const { plan, pictures } = await run({ weights: 'random', residency: 'streamed' });
    assert.equal(plan.transformer, 'streamed');
    assert.ok(new Set(pictures[0]).size > 10);
  });

  test('hold a few blocks at a time, on every device of a mesh too', async () => {
    const streamed = await run(
      { residency: 'streamed', cpuDevices: 2, mesh: { ici: { data: 1, fsdp: 2 } } },
      { batch: 2 },
    );
    const { pictures } = await run({ cpuDevices: 2, mesh: { ici: { data: 1, fsdp: 2 } } }, { batch: 2 });
    assert.deepEqual(streamed.pictures, pictures);
  });

  test('wait in page-locked memory where they are told to, and are freed there', async () => {
    const source = openPipelineFolder(FLUX1, BUNDLED_FOLDER, { openFile: openMapped });
    const types = { compute: 'bf16', storage: 'bf16' } as const;
    const sizes = { batch: 1, prompts: 1, imageTokens: 4, textTokens: 4, steps: 1, ...types };
    const { doubleBlock, singleBlock, ...others } = fluxPrograms(source.transformer, sizes);
    const { layers, singleLayers } = source.transformer;
    const uses = blocks(doubleBlock, 'double_blocks', layers);
    const all = [
      ...uses,
      ...blocks(singleBlock, 'single_blocks', singleLayers),
      ...blocks(others.doubleModulation, 'double_blocks', layers),
      ...blocks(others.singleModulation, 'single_blocks', singleLayers),
      ...Object.values(others)
        .filter(({ name }) => !/_(double|single)_/.test(name))
        .map((traced) => ({ traced, scope: '' })),
    ];
    await using runtime = await Runtime.open({ device: 'cpu' });
    using weights = new WeightSet(originOf(source, 'transformer'), all);
    weights.arrange({ streaming: { from: 'pinned_host', again: ['flux_double_block'], once: [], held: 0, room: 0 } });
    const bytes = async () => Promise.all((await weights.arrays(runtime, uses[1]!)).map((array) => array.toHost()));
    const first = await bytes();
    const placed = runtime.placed.bytes;
    const arrays = await weights.arrays(runtime, uses[1]!);
    assert.ok(arrays.every((array) => array.arrays[0]!.memory === 'device'));
    weights.done(uses[1]!);
    assert.ok(arrays.every((array) => array.arrays[0]!.isDeleted));
    const left = await weights.arrays(runtime, uses[1]!);
    assert.deepEqual(await bytes(), first);
    assert.ok(
      left.every((array) => array.arrays[0]!.isDeleted),
      'copies of a run that was stopped before it used them',
    );
    assert.equal(runtime.placed.bytes, placed, 'copied from the host’s memory, not placed again');
    weights.arrange({ streaming: { from: 'pinned_host', again: ['flux_double_block'], once: [], held: 2, room: 0 } });
    const held = await weights.arrays(runtime, uses[1]!);
    weights.done(uses[1]!);
    assert.ok(held.every((array) => array.arrays[0]!.memory === 'device' && !array.arrays[0]!.isDeleted));
    assert.equal(await weights.arrays(runtime, uses[1]!).then(([array]) => array), held[0], 'it has stayed');
    weights.arrange({});
    assert.deepEqual(await bytes(), first);
  });

  test('out of files that cannot be mapped are read once for each use', async () => {
    let read = 0;
    const openFile = (path: string) => {
      const file = readingFile(path);
      return {
        path,
        size: file.size,
        view(offset: number, length: number) {
          read += length;
          return file.view(offset, length);
        },
        [Symbol.dispose]: () => file[Symbol.dispose](),
      };
    };
    const source = openPipelineFolder(FLUX1, BUNDLED_FOLDER, { openFile });
    const sizes = {
      batch: 1,
      prompts: 1,
      imageTokens: 4,
      textTokens: 4,
      steps: 1,
      compute: 'f32',
      storage: 'f32',
    } as const;
    const programs = Object.entries(fluxPrograms(source.transformer, sizes));
    const { layers, singleLayers } = source.transformer;
    const all = programs.flatMap(([name, traced]) =>
      name.startsWith('double')
        ? blocks(traced, 'double_blocks', layers)
        : name.startsWith('single')
          ? blocks(traced, 'single_blocks', singleLayers)
          : [{ traced, scope: '' }],
    );
    await using runtime = await Runtime.open({ device: 'cpu' });
    using weights = new WeightSet(originOf(source, 'transformer'), all);
    const use = all.find(({ traced }) => traced.name === 'flux_double_block')!;
    read = 0;
    assert.equal(weights.fileBytes, 0, 'nothing that the page cache could be told of');
    weights.arrange({ streaming: { from: 'file', again: ['flux_double_block'], once: [], held: 0, room: 1e9 } });
    assert.ok(read < 10_000, `${read} bytes read before anything is used`);
    read = 0;
    const arrays = await weights.arrays(runtime, use);
    const stored = arrays.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 2), 0);
    weights.done(use);
    assert.equal(read, stored, 'bf16 in the file');
  });
});
