/** Jobs: their events and readers, their callers, and their ends when something fails. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { mock, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Event, Flux, FluxionError } from '../../src/index.ts';
import type { Job, JobEvent } from '../../src/server/job.ts';
import type { Refusal } from '../../src/server/refusal.ts';
import { temporaryFolder } from '../support/command-line.ts';
import {
  eventsOf,
  greyPng,
  RANDOM_MODEL,
  REPORT,
  refusingModel,
  SMALL,
  TestJobs,
  typesOf,
  until,
} from '../support/server.ts';

/** A model that makes no picture until the test allows it, or the job is aborted. */
function slowModel() {
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();
  async function* stream({ prompt, signal }: { prompt: string; signal: AbortSignal }): AsyncGenerator<Event> {
    begun.push(prompt);
    yield { type: 'stage', stage: 'denoise', pictures: [0], total: 1 };
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => aborted.reject(signal.reason));
    for (let step = 1; step <= 8; step++) {
      const previews = [
        { width: 1, height: 1, data: new Uint8Array(3), toJSON: () => ({ width: 1, height: 1, rgb: 'AAAA' }) },
      ];
      yield { type: 'step', step, steps: 8, pictures: [0], total: 1, seconds: 0.1, previews };
      await Promise.race([step === 4 ? gate.promise : setTimeout(1), aborted.promise]);
    }
    yield { type: 'done', report: REPORT };
  }
  const flux = { ...refusingModel, name: 'slow', stream } as unknown as Flux;
  return { begun, go: gate.resolve, open: async () => flux };
}

test('a job tells of the queue, the model, its steps and its pictures, to any number of readers at any time', async () => {
  await using server = new TestJobs();
  const job = await server.jobs.submit({ ...SMALL, seed: 7, batch: 2, preview: 'step' }, { api: 'test' });
  const [first, second] = await Promise.all([eventsOf(job), eventsOf(job)]);
  assert.deepEqual(
    typesOf(first).filter((type) => type !== 'memory' && type !== 'warning'),
    [...['loading', 'queued', 'stage', 'step', 'image', 'done']],
  );
  assert.deepEqual(second, first);
  const steps = first.filter((event) => event.type === 'step');
  assert.ok(steps.every(({ previews, seconds }) => previews?.length && seconds > 0));
  assert.equal(job.status, 'done');
  assert.equal(job.pictures.length, 2);

  const late = await eventsOf(job);
  assert.deepEqual(
    late.map(({ type }) => type).filter((type) => type !== 'warning'),
    ['image', 'image', 'done'],
  );
  const kept = server.jobs.get(job.id)!;
  assert.deepEqual(kept.state, job.state);
  assert.deepEqual(
    (await eventsOf(kept)).filter(({ type }) => type === 'done'),
    late.filter(({ type }) => type === 'done'),
  );
  for (const [i, picture] of kept.pictures.entries()) {
    assert.deepEqual((await picture.image()).data, (await job.pictures[i]!.image()).data);
    assert.equal(picture.info.recipe.prompt, SMALL.prompt);
  }
});

test('a job alone has the bytes that the library makes, and a random seed is drawn once', async () => {
  await using server = new TestJobs();
  const job = await server.jobs.submit({ ...SMALL, seed: 'random' }, { api: 'test' });
  await job.over;
  const { seed } = job.state.request as { seed: number };
  const [image] = await server.host.flux!.generate({ ...SMALL, seed });
  assert.deepEqual(Buffer.from(await job.pictures[0]!.png()), Buffer.from(await image!.png()));
});

test('a reader that comes late or never, or leaves, holds nobody up and loses previews alone', async () => {
  const model = slowModel();
  await using server = new TestJobs({ open: model.open });
  const job = await server.jobs.submit(SMALL, { api: 'test' });
  const absent = job.events();
  await absent.next();
  await until(() => job.status === 'running');
  const leaving = new AbortController();
  const left = Array.fromAsync(job.events(leaving.signal));
  leaving.abort();
  await left;
  await setTimeout(20);
  const late = job.events();
  const { value } = (await late.next()) as { value: JobEvent };
  assert.equal(value.type, 'stage');
  assert.deepEqual((await late.next()).value?.type, 'step');
  model.go();
  await job.over;
  const rest = await Array.fromAsync(absent);
  const steps = rest.filter((event) => event.type === 'step');
  assert.equal(steps.length, 8);
  assert.deepEqual(
    steps.map(({ previews }) => previews !== undefined),
    [...Array(6).fill(false), true, true],
  );
  assert.equal(rest.at(-1)?.type, 'done');
});

