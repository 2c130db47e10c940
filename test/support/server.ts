/** A server's jobs over a small model, in a folder of their own. */

import { setTimeout } from 'node:timers/promises';
import type { Hono } from 'hono';
import { encode, Flux, FluxionError, type Request as PictureRequest } from '../../src/index.ts';
import { type AppOptions, createApp } from '../../src/server/app.ts';
import type { Backend } from '../../src/server/backend.ts';
import type { ServerEnv } from '../../src/server/context.ts';
import type { Job, JobEvent } from '../../src/server/job.ts';
import { Jobs, type JobsOptions } from '../../src/server/jobs.ts';
import { ModelHost, type ModelHostOptions } from '../../src/server/model-host.ts';
import { Store } from '../../src/server/store.ts';
import { temporaryFolder } from './command-line.ts';
import { repositoryPath } from './fixture.ts';

/** A model of two layers, whose programs compile fast. */
export const RANDOM_MODEL = repositoryPath('test/fixtures/random-flux');

/** A request that takes little time with it. */
export const SMALL: PictureRequest = { prompt: 'a red house', width: 64, height: 48, steps: 2, maxSequenceLength: 16 };

/** A model that refuses everything, at no cost: for requests that should not come so far. */
export const refusingModel = {
  name: 'none', device: 'none', pictureUse: 'start', defaults: { width: 64, height: 64, steps: 4 }, sizes: { transformer: {} },
  indices: () => [0], close: async () => {},
  // biome-ignore lint/correctness/useYield: it has nothing to tell
  async *stream() {
    throw new FluxionError('bad_request', 'prompt: nothing is made here');
  },
} as unknown as Flux; // biome-ignore format: a list

export interface ServedJobsOptions extends Partial<Omit<JobsOptions, 'store' | 'host'>> {
  /** Instead of one that is removed afterwards. */
  readonly folder?: string | undefined;
  readonly app?: Partial<AppOptions> | undefined;
}

/** Jobs of a backend with all that they need; disposing stops and removes it. */
export class ServedJobs<H extends Backend> implements AsyncDisposable {
  readonly jobs: Jobs;
  readonly host: H;
  readonly store: Store;
  readonly app: Hono<ServerEnv>;
  readonly folder: string;
  readonly #temporary: Disposable | undefined;

  constructor(host: H, { folder, app, ...options }: ServedJobsOptions = {}) {
    const temporary = folder === undefined ? temporaryFolder() : undefined;
    this.#temporary = temporary;
    this.folder = folder ?? temporary!.path;
    this.host = host;
    this.store = new Store(this.folder);
    this.jobs = new Jobs({ store: this.store, host, ...options });
    this.app = createApp({ jobs: this.jobs, host, store: this.store, ...app });
  }

  /** Asks the application as a client on this machine does. */
  async ask(path: string, init?: RequestInit): Promise<Response> {
    return this.app.fetch(new Request(`http://localhost:8000${path}`, init));
  }

  /** Sends JSON. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(path, { method: 'POST', body: JSON.stringify(body), headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.jobs.drain(0);
    await this.host[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
    this.#temporary?.[Symbol.dispose]();
  }
}

export interface TestJobsOptions extends ServedJobsOptions, Partial<Omit<ModelHostOptions, 'name'>> {}

/** Jobs of a model in this process: of two layers, unless another is opened. */
export class TestJobs extends ServedJobs<ModelHost> {
  constructor({ open, idleRelease, loraDir, ...options }: TestJobsOptions = {}) {
    const small: ModelHostOptions['open'] = (given) => Flux.load(RANDOM_MODEL, { device: 'cpu', ...given });
    super(new ModelHost({ open: open ?? small, idleRelease, loraDir }), options);
  }
}

/** The data of server-sent events. */
export async function* sentEvents(response: Response): AsyncGenerator<Record<string, unknown> & { type: string }> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

/** All events of a job from now on. */
export function eventsOf(job: Job): Promise<JobEvent[]> {
  return Array.fromAsync(job.events());
}

export function typesOf(events: readonly JobEvent[]): string[] {
  return [...new Set(events.map(({ type }) => type))];
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(2);
}

/** A grey picture that goes in. */
export function greyPng(): Promise<Uint8Array> {
  return encode({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3).fill(90) }, 'png');
}

/** Figures of a job that nobody made. */
export const REPORT = {
  timings: { load: 0, compile: 0, encode: 0, denoise: 0, secondsPerStep: 0, decode: 0, inference: 0 },
  peakMemory: 0,
  programs: { compiled: 0, fromCache: 0 },
  device: 'none',
  images: 1,
  steps: { all: 8, cached: 0 },
} as const;
