/** The workers of a queue as a backend: it knows the live workers, their models, and whether the queue can be used. */

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

/** The queue, and defaults for its jobs. */
export interface QueueBackendOptions {
  readonly url: string;
  /** A unique id of this server. */
  readonly id: string;
  /** The default model; if undefined, the last one that all workers had in common, or else any of theirs. */
  readonly model: string | undefined;
  /** The name of the default model until there is a worker. */
  readonly fallback: string;
  /** Most pixels of a picture. */
  readonly pixels: number;
}

/** Milliseconds between two checks of the queue. */
const BEAT = 1000;
/** Jobs in a model's queue for each slot of its workers, so that no worker waits for a server; and the fewest per model. */
const PER_SLOT = 2;
const LEAST_ROOM = 8;
/** Most models whose names are remembered after their workers are gone. */
const MOST_MODELS = 1000;

/** A backend whose jobs are made by the workers of a queue. */
export class QueueBackend implements Backend {
  readonly keepsJobs = true;
  readonly #options: QueueBackendOptions;
  readonly #workers = new Workers();
  readonly #closing = new AbortController();
  /** Short names of models that had a worker. */
  readonly #known = new Set<string>();
  /** The last model that was the only one of all workers. */
  #only: string | undefined;
  #connecting: Promise<OpenQueue> | undefined;
  /** The reason why the queue cannot be used now. */
  #trouble: FluxionError | undefined;
  #changed = Promise.withResolvers<void>();

  /** Connects when started or first used. Throws `bad_config` if `url` is not an address of a queue. */
  constructor(options: QueueBackendOptions) {
    requireQueueUrl(options.url);
    this.#options = options;
  }

  get name(): string {
    return this.#default ?? this.#options.fallback;
  }

  /** The default model; undefined until there was a worker. */
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

  /** Refuses a LoRA that no worker of the model has; the worker looks the name up in its own folder later. */
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

  /** Decides the model of a job that was accepted before any model was known. It never changes: the job must be in one queue only. */
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

  /** Checks every `BEAT`, until the server is closed, whether the queue can be written and which workers live. */
  async #watch(connection: QueueConnection): Promise<void> {
    const { signal } = this.#closing;
    // Connecting takes a moment, which is not an error yet.
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
