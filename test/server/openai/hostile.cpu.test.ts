/** Every field of OpenAI's and A1111's APIs with absurd values: each is answered or refused, and none causes an internal error. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Knobs } from '../../../src/api/knobs.ts';
import { REQUEST_KNOBS } from '../../../src/api/request.ts';
import { SmallServer } from '../../support/small-server.ts';

let server: SmallServer;
before(async () => {
  server = await SmallServer.start({ defaults: { width: 32, height: 32, steps: 1, maxSequenceLength: 8 } });
});
after(() => server[Symbol.asyncDispose]());

const VALUES: readonly unknown[] = [
  null, [], {}, '', -1, 0, 1e308, 2 ** 53, true, '\0', 'x'.repeat(40_000), '../../etc/passwd', '/dev/zero', '-',
  'data:image/png;base64,AAAA', 'data:image/png;base64,', 'http://127.0.0.1:1/a.png', [null], [[]], { toString: 1 }, 'toString', '64x48x1',
]; // biome-ignore format: a list
const OPENAI = ['model', 'n', 'size', 'quality', 'output_format', 'output_compression', 'response_format', 'background', 'stream', 'partial_images', 'user', 'style', 'image', 'images', 'mask', '__proto__', 'constructor']; // biome-ignore format: a list
const KNOBS = Object.values<Knobs[string]>(REQUEST_KNOBS).flatMap(({ key }) => key ?? []);
const A1111 = ['prompt', 'negative_prompt', 'seed', 'steps', 'width', 'height', 'batch_size', 'n_iter', 'cfg_scale', 'distilled_cfg_scale', 'sampler_name', 'scheduler', 'init_images', 'mask', 'mask_blur', 'inpainting_mask_invert', 'inpaint_full_res', 'inpaint_full_res_padding', 'denoising_strength', 'resize_mode', 'send_images', '__proto__']; // biome-ignore format: a list

const ASKED = { prompt: 'a house' };

/** Sends requests a few at a time, as many as the queue takes. */
async function each<T>(cases: readonly T[], ask: (one: T) => Promise<void>): Promise<void> {
  const left = [...cases];
  const worker = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await ask(one);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

/** A body with one field set. It is JSON text, because in text `__proto__` is a field like any other. */
const bodyOf = (base: object, field: string, value: unknown): string => {
  const others = Object.entries(base).filter(([name]) => name !== field);
  const pairs = [...others, [field, value]].map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`);
  return `{${pairs.join(',')}}`;
};

for (const [path, base, fields] of [
  ['/v1/images/generations', ASKED, [...OPENAI, ...KNOBS]],
  ['/v1/images/edits', ASKED, ['image', 'images', 'mask', 'reference_image', 'outpaint']],
  ['/sdapi/v1/txt2img', ASKED, A1111],
  ['/sdapi/v1/img2img', ASKED, ['init_images', 'mask']],
  ['/sdapi/v1/options', {}, ['sd_model_checkpoint']],
  ['/sdapi/v1/png-info', {}, ['image']],
] as const) {
  test(path, async () => {
    const cases = fields.flatMap((field) => VALUES.map((value) => [field, value] as const));
    await each(cases, async ([field, value]) => {
      const response = await fetch(server.url + path, { method: 'POST', body: bodyOf(base, field, value), headers: { 'content-type': 'application/json' } }); // biome-ignore format: a list
      const text = await response.text();
      const what = `${field}=${JSON.stringify(value)?.slice(0, 60)}: ${response.status} ${text.slice(0, 200)}`;
      assert.ok(response.status === 200 || (response.status >= 400 && response.status < 500), what);
      assert.ok(text.length > 0 && !/own: its log says more|undefined|\[object/.test(text), what);
    });
  });
}

test('forms with values that nobody means', async () => {
  const texts = VALUES.filter((value) => typeof value === 'string' || value === null);
  const cases = [...OPENAI, ...KNOBS].flatMap((field) => texts.map((value) => [field, value] as const));
  await each(cases, async ([field, value]) => {
    const form = new FormData();
    if (field !== 'prompt') form.append('prompt', ASKED.prompt);
    form.append(field, value === null ? new Blob(['x']) : String(value));
    const response = await fetch(`${server.url}/v1/images/edits`, { method: 'POST', body: form });
    await response.text();
    assert.ok(response.status >= 400 && response.status < 500, `${field}=${value}: ${response.status}`);
  });
});
