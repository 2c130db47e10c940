/**
 * Pictures in, everywhere: in batches of strangers, on meshes, streamed, quantised, with LoRAs, caches and previews; made again to the
 * byte by their recipes; and what cannot be honoured is said before anything is compiled.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BatchSlot, Flux, type Image, type LoadOptions, type Request, recipeSlot } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { ModelFolders } from '../support/condition-cases.ts';
import { repositoryPath } from '../support/fixture.ts';
import { drawn } from '../support/recorded-pictures.ts';

const SMALL = { width: 64, height: 48, steps: 3, maxSequenceLength: 16 } as const;
/** A model of two layers, whose programs compile fast. */
const RANDOM = repositoryPath('test/fixtures/random-flux');
const LORA = repositoryPath('test/fixtures/lora/random-kohya.safetensors');

/** A sky over a field, of which every one looks another way. */
const scene = (at: number) =>
  drawn(80, 64, (x, y) => (y < 24 + at ? [90, 140 + at, 220 - (x % 40)] : [40 + (x % (9 + at)) * 4, 130, 60]));
const mask = (at: number) => drawn(80, 64, (x) => (x < 20 + 4 * at ? [255, 255, 255] : [0, 0, 0]));

const folders = new ModelFolders();
after(() => {
  folders[Symbol.dispose]();
  assert.deepEqual(liveCounts(), {}, 'native objects alive after all models were disposed');
});

async function only(flux: Flux, request: Request): Promise<Image> {
  const images = await flux.generate(request);
  assert.equal(images.length, 1);
  return images[0]!;
}

/** Three requests of one kind that have nothing else in common. */
function strangers(of: (at: number) => Partial<Request>): Request[] {
  return [0, 1, 2].map((at) => ({
    ...SMALL,
    prompt: ['a red house', 'the sea', 'hills at night'][at]!,
    seed: 5 * at,
    guidance: at,
    loras: at === 1 ? [{ path: LORA }] : [],
    ...of(at),
  }));
}

const KINDS: Readonly<Record<string, (at: number) => Partial<Request>>> = {
  start: (at) => ({ image: scene(at), strength: 0.7 }),
  blend: (at) => ({ image: scene(at), maskImage: mask(at), softMask: at === 2, maskBlur: at }),
  tokens: (at) => ({ referenceImage: [scene(at), mask(at)], referenceResize: false }),
  'a negative prompt': (at) => ({ negativePrompt: ['', 'people', 'clouds'][at]!, trueCfgScale: 2 + at }),
  'all of them': (at) => ({
    image: scene(at),
    maskImage: mask(at),
    referenceImage: scene(3 + at),
    referenceResize: false,
    negativePrompt: 'people',
    trueCfgScale: 2,
  }),
};

/** Makes three strangers together and alone, and each again by its recipe. */
async function checkMixed(flux: Flux, requests: readonly Request[], least: number, batches = 1): Promise<void> {
  const alone: Image[] = [];
  for (const request of requests) alone.push(await only(flux, request));
  const before = flux.stats().batches;
  const together = await Promise.all(requests.map((request) => only(flux, request)));
  assert.equal(flux.stats().batches - before, batches, 'batches');
  for (const [i, image] of together.entries()) {
    const decibels = psnr(image.data, alone[i]!.data);
    assert.ok(decibels >= least, `picture ${i}: ${decibels} dB`);
    const slot: BatchSlot | undefined = recipeSlot(image.recipe);
    const again = await only(flux, { ...requests[i]!, ...(slot && { slot }) });
    assert.deepEqual(again.data, image.data, `picture ${i} again`);
  }
}

