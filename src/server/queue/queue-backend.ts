/** The workers of a queue as a backend: which there are, which models they have, and whether the queue can be used. */

import { setTimeout } from 'node:timers/promises';
import type { ServerLora } from '../../api/served.ts';
import type { Event } from '../../pipeline/events.ts';
import type { FluxStats } from '../../pipeline/flux.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { untilAborted } from '../../support/until-aborted.ts';
import type { Backend, ModelStatus, ServedModel, Task } from '../backend.ts';
import { isAnyModel, meansModel, noModel, shortName } from '../model-names.ts';
import { Refusal } from '../refusal.ts';
import { toldError } from '../told.ts';
import { QueueConnection, requireQueueUrl } from './connection.ts';
import { EventReader } from './event-reader.ts';
import { KEYS, LIFE } from './protocol.ts';
import { type OpenQueue, QueuedJob, waitingFor } from './queued-job.ts';
import { openQueues } from './queues.ts';
import { Workers } from './workers.ts';

/** Which queue, and what its jobs are by default. */
export interface QueueBackendOptions {
  readonly url: string;
  /** Tells this server from others. */
  readonly id: string;
  /** The model of requests that name none; by default, the only one that there is, or was last. */
  readonly model: string | undefined;
  /** What that model is called as long as there is none. */
  readonly fallback: string;
  /** Pixels that a picture may have. */
  readonly pixels: number;
}

/** Milliseconds between two looks at the queue. */
const BEAT = 1000;
/** Jobs of a model in the queue for each that its workers take at a time, so that none of them waits for a server; the least there are. */
const PER_SLOT = 2;
const LEAST_ROOM = 8;
/** Models that are remembered while none of their workers is there. */
const MOST_MODELS = 1000;

/** The workers of a queue, as a backend. */
export class QueueBackend implements Backend {
  readonly keepsJobs = true;
  readonly #options: QueueBackendOptions;
  readonly #workers = new Workers();
  readonly #closing = new AbortController();
  /** Short names of models that had a worker. */
  readonly #known = new Set<string>();
  /** The model of requests that name none: the last that was the only one. */
  #only: string | undefined;
  #connecting: Promise<OpenQueue> | undefined;
  /** Why the queue cannot be used now. */
  #trouble: FluxionError | undefined;
  #changed = Promise.withResolvers<void>();

  /** Connects when it is started or first used. Throws `bad_config` for what is no address of a queue. */
  constructor(options: QueueBackendOptions) {
    requireQueueUrl(options.url);
    this.#options = options;
  }

  get name(): string {
    return this.#default ?? this.#options.fallback;
  }

