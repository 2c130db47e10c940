/**
 * Jobs that workers make: each is handed to the queue of its model, where it stays until a worker has made it, whatever becomes of workers
 * and of this server. What workers tell is read from a stream of the job, which is kept until it is read.
 */

import { setTimeout } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { ServerLora } from '../../api/served.ts';
import { type Event, warning } from '../../pipeline/events.ts';
import type { FluxStats } from '../../pipeline/flux.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { untilAborted } from '../../support/until-aborted.ts';
import type { Backend, LoadingProgress, ModelStatus, ServedModel, Task } from '../backend.ts';
import { isAnyModel, meansModel, noModel, shortName } from '../model-names.ts';
import { picturesOf, requestText } from '../network-request.ts';
import { Refusal } from '../refusal.ts';
import { Stopped } from '../stopped.ts';
import { toldError } from '../told.ts';
import { QueueConnection, requireQueueUrl } from './connection.ts';
import { EventReader } from './event-reader.ts';
import { ENDS, type JobMessage, KEYS, LIFE, PREFIX, parseEvent, queueName } from './protocol.ts';
import { pictureBytes, receivedError, receivedEvent, receivedPicture } from './received.ts';
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

/** Milliseconds between two looks at the queue, and after which a job of which nothing was heard is looked for. */
const BEAT = 1000;
const SILENCE = 10_000;
/** Jobs of a model in the queue for each that its workers take at a time, so that none of them waits for a server; the least there are. */
const PER_SLOT = 2;
const LEAST_ROOM = 8;
/** Seconds that a job that is done is known as one not to be made, which attempts that were given up may still do. */
const DONE_LIFE = 3600;
/** Models that are remembered while none of their workers is there. */
const MOST_MODELS = 1000;

interface Connected {
  readonly connection: QueueConnection;
  readonly reader: EventReader;
  readonly queueOf: (model: string) => Queue;
}