describe('strangers of one kind share a batch', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load(RANDOM, { device: 'cpu', dtype: 'f32', batchWindow: 100 });
  });
  after(() => flux.close());
  for (const [name, of] of Object.entries(KINDS)) test(name, () => checkMixed(flux, strangers(of), 60));

  test('and other kinds, strengths and shapes do not', async () => {
    const requests: Partial<Request>[] = [
      {},
      { image: scene(0), strength: 0.7 },
      { image: scene(0), strength: 0.3 },
      { image: scene(0), maskImage: mask(0) },
      { referenceImage: scene(0), referenceResize: false },
      { referenceImage: [scene(0), scene(1)], referenceResize: false },
      { negativePrompt: 'people', trueCfgScale: 2 },
    ];
    const { batches } = flux.stats();
    await Promise.all(requests.map((request) => only(flux, { ...SMALL, prompt: 'a house', ...request })));
    assert.equal(flux.stats().batches - batches, requests.length);
  });

  test('several seeds of one picture draw each its own latents', async () => {
    const request = { ...SMALL, prompt: 'a house', image: scene(0), strength: 0.7 };
    const [first, second] = await flux.generate({ ...request, seed: [3, 4] });
    assert.notDeepEqual(first!.data, second!.data);
    assert.ok(psnr((await only(flux, { ...request, seed: 4 })).data, second!.data) >= 60);
    // Of a batch, each picture's seed is one more.
    const [, next] = await flux.generate({ ...request, seed: 3, batch: 2 });
    assert.ok(psnr(next!.data, second!.data) >= 60);
  });

  test('previews show a picture that starts from another, and one may be aborted while another goes on', async () => {
    const abort = new AbortController();
    const request = { ...SMALL, prompt: 'a house', image: scene(0), preview: 'step' } as const;
    const previews: unknown[] = [];
    const read = async () => {
      for await (const event of flux.stream({ ...request, seed: 1 })) {
        if (event.type !== 'step') continue;
        previews.push(event.previews?.length);
        abort.abort(new Error('enough'));
      }
    };
    const aborted = flux.generate({ ...request, seed: 2, signal: abort.signal });
    await Promise.all([read(), assert.rejects(aborted, /enough/)]);
    assert.deepEqual(previews, [1, 1]);
  });

  test('jax noise and the first-block cache have batches of their own', async () => {
    for (const odd of [{ noise: 'jax' }, { cache: 'fbcache', threshold: 0 }] as const) {
      const request = { ...SMALL, ...KINDS['all of them']!(0), prompt: 'a house', ...odd };
      const [image] = await flux.generate({ ...request, batch: 2 });
      assert.deepEqual((await flux.generate({ ...request, batch: 2 }))[0]!.data, image!.data);
    }
    const plain = await only(flux, { ...SMALL, ...KINDS['all of them']!(0), prompt: 'a house' });
    const cached = await only(flux, {
      ...SMALL,
      ...KINDS['all of them']!(0),
      prompt: 'a house',
      cache: 'fbcache',
      threshold: 0,
    });
    assert.deepEqual(cached.data, plain.data, 'a cache that skips nothing changes nothing');
  });

  test('a strength of 1 is text to image with its first draw spent, and a mask of black changes next to nothing', async () => {
    const request = { ...SMALL, prompt: 'a house', image: scene(0) };
    const black = drawn(80, 64, () => [0, 0, 0]);
    const kept = await only(flux, { ...request, maskImage: black, strength: 1 });
    const other = await only(flux, { ...request, maskImage: black, strength: 1, prompt: 'the sea' });
    assert.deepEqual(other.data, kept.data, 'nothing of the prompt remains');
    const white = drawn(80, 64, () => [255, 255, 255]);
    assert.deepEqual(
      (await only(flux, { ...request, maskImage: white, strength: 0.7 })).data,
      (await only(flux, { ...request, strength: 0.7 })).data,
      'a white mask keeps nothing',
    );
  });
});

describe('however the model is opened', () => {
  const opened: [string, LoadOptions, number][] = [
    ['streamed block by block', { residency: 'streamed' }, 1],
    ['quantised', { quantization: 'int8' }, 1],
    ['in bf16', { dtype: 'bf16' }, 1],
    ['with LoRAs merged, apart', { loraMode: 'merged' }, 2],
    ['on two devices, data parallel', { cpuDevices: 2, mesh: { ici: { data: 2 } } }, 1],
    ['on two devices, context parallel', { cpuDevices: 2, mesh: { ici: { data: 1, context: 2 } } }, 1],
    ['on two devices, FSDP', { cpuDevices: 2, mesh: { ici: { data: 1, fsdp: 2 } } }, 1],
  ];
  for (const [name, options, batches] of opened)
    test(name, async () => {
      await using flux = await Flux.load(RANDOM, { device: 'cpu', batchWindow: 100, dtype: 'f32', ...options });
      const low = options.quantization !== undefined || options.dtype === 'bf16';
      await checkMixed(flux, strangers(KINDS['all of them']!), low ? 40 : 60, batches);
    });
});

describe('Fill and Control models', () => {
  for (const [tool, of] of Object.entries<(at: number) => Partial<Request>>({
    fill: (at) => ({ image: scene(at), maskImage: mask(at) }),
    control: (at) => ({ controlImage: scene(at), control: 'canny' }),
  }))
    test(tool, async () => {
      const model = folders.whole(`test/fixtures/conditions/models/${tool}`);
      await using flux = await Flux.load(model, { device: 'cpu', dtype: 'f32', batchWindow: 100 });
      await checkMixed(
        flux,
        strangers(of).map((request) => ({ ...request, loras: [] })),
        60,
      );
      const start = { image: scene(3), strength: 0.6 };
      assert.ok(await only(flux, { ...SMALL, prompt: 'a house', ...of(0), ...start }));
    });

  test('say what they lack before anything is compiled, also in a dry run', async () => {
    const fill = await Flux.load(folders.whole('test/fixtures/conditions/models/fill'), { device: 'cpu' });
    const control = await Flux.load(folders.whole('test/fixtures/conditions/models/control'), { device: 'cpu' });
    await using _ = { [Symbol.asyncDispose]: () => Promise.all([fill.close(), control.close()]).then(() => {}) };
    const asked = { ...SMALL, prompt: 'a house' };
    const refusals: [Flux, Partial<Request>, RegExp][] = [
      [fill, {}, /this is a Fill model, and needs image=PATH and mask_image=PATH/],
      [fill, { image: scene(0) }, /needs mask_image=PATH or outpaint=/],
      [
        fill,
        { image: scene(0), maskImage: mask(0), referenceImage: scene(0) },
        /reference_image: a Fill model does not take reference pictures/,
      ],
      [control, {}, /this is a Control model \(Canny, Depth\), and needs control_image=PATH/],
      [control, { controlImage: [scene(0), scene(1)] }, /control_image: expected one picture, found 2/],
    ];
    for (const [flux, request, message] of refusals) {
      const { compiled, fromCache } = flux.stats().programs;
      for (const answer of [flux.generate({ ...asked, ...request }), flux.plan({ ...asked, ...request })])
        await assert.rejects(answer, message);
      assert.deepEqual([flux.stats().programs.compiled, flux.stats().programs.fromCache], [compiled, fromCache]);
    }
    const plan = await fill.plan({ ...asked, image: scene(0), maskImage: mask(0) });
    assert.ok(plan.fits);
  });
});

