/** A1111's API as programs use it: the library's pictures, progress with previews, interrupting one's own jobs, and lists. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { encode } from '../../../src/index.ts';
import { drawn, shapes } from '../../support/recorded-pictures.ts';
import { SmallServer } from '../../support/small-server.ts';

const KEYS = { ann: 'a-key-of-ann-0123456789', bob: 'a-key-of-bob-0123456789' } as const;

let server: SmallServer;
before(async () => {
  server = await SmallServer.start({
    keys: Object.entries(KEYS)
      .map((pair) => pair.join(':'))
      .join('\n'),
  });
});
after(() => server[Symbol.asyncDispose]());

const scene = drawn(64, 48, (x, y) => (y < 24 ? [90, 140, 220 - x] : [40 + x, 130, 60]));
/** Fields that a program sends, including some without effect. */
const ASKED = {
  prompt: 'a red house', negative_prompt: '', seed: 7, steps: 8, width: 64, height: 48, cfg_scale: 7, batch_size: 1, n_iter: 1,
  sampler_name: 'Euler', scheduler: 'Automatic', restore_faces: false, override_settings: {}, alwayson_scripts: {}, s_noise: 1,
}; // biome-ignore format: a list

interface Answer {
  readonly images: readonly string[];
  readonly info: string;
}
async function ask<T>(
  path: string,
  body?: unknown,
  caller: keyof typeof KEYS = 'ann',
): Promise<{ status: number; body: T }> {
  const response = await fetch(`${server.url}/sdapi/v1/${path}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[caller]}` },
  });
  return { status: response.status, body: (await response.json()) as T };
}
/** The library's pictures, with prompts padded to the model's default length. */
async function library(request: Parameters<SmallServer['library']>[0]): Promise<string[]> {
  const { maxSequenceLength } = server.host.flux!.defaults;
  return server.library({ maxSequenceLength, ...request });
}
const pixelsOf = (base64: string) => sharp(Buffer.from(base64, 'base64')).raw().toBuffer();

test('txt2img makes the pictures of the library', async () => {
  const { status, body } = await ask<Answer>('txt2img', { ...ASKED, n_iter: 2, enable_hr: true });
  assert.equal(status, 200);
  assert.deepEqual(body.images, await library({ seed: 7, batch: 2 }));
  const info = JSON.parse(body.info);
  assert.deepEqual(info.all_seeds, [7, 8]);
  assert.deepEqual(info.fluxion.ignored, ['s_noise', 'enable_hr']);
  assert.match(info.infotexts[0], /^a red house\nSteps: 8, Sampler: Euler, /);
  const away = await ask<Answer>('txt2img', { ...ASKED, negative_prompt: 'people', cfg_scale: 3, sampler_name: 'DPM++ 2M Karras', scheduler: null }); // biome-ignore format: a list
  assert.deepEqual(away.body.images, await library({ seed: 7, negativePrompt: 'people', trueCfgScale: 3, sampler: 'dpmpp_2m', schedule: 'karras' })); // biome-ignore format: a list
});

test('img2img starts from a picture, and repaints what a mask shows', async () => {
  const image = await encode(scene, 'png');
  const init_images = [`data:image/png;base64,${Buffer.from(image).toString('base64')}`];
  const started = await ask<Answer>('img2img', { ...ASKED, init_images, denoising_strength: 0.5 });
  const [expected] = await library({ seed: 7, image, strength: 0.5 });
  assert.deepEqual(await pixelsOf(started.body.images[0]!), await pixelsOf(expected!));
  const shape = shapes(64, 48);
  const black = { ...shape, data: shape.data.map((value) => 255 - value) };
  const mask = Buffer.from(await encode({ ...shape, data: new Uint8Array(black.data) }, 'png')).toString('base64');
  const painted = await ask<Answer>('img2img', { ...ASKED, init_images, denoising_strength: 0.8, mask, inpainting_mask_invert: 1, mask_blur: 2 }); // biome-ignore format: a list
  const [repainted] = await library({ seed: 7, image, strength: 0.8, maskImage: shape, maskBlur: 2, softMask: true });
  assert.deepEqual(await pixelsOf(painted.body.images[0]!), await pixelsOf(repainted!));
});

