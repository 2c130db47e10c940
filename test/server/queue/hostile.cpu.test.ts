/** A queue that others write to: servers and workers check all that comes from it. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Queue } from 'bullmq';
import { Flux } from '../../../src/index.ts';
import type { Job } from '../../../src/server/job.ts';
import { ServerLog } from '../../../src/server/server-log.ts';
import { temporaryFolder } from '../../support/command-line.ts';
import { NO_QUEUE, QueuedJobs, QueueServer, startWorker } from '../../support/queue.ts';
import { RANDOM_MODEL, REPORT, SMALL, until } from '../../support/server.ts';

/** A worker's events for a picture, and its PNG. */
async function picture(): Promise<Buffer> {
  await using flux = await Flux.load(RANDOM_MODEL, { device: 'cpu' });
  const [image] = await flux.generate({ ...SMALL, seed: 1 });
  return Buffer.from(await image!.png());
}

const STEP = { type: 'step', step: 1, steps: 2, pictures: [0], total: 1, seconds: 1 };

describe('a queue of strangers', { skip: NO_QUEUE }, () => {
  let queue: QueueServer;
  let png: Buffer;
  before(async () => {
    queue = await QueueServer.start();
    png = await picture();
  });
  after(() => queue[Symbol.asyncDispose]());
  beforeEach(() => queue.client.flushall());

  /** Writes an event as a worker does; text is written as it is. */
  async function tell(job: Pick<Job, 'id'>, event: object | string, attempt = 'a'): Promise<void> {
    const text = typeof event === 'string' ? event : JSON.stringify(event);
    const type = typeof event === 'string' ? '' : String((event as { type?: unknown }).type);
    await queue.client.xadd(`fluxion-queue/events/${job.id}`, '*', 'type', type, 'attempt', attempt, 'event', text);
  }

  async function show(job: Job, bytes: Buffer, index = 0): Promise<void> {
    await queue.client.set(`fluxion-queue/picture/${job.id}/a/${index}`, bytes);
    await tell(job, { type: 'image', index });
  }

  test("a worker's events that are none end the job with an error that says so", async () => {
    using folder = temporaryFolder();
    await using server = new QueuedJobs(queue.url, { folder: folder.path, model: 'random-flux' });
    const wrong: readonly (readonly [(job: Job) => Promise<void>, RegExp])[] = [
      [(job) => tell(job, '{'), /a worker's event: expected JSON/],
      [(job) => tell(job, '['.repeat(100_000)), /a worker's event: expected JSON/],
      [(job) => tell(job, 'null'), /a worker's event: it is not as expected/],
      [(job) => tell(job, { type: 'picture' }), /a worker's event: type is not as expected/],
      [(job) => tell(job, `"${'x'.repeat(17 * 2 ** 20)}"`), /expected at most 16777216 bytes, found/],
      [(job) => tell(job, { ...STEP, total: 2 }), /about pictures that were not requested/],
      [(job) => tell(job, { ...STEP, pictures: [1e9] }), /about pictures that were not requested/],
      [
        (job) => tell(job, { ...STEP, previews: [{ width: 8, height: 8, rgb: 'AAAA' }] }),
        /a preview of 8×8 has 3 bytes/,
      ],
      [(job) => tell(job, { ...STEP, previews: [] }), /previews of other pictures/],
      [(job) => show(job, Buffer.from('no picture')), /a worker's picture/],
      [(job) => show(job, png.subarray(0, png.length - 500)), /a worker's picture/],
      [(job) => show(job, Buffer.alloc(25 * 2 ** 20)), /a worker's picture: expected at most \d+ bytes, found more/],
      [(job) => tell(job, { type: 'done', report: REPORT }), /1 pictures are missing/],
      [(job) => tell(job, { type: 'done', report: 7 }), /report is not as expected/],
    ];
    for (const [act, pattern] of wrong) {
      const job = await server.jobs.submit(SMALL, { api: 'test' });
      await act(job);
      await job.over;
      assert.equal(job.status, 'failed');
      assert.match(job.error!.message, pattern);
    }
    assert.deepEqual(readdirSync(folder.path).filter((name) => /png/.test(name)), []); // biome-ignore format: short
    // Nobody else is harmed.
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    await using _worker = await startWorker(queue.url);
    await job.over;
    assert.equal(job.status, 'done');
  });

  test('text of a worker cannot control a terminal, numbers of pictures cannot leave the folder, and what is superfluous is dropped', async () => {
    using folder = temporaryFolder();
    await using server = new QueuedJobs(queue.url, { folder: folder.path, model: 'random-flux' });
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    const reading = Array.fromAsync(job.events());
    await tell(job, { type: 'warning', message: 'a\u001b[2Jb\u202e', more: 'c' });
    await show(job, png, 7);
    await show(job, png);
    await show(job, png);
    // Events of an attempt that was given up.
    await tell(job, { type: 'failed', error: { code: 'io', message: 'no' } }, 'b');
    await tell(job, { type: 'done', report: REPORT });
    const events = await reading;
    assert.deepEqual(events.find(({ type }) => type === 'warning'), { type: 'warning', message: 'a\\u{1b}[2Jb\\u{202e}' }); // biome-ignore format: an event
    assert.equal(events.at(-1)!.type, 'done');
    assert.equal(job.pictures.length, 1);
    assert.ok(Buffer.from(await job.pictures[0]!.png()).equals(png));
    assert.deepEqual(readdirSync(folder.path).filter((name) => /png/.test(name)), [`${job.id}_0.png`]); // biome-ignore format: short

    const failing = await server.jobs.submit(SMALL, { api: 'test' });
    await tell(failing, { type: 'failed', error: { code: '../../x', message: 'a\nb\u0007', hint: '\u001b' } });
    await failing.over;
    assert.deepEqual(failing.error, { code: 'io', message: 'a\\nb\\u{7}', hint: '\\u{1b}' });
  });

  test('no job waits for ever for what was told before its server read, or by a queue whose clock is behind', async () => {
    using folder = temporaryFolder();
    let id: string;
    {
      await using server = new QueuedJobs(queue.url, { folder: folder.path, model: 'random-flux' });
      id = (await server.jobs.submit(SMALL, { api: 'test' })).id;
      await until(async () => (await queue.client.llen('fluxion-queue:random-flux:wait')) === 1);
    }
    await queue.client.flushall();
    // The previous server read the `begun` of the last attempt; the attempt before it has written an event since.
    await queue.client.set(`fluxion-queue/picture/${id}/b/0`, png);
    await tell({ id }, STEP, 'a');
    await tell({ id }, { type: 'image', index: 0 }, 'b');
    await tell({ id }, { type: 'done', report: REPORT }, 'b');
    await using server = new QueuedJobs(queue.url, { folder: folder.path, model: 'random-flux' });

    const other = await server.jobs.submit(SMALL, { api: 'test' });
    const events = `fluxion-queue/events/${other.id}`;
    await tell(other, { type: 'begun', worker: 'x' });
    await until(async () => (await queue.client.xlen(events)) === 0);
    await queue.client.del(events);
    const late = { begun: { worker: 'y' }, image: { index: 0 }, done: { report: REPORT } };
    await queue.client.set(`fluxion-queue/picture/${other.id}/b/0`, png);
    for (const [i, [type, more]] of Object.entries(late).entries()) {
      const event = JSON.stringify({ type, ...more });
      await queue.client.xadd(events, `7-${i}`, 'type', type, 'attempt', 'b', 'event', event);
    }
    for (const job of [server.jobs.get(id)!, other]) {
      await job.over;
      assert.deepEqual([job.status, job.pictures.length], ['done', 1], job.error?.message);
    }
  });

  test('workers that say nonsense of themselves are none', async () => {
    await using server = new QueuedJobs(queue.url);
    const good = {
      id: 'good',
      model: 'random-flux',
      device: 'x',
      status: 'loading',
      message: 'loading\u001b',
      slots: 4,
      loras: [],
    };
    const said: Record<string, string> = {
      none: '{',
      other: JSON.stringify({ ...good }),
      slots: JSON.stringify({ ...good, id: 'slots', slots: 1e9 }),
      large: JSON.stringify({ ...good, id: 'large', device: 'x'.repeat(2 ** 21) }),
      good: JSON.stringify(good),
    };
    for (const [id, text] of Object.entries(said)) await queue.client.set(`fluxion-queue/worker/${id}`, text);
    await queue.client.sadd('fluxion-queue/workers', '../../etc', 'gone', 'x'.repeat(1000), ...Object.keys(said));
    await until(() => server.host.status.status === 'loading');
    assert.deepEqual(server.host.status, { status: 'loading', progress: { message: 'loading\\u{1b}' } });
    assert.equal(server.host.room('random-flux'), 8);
    await until(async () => !(await queue.client.smembers('fluxion-queue/workers')).includes('gone'));
  });

  test("a stranger's jobs are checked as requests over HTTP are, and harm no others", async () => {
    const log: string[] = [];
    await using _worker = await startWorker(queue.url, {
      log: new ServerLog({ write: (line) => void log.push(line) }),
    });
    await using strange = Object.assign(
      new Queue('random-flux', {
        connection: queue.client.duplicate({ maxRetriesPerRequest: null }) as never,
        prefix: 'fluxion-queue',
      }),
      { [Symbol.asyncDispose]: () => strange.disconnect() },
    );
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [{}, /request: expected/],
      [{ request: { ...SMALL, image: '/etc/passwd' } }, /image: expected the content of a picture/],
      [{ request: { ...SMALL, image: 'http://localhost/a.png' } }, /image: expected the content of a picture/],
      [{ request: { ...SMALL, loras: [{ path: '../../x' }] } }, /loras: /],
      [{ request: { ...SMALL, width: 8192, height: 8192 } }, /pixels/],
      [{ request: { ...SMALL, batch: 4000 } }, /at most 64 pictures/],
      [{ request: { ...SMALL, steps: 1000 } }, /steps: expected at most 200/],
      [{ request: { ...SMALL, nonsense: 1 } }, /nonsense: there is no such field/],
      [{ request: SMALL, caller: 'x'.repeat(1000) }, /caller/],
    ];
    for (const [i, [data, pattern]] of wrong.entries()) {
      await strange.add('job', data, { jobId: `wrong-${i}` });
      let failed: string | undefined;
      await until(async () => {
        const entries = await queue.client.xrange(`fluxion-queue/events/wrong-${i}`, '-', '+');
        failed = entries.map(([, fields]) => fields.join(' ')).find((text) => text.startsWith('type failed'));
        return failed !== undefined;
      });
      assert.match(failed!, pattern);
    }
    await strange.add('job', { request: SMALL }, { jobId: 'a/../b' });
    await until(async () => (await queue.client.exists('fluxion-queue:random-flux:a/../b')) === 0);
    assert.deepEqual(await queue.client.keys('fluxion-queue/*..*'), []);
    await using server = new QueuedJobs(queue.url);
    const job = await server.jobs.submit(SMALL, { api: 'test' });
    await job.over;
    assert.equal(job.status, 'done');
  });
});