describe('a request is refused that', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load(RANDOM, { device: 'cpu' });
  });
  after(() => flux.close());
  const refusals: [string, Partial<Request>, RegExp][] = [
    ['has a mask for no picture', { maskImage: mask(0) }, /mask_image: it needs image=PATH/],
    ['has a strength for no picture', { strength: 0.4 }, /strength: it needs image=PATH/],
    ['softens no mask', { image: scene(0), softMask: true }, /soft_mask: it needs mask_image=PATH/],
    ['draws edges of no picture', { control: 'canny' }, /control: it needs control_image=PATH/],
    ['has too many references', { referenceImage: Array(17).fill(scene(0)) }, /at most 16 pictures/],
    ['weighs no picture', { promptEmbedsScale: 2 }, /prompt_embeds_scale: it needs redux_image/],
    [
      'steers by no ControlNet',
      { controlnetConditioningScale: 2 },
      /controlnet_conditioning_scale: it needs a ControlNet/,
    ],
    ['crops by no mask', { image: scene(0), paddingMaskCrop: 8 }, /padding_mask_crop: it needs mask_image=PATH/],
    [
      'has two masks',
      { image: scene(0), maskImage: mask(0), outpaint: [16, 0, 0, 0] },
      /mask_image: it cannot be combined with outpaint/,
    ],
    [
      'controls a model that is not controlled',
      { controlImage: scene(0) },
      /control_image: this model does not take control pictures/,
    ],
    ['leaves no step', { image: scene(0), strength: 0 }, /strength: of 3 steps, 0 leaves none/],
    [
      'has a black mask to crop by',
      { image: scene(0), maskImage: drawn(80, 64, () => [0, 0, 0]), paddingMaskCrop: 8 },
      /found only black/,
    ],
    ['has bytes that are no picture', { image: new Uint8Array([1, 2, 3]) }, /image: expected a (?:PNG|picture)/],
    ['has an address that is not allowed', { image: 'https://example.com/a.png' }, /image: .*address/],
  ];
  for (const [name, request, message] of refusals)
    test(name, () => assert.rejects(flux.generate({ ...SMALL, prompt: 'a house', ...request }), message));
});

describe('the size of a picture', () => {
  test('is that of the picture that goes in, unless it is given', async () => {
    await using flux = await Flux.load(RANDOM, { device: 'cpu' });
    const sizeOf = async (request: Partial<Request>) => {
      const { recipe, width, height } = await only(flux, {
        steps: 1,
        prompt: 'a house',
        maxSequenceLength: 16,
        ...request,
      });
      return [recipe.width, recipe.height, width, height];
    };
    const wide = drawn(90, 50, (x) => [x, x, x]);
    // No more pixels than the model makes by itself, 64 × 64.
    assert.deepEqual(await sizeOf({ image: wide, strength: 1 }), [80, 48, 80, 48]);
    assert.deepEqual(
      await sizeOf({ referenceImage: drawn(50, 34, () => [9, 9, 9]), referenceResize: false }),
      [48, 32, 48, 32],
    );
    assert.deepEqual(await sizeOf({ image: wide, strength: 1, width: 64 }), [64, 32, 64, 32]);
    assert.deepEqual(await sizeOf({ image: wide, strength: 1, width: 64, height: 64 }), [64, 64, 64, 64]);
    assert.deepEqual(await sizeOf({ image: wide, outpaint: [20, 0, 0, 10] }), [112, 64, 112, 64]);
    // A part that is made anew is pasted into its picture.
    const cut = {
      image: wide,
      maskImage: drawn(90, 50, (x) => (x > 80 ? [255, 255, 255] : [0, 0, 0])),
      paddingMaskCrop: 4,
    };
    assert.deepEqual(await sizeOf({ ...cut, strength: 1, width: 64, height: 64 }), [64, 64, 90, 50]);
  });
});
