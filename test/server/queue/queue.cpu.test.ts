/** Jobs over a queue: their events and callers, and their ends when workers, servers or the queue are lost. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { JobEvent } from '../../../src/server/job.ts';
import { ANNOUNCEMENT_BYTES, announcedLoras } from '../../../src/server/queue/protocol.ts';
import type { Refusal } from '../../../src/server/refusal.ts';
import { ServerLog } from '../../../src/server/server-log.ts';
import { temporaryFolder } from '../../support/command-line.ts';
import { NO_QUEUE, QueuedJobs, QueueServer, startWorker } from '../../support/queue.ts';
import { eventsOf, greyPng, SMALL, TestJobs, typesOf, until } from '../../support/server.ts';

/** A gate: jobs wait after their first step until it opens. */
function gate(prompt = 'slow') {
  const opened = Promise.withResolvers<void>();
  return {
    open: opened.resolve,
    between: async (event: { readonly type: string }, request: { readonly prompt: string | readonly string[] }) => {
      if (event.type === 'step' && request.prompt === prompt) await opened.promise;
    },
  };
}

/** Resolves only when the job is stopped. */
const untilStopped = (_event: unknown, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<void> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

const byType = (a: JobEvent, b: JobEvent): number => (a.type < b.type ? -1 : 1);
const told = (events: readonly JobEvent[]): string[] =>
  typesOf(events).filter((type) => type !== 'memory' && type !== 'warning');

describe('a queue', { skip: NO_QUEUE }, () => {
  let queue: QueueServer;
  before(async () => {
    queue = await QueueServer.start();
  });
  after(() => queue[Symbol.asyncDispose]());
  beforeEach(() => queue.client.flushall());

  test('tells the events of a job in order, with previews, and its pictures are those of a server alone', async () => {
    await using server = new QueuedJobs(queue.url);
    await using _worker = await startWorker(queue.url);
    await until(() => server.host.status.status === 'ready');
    const request = { ...SMALL, seed: 7, batch: 2, preview: 'step' } as const;
    const job = await server.jobs.submit(request, { api: 'test' });
    const events = await eventsOf(job);
    assert.deepEqual(told(events), ['queued', 'stage', 'step', 'image', 'done']);
    const steps = events.filter((event) => event.type === 'step');
    assert.deepEqual(steps.map(({ step }) => step), [1, 2]); // biome-ignore format: short
    assert.ok(steps.every(({ previews }) => previews?.length === 2 && previews.every(({ data }) => data.length > 0)));

    await using alone = new TestJobs();
    const same = await alone.jobs.submit(request, { api: 'test' });
    const own = await eventsOf(same);
    assert.deepEqual(
      steps.map(({ previews }) => JSON.stringify(previews)),
      own.filter((event) => event.type === 'step').map(({ previews }) => JSON.stringify(previews)),
    );
    assert.equal(job.pictures.length, 2);
    for (const [i, picture] of job.pictures.entries())
      assert.ok(Buffer.from(await picture.png()).equals(Buffer.from(await same.pictures[i]!.png())));
    // The queue has nothing left of the job.
    await until(async () => (await queue.client.keys(`*${job.id}*`)).every((key) => /stop/.test(key)));
    const kept = await queue.client.ttl(`fluxion-queue/stop/${job.id}`);
    assert.ok(kept > 0 && kept <= 3600, `${kept} s`);
  });

  test('keeps jobs until there is a worker, and is not ready before', async () => {
    await using server = new QueuedJobs(queue.url, { model: 'random-flux' });
    await until(() => server.host.status.status === 'waiting');
    assert.equal((await server.ask('/readyz')).status, 503);
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    const reading = job.events();
    const first = [(await reading.next()).value!, (await reading.next()).value!];
    const message = 'waiting for a worker of random-flux';
    assert.deepEqual(first.toSorted(byType), [{ type: 'loading', message }, { type: 'queued', position: 0 }]); // biome-ignore format: short
    await using _worker = await startWorker(queue.url, { loraDir: 'test/fixtures/lora' });
    assert.equal((await Array.fromAsync(reading)).at(-1)!.type, 'done');
    await until(async () => (await server.ask('/readyz')).status === 200);
    const model = (await (await server.ask('/v1/model')).json()) as Record<string, unknown>;
    assert.deepEqual([model['status'], model['model'], model['pictureUse']], ['ready', 'random-flux', 'start']);
    const { loras } = (await (await server.ask('/v1/loras')).json()) as { loras: unknown[] };
    assert.ok(loras.length > 1);
  });

  test('a worker is there with the LoRAs that it has room to tell of', async () => {
    using folder = temporaryFolder();
    const long = folder.file('a'.repeat(150));
    mkdirSync(long);
    const lora = 'test/fixtures/lora/random-xlabs.safetensors';
    copyFileSync(lora, join(long, `${'b'.repeat(100)}.safetensors`));
    copyFileSync(lora, folder.file('short.safetensors'));
    await using server = new QueuedJobs(queue.url);
    await using _worker = await startWorker(queue.url, { loraDir: folder.path });
    await until(() => server.host.status.status === 'ready');
    const names = (await server.host.loras()).map(({ name }) => name);
    assert.ok(names.includes('short'));
    assert.ok(names.every((name) => name.length <= 200));

    const one = { bytes: 1, dialect: 'kohya', ranks: Array(500).fill(16), control: false };
    const many = Array.from({ length: 1500 }, (_, i) => ({ ...one, name: `${'\u20ac'.repeat(190)}${i}` }));
    const told = announcedLoras(many);
    const bytes = Buffer.byteLength(JSON.stringify(told));
    assert.ok(bytes > ANNOUNCEMENT_BYTES / 2 && bytes < ANNOUNCEMENT_BYTES, `${bytes} bytes`);
    // Control characters become longer when they are made safe to print.
    assert.deepEqual(announcedLoras([{ ...one, name: '\u001b'.repeat(100) }]), []); // biome-ignore format: short
  });

  test('a job that names no model waits for the first one that there is, and stays with that', async () => {
    using folder = temporaryFolder();
    let id: string;
    {
      await using server = new QueuedJobs(queue.url, { folder: folder.path });
      const job = await server.jobs.submit(SMALL, { api: 'test' });
      id = job.id;
      const reading = job.events();
      const first = [(await reading.next()).value!, (await reading.next()).value!];
      const message = 'waiting for a worker of any model';
      assert.deepEqual(first.toSorted(byType), [{ type: 'loading', message }, { type: 'queued', position: 0 }]); // biome-ignore format: short
      {
        await using _worker = await startWorker(queue.url, { name: 'first', between: untilStopped });
        await until(() => queue.client.exists(`fluxion-queue:first:${id}`).then(Boolean));
      }
    }
    await using _other = await startWorker(queue.url, { name: 'another' });
    await using server = new QueuedJobs(queue.url, { folder: folder.path });
    await until(() => server.host.models.length === 1);
    await using _worker = await startWorker(queue.url, { name: 'first' });
    const job = server.jobs.get(id)!;
    await job.over;
    assert.deepEqual(job.pictures.map(({ info }) => info.recipe.model.name), ['first']); // biome-ignore format: short
  });

  test('a cancelled job leaves the queue, or the worker that has it', async () => {
    const slow = gate();
    await using server = new QueuedJobs(queue.url, { model: 'random-flux' });
    const waiting = await server.jobs.submit(SMALL, { api: 'test' });
    const inQueue = () => queue.client.llen('fluxion-queue:random-flux:wait');
    await until(async () => (await inQueue()) === 1);
    await waiting.cancel();
    assert.equal(waiting.status, 'cancelled');
    await until(async () => (await inQueue()) === 0);

    const log: string[] = [];
    await using _worker = await startWorker(queue.url, { between: slow.between, log: logTo(log) });
    const running = await server.jobs.submit({ ...SMALL, prompt: 'slow', steps: 50 }, { api: 'test' });
    await until(() => running.status === 'running');
    await running.cancel();
    slow.open();
    await until(() => log.some((line) => line.includes(running.id)));
    assert.match(log.join(''), /"status":"stopped"/);
    // The worker takes others.
    const next = await server.jobs.submit(SMALL, { api: 'test' });
    assert.equal((await eventsOf(next)).at(-1)!.type, 'done');
  });

  test('an attempt that lost its job and is slow to end leaves the next one of the same worker alone', async () => {
    const opened = Promise.withResolvers<void>();
    let attempts = 0;
    const between = (event: { readonly type: string }, request: { readonly signal?: AbortSignal | undefined }) => {
      if (event.type === 'step') return ++attempts === 1 ? opened.promise : untilStopped(event, request);
    };
    const log: string[] = [];
    await using server = new QueuedJobs(queue.url);
    await using _worker = await startWorker(queue.url, { between, log: logTo(log) });
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    await until(() => attempts === 1);
    const lock = `fluxion-queue:random-flux:${job.id}:lock`;
    const first = await queue.client.get(lock);
    await queue.client.del(lock);
    await until(() => attempts === 2);
    const second = await queue.client.get(lock);
    assert.ok(first && second && first !== second);
    opened.resolve();
    const statuses = (): string[] =>
      log.map((line) => JSON.parse(line)).flatMap(({ id, status }) => (id === job.id && status ? [status] : []));
    await until(() => statuses().length === 1);
    assert.deepEqual(statuses(), ['lost']);
    // The lock is renewed, which makes its time longer than it was.
    for (let renewals = 0, before = 0; renewals < 4; ) {
      const left = await queue.client.pttl(lock);
      if (before > 0 && left > before) renewals++;
      before = left;
      assert.equal(await queue.client.get(lock), second);
      await setTimeout(5);
    }
    await job.cancel();
    await until(() => statuses().length === 2);
    assert.deepEqual([statuses(), attempts], [['lost', 'stopped'], 2]);
  });

  test('workers of different models take their own jobs', async () => {
    await using server = new QueuedJobs(queue.url, { model: 'first' });
    await using _first = await startWorker(queue.url, { name: 'first' });
    await using _second = await startWorker(queue.url, { name: 'Second' });
    await until(() => server.host.models.length === 2);
    const jobs = await Promise.all(
      [undefined, 'second', 'org/First', 'default'].map((model) =>
        server.jobs.submit({ ...SMALL, seed: 1 }, { api: 'test', model }),
      ),
    );
    await Promise.all(jobs.map(({ over }) => over));
    const made = jobs.map(({ pictures }) => pictures.map(({ info }) => info.recipe.model.name));
    assert.deepEqual(made, [['first'], ['Second'], ['first'], ['first']]);
    await assert.rejects(server.jobs.submit(SMALL, { api: 'test', model: 'third' }), (error: Refusal) => {
      assert.equal(error.status, 404);
      assert.match(error.message, /^model: expected first or Second, found 'third'$/);
      return true;
    });
    const { data } = (await (await server.ask('/v1/models')).json()) as { data: { id: string }[] };
    assert.deepEqual(data.map(({ id }) => id), ['first', 'Second']); // biome-ignore format: short
    const posted = await server.post('/v1/jobs', { ...SMALL, model: 'SECOND' });
    assert.equal(((await posted.json()) as { request: { model: string } }).request.model, 'Second');
  });

  test('what a worker finds wrong with a request ends the job with the field', async () => {
    await using server = new QueuedJobs(queue.url);
    // No worker has announced its LoRAs yet.
    const job = await server.jobs.submit({ ...SMALL, loras: [{ path: 'nowhere' }] }, { api: 'test' });
    const other = await server.jobs.submit({ ...SMALL, controlImage: await greyPng() }, { api: 'test' });
    await using _worker = await startWorker(queue.url);
    await Promise.all([job.over, other.over]);
    assert.equal(job.status, 'failed');
    assert.match(job.error!.message, /^loras: /);
    assert.equal(other.status, 'failed');
    assert.match(other.error!.message, /control_image/);
    await until(() => server.host.status.status === 'ready');
    await assert.rejects(
      server.jobs.submit({ ...SMALL, loras: [{ path: 'nowhere' }] }, { api: 'test' }),
      /^FluxionError: loras: no worker of random-flux has a LoRA 'nowhere'/,
    );
  });

  test('a worker that is stopped gives back what it has, and another begins it anew', async () => {
    const slow = gate();
    await using server = new QueuedJobs(queue.url);
    const first = await startWorker(queue.url, { between: slow.between });
    const job = await server.jobs.submit({ ...SMALL, prompt: 'slow', seed: 3 }, { api: 'test' });
    const events = eventsOf(job);
    await until(() => job.status === 'running');
    const stopping = first.close(20);
    await using _second = await startWorker(queue.url);
    slow.open();
    await stopping;
    assert.equal((await events).at(-1)!.type, 'done');
    assert.match(JSON.stringify(await events), /another one begins it again/);
    assert.equal(job.pictures.length, 1);
  });

  test('a server that is started again takes its jobs up, those included that were done meanwhile', async () => {
    using folder = temporaryFolder();
    const slow = gate();
    await using _worker = await startWorker(queue.url, { between: slow.between, slots: 2 });
    const ids: string[] = [];
    {
      await using server = new QueuedJobs(queue.url, { folder: folder.path });
      const jobs = await Promise.all([1, 2, 3].map((seed) => server.jobs.submit({ ...SMALL, prompt: 'slow', seed }, { api: 'test' }))); // biome-ignore format: one list
      await until(() => jobs.filter(({ status }) => status === 'running').length === 2);
      ids.push(...jobs.map(({ id }) => id));
      await server.jobs.drain(0);
      assert.deepEqual(jobs.map(({ status }) => status), Array(3).fill('interrupted')); // biome-ignore format: short
    }
    slow.open();
    await until(async () => (await queue.client.llen('fluxion-queue:random-flux:active')) === 0);
    await using server = new QueuedJobs(queue.url, { folder: folder.path });
    const jobs = ids.map((id) => server.jobs.get(id)!);
    await Promise.all(jobs.map(({ over }) => over));
    assert.deepEqual(jobs.map(({ status }) => status), Array(3).fill('done')); // biome-ignore format: short
    assert.deepEqual(jobs.map(({ pictures }) => pictures.map(({ info }) => info.seed)), [[1], [2], [3]]); // biome-ignore format: short
  });

  test('a picture that the queue lost before a server read it is made again', async () => {
    using folder = temporaryFolder();
    const slow = gate();
    await using _worker = await startWorker(queue.url, { between: slow.between });
    let id: string;
    {
      await using server = new QueuedJobs(queue.url, { folder: folder.path });
      const job = await server.jobs.submit({ ...SMALL, prompt: 'slow', seed: 4 }, { api: 'test' });
      id = job.id;
      await until(() => job.status === 'running');
      await server.jobs.drain(0);
    }
    slow.open();
    const pictures = () => queue.client.keys(`fluxion-queue/picture/${id}/*`);
    await until(async () => (await queue.client.llen('fluxion-queue:random-flux:active')) === 0);
    assert.equal(await queue.client.del(await pictures()), 1);
    await using server = new QueuedJobs(queue.url, { folder: folder.path });
    const job = server.jobs.get(id)!;
    await job.over;
    assert.deepEqual([job.status, job.pictures.map(({ info }) => info.seed)], ['done', [4]], job.error?.message);
  });

  test('a job that was begun before its server is begun for the next one too', async () => {
    using folder = temporaryFolder();
    const held = Promise.withResolvers<void>();
    const between = (event: { readonly type: string }) =>
      event.type === 'step' && (event as { step?: number }).step === 2 ? held.promise : undefined;
    await using _worker = await startWorker(queue.url, { between });
    let id: string;
    {
      await using server = new QueuedJobs(queue.url, { folder: folder.path });
      const job = await server.jobs.submit({ ...SMALL, steps: 3 }, { api: 'test' });
      id = job.id;
      for await (const event of job.events()) if (event.type === 'step') break;
      await until(async () => (await queue.client.xlen(`fluxion-queue/events/${id}`)) === 0);
      await server.jobs.drain(0);
    }
    await using server = new QueuedJobs(queue.url, { folder: folder.path });
    const job = server.jobs.get(id)!;
    const events = job.events();
    held.resolve();
    for await (const event of events) if (event.type === 'step') break;
    assert.notEqual(job.status, 'queued');
    await job.over;
    assert.equal(job.status, 'done');
  });

  test('while the queue is away, jobs are refused with the reason; those that were accepted are made, though it forgot them', async () => {
    await using own = await QueueServer.start();
    await using server = new QueuedJobs(own.url);
    await using _worker = await startWorker(own.url);
    await until(() => server.host.status.status === 'ready');
    await using paused = new QueuedJobs(own.url, { model: 'nobody' });
    const waiting = await paused.jobs.submit(SMALL, { api: 'test' });
    await until(async () => (await own.client.llen('fluxion-queue:nobody:wait')) === 1);
    await own.stop();
    await until(() => server.host.status.status === 'failed');
    await assert.rejects(server.jobs.submit(SMALL, { api: 'test' }), (error: Refusal) => {
      assert.deepEqual([error.status, error.code], [503, 'busy']);
      assert.match(error.message, /^the queue at valkey:\/\/127.0.0.1:\d+: it cannot be reached$/);
      return true;
    });
    assert.equal((await server.ask('/readyz')).status, 503);
    await own.start();
    await until(() => server.host.status.status === 'ready');
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    assert.equal((await eventsOf(job)).at(-1)!.type, 'done');
    await using _late = await startWorker(own.url, { name: 'nobody' });
    await waiting.over;
    assert.equal(waiting.status, 'done');
  });

  test('full memory is a refusal, and passes', async () => {
    await using own = await QueueServer.start();
    await using server = new QueuedJobs(own.url);
    await using _worker = await startWorker(own.url);
    await until(() => server.host.status.status === 'ready');
    await own.client.config('SET', 'maxmemory', '1');
    await until(() => server.host.status.status === 'failed');
    await assert.rejects(server.jobs.submit(SMALL, { api: 'test' }), /its memory is full/);
    await own.client.config('SET', 'maxmemory', '0');
    await until(() => server.host.status.status === 'ready');
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    await job.over;
    assert.equal(job.status, 'done');
  });
});

function logTo(lines: string[]) {
  return new ServerLog({ write: (line) => void lines.push(line) });
}
