/**
 * A server under load and under kills: node bench/serve.ts [load|kill|queue] [requests=1000] [clients=50] [kills=20]
 * `load`: clients who ask one request after the other, a fifth of them cancelled, some never read; against the time of one client alone.
 * `kill`: kill -9 at random moments, then what became of the accepted jobs.
 * `queue`: the same over a queue with two workers, of which one or the server is killed each time.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { requireRecipe } from '../src/index.ts';
import { QueueServer } from '../test/support/queue.ts';
import { RANDOM_MODEL, SMALL } from '../test/support/server.ts';
import { load, ServerProcess, WorkerProcess } from '../test/support/server-process.ts';

const [what = 'load', ...words] = process.argv.slice(2);
const given = Object.fromEntries(words.map((word) => word.split('='))) as Record<string, string>;
const requests = Number(given['requests'] ?? 1000);
const clients = Number(given['clients'] ?? 50);
const kills = Number(given['kills'] ?? 20);
const cwd = mkdtempSync(join(tmpdir(), 'fluxion-serve-'));
const MIB = 2 ** 20;

async function underLoad(): Promise<void> {
  await using server = await ServerProcess.start(['output_dir=out', 'hardware=cpu'], { cwd });
  await server.ready();
  const request = (i: number) => ({
    prompt: 'a white house on green hills at sunrise',
    seed: i,
    steps: 4,
    preview: i % 2 ? ('step' as const) : ('off' as const),
  });
  const memory = async () => {
    const parts = ['process_resident_memory_bytes', 'nodejs_heap_size_used_bytes', 'nodejs_external_memory_bytes'];
    return Promise.all(parts.map(async (name) => Math.round((await server.metric(name)) / MIB)));
  };
  // Programs of all batch sizes are compiled first.
  await load(server.url, { requests: 4 * clients, clients, cancelled: 0, request });
  const alone = await load(server.url, { requests: Math.min(requests, 50), clients: 1, cancelled: 0, request });
  const levels = [await memory()];
  const watching = setInterval(() => {
    memory().then((level) => levels.push(level), console.error);
  }, 10_000);
  const many = await load(server.url, { requests, clients, cancelled: 0.2, request });
  clearInterval(watching);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const lag = /event_loop_lag_seconds\{quantile="0.99"\} (\S+)/.exec(text)?.[1];
  const rate = (outcome: typeof many) => (outcome.ended.done ?? 0) / outcome.seconds;
  console.log(`one at a time   ${rate(alone).toFixed(2)} pictures/s`);
  console.log(
    `${clients} clients      ${rate(many).toFixed(2)} pictures/s, ${(rate(many) / rate(alone)).toFixed(2)} ×`,
  );
  console.log(`ended           ${JSON.stringify(many.ended)}, errors ${JSON.stringify(many.errors.slice(0, 3))}`);
  console.log(`event loop lag  ${(Number(lag) * 1000).toFixed(1)} ms at the 99th percentile, the start included`);
  const [resident, heap, external] = [0, 1, 2].map((part) => levels.map((level) => level[part]).join(', '));
  console.log(`memory          ${resident} MiB, every 10 seconds; heap ${heap}; external ${external}`);
}

async function underKills(): Promise<void> {
  const model = [`model=${RANDOM_MODEL}`, 'hardware=cpu', 'output_dir=out', 'resume=True', 'max_queue=100000'];
  const accepted = new Set<string>();
  for (let round = 0; round < kills; round++) {
    await using server = await ServerProcess.start(model, { cwd });
    const killed = new AbortController();
    const working = load(server.url, {
      requests: 100_000,
      clients: 8,
      cancelled: 0,
      request: (i) => ({ ...SMALL, seed: i, steps: 4 }),
      signal: killed.signal,
    });
    await setTimeout(Math.random() * 3000);
    await server.stop('SIGKILL');
    killed.abort();
    for (const id of (await working).accepted) accepted.add(id);
  }
  await using server = await ServerProcess.start(model, { cwd });
  const ends: Record<string, number> = {};
  for (const id of accepted) {
    const last = (await Array.fromAsync(server.client.events(id))).at(-1)!.type;
    ends[last] = (ends[last] ?? 0) + 1;
  }
  const out = join(cwd, 'out');
  const pictures = readdirSync(out).filter((name) => name.endsWith('.png'));
  for (const name of pictures) requireRecipe(readFileSync(join(out, name)), name);
  console.log(
    `${kills} kills: ${accepted.size} accepted jobs ended ${JSON.stringify(ends)}; ${pictures.length} pictures, all whole`,
  );
}

async function overQueue(): Promise<void> {
  await using queue = await QueueServer.start();
  const words = ['output_dir=out', 'max_queue=100000', '--queue', queue.url, '--no-config'];
  const work = () =>
    new WorkerProcess([`model=${RANDOM_MODEL}`, 'hardware=cpu', 'worker_timeout=1s', '--queue', queue.url], { cwd });
  const workers = [await work().ready(), await work().ready()];
  let server = await ServerProcess.start(words, { cwd });
  await server.ready();
  const accepted = new Set<string>();
  const loads: Promise<void>[] = [];
  /** Asks one server until it is killed. */
  const ask = (): AbortController => {
    const killed = new AbortController();
    const asking = load(server.url, {
      requests: 100_000,
      clients: 8,
      cancelled: 0,
      request: (i) => ({ ...SMALL, seed: i, steps: 20, preview: i % 2 ? 'step' : 'off' }),
      signal: killed.signal,
    });
    loads.push(
      asking.then((outcome) => {
        for (const id of outcome.accepted) accepted.add(id);
      }),
    );
    return killed;
  };
  let asking = ask();
  const killed: Record<string, number> = { server: 0, worker: 0 };
  for (let round = 0; round < kills; round++) {
    await setTimeout(Math.random() * 4000);
    const victim = Math.floor(Math.random() * 3);
    if (victim === 2) {
      killed['server']!++;
      await server.stop('SIGKILL');
      asking.abort();
      server = await ServerProcess.start(words, { cwd });
      asking = ask();
    } else {
      killed['worker']!++;
      await workers[victim]!.stop('SIGKILL');
      workers[victim] = work();
    }
  }
  // What was asked last is answered; nothing new is asked.
  asking.abort();
  await Promise.all(loads);
  const ends: Record<string, number> = {};
  const errors = new Set<string>();
  for (const id of accepted) {
    const last = (await Array.fromAsync(server.client.events(id))).at(-1)!;
    ends[last.type] = (ends[last.type] ?? 0) + 1;
    if (last.type === 'failed') errors.add(last.error.message);
  }
  const out = join(cwd, 'out');
  const names = readdirSync(out);
  const pictures = names.filter((name) => name.endsWith('.png'));
  for (const name of pictures) requireRecipe(readFileSync(join(out, name)), name);
  const without = [...accepted].filter((id) => !pictures.includes(`${id}_0.png`)).length;
  const others = names.filter((name) => !/\.png$|^fluxion-server\.sqlite/.test(name));
  const left = (await queue.client.keys('fluxion-queue*')).filter((key) => /events\/|picture\/|tries\//.test(key));
  console.log(`killed ${JSON.stringify(killed)}: ${accepted.size} accepted jobs ended ${JSON.stringify(ends)}`);
  console.log(`${pictures.length} pictures, all whole; ${without} jobs without; half files ${JSON.stringify(others)}`);
  console.log(`${left.length} keys are left of jobs in the queue; errors ${JSON.stringify([...errors])}`);
  await server.stop('SIGKILL');
  for (const worker of workers) await worker.stop('SIGKILL');
}

const runs: Readonly<Record<string, () => Promise<void>>> = { load: underLoad, kill: underKills, queue: overQueue };
try {
  await runs[what]!();
} finally {
  rmSync(cwd, { recursive: true, force: true });
}
