/** `fluxion serve`: the command line's pictures, a drain at the end, nothing lost by kill -9, and a load of many clients. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { runServer } from '../../src/cli/run-server.ts';
import { SERVICE_FLAGS } from '../../src/cli/service.ts';
import type { JobEventJson, ServerError } from '../../src/client.ts';
import { splitArguments } from '../../src/config/overrides.ts';
import { requireRecipe } from '../../src/index.ts';
import { fluxion, succeeded, temporaryFolder } from '../support/command-line.ts';
import { RANDOM_MODEL, SMALL } from '../support/server.ts';
import { load, ServerProcess } from '../support/server-process.ts';

const MODEL = [`model=${RANDOM_MODEL}`, 'hardware=cpu', 'output_dir=out'];
const PROMPT = 'a red house in the mountains at sunset';

test("makes the command line's bytes, and drains when it is told to stop", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start(['output_dir=out', 'hardware=cpu'], { cwd: folder.path });
  const { client } = server;
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  const events: JobEventJson[] = await Array.fromAsync(client.stream({ prompt: PROMPT, seed: 7 }));
  const image = events.find((event) => event.type === 'image')!;
  const bytes = Buffer.from(await (await client.picture(image.picture.name)).arrayBuffer());
  succeeded(
    await fluxion(['generate', PROMPT, 'seed=7', 'hardware=cpu', '-o', 'cli.png', '--quiet'], { cwd: folder.path }),
  );
  assert.ok(bytes.equals(readFileSync(folder.file('cli.png'))));
  assert.ok(bytes.equals(readFileSync(folder.file(`out/${image.picture.name}`))));
  assert.deepEqual(await client.recipe(new Blob([bytes])), image.picture.recipe);
  assert.equal((await client.model()).status, 'ready');
  assert.ok((await client.loras()).length >= 1);

  const accepted = await Promise.all([1, 2, 3].map((seed) => client.submit({ prompt: PROMPT, seed })));
  const status = await server.stop('SIGTERM');
  assert.equal(status, 143, server.stderr);
  assert.match(server.stderr, /stopping/);
  const ended = server.log.filter(({ event }) => event === 'job').map(({ id, status }) => `${id} ${status}`);
  for (const { id } of accepted) assert.ok(ended.includes(`${id} done`), ended.join('\n'));
  assert.ok(!JSON.stringify(server.log).includes(PROMPT));
});

test('a signal that fires before the server listens ends it', { timeout: 30_000 }, async () => {
  using folder = temporaryFolder();
  const argv = ['port=0', 'hardware=cpu', `output_dir=${folder.file('out')}`, '--quiet', '--no-config'];
  const words = splitArguments(argv, SERVICE_FLAGS);
  const session = { signal: AbortSignal.abort(), commands: {} };
  await runServer(words, session, { command: 'serve', writesLog: false });
});

test('refuses to be open to others without a key, a taken port, and prompts', async () => {
  using folder = temporaryFolder();
  const serve = (...words: string[]) => fluxion(['serve', ...MODEL, ...words], { cwd: folder.path });
  const open = await serve('host=0.0.0.0', 'port=0');
  assert.equal(open.status, 2);
  assert.match(open.stderr, /asks for no key/);
  assert.equal((await serve('a house')).status, 2);
  await using server = await ServerProcess.start(MODEL, { cwd: folder.path });
  const taken = await serve(`port=${new URL(server.url).port}`, 'output_dir=other');
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /another program listens there/);
  const shared = await serve('port=0');
  assert.match(shared.stderr, /another server has this folder/);
});

/** Runs a program that sees a disk of a megabyte in `out`. */
const SMALL_DISK = [
  'unshare',
  '-m',
  'bash',
  '-c',
  'mount -t tmpfs -o size=1m none out && head -c 400k /dev/zero > out/ballast && exec "$@"',
  '-',
];

