/**
 * Networks beside a model: requests that cannot be, batches of strangers, meshes, first-block cache, streaming, what memory plans and
 * recipes say. What they compute is compared with diffusers in conditions-parity.cpu.test.ts.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { compileRun, Flux, FluxionError, type Image, type LoadOptions, type Request } from '../../src/index.ts';
import { WeightStore } from '../../src/weights/files/store.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { temporaryFolder } from '../support/command-line.ts';
import { ModelFolders } from '../support/condition-cases.ts';
import { repositoryPath } from '../support/fixture.ts';

after(() => assert.deepEqual(liveCounts(), {}, 'native objects alive after all models were disposed'));

const folders = new ModelFolders();
after(() => folders[Symbol.dispose]());

const at = (name: string): string => repositoryPath(`test/fixtures/conditions/${name}`);
const NET = at('models/controlnet');
const UNION = at('models/controlnet-union');
const XLABS = at('models/controlnet-xlabs.safetensors');
const REDUX = at('models/redux');
const LINES = at('lines.png');
const DEPTH = at('depth.png');
const HOUSE = at('house.png');
const SHORE = at('shore.png');

const load = (options: LoadOptions): Promise<Flux> =>
  Flux.load(folders.whole('test/fixtures/conditions/models/deep'), { device: 'cpu', dtype: 'f32', ...options });
const REQUEST = {
  prompt: 'a red house',
  width: 64,
  height: 48,
  steps: 2,
  seed: 5,
  maxSequenceLength: 16,
} satisfies Request;

async function one(flux: Flux, request: Partial<Request>): Promise<Image> {
  const [image] = await flux.generate({ ...REQUEST, ...request });
  return image!;
}

/** The largest difference of two pictures' values, of 255. */
function difference(a: Image, b: Image): number {
  assert.equal(a.data.length, b.data.length);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

/** Asserts that two pictures are the same but for the last bits of sums. */
function assertSame(a: Image, b: Image, what: string): void {
  assert.ok(difference(a, b) <= 1, `${what}: differs by ${difference(a, b)}`);
}

function assertDiffers(a: Image, b: Image, what: string): void {
  assert.ok(difference(a, b) > 8, `${what}: differs by ${difference(a, b)}`);
}

async function refuses(call: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof FluxionError, String(error));
    assert.match(`${error.message}\n${error.hint ?? ''}`, message);
    return true;
  });
}