  /** The model of requests that name none; undefined as long as there was no worker of any. */
  get #default(): string | undefined {
    return this.#options.model ?? this.#only ?? this.models[0]?.name;
  }

  get models(): readonly ServedModel[] {
    return this.#workers.models;
  }

  get status(): ModelStatus {
    if (this.#trouble) return { status: 'failed', error: toldError(this.#trouble) };
    const served = this.served(undefined) ?? this.models[0];
    if (served) return { status: 'ready', model: served.name, device: served.device };
    const loading = this.#workers.of(this.name).find(({ message }) => message !== undefined)?.message;
    if (loading !== undefined) return { status: 'loading', progress: { message: loading } };
    return { status: this.#connecting ? 'waiting' : 'closed', progress: waitingFor(this.name) };
  }

  async start(): Promise<ServedModel> {
    await this.#connect();
    return this.#until(() => this.models[0], this.#closing.signal);
  }

  modelFor(wanted: string | undefined): string | undefined {
    if (wanted === undefined || isAnyModel(wanted)) return this.#default;
    if (meansModel(wanted, this.name)) return this.name;
    const models = this.models.map(({ name }) => name);
    const found = models.find((model) => meansModel(wanted, model));
    if (found !== undefined) return found;
    if (this.#known.has(shortName(wanted))) return wanted;
    throw noModel(wanted, [...new Set([this.name, ...models])]);
  }

  served(model: string | undefined): ServedModel | undefined {
    const name = shortName(model ?? this.name);
    return this.models.find((served) => shortName(served.name) === name);
  }

  async described(model: string | undefined, signal: AbortSignal): Promise<ServedModel> {
    await this.#connect();
    return this.#until(() => this.served(model), AbortSignal.any([signal, this.#closing.signal]));
  }

  async loras(): Promise<readonly ServerLora[]> {
    return this.#workers.loras;
  }

  /** A worker looks the name up in its own folder; what no worker of the model has is refused now. */
  requireLora(name: string, model: string | undefined): void {
    const workers = this.#workers.of(model ?? this.name).filter(({ status }) => status === 'ready');
    const known = workers.flatMap(({ loras }) => loras.map((lora) => lora.name));
    const isListed = (lora: string): boolean => lora === name || lora === name.replace(/\.safetensors$/, '');
    if (workers.length === 0 || known.some(isListed)) return;
    throw new FluxionError('not_found', `no worker of ${model ?? this.name} has a LoRA '${name.slice(0, 200)}'`, {
      hint: 'GET /v1/loras lists them',
    });
  }

  requirePossible(): void {
    if (!this.#trouble) return;
    const { message, hint } = this.#trouble;
    throw new Refusal(503, message, { code: 'busy', retryAfter: 5, hint });
  }

  room(model: string | undefined): number {
    const slots = this.#workers.of(model ?? this.name).reduce((sum, worker) => sum + worker.slots, 0);
    return Math.max(LEAST_ROOM, PER_SLOT * slots);
  }

  get workers(): number {
    return this.#workers.of().length;
  }

  stats(): FluxStats | undefined {
    return undefined;
  }

  async *make(task: Task): AsyncGenerator<Event, void, undefined> {
    const open = await untilAborted(this.#connect(), task.signal);
    const model = task.request.model ?? (await this.#decided(task, open));
    yield* new QueuedJob(task, model, open).events();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new FluxionError('disposed', 'the server is closed'));
    const connected = await this.#connecting?.catch(() => undefined);
    if (!connected) return;
    connected.reader[Symbol.dispose]();
    connected.connection[Symbol.dispose]();
  }

  /** The model of a job that was accepted when none was known: one for good, so that the job is in one queue only. */
  async #decided({ id, signal, onLoading }: Task, { connection: { client } }: OpenQueue): Promise<string> {
    if (this.#default === undefined) onLoading(waitingFor('any model'));
    const model = await this.#until(() => this.#default, signal);
    const key = KEYS.model(id);
    await untilAborted(client.set(key, model, 'EX', LIFE, 'NX'), signal);
    return (await untilAborted(client.get(key), signal)) ?? model;
  }

  #connect(): Promise<OpenQueue> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  async #open(): Promise<OpenQueue> {
    const connection = await QueueConnection.open(this.#options.url);
    const queueOf = await openQueues(connection);
    const reader = new EventReader(connection, this.#options.id);
    void this.#watch(connection);
    return {
      ...{ connection, reader, queueOf },
      isAway: () => this.#trouble !== undefined,
      hasWorker: (model) => this.#workers.of(model).length > 0,
      pixels: this.#options.pixels,
    };
  }

  /** Looks at the queue as long as the server runs: whether it can be written, and who works. */
  async #watch(connection: QueueConnection): Promise<void> {
    const { signal } = this.#closing;
    // The first connection takes a moment, which is no trouble yet.
    await new Promise((resolve) => {
      connection.client.once('ready', resolve).once('error', resolve);
      signal.addEventListener('abort', resolve, { once: true });
    });
    while (!signal.aborted) {
      try {
        await connection.ask(async (client) => {
          await client.set(KEYS.server(this.#options.id), '1', 'PX', 10 * BEAT);
          await this.#workers.look(connection);
        });
        if (this.#trouble) log('warn', `the queue at ${connection.shown} can be used again`);
        this.#trouble = undefined;
      } catch (error) {
        const trouble = connection.explain(error);
        if (trouble.message !== this.#trouble?.message && !signal.aborted) log('warn', trouble.message);
        this.#trouble = trouble;
        this.#workers.forget();
      }
      const [first, ...others] = this.models;
      if (first && others.length === 0) this.#only = first.name;
      for (const { name } of this.models) if (this.#known.size < MOST_MODELS) this.#known.add(shortName(name));
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      await setTimeout(BEAT, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Resolves to a value as soon as there is one. */
  async #until<T>(value: () => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      const found = value();
      if (found !== undefined) return found;
      await untilAborted(this.#changed.promise, signal);
    }
  }
}