test('a full disk is an error of those jobs that it concerns', async (t) => {
  using folder = temporaryFolder();
  mkdirSync(folder.file('out'));
  const [program, ...words] = [...SMALL_DISK, 'true'];
  if (spawnSync(program!, words, { cwd: folder.path }).status !== 0)
    return t.skip('a small disk can be mounted by root alone');
  await using server = await ServerProcess.start(MODEL, { cwd: folder.path, within: SMALL_DISK });
  const told: string[] = [];
  for (let i = 0; i < 200 && told.length < 3; i++) {
    try {
      const { id } = await server.client.submit({ ...SMALL, seed: i });
      const last = (await Array.fromAsync(server.client.events(id))).at(-1)!;
      if (last.type === 'failed') told.push(last.error.message);
    } catch (error) {
      assert.equal((error as ServerError).status, 507);
      told.push((error as ServerError).message);
    }
  }
  assert.equal(told.length, 3);
  for (const message of told) assert.match(message, /the disk is full/);
  const out = `/proc/${server.pid}/root${folder.file('out')}`;
  // The disk fills up while a job is made: neither its picture nor its end can be kept, and readers learn both.
  const running = await server.client.submit({ ...SMALL, steps: 200 }).catch(() => undefined);
  if (running) {
    assert.throws(() => writeFileSync(`${out}/rest`, new Uint8Array(2 ** 20)), { code: 'ENOSPC' });
    const last = (await Array.fromAsync(server.client.events(running.id))).at(-1)!;
    assert.match(
      last.type === 'failed' ? last.error.message : last.type,
      /^cannot write …\/\w+\.png: the disk is full/,
    );
  }
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  for (const name of ['ballast', 'rest']) rmSync(`${out}/${name}`, { force: true });
  const { id } = await server.client.submit(SMALL);
  assert.equal((await Array.fromAsync(server.client.events(id))).at(-1)!.type, 'done');
  assert.deepEqual((await server.client.jobs({ status: 'queued' })).jobs, []);
  for (const { status, pictures } of (await server.client.jobs({ limit: 200 })).jobs)
    assert.equal(status === 'done', pictures.length === 1, status);
  const files = readdirSync(out).filter((name) => name.endsWith('.png')).length;
  assert.equal(files, (await server.client.pictures({ limit: 200 })).pictures.length);
});

const KILLS = 3;

test('kill -9 at any moment loses no accepted job, and leaves whole pictures alone', async () => {
  using folder = temporaryFolder();
  const accepted = new Set<string>();
  for (let round = 0; round < KILLS; round++) {
    await using server = await ServerProcess.start([...MODEL, 'resume=True'], { cwd: folder.path });
    const killed = new AbortController();
    const working = load(server.url, {
      signal: killed.signal,
      requests: 1000,
      clients: 6,
      cancelled: 0,
      request: (i) => ({ ...SMALL, seed: i, steps: 4 }),
    });
    await setTimeout(700 + Math.random() * 1500);
    const listed = await server.client.jobs({ limit: 200 });
    for (const { id } of listed.jobs) accepted.add(id);
    await server.stop('SIGKILL');
    killed.abort();
    for (const id of (await working).accepted) accepted.add(id);
  }
  assert.ok(accepted.size > KILLS, String(accepted.size));
  await using server = await ServerProcess.start([...MODEL, 'resume=True'], { cwd: folder.path });
  const statuses = await Promise.all(
    [...accepted].map(async (id) => {
      const events = await Array.fromAsync(server.client.events(id));
      return events.at(-1)!.type;
    }),
  );
  assert.deepEqual(
    statuses,
    statuses.map(() => 'done'),
  );
  const out = folder.file('out');
  const pictures = readdirSync(out).filter((name) => name.endsWith('.png'));
  assert.ok(pictures.length >= accepted.size);
  for (const name of pictures) requireRecipe(readFileSync(join(out, name)), name);
  assert.equal(await server.stop(), 143);
  // The next server removes temporary files of killed ones.
  assert.deepEqual(
    readdirSync(out).filter((name) => !/\.png$|^fluxion-server\.sqlite$/.test(name)),
    [],
  );
});

test('answers or cancels every request of many clients, some of whom never read', async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start([...MODEL, 'max_batch=4'], { cwd: folder.path });
  await server.ready();
  const { ended, errors } = await load(server.url, {
    requests: 60,
    clients: 12,
    cancelled: 0.2,
    request: (i) => ({ ...SMALL, seed: i, preview: i % 2 ? 'step' : 'off' }),
  });
  assert.deepEqual(errors, []);
  const { done = 0, cancelled = 0, ...others } = ended;
  assert.deepEqual(others, {});
  assert.equal(done + cancelled, 60);
  assert.ok(cancelled >= 6 && done >= 40, JSON.stringify(ended));
  assert.equal(await server.metric('fluxion_queue_length'), 0);
  assert.equal(await server.metric('fluxion_jobs_running'), 0);
});