/** The workers of a queue, as a backend. */
export class QueueBackend implements Backend {
  readonly keepsJobs = true;
  readonly #options: QueueBackendOptions;
  readonly #workers = new Workers();
  readonly #closing = new AbortController();
  readonly #queues = new Map<string, Queue>();
  /** Short names of models that had a worker. */
  readonly #known = new Set<string>();
  /** The model of requests that name none: the last that was the only one. */
  #only: string | undefined;
  #connecting: Promise<Connected> | undefined;
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
    return { status: this.#connecting ? 'waiting' : 'closed', progress: this.#waitingFor(this.name) };
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
    const { id, signal } = task;
    const connected = await untilAborted(this.#connect(), signal);
    const model = task.request.model ?? (await this.#decided(task, connected));
    let leaves = false;
    let isDone = false;
    try {
      await this.#handOver(task, model, connected);
      yield* this.#made(task, model, connected);
      isDone = true;
    } catch (error) {
      leaves = error instanceof Stopped && error.leaves;
      throw error;
    } finally {
      if (!leaves) void this.#forget(id, model, connected, isDone ? DONE_LIFE : LIFE);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new FluxionError('disposed', 'the server is closed'));
    const connected = await this.#connecting?.catch(() => undefined);
    if (!connected) return;
    connected.reader[Symbol.dispose]();
    connected.connection[Symbol.dispose]();
  }

  /** The model of a job that was accepted when none was known: one for good, so that the job is in one queue only. */
  async #decided({ id, signal, onLoading }: Task, { connection: { client } }: Connected): Promise<string> {
    if (this.#default === undefined) onLoading(this.#waitingFor('any model'));
    const model = await this.#until(() => this.#default, signal);
    const key = KEYS.model(id);
    await untilAborted(client.set(key, model, 'EX', LIFE, 'NX'), signal);
    return (await untilAborted(client.get(key), signal)) ?? model;
  }

  /** Puts a job into its queue, unless it is there or was made. Tries again until that is done. */
  async #handOver(
    { id, request, caller, signal, onLoading }: Task,
    model: string,
    connected: Connected,
  ): Promise<void> {
    const { model: _, ...plain } = request;
    const data: JobMessage = { request: JSON.parse(requestText(plain).whole), ...(caller !== undefined && { caller }) };
    for (;;) {
      try {
        if (await untilAborted(hasEnded(connected, id), signal)) return;
        // Adding a job that is there changes nothing.
        await untilAborted(connected.queueOf(model).add('job', data, { jobId: id }), signal);
        if (this.#workers.of(model).length === 0) onLoading(this.#waitingFor(model));
        return;
      } catch (error) {
        signal.throwIfAborted();
        onLoading({ message: `waiting: ${connected.connection.explain(error).message}` });
        await setTimeout(BEAT, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  async *#made(task: Task, model: string, connected: Connected): AsyncGenerator<Event, void, undefined> {
    const { id, signal, onLoading, request, has } = task;
    const { client } = connected.connection;
    const { pixels } = this.#options;
    const total = picturesOf(request);
    const told = new Set<string>();
    let attempt: string | undefined;
    // Whether the attempt said that it begins, which may have been read before this server was started.
    let isSure = false;
    let isLost = false;
    let wasLost = false;
    using following = connected.reader.follow(id);
    const look = async (): Promise<void> => {
      const missed = await this.#lookFor(task, model, connected, following.last);
      if (!missed) return;
      isSure = missed.attempt !== undefined;
      attempt = missed.attempt ?? attempt;
      following.again();
    };
    for (;;) {
      const entries = await this.#heard(following.next(signal), look, signal);
      const kept = new Set<string>();
      for (const { id: entry, fields } of entries) {
        const of = fields.get('attempt')?.toString() ?? '';
        const event = parseEvent(fields.get('event') ?? Buffer.alloc(0));
        if (event.type === 'begun') {
          if (attempt !== undefined && attempt !== of) yield warning(AGAIN);
          attempt = of;
          isSure = true;
          continue;
        }
        // A worker that was given up may still tell of a job that another has.
        attempt ??= of;
        if (of !== attempt) {
          // It may be the first of those that are left that was given up.
          if (!isSure && (event.type === 'image' || ENDS.includes(event.type))) kept.add(entry);
          continue;
        }
        switch (event.type) {
          case 'loading':
            onLoading({ message: event.message });
            break;
          case 'image': {
            const { index } = event;
            if (index >= total) break;
            const key = KEYS.picture(id, attempt, index);
            if (has(index)) {
              void client.del(key).catch(() => {});
              break;
            }
            const png = await untilAborted(client.getrangeBuffer(key, 0, pictureBytes(pixels)), signal);
            // The queue lost its memory since.
            isLost ||= png.length === 0;
            if (png.length === 0) break;
            const image = await receivedPicture(png, pixels);
            yield { type: 'image', image, seed: image.seed, index };
            void client.del(key).catch(() => {});
            break;
          }
          case 'failed':
            throw receivedError(event);
          case 'done': {
            const missing = Array.from({ length: total }, (_, index) => index).filter((index) => !has(index));
            if (missing.length > 0 && isLost && !wasLost) {
              wasLost = true;
              const read = entries.map((entry) => entry.id);
              await untilAborted(client.xdel(KEYS.events(id), ...read), signal);
              await this.#handOver(task, model, connected);
              break;
            }
            if (missing.length > 0)
              throw new FluxionError('io', `the worker said that the job is done, and ${missing.length} pictures lack`);
            yield receivedEvent(event, { total, pixels });
            return;
          }
          default: {
            // Those of another attempt are the same.
            const isNote = event.type === 'warning' || event.type === 'lora';
            const note = isNote ? JSON.stringify(event) : '';
            if (isNote && told.has(note)) break;
            if (isNote) told.add(note);
            yield receivedEvent(event, { total, pixels });
          }
        }
      }
      const read = entries.map((entry) => entry.id).filter((entry) => !kept.has(entry));
      if (read.length > 0) void client.xdel(KEYS.events(id), ...read).catch(() => {});
    }
  }

  /**
   * Hands a job over again that the queue does not know any more. Resolves where the job's stream has to be read again: from its beginning,
   * and as that of the attempt that ended, if one did.
   */
  async #lookFor(
    task: Task,
    model: string,
    connected: Connected,
    last: string,
  ): Promise<{ readonly attempt: string | undefined } | undefined> {
    const { id } = task;
    const state = await connected
      .queueOf(model)
      .getJobState(id)
      .catch(() => 'unasked');
    const stream = await newest(connected, id).catch(() => undefined);
    if (state === 'unknown' && stream?.hasEnded) return { attempt: stream.attempt };
    if (state === 'unknown') await this.#handOver(task, model, connected);
    // Ids are times: a queue that forgot the job and has a clock that is behind begins before what was read.
    return stream && isBefore(stream.last, last) ? { attempt: undefined } : undefined;
  }

  /** What is told next; a queue of which nothing was heard for long is asked whether it still has the job, which it lost with its memory. */
  async #heard<T>(next: Promise<T>, look: () => Promise<void>, signal: AbortSignal): Promise<T> {
    next.catch(() => {});
    for (;;) {
      const silence = new AbortController();
      const waited = setTimeout(SILENCE, 'silent' as const, { signal: silence.signal, ref: false });
      waited.catch(() => {});
      const first = await Promise.race([next.then((value) => ({ value })), waited]).finally(() => silence.abort());
      if (first !== 'silent') return first.value;
      signal.throwIfAborted();
      // An answer that never comes must not keep a job from being cancelled.
      if (!this.#trouble) await untilAborted(look(), signal);
    }
  }

  /** Has workers stop a job, and takes what is left of it out of the queue. */
  async #forget(
    id: string,
    model: string,
    { connection: { client }, queueOf }: Connected,
    life: number,
  ): Promise<void> {
    try {
      await client
        .pipeline()
        .set(KEYS.stop(id), '1', 'EX', life)
        .publish(KEYS.stops, id)
        .del(KEYS.events(id), KEYS.tries(id), KEYS.model(id))
        .exec();
      // A job that a worker has stays until that lets it go.
      await queueOf(model)
        .remove(id)
        .catch(() => {});
    } catch (error) {
      log('debug', `job ${id}: ${(error as Error).message}`);
    }
  }

  #connect(): Promise<Connected> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  async #open(): Promise<Connected> {
    const connection = await QueueConnection.open(this.#options.url);
    const { Queue } = await import('bullmq');
    const queueOf = (model: string): Queue => {
      const name = queueName(model);
      let queue = this.#queues.get(name);
      if (!queue) {
        queue = new Queue(name, {
          connection: connection.client as never,
          prefix: PREFIX,
          skipVersionCheck: true,
          // BullMQ's own events, which nobody reads.
          streams: { events: { maxLen: 100 } },
          defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
        });
        // What goes wrong is told to who waits for it.
        queue.on('error', (error) => log('debug', `queue ${name}: ${error.message}`));
        this.#queues.set(name, queue);
      }
      return queue;
    };
    const reader = new EventReader(connection, this.#options.id);
    void this.#watch(connection);
    return { connection, reader, queueOf };
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

  #waitingFor(model: string): LoadingProgress {
    return { message: `waiting for a worker of ${model}` };
  }
}

/** What is told where another worker begins a job. */
const AGAIN = 'the worker of this job was lost or stopped: another one begins it again';

/** Whether a job's stream says how it ended, which a server that is started again has not read yet. */
async function hasEnded(connected: Connected, id: string): Promise<boolean> {
  return (await newest(connected, id))?.hasEnded ?? false;
}

/** What a job's stream has last; undefined where all was read, or nothing said. */
async function newest(
  { connection: { client } }: Connected,
  id: string,
): Promise<{ readonly last: string; readonly attempt: string; readonly hasEnded: boolean } | undefined> {
  const [entry] = await client.xrevrange(KEYS.events(id), '+', '-', 'COUNT', 1);
  if (!entry) return undefined;
  const [last, list] = entry;
  const fieldOf = (name: string): string => list[list.indexOf(name) + 1] ?? '';
  return { last, attempt: fieldOf('attempt'), hasEnded: (ENDS as readonly string[]).includes(fieldOf('type')) };
}

/** Whether an id of a stream's entry, of milliseconds and a number among those, comes before another. */
function isBefore(id: string, other: string): boolean {
  const [time = 0, number = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherNumber = 0] = other.split('-').map(Number);
  return time < otherTime || (time === otherTime && number < otherNumber);
}
