/** OpenAI's images API, called through the unmodified packages `openai`, and `ai` with `@ai-sdk/openai-compatible`. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateImage } from 'ai';
import OpenAI, { APIError, toFile } from 'openai';
import sharp from 'sharp';
import { encode, readRecipe } from '../../../src/index.ts';
import { drawn, shapes } from '../../support/recorded-pictures.ts';
import { SmallServer } from '../../support/small-server.ts';

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const scene = drawn(64, 48, (x, y) => (y < 24 ? [90, 140, 220 - x] : [40 + x, 130, 60]));
const shape = shapes(64, 48);
/** Fields that only Fluxion has. */
const OWN = { steps: 8, max_sequence_length: 16 };

/** Fields in the package's type: it passes on unknown ones. */
const fields = <T extends object>(given: T) => ({ prompt: 'a red house', size: '64x48', ...OWN, ...given });
const pixelsOf = async (base64: string): Promise<Buffer> => sharp(Buffer.from(base64, 'base64')).raw().toBuffer();

let server: SmallServer;
let openai: OpenAI;
before(async () => {
  server = await SmallServer.start();
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(() => server[Symbol.asyncDispose]());

describe('the openai package', () => {
  test('makes the pictures of the library', async () => {
    const { data, usage, ...more } = await openai.images.generate(fields({ n: 2, seed: 7 }));
    assert.deepEqual(
      data!.map(({ b64_json }) => b64_json),
      await server.library({ seed: 7, batch: 2 }),
    );
    assert.deepEqual(
      data!.map((picture) => (picture as { seed?: number }).seed),
      [7, 8],
    );
    const { created, ...described } = more;
    assert.ok(Math.abs(created - Date.now() / 1000) < 60);
    assert.deepEqual(described, { background: 'opaque', output_format: 'png', quality: 'auto', size: '64x48' });
    assert.deepEqual(usage, {
      input_tokens: 32, input_tokens_details: { text_tokens: 32, image_tokens: 0 }, output_tokens: 24, total_tokens: 56,
    }); // biome-ignore format: figures
  });

  test('draws a seed where none is given', async () => {
    const seeds = await Promise.all(
      [1, 2].map(async () => (await openai.images.generate(fields({}))).data![0] as { seed?: number }),
    );
    assert.notEqual(seeds[0]!.seed, seeds[1]!.seed);
  });

  test('other formats, qualities and knobs', async () => {
    const { steps: _, ...own } = OWN;
    const asked = { ...own, prompt: 'a red house', size: '64x48', quality: 'low', output_format: 'webp', output_compression: 60, seed: 7, guidance_scale: 2, negative_prompt: 'people', true_cfg_scale: 3 } as const; // biome-ignore format: a list
    const { data, output_format, quality } = await openai.images.generate(asked);
    const { recipe, format } = readRecipe(Buffer.from(data![0]!.b64_json!, 'base64'), 'a.webp');
    assert.deepEqual([format, output_format, quality], ['webp', 'webp', 'low']);
    const steps = Math.round(server.host.flux!.defaults.steps / 2);
    assert.deepEqual(
      [recipe?.steps, recipe?.guidance, recipe?.negativePrompt, recipe?.trueCfgScale],
      [steps, 2, 'people', 3],
    );
  });

  test('addresses of kept pictures', async () => {
    const { data } = await openai.images.generate(fields({ response_format: 'url' }));
    assert.match(data![0]!.url!, new RegExp(`^${server.url}/v1/pictures/\\w+_0\\.png$`));
  });

  test('streams partial pictures in order while it makes them, then the picture', async () => {
    const stream = await openai.images.generate({ ...fields({ seed: 7 }), stream: true, partial_images: 3 });
    const events = await Array.fromAsync(stream);
    assert.deepEqual(
      events.map(({ type }) => type),
      [...Array<string>(3).fill('image_generation.partial_image'), 'image_generation.completed'],
    );
    const partial = events.filter((event) => event.type === 'image_generation.partial_image');
    assert.deepEqual(
      partial.map(({ partial_image_index }) => partial_image_index),
      [0, 1, 2],
    );
    assert.equal(new Set(partial.map(({ b64_json }) => b64_json)).size, 3);
    for (const { b64_json, size } of partial) {
      const { width, height } = await sharp(Buffer.from(b64_json, 'base64')).metadata();
      assert.equal(`${width}x${height}`, size);
      assert.equal(size, '64x48');
    }
    const last = events.at(-1)!;
    assert.ok(last.type === 'image_generation.completed');
    assert.deepEqual([last.b64_json], await server.library({ seed: 7 }));
    assert.equal(last.usage.output_tokens, 12);
  });

  test('streams without partial pictures, and several pictures', async () => {
    const stream = await openai.images.generate({ ...fields({ seed: 7, n: 2 }), stream: true, partial_images: 1 });
    const types = (await Array.fromAsync(stream)).map(({ type }) => type.split('.')[1]);
    assert.deepEqual(types, ['partial_image', 'partial_image', 'completed', 'completed']);
    const plain = await openai.images.generate({ ...fields({ seed: 7 }), stream: true });
    assert.equal((await Array.fromAsync(plain)).length, 1);
  });

  test('edits: one picture is started from, several are looked at, a mask is transparent where it is edited', async () => {
    const [image, second] = [await encode(scene, 'png'), await encode(shape, 'png')];
    const file = (bytes: Uint8Array, name: string) => toFile(bytes, name, { type: 'image/png' });
    const edited = async (given: object) =>
      (await openai.images.edit(fields({ image: await file(image, 'a.png'), seed: 7, ...given }))).data!.map(
        ({ b64_json }) => b64_json!,
      );
    const same = async (made: readonly string[], request: object) => {
      const expected = await server.library({ seed: 7, ...request });
      assert.deepEqual(await Promise.all(made.map(pixelsOf)), await Promise.all(expected.map(pixelsOf)));
    };
    await same(await edited({ strength: 0.5 }), { image, strength: 0.5 });
    await same(
      await edited({ image: [await file(image, 'a.png'), await file(second, 'b.png')], reference_resize: false }),
      { referenceImage: [image, second], referenceResize: false },
    );
    const alpha = Buffer.from(shape.data.filter((_, i) => i % 3 === 0).map((value) => 255 - value));
    const raw = { width: 64, height: 48 } as const;
    const holes = await sharp(scene.data, { raw: { ...raw, channels: 3 } }).joinChannel(alpha, { raw: { ...raw, channels: 1 } }).png().toBuffer(); // biome-ignore format: a chain
    await same(await edited({ mask: await file(holes, 'mask.png') }), { image, maskImage: shape });
    const stream = await openai.images.edit({ ...fields({ image: await file(image, 'a.png'), seed: 7, strength: 0.8 }), stream: true, partial_images: 2 }); // biome-ignore format: a list
    assert.deepEqual((await Array.fromAsync(stream)).map(({ type }) => type), ['image_edit.partial_image', 'image_edit.partial_image', 'image_edit.completed']); // biome-ignore format: a list
  });

  test('lists the model', async () => {
    assert.deepEqual(
      (await Array.fromAsync(await openai.models.list())).map(({ id }) => id),
      ['random-flux'],
    );
    assert.equal((await openai.models.retrieve('random-flux')).object, 'model');
    await assert.rejects(openai.models.retrieve('another'), { status: 404, code: 'not_found', param: 'model' });
  });

  test('says what is wrong with a request, and names the field as it was given', async () => {
    const cases: readonly (readonly [object, string | null, RegExp])[] = [
      [{ n: 0 }, 'n', /expected a whole number/],
      [{ n: 500 }, 'n', /at most 64 pictures/],
      [{ size: '65x48' }, 'size', /sides divisible by 16/],
      [{ size: 'huge' }, 'size', /WIDTHxHEIGHT/],
      [{ size: '8192x8192' }, 'size', /pixels/],
      [{ quality: 'best' }, 'quality', /one of auto/],
      [{ background: 'transparent' }, 'background', /opaque/],
      [{ output_format: 'svg' }, 'output_format', /png/],
      [{ output_compression: 50 }, 'output_compression', /without loss/],
      [{ partial_images: 2 }, 'partial_images', /stream/],
      [{ prompt: 3 }, 'prompt', /expected text/],
      [{ num_inference_steps: 'many' }, 'num_inference_steps', /expected a number/],
      [{ steps: 100_000 }, 'steps', /at most|from 1 to/],
      [{ seeed: 1 }, 'seeed', /did you mean 'seed'/],
      [{ loras: [{ path: '../secret.safetensors' }] }, 'loras', /LoRA/],
      [{ redux_image: ['https://example.org/a.png'] }, 'redux_image[0]', /content of a picture/],
      [{ allow_url: true }, 'allow_url', /downloads nothing/],
      [{ caller: 'root' }, 'caller', /no such field/],
      [{ model: 'flux-2' }, 'model', /random-flux/],
    ];
    for (const [given, param, message] of cases) {
      const error = await openai.images.generate(fields(given) as { prompt: string }).then(
        () => assert.fail(JSON.stringify(given)),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof APIError, String(error));
      assert.ok(error.status! >= 400 && error.status! < 500, `${JSON.stringify(given)}: ${error.status}`);
      assert.equal(error.param, param, JSON.stringify(given));
      assert.match(error.message, message);
      assert.equal(error.type, 'invalid_request_error');
    }
    const broken = await toFile(Buffer.from('not a picture'), 'a.png', { type: 'image/png' });
    await assert.rejects(openai.images.edit(fields({ image: broken })), {
      status: 400,
      param: 'image',
      code: 'bad_file',
    });
  });

  test('a client that goes away cancels its own job only', async () => {
    const leave = new AbortController();
    const long = fields({ steps: 200, seed: 1 });
    const other = openai.images.generate(fields({ seed: 7, guidance_scale: 1 }));
    const left = openai.images.generate({ ...long, stream: true, partial_images: 3 }, { signal: leave.signal });
    for await (const event of await left) {
      if (event.type === 'image_generation.partial_image') leave.abort();
    }
    const waits = openai.images.generate(long, { signal: AbortSignal.timeout(50) });
    await assert.rejects(waits);
    assert.equal((await other).data!.length, 1);
    const end = performance.now() + 5000;
    while (server.jobs.counts.queued + server.jobs.counts.running > 0 && performance.now() < end) await setTimeout(20);
    const jobs = server.jobs.list({ limit: 3 });
    assert.deepEqual(jobs.map(({ status }) => status).sort(), ['cancelled', 'cancelled', 'done']);
  });
});

test('a client that goes away while its job waits cancels it at once', async () => {
  const long = openai.images.generate(fields({ steps: 200 }));
  const leave = new AbortController();
  const asked = { ...fields({ size: '80x48' }), stream: true } as const;
  // The package rejects if it leaves before the head of the answer; after that, it ends without events.
  const waiting = openai.images.generate(asked, { signal: leave.signal }).then(
    (stream) => Array.fromAsync(stream),
    () => [],
  );
  const statuses = () => server.jobs.list({ limit: 2 }).map(({ status }) => status);
  while (statuses().join() !== 'queued,running') await setTimeout(10);
  leave.abort();
  assert.deepEqual(await waiting, []);
  while (statuses()[0] === 'queued') await setTimeout(10);
  assert.deepEqual(statuses(), ['cancelled', 'running']);
  assert.equal((await long).data!.length, 1);
});

test('bodies that are no requests are refused in the same shape', async () => {
  const post = async (body: string | FormData | Uint8Array<ArrayBuffer>, type?: string) => {
    const response = await fetch(`${server.url}/v1/images/generations`, { method: 'POST', body, ...(type !== undefined && { headers: { 'content-type': type } }) }); // biome-ignore format: one call
    const { error } = (await response.json()) as { error: { message: string; type: string; param: string | null } };
    return { status: response.status, ...error };
  };
  const form = new FormData();
  for (let i = 0; i < 300; i++) form.append(`field${i}`, 'x');
  for (const [body, type] of [
    ['{"prompt": ', 'application/json'],
    ['[]', 'application/json'],
    ['null', 'application/json'],
    ['"text"', 'application/json'],
    ['', undefined],
    ['a=b', 'multipart/form-data'],
    ['--x\r\nnonsense', 'multipart/form-data; boundary=x'],
    [form, undefined],
    [new Uint8Array([0xff, 0xfe, 0]), 'application/json'],
    [`{"prompt":${'['.repeat(100_000)}`, 'application/json'],
  ] as const) {
    const { status, message, type: kind } = await post(body, type);
    assert.equal(status, 400, message);
    assert.ok(message.length > 0);
    assert.equal(kind, 'invalid_request_error');
  }
});

describe('the AI SDK with @ai-sdk/openai-compatible', () => {
  const provider = () => createOpenAICompatible({ name: 'fluxion', baseURL: `${server.url}/v1` });

  test('makes the pictures of the library', async () => {
    const { images, warnings } = await generateImage({
      model: provider().imageModel('random-flux'),
      prompt: 'a red house',
      size: '64x48',
      n: 2,
      providerOptions: { fluxion: { ...OWN, seed: 7 } },
    });
    assert.deepEqual(
      images.map(({ base64 }) => base64),
      await server.library({ seed: 7, batch: 2 }),
    );
    assert.deepEqual(warnings, []);
  });

  test('edits pictures', async () => {
    const image = await encode(scene, 'png');
    const result = await generateImage({
      model: provider().imageModel('random-flux'),
      prompt: { text: 'a red house', images: [image] },
      size: '64x48',
      providerOptions: { fluxion: { ...OWN, seed: 7, strength: 0.5 } },
    });
    const [expected] = await server.library({ seed: 7, image, strength: 0.5 });
    assert.deepEqual(await pixelsOf(result.image.base64), await pixelsOf(expected!));
  });

  test('tells what was wrong', async () => {
    const asked = generateImage({
      model: provider().imageModel('random-flux'),
      prompt: 'a house',
      size: '65x48',
      maxRetries: 0,
    });
    await assert.rejects(asked, /size: expected auto, or WIDTHxHEIGHT/);
  });
});