test('a caller sees and cancels only their own jobs; a full queue is refused; those who wait are told their place', async () => {
  const model = slowModel();
  await using server = new TestJobs({ open: model.open, limits: { queue: 40 } });
  const { jobs } = server;
  const mine = await jobs.submit({ ...SMALL, prompt: 'mine' }, { api: 'test', caller: 'me' });
  const yours = await jobs.submit({ ...SMALL, prompt: 'yours' }, { api: 'test', caller: 'you' });
  await until(() => yours.status === 'running');
  assert.equal(jobs.get(mine.id, 'you'), undefined);
  assert.equal(await jobs.cancel(mine.id, 'you'), undefined);
  assert.deepEqual(
    jobs.list({ caller: 'you', limit: 10 }).map(({ id }) => id),
    [yours.id],
  );
  await jobs.cancel(mine.id, 'me');
  assert.equal(mine.status, 'cancelled');
  assert.equal(yours.status, 'running');

  // The engine takes 32 jobs at once; the others wait outside it.
  const submit = (caller: string) => jobs.submit(SMALL, { api: 'test', caller });
  const many = await Promise.all(Array.from({ length: 31 }, () => submit('many')));
  await until(() => jobs.counts.running === 32);
  many.push(...(await Promise.all(Array.from({ length: 39 }, () => submit('many')))));
  const other = await submit('other');
  const reader = other.events();
  await setTimeout(10);
  const { value: place } = await reader.next();
  assert.deepEqual([place?.type, place?.type === 'queued' && place.position], ['queued', 39]);
  await assert.rejects(submit('me'), (error: Refusal) => {
    assert.equal(error.status, 429);
    assert.match(error.message, /the queue is full: 40 jobs wait/);
    return true;
  });
  await many.at(-1)!.cancel('no');
  assert.equal(many.at(-1)!.status, 'cancelled');
  // The caller with the fewest jobs in the engine is next.
  await many[0]!.cancel();
  await until(() => other.status === 'running');
  model.go();
  await Promise.all(many.map(({ over }) => over));
});

test('those that run are told from those that wait, and pictures that wait have a bound together', async () => {
  const model = slowModel();
  const image = await greyPng();
  await using server = new TestJobs({ open: model.open, limits: { inputBytes: 2000 } });
  const { jobs } = server;
  const first = await jobs.submit(SMALL, { api: 'test' });
  await until(() => first.status === 'running');
  const ids = (status: 'queued' | 'running') => jobs.list({ status, limit: 10 }).map(({ id }) => id);
  assert.deepEqual([ids('running'), ids('queued')], [[first.id], []]);
  const large = { ...SMALL, image, referenceImage: undefined };
  const accepted: Job[] = [];
  const full = await (async () => {
    for (;;) accepted.push(await jobs.submit(large, { api: 'test' }));
  })().catch((error: Refusal) => error);
  assert.deepEqual([full.status, accepted.length > 0 && accepted.length < 20], [429, true]);
  assert.match(full.message, /the queue is full: the input pictures of waiting jobs/);
  await accepted[0]!.cancel();
  await jobs.submit(large, { api: 'test' });
});

test('a job that takes longer than it may ends, and whoever waited is told so', async () => {
  await using server = new TestJobs({ open: slowModel().open, limits: { seconds: 0.05 } });
  for (const [path, asked] of [
    ['/v1/images/generations', { prompt: 'a house', size: '64x48', steps: 2 }],
    ['/sdapi/v1/txt2img', { prompt: 'a house', width: 64, height: 48, steps: 2 }],
  ] as const) {
    const answer = await server.post(path, asked);
    assert.equal(answer.status, 504, path);
    assert.match(await answer.text(), /it took longer than the 0.05 seconds that this server allows/);
  }
});

test('an end that the store cannot keep is told all the same, and kept once it can be', async () => {
  const model = slowModel();
  model.go();
  await using server = new TestJobs({ open: model.open });
  const { jobs, store } = server;
  const full = mock.method(store, 'finish', () => {
    throw new FluxionError('io', 'the disk is full');
  });
  const job = await jobs.submit(SMALL, { api: 'test' });
  assert.equal((await eventsOf(job)).at(-1)?.type, 'done');
  assert.equal(store.job(job.id)?.status, 'queued');
  // New readers get the end too.
  assert.equal((await eventsOf(jobs.get(job.id)!)).at(-1)?.type, 'done');
  assert.deepEqual(
    jobs.list({ limit: 5 }).map(({ status }) => status),
    ['done'],
  );
  full.mock.restore();
  await (await jobs.submit(SMALL, { api: 'test' })).over;
  assert.equal(store.job(job.id)?.status, 'done');
});

test('a job that is attached to its readers ends with the last of them', async () => {
  const model = slowModel();
  await using server = new TestJobs({ open: model.open });
  const attached = await server.jobs.submit(SMALL, { api: 'test', attached: true });
  const other = await server.jobs.submit(SMALL, { api: 'test' });
  const readers = [attached.events(), attached.events(), other.events()];
  for (const reader of readers) await reader.next();
  await readers[0]!.return();
  await readers[2]!.return();
  await until(() => attached.status === 'running' && other.status === 'running');
  await readers[1]!.return();
  await attached.over;
  assert.equal(attached.status, 'cancelled');
  assert.equal(other.status, 'running');
});

