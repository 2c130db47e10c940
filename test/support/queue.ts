/** Queues for tests: a Valkey or Redis server of their own, and servers and workers on it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Hono } from 'hono';
import { Redis } from 'iovalkey';
import { type Event, Flux, type Request as PictureRequest } from '../../src/index.ts';
import { createApp } from '../../src/server/app.ts';
import type { ServerEnv } from '../../src/server/context.ts';
import { type JobLimits, Jobs } from '../../src/server/jobs.ts';
import { ModelHost, type ModelHostOptions } from '../../src/server/model-host.ts';
import { QueueBackend } from '../../src/server/queue/queue-backend.ts';
import { QueueWorker, type QueueWorkerOptions } from '../../src/server/queue/queue-worker.ts';
import { Store } from '../../src/server/store.ts';
import { PROGRAM, programEnvironment, temporaryFolder } from './command-line.ts';
import { freePort, INSTALLED } from './key-value-server.ts';
import { RANDOM_MODEL } from './server.ts';

/** Why tests of queues are left out here; false where they are not. */
export const NO_QUEUE: string | false = INSTALLED === undefined && 'there is no valkey-server or redis-server here';

/** A server that keeps nothing on disk, on a free port. */
export class QueueServer implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly client: Redis;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, words: readonly string[]) {
    this.port = port;
    this.url = `valkey://127.0.0.1:${port}`;
    this.#words = words;
    const password = words[words.indexOf('--requirepass') + 1] ?? '';
    this.client = new Redis({
      port,
      lazyConnect: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
      ...(words.includes('--requirepass') && { password }),
    });
    this.client.on('error', () => {});
  }

  static async start(...words: readonly string[]): Promise<QueueServer> {
    const server = new QueueServer(await freePort(), words);
    await server.start();
    return server;
  }

  /** Begins, or begins again without what it knew. */
  async start(): Promise<void> {
    const words = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...this.#words];
    this.#child = spawn(INSTALLED!, words, { stdio: 'ignore' });
    await this.client.ping();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    await this.stop();
  }
}

/** `fluxion worker` as a process of its own. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #stdout = '';
  stderr = '';

  constructor(
    words: readonly string[],
    { cwd, env = {} }: { readonly cwd: string; readonly env?: Record<string, string> },
  ) {
    this.#child = spawn(process.execPath, [PROGRAM, 'worker', ...words], { cwd, env: programEnvironment(env) });
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#stdout += chunk;
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.#child, 'close');
  }

  /** Lines of its log. */
  get log(): Record<string, unknown>[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves when it takes jobs; rejects with what it said where it ends instead. */
  async ready(): Promise<this> {
    while (!this.log.some(({ event }) => event === 'ready')) {
      if (this.#child.exitCode !== null) throw new Error(`exit ${this.#child.exitCode}: ${this.stderr}`);
      await setTimeout(10);
    }
    return this;
  }

  /** Sends a signal and resolves to the exit status when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.status();
  }

  /** The exit status when it has ended. */
  async status(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) await this.stop('SIGKILL');
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(5);
}

export interface QueuedJobsOptions {
  readonly folder?: string;
  /** The model of requests that name none. */
  readonly model?: string;
  readonly limits?: Partial<JobLimits>;
}

/** A server's jobs over a queue, in this process. */
export class QueuedJobs implements AsyncDisposable {
  readonly jobs: Jobs;
  readonly host: QueueBackend;
  readonly store: Store;
  readonly app: Hono<ServerEnv>;
  readonly #temporary: Disposable | undefined;

  constructor(url: string, { folder, model, limits }: QueuedJobsOptions = {}) {
    const temporary = folder === undefined ? temporaryFolder() : undefined;
    this.#temporary = temporary;
    this.store = new Store(folder ?? temporary!.path);
    this.host = new QueueBackend({ url, id: randomUUID(), model, fallback: 'random-flux', pixels: 2048 * 2048 });
    this.jobs = new Jobs({ store: this.store, host: this.host, limits });
    this.app = createApp({ jobs: this.jobs, host: this.host, store: this.store });
    this.host.start().catch(() => {});
  }

  /** Asks the application as a client on this machine does. */
  async ask(path: string, init?: RequestInit): Promise<Response> {
    return this.app.fetch(new Request(`http://localhost:8000${path}`, init));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.jobs.drain(0);
    await this.host[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
    this.#temporary?.[Symbol.dispose]();
  }
}

export interface TestWorkerOptions extends Partial<Omit<QueueWorkerOptions, 'url' | 'host'>> {
  /** What the model is called. */
  readonly name?: string;
  readonly loraDir?: string;
  /** What is done between events, such as waiting. */
  readonly between?: (event: Event, request: PictureRequest) => void | Promise<void>;
}

/** A worker in this process, over a small model. */
export async function startWorker(
  url: string,
  { name, loraDir, between, ...options }: TestWorkerOptions = {},
): Promise<QueueWorker> {
  const open: ModelHostOptions['open'] = async (given) => {
    const flux = await Flux.load(RANDOM_MODEL, { device: 'cpu', ...given, ...(name !== undefined && { name }) });
    const stream = flux.stream.bind(flux);
    if (between)
      flux.stream = async function* (request) {
        for await (const event of stream(request)) {
          await between(event, request);
          yield event;
        }
      };
    return flux;
  };
  const worker = new QueueWorker({ url, host: new ModelHost({ open, loraDir }), slots: 4, timeout: 1000, ...options });
  await worker.start(new AbortController().signal);
  return worker;
}
