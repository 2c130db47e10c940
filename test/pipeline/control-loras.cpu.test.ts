/** Control LoRAs on a small model of random weights: their pictures are held against diffusers' in conditions-parity.cpu.test.ts. */

import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Event, Flux, type LoadOptions, type Request } from '../../src/index.ts';
import { assertImagesClose } from '../support/close.ts';
import { conditionCases, fields, ModelFolders } from '../support/condition-cases.ts';
import { Fixture, repositoryPath } from '../support/fixture.ts';

const TWO = conditionCases().find(({ name }) => name === 'control-lora-two')!;
const REQUEST = fields(TWO.request) as Request & { readonly loras: NonNullable<Request['loras']> };
const { controlImage, loras, ...PLAIN } = REQUEST;
const [CONTROL, STYLE] = loras as [(typeof loras)[number], (typeof loras)[number]];
const OTHER = repositoryPath('test/fixtures/conditions/lines.png');

const folders = new ModelFolders();
after(() => folders[Symbol.dispose]());
const open = (options: LoadOptions = {}) =>
  Flux.load(folders.whole(TWO.model), { device: 'cpu', dtype: 'f32', loraDir: dirname(CONTROL.path), ...options });
const pixelsOf = async (flux: Flux, request: Request) => (await flux.generate(request))[0]!.data;

describe('control LoRAs', () => {
  let flux: Flux;
  before(async () => {
    flux = await open({ maxBatch: 2 });
  });
  after(() => flux.close());

  test('leave the model as it was, and see their picture', async () => {
    const plain = await pixelsOf(flux, PLAIN);
    const steered = await pixelsOf(flux, REQUEST);
    const otherwise = await pixelsOf(flux, { ...REQUEST, controlImage: OTHER });
    assert.notDeepEqual(steered, plain);
    assert.notDeepEqual(otherwise, steered);
    assert.deepEqual(await pixelsOf(flux, PLAIN), plain);
    assert.deepEqual(await pixelsOf(flux, REQUEST), steered);
  });

  test('wait for a batch of their own, beside requests without', async () => {
    const requests = [PLAIN, REQUEST, { ...PLAIN, seed: 3 }, { ...REQUEST, seed: 4, controlImage: OTHER }];
    const alone = [];
    for (const request of requests) alone.push(await pixelsOf(flux, request));
    const together = await Promise.all(requests.map((request) => pixelsOf(flux, request)));
    for (const [i, data] of together.entries()) assertImagesClose(`request ${i}`, data, alone[i]!);
  });

  test('compile nothing anew at another strength or for another control LoRA', async () => {
    const compiled = async (request: Request) => {
      const before = flux.stats().programs;
      await flux.generate(request);
      const { programs } = flux.stats();
      return programs.compiled + programs.fromCache - before.compiled - before.fromCache;
    };
    await flux.generate(REQUEST);
    assert.equal(await compiled({ ...REQUEST, loras: [{ ...CONTROL, scale: 0.3 }] }), 0);
    const diffusers = CONTROL.path.replace('bfl', 'diffusers');
    assert.equal(await compiled({ ...REQUEST, loras: [STYLE, { path: diffusers }] }), 0);
  });

  test('are planned with their channels', async () => {
    const [plain, control] = [await flux.plan(PLAIN), await flux.plan({ ...REQUEST, loras: [CONTROL] })];
    const weights = ({ stages }: typeof plain) => stages.find(({ stage }) => stage === 'denoise')!.weights;
    assert.ok(weights(control) >= weights(plain) + 64 * 32 * 4);
  });

  const refused: readonly (readonly [what: string, request: Request, message: RegExp])[] = [
    ['without a control picture', { ...PLAIN, loras }, /control LoRA \('bfl'\), and needs control_image=PATH/],
    ['with a picture to look at', { ...REQUEST, referenceImage: OTHER }, /reference_image: a control LoRA \('bfl'\) does not take reference pictures/],
    ['with two control pictures', { ...REQUEST, controlImage: [OTHER, OTHER] }, /control_image: expected one picture, found 2/],
    ['for some prompts alone', { ...REQUEST, loras: [], prompt: ['<lora:bfl:1> a house', 'a house'] }, /'bfl' takes a control picture, and some prompts are without/],
    ['that is none', { ...REQUEST, loras: [STYLE] }, /control_image: this model does not take control pictures/],
  ]; // biome-ignore format: one request a line
  for (const [what, request, message] of refused)
    test(`are refused ${what} before anything is compiled`, async () => {
      const events: Event[] = [];
      await assert.rejects(
        async () => {
          for await (const event of flux.stream(request)) events.push(event);
        },
        { code: 'bad_request', message },
      );
      assert.deepEqual(events, []);
      await assert.rejects(flux.plan(request), { code: 'bad_request', message });
    });

  test('are refused beside a ControlNet', async () => {
    const controlnet = repositoryPath('test/fixtures/conditions/models/controlnet');
    await using steered = await open({ controlnet });
    await assert.rejects(steered.generate(REQUEST), {
      code: 'bad_request',
      message: /controlnet: a control LoRA \('bfl'\) takes control_image without a ControlNet/,
    });
  });

  test('say so where a Fill model is to take them', async () => {
    const model = folders.whole('test/fixtures/conditions/models/fill');
    await using fill = await Flux.load(model, { device: 'cpu', dtype: 'f32' });
    const request = { ...PLAIN, loras: [CONTROL], image: OTHER, maskImage: OTHER };
    await assert.rejects(fill.generate(request), {
      code: 'bad_weights',
      message: /expected \[4, 384\], found \[4, 128\]/,
    });
  });
});

test('control LoRAs are merged into the weights as well', async () => {
  await using flux = await open({ loraMode: 'merged' });
  using recorded = new Fixture(TWO.name, 'conditions');
  const [image] = await flux.generate(REQUEST);
  assertImagesClose('image', image!.data, recorded.u8('image'));
  await flux.loras.set(loras);
  assert.deepEqual(await pixelsOf(flux, { ...PLAIN, controlImage }), image!.data);
  await assert.rejects(flux.generate(PLAIN), { code: 'bad_request', message: /needs control_image/ });
});

test('control LoRAs work beside quantised and random weights', async () => {
  await using flux = await open({ quantization: 'int8', weights: 'random' });
  assert.notDeepEqual(await pixelsOf(flux, { ...REQUEST, controlImage: OTHER }), await pixelsOf(flux, REQUEST));
});