test('jobs that did not end are interrupted at the next start, or run again', async () => {
  using folder = temporaryFolder();
  const model = slowModel();
  let id: string;
  {
    await using server = new TestJobs({ folder: folder.path, open: model.open });
    const job = await server.jobs.submit({ ...SMALL, seed: [2n ** 60n, 5], image: await greyPng() }, { api: 'test' });
    id = job.id;
    await until(() => job.status === 'running');
    const events = eventsOf(job);
    await server.jobs.drain(0);
    assert.equal((await events).at(-1)?.type, 'interrupted');
    await assert.rejects(server.jobs.submit(SMALL, { api: 'test' }), /being stopped/);
  }
  {
    await using server = new TestJobs({ folder: folder.path, resume: true });
    const job = server.jobs.get(id)!;
    await job.over;
    assert.equal(job.status, 'done');
    assert.deepEqual(
      job.pictures.map(({ info }) => info.seed),
      [String(2n ** 60n), 5],
    );
    await server.jobs.submit(SMALL, { api: 'test' });
  }
  {
    await using server = new TestJobs({ folder: folder.path });
    assert.deepEqual(
      server.jobs.list({ limit: 5 }).map(({ status }) => status),
      ['interrupted', 'done'],
    );
    assert.equal(server.store.open().length, 0);
  }
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => !/\.png$|^fluxion-server\.sqlite$/.test(name)),
    [],
  );
});

test('a model that cannot be opened fails its jobs with the reason, and is tried again', async () => {
  let tries = 0;
  const slow = slowModel();
  slow.go();
  const open = async () => {
    if (tries++ === 0) throw new FluxionError('not_found', "there is no model at '/data/models/x'", { hint: 'look' });
    return slow.open();
  };
  await using server = new TestJobs({ open });
  const job = await server.jobs.submit(SMALL, { api: 'test' });
  await job.over;
  assert.deepEqual([job.status, job.error?.code], ['failed', 'not_found']);
  const error = { code: 'not_found', message: "there is no model at '…/x'", hint: 'look' };
  assert.deepEqual(job.error, error);
  const model = (await (await server.ask('/v1/model')).json()) as object;
  assert.deepEqual({ ...model, limits: 0, queue: 0 }, { status: 'failed', error, models: [], limits: 0, queue: 0 });
  const again = await server.jobs.submit(SMALL, { api: 'test' });
  await again.over;
  assert.equal(again.status, 'done');
});

test('a model that could not be opened is tried again on request', async () => {
  let tries = 0;
  await using server = new TestJobs({
    open: async (given) => {
      if (tries++ === 0) throw new FluxionError('not_found', 'there is no such model');
      return Flux.load(RANDOM_MODEL, { device: 'cpu', ...given });
    },
  });
  const ask = async (): Promise<unknown> => {
    const answer = await server.ask('/v1/model', { method: 'POST' });
    return ((await answer.json()) as { readonly status: unknown }).status;
  };
  assert.equal(await ask(), 'loading');
  await until(() => server.host.status.status === 'failed');
  assert.equal(await ask(), 'loading');
  await until(() => server.host.status.status === 'ready');
  assert.equal(await ask(), 'ready');
  assert.equal(tries, 2);
});

test('an idle model is closed, and opened again by the next job, from the beginning', async () => {
  const told: string[] = [];
  await using server = new TestJobs({
    idleRelease: 30,
    open: (given) => {
      given.onProgress('placing weights');
      return Flux.load(RANDOM_MODEL, { device: 'cpu', ...given });
    },
  });
  for (let i = 0; i < 2; i++) {
    (await server.host.lease(new AbortController().signal, ({ message }) => told.push(message)))[Symbol.dispose]();
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    await job.over;
    assert.equal(job.status, 'done');
    await until(() => server.host.status.status === 'released');
  }
  assert.deepEqual(told, Array(2).fill(['opening the model', 'placing weights']).flat()); // biome-ignore format: short
});

test('what a stranger may not ask for is refused, and is no job', async () => {
  using folder = temporaryFolder();
  await using server = new TestJobs({ loraDir: folder.path });
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ image: '/etc/passwd' }, /^FluxionError: image: expected the content of a picture/],
    [{ image: 'https://example.org/a.png' }, /^FluxionError: image: expected the content of a picture/],
    [{ allowUrl: true }, /^FluxionError: allowUrl/],
    [{ loras: [{ path: '/etc/passwd' }] }, /is not a LoRA name/],
    [{ loras: [{ path: 'a/../../b' }] }, /is not a LoRA name/],
    [{ loras: [{ path: '$HOME' }] }, /there is no LoRA/],
    [{ loras: [{ path: 'some/lora-of-the-hub' }] }, /there is no LoRA/],
    [{ loras: [{ path: 'src' }] }, /there is no LoRA/],
    [{ batch: 4000 }, /^FluxionError: batch: expected at most 64 pictures/],
    [{ width: 8192, height: 8192 }, /^FluxionError: height: expected at most \d+ pixels/],
    [{ steps: 1000 }, /^FluxionError: steps: expected at most 200/],
  ];
  for (const [fields, pattern] of refused) {
    await assert.rejects(server.jobs.submit({ ...SMALL, ...fields }, { api: 'test' }), pattern);
    const answer = await (await server.post('/v1/jobs', { ...SMALL, ...fields })).text();
    assert.ok(!answer.includes(dirname(folder.path)), answer);
  }
  assert.equal(server.jobs.list({ limit: 5 }).length, 0);
});
