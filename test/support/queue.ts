/** Queues for tests: a Valkey or Redis server of their own, and servers and workers on it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Redis } from 'iovalkey';
import { type Event, Flux, type Request as PictureRequest } from '../../src/index.ts';
import { ModelHost, type ModelHostOptions } from '../../src/server/model-host.ts';
import { QueueBackend } from '../../src/server/queue/queue-backend.ts';
import { QueueWorker, type QueueWorkerOptions } from '../../src/server/queue/queue-worker.ts';
import { freePort, INSTALLED } from './key-value-server.ts';
import { RANDOM_MODEL, ServedJobs, type ServedJobsOptions } from './server.ts';

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

export interface QueuedJobsOptions extends ServedJobsOptions {
  /** The model of requests that name none. */
  readonly model?: string;
}

/** A server's jobs over a queue, in this process. */
export class QueuedJobs extends ServedJobs<QueueBackend> {
  constructor(url: string, { model, ...options }: QueuedJobsOptions = {}) {
    super(new QueueBackend({ url, id: randomUUID(), model, fallback: 'random-flux', pixels: 2048 * 2048 }), options);
    this.host.start().catch(() => {});
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
