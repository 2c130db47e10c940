/** The library as its callers misuse it: every mistake is a FluxionError with a code that names the field, and leaves the model usable. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EVENT } from '../../src/api/events.ts';
import {
  compileRun,
  describeLora,
  type ErrorCode,
  Flux,
  FluxionError,
  type LoadOptions,
  type Request,
} from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';

const CHEAP = { width: 64, height: 64, steps: 1 } as const;

async function refused(call: () => unknown, code: ErrorCode, ...patterns: RegExp[]): Promise<void> {
  await assert.rejects(
    async () => call(),
    (error) => {
      assert.ok(error instanceof FluxionError, (error as Error).stack);
      assert.equal(error.code, code, error.message);
      for (const pattern of patterns) assert.match(`${error.message}\n${error.hint ?? ''}`, pattern);
      assert.doesNotMatch(error.message, /undefined|\[object|zod|Invalid input/i);
      return true;
    },
  );
}

/** Each with what it is told. */
const REQUESTS: readonly (readonly [request: unknown, ...told: RegExp[]])[] = [
  [undefined, /^request: expected an object such as .*, found nothing/],
  [null, /request: .*found null/],
  ['a cat', /request: .*found the text 'a cat'/],
  [[], /request: .*found an empty list/],
  [{}, /^prompt: expected text, or a list of texts, found nothing/],
  [{ prompt: null }, /^prompt: .*found null/],
  [{ prompt: 5 }, /^prompt: .*found 5/],
  [{ prompt: ['a', 5] }, /^prompt\[1\]: expected text, found 5/],
  [{ prompt: [] }, /^prompt: .*at least one/],
  [{ prompt: 'a', prompt2: {} }, /^prompt2: .*found an object/],
  [{ prompt: 'a', width: '64' }, /^width: expected a number, found the text '64'/],
  [{ prompt: 'a', width: 64n }, /^width: .*the bigint 64n/],
  [{ prompt: 'a', width: null }, /^width: .*found null/],
  [{ prompt: 'a', height: Number.NaN }, /^height: .*found NaN/],
  [{ prompt: 'a', height: 65 }, /^height: .*multiple/],
  [{ prompt: 'a', steps: Number.POSITIVE_INFINITY }, /^steps: .*Infinity/],
  [{ prompt: 'a', steps: 1.5 }, /^steps: .*whole number.*1\.5/],
  [{ prompt: 'a', guidance: '3' }, /^guidance: /],
  [{ prompt: 'a', seed: 1.5 }, /^seed: .*whole number.* found 1\.5/],
  [{ prompt: 'a', seed: Number.NaN }, /^seed: .*found NaN/],
  [{ prompt: 'a', seed: 'seven' }, /^seed: .*found the text 'seven'/],
  [{ prompt: 'a', seed: [1n, 2, 'x'] }, /^seed\[2\]: /],
  [{ prompt: 'a', seed: 2n ** 64n }, /^seed: /],
  [{ prompt: Array(300).fill('a'), seed: Array(300).fill(1) }, /^batch: .*at most 65536 pictures/],
  [{ prompt: 'a', seed: '18446744073709551616' }, /^seed: /],
  [{ prompt: 'a', threshold: 11 }, /^threshold: expected a number from 0 to 10, found 11/],
  [{ prompt: 'a', batch: 0 }, /^batch: /],
  [{ prompt: 'a', batch: true }, /^batch: .*found true/],
  [{ prompt: 'a', noise: 'numpy' }, /^noise: expected one of torch, jax, philox, found the text 'numpy'/],
  [{ prompt: 'a', noise: 'torhc' }, /did you mean 'torch'/],
  [{ prompt: 'a', maxSequenceLength: '32' }, /^maxSequenceLength: /],
  [{ prompt: 'a', sigmas: '1' }, /^sigmas: expected a list of numbers, found the text '1'/],
  [{ prompt: 'a', sigmas: [1, '0.5'] }, /^sigmas\[1\]: expected a number/],
  [{ prompt: 'a', loras: 5 }, /^loras: expected a list of LoRAs, found 5/],
  [{ prompt: 'a', loras: ['ink'] }, /^loras\[0\]: expected an object such as .*path.*found the text 'ink'/],
  [{ prompt: 'a', loras: [{ path: 5 }] }, /^loras\[0\]\.path: expected text, found 5/],
  [{ prompt: 'a', loras: [{ path: 'x', scale: '1' }] }, /^loras\[0\]\.scale: /],
  [
    { prompt: 'a', loras: [{ path: 'x', scael: 1 }] },
    /^loras\[0\]\.scael: there is no such field/,
    /did you mean 'scale'/,
  ],
  [{ prompt: 'a', cache: true }, /^cache: /],
  [{ prompt: 'a', preview: true }, /^preview: /],
  [{ prompt: 'a', signal: {} }, /^signal: expected an AbortSignal.*found an object/],
  [{ prompt: 'a', signal: new AbortController() }, /^signal: /],
  [{ prompt: 'a', numInferenceSteps: 4 }, /^numInferenceSteps: there is no such field/, /did you mean 'steps'/],
  [{ prompt: 'a', widht: 64 }, /^widht: there is no such field/, /did you mean 'width'/],
  [{ prompt: 'a', negative: 'x' }, /^negative: there is no such field/],
  [{ prompt: 'a', ['\x1b[31m']: 1 }, /^\\u\{1b\}\[31m: there is no such field/],
  [
    {
      get prompt() {
        throw new Error('not today');
      },
    },
    /^request: a field cannot be read: Error: not today/,
  ],
];

const LOADS: readonly (readonly [model: unknown, options: unknown, ...told: RegExp[]])[] = [
  [5, {}, /^model: expected .*found 5/],
  [null, {}, /^model: .*found null/],
  ['', {}, /^model: /],
  [{ device: 'cpu' }, undefined, /^model: .*found an object/],
  ['tiny', null, /^options: .*found null/],
  ['tiny', 'cpu', /^options: .*found the text 'cpu'/],
  ['tiny', { device: 'nvidia' }, /^device: expected one of .*found the text 'nvidia'/, /did you mean 'cuda'/],
  ['tiny', { device: 'CPU' }, /did you mean 'cpu'/],
  ['tiny', { device: 0 }, /^device: /],
  ['tiny', { devcie: 'cpu' }, /did you mean 'device'/],
  ['tiny', { hardware: 'cpu' }, /did you mean 'device'/],
  ['tiny', { vae_tile: 'on' }, /did you mean 'vaeTiling'/],
  ['tiny', { mesh: { ici: { dta: 2 } } }, /^mesh\.ici\.dta: there is no such field/, /did you mean 'data'/],
  ['tiny', { nodes: { id: 0, count: 2, stor: 'x' } }, /did you mean 'store'/],
  ['tiny', { dtype: 'F32' }, /^dtype: expected bfloat16, float32 or float16.*'F32'/, /did you mean 'f32'/],
  ['tiny', { cpuDevices: 65 }, /^cpuDevices: expected a whole number from 1 to 64, found 65/],
  ['tiny', { dtype: 32 }, /^dtype: /],
  ['tiny', { mesh: 4 }, /^mesh: /],
  ['tiny', { mesh: { ici: { data: '2' } } }, /^mesh\.ici\.data: /],
  ['tiny', { cpuDevices: '2' }, /^cpuDevices: /],
  ['tiny', { cpuDevices: 0 }, /^cpuDevices: /],
  ['tiny', { cpuDevices: 1.5 }, /^cpuDevices: /],
  ['tiny', { nodes: { id: 0 } }, /^nodes\.count: /],
  ['tiny', { memoryLimit: -1 }, /^memoryLimit: /],
  ['tiny', { offloadEncoders: 'no' }, /^offloadEncoders: expected true or false/],
  ['tiny', { onProgress: true }, /^onProgress: expected a function/],
  ['tiny', { signal: 'stop' }, /^signal: /],
  ['tiny', { transformer: 5 }, /^transformer: /],
  ['tiny', { cacheDir: 5 }, /^cacheDir: /],
  ['tiny', { flashBlockSizes: { blockQ: 'x' } }, /^flashBlockSizes\.blockQ: /],
];

describe('a model that is open', () => {
  let flux: Flux;
  before(async () => {
    flux = await Flux.load('tiny', { device: 'cpu' });
  });
  after(() => flux.close());

  for (const [request, ...told] of REQUESTS) {
    test(`refuses ${told[0]!.source}`, async () => {
      await refused(() => flux.generate(request as Request), 'bad_request', ...told);
      await refused(() => flux.plan(request as Request), 'bad_request', ...told);
      await refused(() => flux.indices(request as Request), 'bad_request', ...told);
    });
  }

  test('refuses LoRAs that are none, and places that are none', async () => {
    await refused(() => flux.loras.set(5 as never), 'bad_request', /^loras: /);
    await refused(() => flux.loras.set([{ path: 5 }] as never), 'bad_request', /^loras\[0\]\.path: /);
    await refused(() => describeLora(5 as never), 'bad_request', /found 5/);
    const [image] = await flux.generate({ prompt: 'a', ...CHEAP });
    await refused(() => image!.save(5 as never), 'bad_request', /^path: /);
    await refused(() => image!.save('a\0.png'), 'bad_request', /^path: /);
    await refused(() => image!.saveNumbered(undefined as never), 'bad_request', /^folder: /);
    await refused(() => image!.jpeg(1000), 'bad_request', /^quality: /);
    await refused(() => image!.webp('high' as never), 'bad_request', /^quality: /);
    await refused(() => image!.blob('jpg' as never), 'bad_request', /^format: .*'jpg'/, /did you mean 'jpeg'/);
  });

  test('tells events and recipes that are JSON as they are', async () => {
    const seed = 2n ** 64n - 1n;
    for (const given of [seed, String(seed)]) {
      const types = new Set<string>();
      for await (const event of flux.stream({ prompt: 'a', ...CHEAP, seed: given, preview: 'step' })) {
        const told = EVENT.parse(JSON.parse(JSON.stringify(event)));
        types.add(told.type);
        if (event.type === 'image') {
          assert.deepEqual(told, { ...event, image: event.image.toJSON() });
          assert.deepEqual([event.seed, event.image.recipe.seed], [String(seed), String(seed)]);
        }
        if (event.type !== 'step' || told.type !== 'step') continue;
        assert.deepEqual(Buffer.from(told.previews![0]!.rgb, 'base64'), Buffer.from(event.previews![0]!.data));
      }
      assert.deepEqual([...types].sort(), ['done', 'image', 'memory', 'stage', 'step', 'warning']);
    }
    const [image] = await flux.generate({ prompt: 'a', ...CHEAP, seed: '7' });
    assert.equal(image!.recipe.seed, 7);
    assert.deepEqual(JSON.parse(JSON.stringify(image!.recipe)), image!.recipe);
  });

  test('works on after mistakes, a loop left early and a run that was stopped', async () => {
    for await (const event of flux.stream({ prompt: 'a', ...CHEAP, steps: 4 })) if (event.type === 'step') break;
    const controller = new AbortController();
    const stopped = flux.generate({ prompt: 'a', ...CHEAP, steps: 50, signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(stopped, { name: 'AbortError' });
    await assert.rejects(flux.generate({ prompt: 'a', signal: AbortSignal.abort() }), { name: 'AbortError' });
    await assert.rejects(flux.plan({ prompt: 'a', signal: AbortSignal.abort() }), { name: 'AbortError' });
    const [image] = await flux.generate({ prompt: 'a', ...CHEAP, seed: 2n ** 63n });
    assert.equal(image!.width, 64);
  });

  test('reads each field once', async () => {
    let reads = 0;
    const request = {
      get prompt() {
        return ++reads === 1 ? 'a' : (5 as never);
      },
      ...CHEAP,
    };
    assert.equal((await flux.generate(request)).length, 1);
    const seeds = [1, 2n, -1, 'random'] as const;
    assert.equal(flux.indices({ prompt: 'a', seed: seeds }).length, seeds.length);
  });
});

test('opening refuses what is ill-typed', async () => {
  for (const [model, options, ...told] of LOADS) {
    await refused(() => Flux.load(model as string, options as LoadOptions), 'bad_request', ...told);
  }
  await refused(() => compileRun('tiny', { prompt: 'a' }, undefined as never), 'bad_request', /^options: /);
  await refused(() => compileRun('tiny', 5 as never, { target: 'cpu:1' }), 'bad_request', /^request: /);
  await refused(() => compileRun('tiny', { prompt: 'a' }, { target: 5 as never }), 'bad_request', /^target: /);
  await assert.rejects(Flux.load('tiny', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a closed model says so, closes twice, and frees all there is', async () => {
  const flux = await Flux.load('tiny', { device: 'cpu' });
  const { loras } = flux;
  const [one, other] = [flux.close(), flux.close()];
  await Promise.all([one, other, flux[Symbol.asyncDispose]()]);
  const request = { prompt: 'a', ...CHEAP };
  for (const call of [
    () => flux.generate(request),
    () => flux.stream(request).next(),
    () => flux.plan(request),
    () => flux.indices(request),
    () => flux.stats(),
    () => flux.loras.set([{ path: 'tiny-lora' }]),
    () => flux.loras.set([]),
    () => loras.set([{ path: 'tiny-lora' }]),
  ])
    await refused(call, 'disposed', /^the model is closed/);
  assert.equal(flux.name, 'tiny');
  assert.equal(typeof flux.device, 'string');
  assert.ok(flux.sizes.transformer.layers > 0 && flux.deviceCount === 1 && flux.nodes.count === 1);
  assert.deepEqual(liveCounts(), {});
});

test('closing ends runs in progress and those that wait, each with one error', async () => {
  const flux = await Flux.load('tiny', { device: 'cpu' });
  const request = { prompt: 'a', ...CHEAP, steps: 50 };
  const runs = [flux.generate(request), flux.generate(request)];
  await new Promise((resolve) => setTimeout(resolve, 30));
  const failures = [...runs, flux.plan(request)].map((run) => refused(() => run, 'disposed', /^the model is closed/));
  await flux.close();
  await Promise.all(failures);
  assert.deepEqual(liveCounts(), {});
});

test('two models at once make the same pictures as one', async () => {
  await using a = await Flux.load('tiny', { device: 'cpu' });
  const [b, c] = await Promise.all([Flux.load('tiny', { device: 'cpu' }), Flux.load('tiny', { device: 'cpu' })]);
  const request = { prompt: 'a red house', ...CHEAP, seed: 3 };
  const pictures = await Promise.all([a, b, c].map(async (flux) => (await flux.generate(request))[0]!.data));
  await Promise.all([b.close(), c.close()]);
  assert.deepEqual(pictures[1], pictures[0]);
  assert.deepEqual(pictures[2], pictures[0]);
});
