/** `fluxion serve` and `fluxion worker` as processes of their own, and a load for a server. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { isJobEnd } from '../../src/api/job-ends.ts';
import { FluxionClient, type JobStatus } from '../../src/client.ts';
import type { Request } from '../../src/index.ts';
import { PROGRAM, programEnvironment } from './command-line.ts';

/** Where a process runs, and the program `within` which it does. */
interface Place {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  readonly within?: readonly string[];
}

/** A command that runs until it is stopped. */
class ServiceProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #hasEnded = false;
  #stdout = '';
  stderr = '';

  constructor(words: readonly string[], { cwd, env = {}, within = [] }: Place) {
    const [program, ...rest] = [...within, process.execPath, PROGRAM, ...words];
    this.#child = spawn(program!, rest, { cwd, env: programEnvironment(env) });
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#stdout = (this.#stdout + chunk).slice(-1_000_000);
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.#child, 'close').then(() => {
      this.#hasEnded = true;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Lines of its log. */
  get log(): Record<string, unknown>[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves to what is found in what it says; rejects with that where it ends instead. */
  protected async said<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new Error(`exit ${this.#child.exitCode}: ${this.stderr}`);
      await setTimeout(10);
    }
  }

  /** Sends a signal and resolves to the exit status when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }
}

export class WorkerProcess extends ServiceProcess {
  constructor(words: readonly string[], place: Place) {
    super(['worker', ...words], place);
  }

  /** Resolves when it takes jobs. */
  async ready(): Promise<this> {
    await this.said(() => this.log.find(({ event }) => event === 'ready'));
    return this;
  }
}

/** A server that listens at a free port. */
export class ServerProcess extends ServiceProcess {
  url = '';

  get client(): FluxionClient {
    return new FluxionClient({ url: this.url });
  }

  static async start(words: readonly string[], place: Place): Promise<ServerProcess> {
    const server = new ServerProcess(['serve', 'port=0', ...words], place);
    server.url = await server.said(() => /serving: (http:\S+)/.exec(server.stderr)?.[1]);
    return server;
  }

  async ready(): Promise<void> {
    while (!(await fetch(`${this.url}/readyz`)).ok) await setTimeout(20);
  }

  /** A figure of /metrics. */
  async metric(name: string): Promise<number> {
    const lines = (await (await fetch(`${this.url}/metrics`)).text()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
  }
}

export interface Load {
  readonly requests: number;
  readonly clients: number;
  /** Part of the requests that are cancelled. */
  readonly cancelled: number;
  readonly request: (i: number) => Request;
  /** Ends it, such as when the server is killed. */
  readonly signal?: AbortSignal;
}

/** What became of a load: jobs by how they ended, ids of accepted ones, errors. */
export interface LoadOutcome {
  readonly ended: Partial<Record<JobStatus, number>>;
  readonly accepted: string[];
  readonly errors: string[];
  readonly seconds: number;
}

/**
 * Has clients ask one request after the other. Of those that are cancelled, half are by going away and half by asking for it; every tenth of
 * the others is watched by a client that never reads.
 */
export async function load(url: string, { requests, clients, cancelled, request, signal }: Load): Promise<LoadOutcome> {
  const client = new FluxionClient({ url });
  const ended: Partial<Record<JobStatus, number>> = {};
  const accepted: string[] = [];
  const errors: string[] = [];
  const idle: (() => void)[] = [];
  let next = 0;
  const count = (status: JobStatus) => {
    ended[status] = (ended[status] ?? 0) + 1;
  };
  const one = async (i: number): Promise<void> => {
    const fate = (i * 7919) % 100;
    if (fate < cancelled * 50) {
      // Goes away after its first step or before.
      const leaving = new AbortController();
      try {
        for await (const event of client.stream(request(i), leaving.signal))
          if (event.type !== 'queued') leaving.abort();
      } catch (error) {
        if (!leaving.signal.aborted) throw error;
      }
      return count('cancelled');
    }
    const { id } = await client.submit(request(i));
    accepted.push(id);
    if (fate < cancelled * 100) return count((await client.cancel(id)).status);
    if (i % 10 === 0) idle.push(await neverReads(`${url}/v1/jobs/${id}/events`));
    for await (const event of client.events(id, signal)) if (isJobEnd(event.type)) count(event.type);
  };
  const start = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < requests && !signal?.aborted) await one(next++).catch((error: Error) => errors.push(error.message));
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  for (const leave of idle) leave();
  return { ended, accepted, errors, seconds };
}

/** Asks, and reads nothing of the answer; returns what ends that. */
async function neverReads(url: string): Promise<() => void> {
  const asking = httpRequest(url, { agent: false });
  asking.on('error', () => {});
  asking.on('response', (answer) => answer.pause());
  asking.end();
  return () => asking.destroy();
}
