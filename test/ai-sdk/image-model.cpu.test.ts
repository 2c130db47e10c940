/** Pictures through the AI SDK, which is used as its package is: those of the library, with what it says of them and about them. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generateImage } from 'ai';
import { imageModel } from '../../src/ai-sdk.ts';
import { encode, Flux, type Request, readRecipe } from '../../src/index.ts';
import { repositoryPath } from '../support/fixture.ts';
import { drawn, shapes } from '../support/recorded-pictures.ts';

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

/** A model of two layers, whose programs compile fast. */
const RANDOM = repositoryPath('test/fixtures/random-flux');
const PROMPT = 'a red house';
const FEW = { steps: 2, max_sequence_length: 16 } as const;
const SMALL = { width: 64, height: 48, steps: 2, maxSequenceLength: 16, prompt: PROMPT } as const;
const scene = drawn(64, 48, (x, y) => (y < 24 ? [90, 140, 220 - x] : [40 + x, 130, 60]));
const shape = shapes(64, 48);

describe('generateImage', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load(RANDOM, { device: 'cpu', dtype: 'f32' });
  });
  after(() => flux.close());

  /** The files of the library's pictures. */
  const files = async (request: Partial<Request>) =>
    Promise.all((await flux.generate({ ...SMALL, ...request })).map(async (image) => Buffer.from(await image.png())));
  const made = async (given: Partial<Parameters<typeof generateImage>[0]> = {}) => {
    const { providerOptions, ...call } = given;
    const options = { fluxion: { ...FEW, ...providerOptions?.['fluxion'] } };
    const result = await generateImage({
      model: imageModel(flux), prompt: PROMPT, size: '64x48', seed: 7, maxRetries: 0, ...call, providerOptions: options,
    }); // biome-ignore format: a list
    return { ...result, files: result.images.map(({ uint8Array }) => Buffer.from(uint8Array)) };
  };

  test('makes the pictures of the library, several of one call each its own', async () => {
    const result = await made({ n: 3 });
    assert.deepEqual(result.files, await files({ seed: 7, batch: 3 }));
    assert.equal(new Set(result.files.map(String)).size, 3);
    assert.deepEqual(
      result.providerMetadata['fluxion']!.images.map((image) => (image as { seed: number }).seed),
      [7, 8, 9],
    );
    assert.deepEqual(result.warnings, []);
    assert.equal(result.images[0]!.mediaType, 'image/png');
    assert.equal(result.responses[0]!.modelId, flux.name);
  });

  test('draws a seed where none is given, and tells it', async () => {
    const seeds: number[] = [];
    for (let i = 0; i < 2; i++) {
      const result = await generateImage({
        model: imageModel(flux), prompt: PROMPT, size: '64x48', providerOptions: { fluxion: FEW },
      }); // biome-ignore format: a list
      const [{ seed }] = result.providerMetadata['fluxion']!.images as [{ seed: number }];
      assert.deepEqual([Buffer.from(result.image.uint8Array)], await files({ seed }));
      seeds.push(seed);
    }
    assert.notEqual(seeds[0], seeds[1]);
  });

  test('further fields go by every name of theirs, and a wrong one is named', async () => {
    const options = { guidance_scale: 2, negativePrompt: 'people', true_cfg: 3, outputFormat: 'webp' };
    const [webp] = (await made({ providerOptions: { fluxion: options } })).files;
    const { recipe } = readRecipe(webp!, 'a.webp');
    assert.deepEqual(
      [recipe?.guidance, recipe?.negativePrompt, recipe?.trueCfgScale, recipe?.steps],
      [2, 'people', 3, 2],
    );
    await assert.rejects(made({ providerOptions: { fluxion: { stepps: 3 } } }), /stepps: there is no such field/);
    await assert.rejects(made({ providerOptions: { fluxion: { steps: 'two' } } }), /steps: expected a number/);
    await assert.rejects(
      made({ providerOptions: { fluxion: { outputFormat: 'bmp' } } }),
      /format: expected one of png/,
    );
  });

  test('pictures that go in are what the model makes best use of', async () => {
    const [image, second] = [await encode(scene, 'png'), await encode(shape, 'png')];
    const strength = { fluxion: { strength: 0.5 } };
    assert.deepEqual(
      (await made({ prompt: { images: [image], text: PROMPT }, providerOptions: strength })).files,
      await files({ seed: 7, image, strength: 0.5 }),
    );
    assert.deepEqual(
      (await made({ prompt: { images: [image, second], text: PROMPT } })).files,
      await files({ seed: 7, referenceImage: [image, second] }),
    );
    assert.deepEqual(
      (await made({ prompt: { images: [image], text: PROMPT, mask: second } })).files,
      await files({ seed: 7, image, maskImage: second }),
    );
  });

  test('a mask with transparency is edited where it is transparent, as with OpenAI', async () => {
    const image = await encode(scene, 'png');
    const { default: sharp } = await import('sharp');
    const alpha = Buffer.from(shape.data.filter((_, i) => i % 3 === 0).map((value) => 255 - value));
    const mask = await sharp(scene.data, { raw: { width: 64, height: 48, channels: 3 } })
      .joinChannel(alpha, { raw: { width: 64, height: 48, channels: 1 } })
      .png()
      .toBuffer();
    const [file] = (await made({ prompt: { images: [image], text: PROMPT, mask } })).images;
    const [expected] = await flux.generate({ ...SMALL, seed: 7, image, maskImage: shape });
    const { data } = await sharp(file!.uint8Array).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual(data, Buffer.from(expected!.data));
  });

  test('what cannot be honoured is a warning, and what goes wrong an error', async () => {
    const rounded = await made({ size: '70x50', aspectRatio: '4:3' });
    assert.deepEqual(rounded.warnings, [
      { type: 'compatibility', feature: 'size', details: 'sides are multiples of 16: the picture is 64x48' },
      { type: 'unsupported', feature: 'aspectRatio', details: 'size already sets it' },
    ]);
    const ignored = await made({ providerOptions: { fluxion: { n: 2, guidance: 3.5 } } });
    assert.equal(ignored.files.length, 1);
    assert.deepEqual(ignored.warnings[0], {
      type: 'unsupported',
      feature: 'providerOptions.fluxion.batch',
      details: 'use the option of the call itself',
    });
    await assert.rejects(made({ size: '0x48' as `${number}x${number}` }), /size: expected two numbers above 0/);
    await assert.rejects(made({ prompt: { images: ['https://example.org/a.png'] } }), /address/);
  });

  test('proportions are made of the pixels that the model makes by default', async () => {
    const model = imageModel(flux, { modelId: 'mine', defaults: { steps: 1, maxSequenceLength: 16 } });
    const result = await generateImage({ model, prompt: PROMPT, aspectRatio: '2:1' });
    const [{ width, height }] = result.providerMetadata['fluxion']!.images as [{ width: number; height: number }];
    const { defaults } = flux;
    assert.ok(Math.abs(width / height - 2) < 0.3, `${width}x${height}`);
    assert.ok(Math.abs(Math.log2((width * height) / (defaults.width * defaults.height))) < 0.3, `${width}x${height}`);
    assert.equal(result.responses[0]!.modelId, 'mine');
  });

  test('a signal stops it', async () => {
    const abortSignal = AbortSignal.timeout(30);
    await assert.rejects(made({ abortSignal, providerOptions: { fluxion: { steps: 1000 } } }), {
      name: 'TimeoutError',
    });
  });
});

test('a Kontext model looks at its picture, by its name', async () => {
  await using flux = await Flux.load(RANDOM, { device: 'cpu', dtype: 'f32', name: 'FLUX.1-Kontext-dev' });
  assert.equal(flux.pictureUse, 'reference');
  const model = imageModel(flux, { defaults: { ...FEW, steps: 1 } as Partial<Request> });
  const image = await encode(scene, 'png');
  const made = await generateImage({ model, prompt: { images: [image], text: PROMPT }, size: '64x48', seed: 7 });
  const [expected] = await flux.generate({ ...SMALL, steps: 1, seed: 7, referenceImage: image });
  assert.deepEqual(Buffer.from(made.image.uint8Array), Buffer.from(await expected!.png()));
});
