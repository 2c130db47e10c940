/** Kills workers and servers of a queue, each a process of its own: no job is lost, and none is made twice. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fluxion, temporaryFolder } from '../../support/command-line.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { NO_QUEUE, QueuedJobs, QueueServer } from '../../support/queue.ts';
import { eventsOf, RANDOM_MODEL, SMALL, TestJobs, until } from '../../support/server.ts';
import { ServerProcess, WorkerProcess } from '../../support/server-process.ts';

const MODEL = [`model=${RANDOM_MODEL}`, 'hardware=cpu', 'worker_timeout=1s', '--no-config'];
/** A request that takes some seconds. */
const LONG = { ...SMALL, seed: 5, width: 128, height: 128, steps: 200, preview: 'step' } as const;

describe('over a queue', { skip: NO_QUEUE }, () => {
  test('a killed worker loses no job: another makes its pictures, the same and once each', async () => {
    await using queue = await QueueServer.start();
    using folder = temporaryFolder();
    const words = [...MODEL, '--queue', queue.url];
    await using server = new QueuedJobs(queue.url);
    await using first = await new WorkerProcess(words, { cwd: folder.path }).ready();
    const job = await server.jobs.submit({ ...LONG, seed: [5, 6] }, { api: 'test' });
    const events = eventsOf(job);
    await until(() => job.status === 'running');
    const waiting = await server.jobs.submit(SMALL, { api: 'test' });
    await using second = await new WorkerProcess(words, { cwd: folder.path }).ready();
    assert.ok(!job.hasEnded, 'the job has to be under way');
    await first.stop('SIGKILL');
    await Promise.all([job.over, waiting.over]);
    assert.deepEqual([job.status, waiting.status], ['done', 'done'], job.error?.message);
    assert.ok((await events).some((event) => event.type === 'warning' && /begins it again/.test(event.message)));
    const images = (await events).filter((event) => event.type === 'image');
    assert.deepEqual(images.map(({ picture }) => picture.info.index).sort(), [0, 1]); // biome-ignore format: short
    assert.equal(server.store.picturesOf(job.id).length, 2);

    await using alone = new TestJobs();
    const same = await alone.jobs.submit({ ...LONG, seed: [5, 6] }, { api: 'test' });
    await same.over;
    for (const { picture } of images) {
      const own = same.pictures.find(({ info }) => info.index === picture.info.index)!;
      assert.ok(Buffer.from(await picture.png()).equals(Buffer.from(await own.png())));
    }
    assert.equal(await second.stop('SIGTERM'), 143);
    assert.match(second.stderr, /stopping/);
    assert.ok(second.log.some(({ event, id, status }) => event === 'job' && id === job.id && status === 'done'));
  });

  test('a killed server loses no job: workers go on, and the next server takes the pictures', async () => {
    await using queue = await QueueServer.start();
    using folder = temporaryFolder();
    const words = ['output_dir=out', '--queue', queue.url, '--no-config'];
    await using _worker = await new WorkerProcess([...MODEL, ...words], { cwd: folder.path }).ready();
    const ids: string[] = [];
    {
      await using server = await ServerProcess.start(words, { cwd: folder.path });
      await server.ready();
      for (let seed = 0; seed < 12; seed++) ids.push((await server.client.submit({ ...LONG, steps: 60, seed })).id);
      await until(async () => (await server.client.job(ids[0]!)).pictures.length > 0);
      await server.stop('SIGKILL');
    }
    await using server = await ServerProcess.start(words, { cwd: folder.path });
    for (const [seed, id] of ids.entries()) {
      const events = await Array.fromAsync(server.client.events(id));
      assert.equal(events.at(-1)!.type, 'done');
      const { pictures } = await server.client.job(id);
      assert.deepEqual(pictures.map((picture) => picture.seed), [seed]); // biome-ignore format: short
    }
    const names = readdirSync(folder.file('out'));
    assert.equal(names.filter((name) => name.endsWith('.png')).length, ids.length);
    assert.equal(await server.stop(), 143);
  });

  test('a job that ends every worker it meets is given up, and takes no other with it', async () => {
    await using queue = await QueueServer.start();
    await using server = new QueuedJobs(queue.url, { model: 'random-flux' });
    const submit = (prompt: string) => server.jobs.submit({ ...SMALL, prompt }, { api: 'test' });
    const fatal = await submit('fatal');
    const others = await Promise.all(['one', 'two', 'three'].map(submit));
    let deaths = 0;
    const program = repositoryPath('test/support/fatal-worker.ts');
    while (!fatal.hasEnded) {
      const child = spawn(process.execPath, [program, queue.url], { stdio: ['ignore', 'ignore', 'inherit'] });
      const ended = once(child, 'exit');
      await Promise.race([ended, fatal.over]);
      if (child.signalCode !== null) deaths++;
      else if (fatal.hasEnded) {
        await Promise.all(others.map(({ over }) => over));
        child.kill('SIGKILL');
      }
      await ended;
    }
    assert.deepEqual([fatal.status, fatal.error?.code], ['failed', 'unsupported']);
    assert.match(fatal.error!.message, /^5 workers were lost while they made this job$/);
    assert.equal(deaths, 5);
    assert.deepEqual(others.map(({ status }) => status), ['done', 'done', 'done']); // biome-ignore format: short
  });

  test('a server says which queue it has, without its password, and which keys are for workers', async () => {
    await using queue = await QueueServer.start('--requirepass', 'right-one');
    using folder = temporaryFolder();
    const url = queue.url.replace('//', '//:right-one@');
    const words = ['output_dir=out', '--queue', url, 'lora_dir=loras', 'model=anything', '--no-config'];
    await using server = await ServerProcess.start(words, { cwd: folder.path });
    await until(() => /queue: workers of/.test(server.stderr));
    assert.match(server.stderr, /lora_dir has no effect here: with a queue, it is for 'fluxion worker'/);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
    assert.equal((await server.client.model()).status, 'waiting');
    assert.equal(await server.metric('fluxion_workers'), 0);
    assert.equal(await server.stop(), 143);
    assert.doesNotMatch(server.stderr + JSON.stringify(server.log), /right-one/);
  });

  test('a worker says what it lacks', async () => {
    using folder = temporaryFolder();
    const worker = (...words: string[]) => fluxion(['worker', ...MODEL, ...words], { cwd: folder.path });
    const [none, wrong, prompt] = await Promise.all([
      worker(),
      worker('--queue', 'http://:secret@localhost'),
      worker('--queue', 'valkey://localhost', 'a house'),
    ]);
    assert.deepEqual([none.status, wrong.status, prompt.status], [2, 2, 2]);
    assert.match(none.stderr, /queue: expected the address of a Valkey or Redis server/);
    assert.match(wrong.stderr, /queue=http:\/\/localhost: expected valkey/);
    assert.match(prompt.stderr, /takes its prompts from a queue/);
    assert.doesNotMatch(none.stderr + wrong.stderr + prompt.stderr, /secret/);
    await using queue = await QueueServer.start('--requirepass', 'right-one');
    const stranger = await worker('--queue', queue.url.replace('//', '//:wrong-one@'));
    assert.equal(stranger.status, 1);
    assert.match(stranger.stderr, /it asks for another password/);
    assert.doesNotMatch(stranger.stderr + stranger.stdout, /wrong-one/);
  });
});