describe('requests that cannot be', () => {
  const cases: [load: LoadOptions, request: Partial<Request>, message: RegExp][] = [
    [{}, { controlImage: LINES }, /control_image: this model does not take control pictures\n.*controlnet=PATH/s],
    [{}, { reduxImage: HOUSE }, /redux_image: it needs FLUX\.1 Redux, which.*redux=/s],
    [{ controlnet: NET }, {}, /a ControlNet is loaded, and needs control_image=PATH/],
    [{ controlnet: [NET, XLABS] }, { controlImage: LINES }, /expected one for each of 2 ControlNets, found 1/],
    [
      { controlnet: NET },
      { controlImage: LINES, controlGuidanceEnd: [0.5, 1] },
      /control_guidance_end: expected one, or one for each control_image \(1\), found 2/,
    ],
    [
      { controlnet: UNION },
      { controlImage: LINES },
      /control_mode: ControlNet has 5 kinds of control, and needs one, from 0 to 4/,
    ],
    [
      { controlnet: UNION },
      { controlImage: LINES, controlMode: 5 },
      /control_mode: expected a number from 0 to 4 .*found 5/,
    ],
    [
      { controlnet: UNION },
      { controlImage: [LINES, DEPTH], controlMode: [1, null] },
      /control_mode: ControlNet 2 has 5 kinds/,
    ],
    [
      { redux: REDUX },
      { reduxImage: [HOUSE, SHORE], promptEmbedsScale: [1] },
      /prompt_embeds_scale: expected one, or one for each redux_image \(2\), found 1/,
    ],
  ];
  for (const [options, request, message] of cases) {
    test(String(message), async () => {
      await using flux = await load(options);
      await refuses(one(flux, request), message);
    });
  }

  test('and networks that cannot be', async () => {
    await refuses(load({ controlnet: REDUX }), /no controlnet|there is no|not found|controlnet/);
    await refuses(
      load({ controlnet: at('models/redux/image_embedder') }),
      /expected a FLUX\.1 ControlNet, found a FLUX\.1 Redux projector/,
    );
    await refuses(load({ imageEncoder: REDUX }), /image_encoder has no use without redux/);
    await refuses(
      load({ redux: at('models/redux/image_embedder') }),
      /has only the Redux projector.*image_encoder=FILE/s,
    );
    await refuses(load({ controlnet: '/nowhere/at/all' }), /nowhere/);
    await refuses(Flux.load('tiny', { device: 'cpu', controlnet: NET }), /is 32, but the transformer's gives \d+/);
  });
});

describe('ControlNets', () => {
  test('in a batch of strangers, each picture has its own strength, kind and part of the steps', async () => {
    await using flux = await load({ controlnet: UNION, maxBatch: 4 });
    const requests: Partial<Request>[] = [
      { controlImage: LINES, controlMode: 1 },
      { controlImage: DEPTH, controlMode: 4, controlnetConditioningScale: 0.5, prompt: 'blue hills' },
      { controlImage: LINES, controlMode: 1, controlGuidanceEnd: 0.5, seed: 9 },
      { controlImage: LINES, controlMode: 2, controlnetConditioningScale: 0, guidance: 1 },
    ];
    const alone: Image[] = [];
    for (const request of requests) alone.push(await one(flux, request));
    const before = flux.stats().batches;
    const together = await Promise.all(requests.map((request) => one(flux, request)));
    assert.ok(flux.stats().batches - before < requests.length, 'made in fewer batches than requests');
    for (const [i, image] of together.entries()) assertSame(image, alone[i]!, `request ${i}`);
    for (const i of [1, 2, 3]) assertDiffers(alone[i]!, alone[0]!, `request ${i} is another picture`);
  });

  test('at strength 0, and outside of its steps, a net is as if it were not there', async () => {
    await using plain = await load({});
    await using flux = await load({ controlnet: XLABS });
    const expected = await one(plain, {});
    const late = await one(flux, { controlImage: LINES, controlGuidanceStart: 1 });
    assert.deepEqual(late.data, expected.data);
    const off = await one(flux, { controlImage: LINES, controlnetConditioningScale: 0 });
    assert.deepEqual(off.data, expected.data);
    assertDiffers(await one(flux, { controlImage: LINES }), expected, 'a net steers');
  });

  test('over several devices, along each axis', async () => {
    await using flux = await load({ controlnet: [NET, XLABS] });
    const request = { controlImage: [LINES, DEPTH], batch: 2 };
    const expected = await flux.generate({ ...REQUEST, ...request });
    for (const ici of [{ data: 2 }, { fsdp: 2 }, { context: 2 }, { tensor: 2 }]) {
      await using many = await load({ controlnet: [NET, XLABS], cpuDevices: 2, mesh: { ici } });
      const images = await many.generate({ ...REQUEST, ...request });
      for (const [i, image] of images.entries()) assertSame(image, expected[i]!, `${JSON.stringify(ici)} ${i}`);
    }
  });

  test('with the first-block cache at threshold 0, and with streamed weights, the picture is the same', async () => {
    const request = { controlImage: LINES, steps: 3 };
    await using flux = await load({ controlnet: NET });
    const expected = await one(flux, request);
    assertSame(await one(flux, { ...request, cache: 'fbcache', threshold: 0 }), expected, 'cache');
    await using streamed = await load({ controlnet: NET, residency: 'streamed' });
    assertSame(await one(streamed, request), expected, 'streamed');
    await using quantised = await load({ controlnet: NET, quantization: 'int8' });
    assert.ok(difference(await one(quantised, request), expected) < 128, 'int8');
  });

  test('steer every evaluation of a sampler with several a step', async () => {
    await using flux = await load({ controlnet: NET });
    const request = { controlImage: LINES, sampler: 'heun' } as const;
    const [all, none, first] = [
      await one(flux, request),
      await one(flux, { ...request, controlnetConditioningScale: 0 }),
      await one(flux, { ...request, controlGuidanceEnd: 0.4 }),
    ];
    for (const [a, b] of [
      [all, none],
      [all, first],
      [none, first],
    ] as const)
      assertDiffers(a, b, 'heun');
  });

  test('count in the memory plan with all of their weights and residuals', async () => {
    // One that takes pixels, so that the autoencoder encodes nothing.
    await using plain = await load({});
    await using flux = await load({ controlnet: XLABS });
    const stage = async (of: Flux, request: Partial<Request>) =>
      (await of.plan({ ...REQUEST, ...request })).stages.find(({ stage }) => stage === 'denoise')!;
    const [without, beside] = [await stage(plain, {}), await stage(flux, { controlImage: LINES })];
    using store = WeightStore.open(XLABS);
    // The file is in bf16, and the run in f32.
    const bytes = store.keys().reduce((sum, key) => sum + 2 * store.bytes(key).length, 0);
    assert.equal(beside.weights - without.weights, bytes);
    // Two double blocks, 4 × 3 tokens of 32 numbers.
    assert.ok(beside.values - without.values >= 2 * 12 * 32 * 4, 'residuals');
  });

  test('saved in a pipeline with the model steer without being named', async () => {
    using folder = temporaryFolder();
    cpSync(folders.whole('test/fixtures/conditions/models/deep'), folder.path, { recursive: true, dereference: true });
    cpSync(NET, folder.file('controlnet'), { recursive: true });
    cpSync(XLABS.replace('.safetensors', ''), folder.file('controlnet_1'), { recursive: true });
    const index = JSON.parse(readFileSync(folder.file('model_index.json'), 'utf8')) as object;
    writeFileSync(folder.file('model_index.json'), JSON.stringify({ ...index, _class_name: 'FluxControlNetPipeline' }));
    const request = { controlImage: [LINES, DEPTH] };
    await using named = await load({ controlnet: [NET, XLABS] });
    await using saved = await Flux.load(folder.path, { device: 'cpu', dtype: 'f32' });
    assert.deepEqual((await one(saved, request)).data, (await one(named, request)).data);
  });

  test('are compiled ahead of time with the rest, blocks of one name and other sizes included', async () => {
    const request: Request = { ...REQUEST, controlImage: LINES, controlMode: 0 };
    const model = folders.whole('test/fixtures/conditions/models/deep');
    const run = await compileRun(model, request, { target: 'cpu:1', fresh: true, stages: ['step'], controlnet: UNION });
    const runs = (name: string) => run.programs.filter((program) => program.name === name).map(({ runs }) => runs);
    assert.deepEqual(runs('flux_double_block'), [3, 5]);
    assert.deepEqual(runs('controlnet_head'), [3]);
    assert.ok(run.fits);
  });

  test('are in the recipe by name and hash, with how they steered', async () => {
    await using flux = await load({ controlnet: [NET, UNION] });
    const { recipe } = await one(flux, {
      controlImage: [LINES, DEPTH],
      controlMode: [null, 3],
      controlnetConditioningScale: [0.7, 0.4],
    });
    assert.deepEqual(
      recipe!.model.beside?.controlnet?.map(({ name, hash }) => [name, hash.length]),
      [
        ['controlnet', 12],
        ['controlnet-union', 12],
      ],
    );
    assert.deepEqual(recipe!.controlMode, [null, 3]);
    assert.deepEqual(recipe!.controlnetConditioningScale, [0.7, 0.4]);
    assert.equal(recipe!.inputs?.controlImage?.length, 2);
    assert.equal(recipe!.promptEmbedsScale, undefined);
  });
});

describe('Redux', () => {
  test('in a batch of strangers, each picture has its own pictures as prompts', async () => {
    await using flux = await load({ redux: REDUX, maxBatch: 4 });
    const requests: Partial<Request>[] = [
      { reduxImage: HOUSE },
      { reduxImage: SHORE },
      { reduxImage: [HOUSE, SHORE], promptEmbedsScale: [0.5, 0.25] },
      { reduxImage: HOUSE, promptEmbedsScale: 0.5, prompt: 'blue hills' },
    ];
    const alone: Image[] = [];
    for (const request of requests) alone.push(await one(flux, request));
    const before = flux.stats().batches;
    const together = await Promise.all(requests.map((request) => one(flux, request)));
    assert.ok(flux.stats().batches - before < requests.length, 'made in fewer batches than requests');
    for (const [i, image] of together.entries()) assertSame(image, alone[i]!, `request ${i}`);
    for (const i of [1, 2, 3]) assertDiffers(alone[i]!, alone[0]!, `request ${i} is another picture`);
    assert.equal(alone[2]!.recipe!.model.beside?.redux?.[0]?.name, 'redux');
    const plain = await one(flux, {});
    assert.equal(plain.recipe!.model.beside, undefined);
  });

  test('with a ControlNet, a negative prompt, a start and the cache, and over several devices', async () => {
    const request: Partial<Request> = {
      reduxImage: HOUSE,
      controlImage: LINES,
      negativePrompt: 'fog',
      trueCfgScale: 2,
      image: SHORE,
      strength: 1,
      batch: 2,
      cache: 'fbcache',
      threshold: 0,
    };
    const options = { redux: REDUX, controlnet: NET };
    await using flux = await load(options);
    const expected = await flux.generate({ ...REQUEST, ...request });
    for (const ici of [{ data: 2 }, { context: 2 }]) {
      await using many = await load({ ...options, cpuDevices: 2, mesh: { ici } });
      const images = await many.generate({ ...REQUEST, ...request });
      for (const [i, image] of images.entries()) assertSame(image, expected[i]!, `${JSON.stringify(ici)} ${i}`);
    }
  });

  test('reads its two files apart', async () => {
    await using whole = await load({ redux: REDUX });
    await using apart = await load({
      redux: `${REDUX}/image_embedder/diffusion_pytorch_model.safetensors`,
      imageEncoder: `${REDUX}/image_encoder`,
    });
    const image = await one(apart, { reduxImage: HOUSE });
    assert.deepEqual(image.data, (await one(whole, { reduxImage: HOUSE })).data);
    assert.deepEqual(Object.keys(image.recipe!.model.beside!), ['redux', 'imageEncoder']);
  });
});