test('several pictures are a batch: each is started from, and the seeds count through', async () => {
  const pictures = [scene, shapes(64, 48)];
  const files = await Promise.all(pictures.map((picture) => encode(picture, 'png')));
  const init_images = files.map((file) => Buffer.from(file).toString('base64'));
  const asked = { ...ASKED, init_images, denoising_strength: 0.5, batch_size: 4, n_iter: 2 };
  const { status, body } = await ask<Answer>('img2img', asked);
  assert.equal(status, 200);
  const info = JSON.parse(body.info);
  assert.deepEqual(info.all_seeds, [7, 8, 9, 10]);
  const expected = await Promise.all(
    [7, 8, 9, 10].map(async (seed, i) => (await library({ seed, image: files[i % 2]!, strength: 0.5 }))[0]!),
  );
  // In a batch with other pictures, the last bits may differ.
  for (const [i, image] of body.images.entries()) {
    const [made, alone] = [await pixelsOf(image), await pixelsOf(expected[i]!)];
    const worst = made.reduce((most, value, at) => Math.max(most, Math.abs(value - alone[at]!)), 0);
    assert.ok(worst <= 2, `${i}: ${worst}`);
  }
  const drawn = await ask<Answer>('img2img', { ...asked, seed: -1, n_iter: 1 });
  const [first, second] = JSON.parse(drawn.body.info).all_seeds;
  assert.equal(second, first + 1);
  for (const [given, message] of [
    [{ batch_size: 1 }, /init_images: expected 1 or fewer, as batch_size says, found 2/],
    [{ n_iter: 0.5 }, /n_iter: expected a whole number/],
    [{ init_images: [init_images[0], 'AAAA'] }, /image: /],
  ] as const) {
    const refused = await ask<{ detail: string }>('img2img', { ...asked, ...given });
    assert.ok(refused.status >= 400 && refused.status < 500, refused.body.detail);
    assert.match(refused.body.detail, message);
  }
  while (server.jobs.counts.queued + server.jobs.counts.running > 0) await setTimeout(10);
});

interface Progress {
  readonly progress: number;
  readonly state: { readonly sampling_step: number; readonly sampling_steps: number; readonly job_count: number };
  readonly current_image: string | null;
}

test('progress shows the picture as it forms, and interrupt ends the jobs of its caller alone', async () => {
  assert.equal((await ask<Progress>('progress')).body.progress, 0);
  const long = { ...ASKED, steps: 200 };
  const mine = ask<Answer>('txt2img', long, 'ann');
  const theirs = ask<Answer>('txt2img', { ...long, steps: 150 }, 'bob');
  let seen: Progress | undefined;
  while (!seen?.current_image) seen = (await ask<Progress>('progress', undefined, 'ann')).body;
  assert.ok(seen.progress > 0 && seen.progress < 1 && seen.state.sampling_step > 0);
  assert.equal(seen.state.sampling_steps, 200);
  assert.equal(seen.state.job_count, 1);
  const { width, height } = await sharp(Buffer.from(seen.current_image, 'base64')).metadata();
  assert.deepEqual([width, height], [64, 48]);
  assert.equal((await ask('progress?skip_current_image=true', undefined, 'ann')).status, 200);
  await ask('interrupt', {}, 'ann');
  const { status, body } = await mine;
  assert.deepEqual([status, body.images], [200, []]);
  assert.equal((await theirs).body.images.length, 1);
});

test('lists, options and recipes', async () => {
  assert.deepEqual(
    (await ask<{ title: string }[]>('sd-models')).body.map(({ title }) => title),
    ['random-flux'],
  );
  assert.ok((await ask<{ name: string }[]>('loras')).body.some(({ name }) => name.includes('lora')));
  assert.ok((await ask<{ name: string }[]>('samplers')).body.some(({ name }) => name === 'Euler a'));
  assert.ok((await ask<{ label: string }[]>('schedulers')).body.some(({ label }) => label === 'Karras'));
  assert.equal((await ask<{ sd_model_checkpoint: string }>('options')).body.sd_model_checkpoint, 'random-flux');
  assert.equal((await ask('options', { sd_model_checkpoint: 'random-flux' })).status, 200);
  assert.equal((await ask('options', { sd_model_checkpoint: 'sdxl' })).status, 404);
  const [image] = (await ask<Answer>('txt2img', ASKED)).body.images;
  const told = await ask<{ info: string; parameters: { recipe: { seed: number } } }>('png-info', { image });
  assert.match(told.body.info, /^a red house\nSteps: 8/);
  assert.equal(told.body.parameters.recipe.seed, 7);
});

test('what cannot be honoured is refused, and names the field', async () => {
  for (const [path, body, message] of [
    ['txt2img', { ...ASKED, width: 65 }, /width: .*divisible|width: expected/],
    ['txt2img', { ...ASKED, sampler_name: 'UniPC' }, /sampler_name: expected one of Euler/],
    ['txt2img', { ...ASKED, scheduler: 'Polyexponential' }, /scheduler: expected one of/],
    ['txt2img', { ...ASKED, steps: 'many' }, /steps: expected a number/],
    ['txt2img', [], /expected an object/],
    ['txt2img', null, /expected an object/],
    ['txt2img', { ...ASKED, batch_size: 1e9 }, /batch: expected/],
    ['img2img', ASKED, /init_images: expected a picture/],
    ['img2img', { ...ASKED, init_images: ['/etc/passwd!'] }, /init_images\[0\]: expected a picture in base64/],
    ['img2img', { ...ASKED, init_images: ['AAAA'] }, /image: /],
    ['img2img', { ...ASKED, init_images: ['http://example.org/a.png'] }, /base64/],
    ['png-info', { image: 'AAAA' }, /expected a PNG/],
  ] as const) {
    const answer = await ask<{ detail: string }>(path, body);
    assert.ok(answer.status >= 400 && answer.status < 500, `${JSON.stringify(body)}: ${answer.status}`);
    assert.match(answer.body.detail, message);
  }
});
