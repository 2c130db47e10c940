/**
 * A worker: takes jobs of its model from a queue, makes them and tells the server. What it was doing when it was killed is begun again by
 * another; what it is doing when it is stopped is finished within a time, or given back.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Job as QueuedJob, Worker } from 'bullmq';
import { checked } from '../../api/check.ts';
import type { Request } from '../../api/request.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { pause, untilAborted } from '../../support/until-aborted.ts';
import type { ServedModel } from '../backend.ts';
import { JOB_LIMITS, type JobLimits } from '../jobs.ts';
import type { ModelHost } from '../model-host.ts';
import { networkRequest, picturesOf } from '../network-request.ts';
import type { ServerLog } from '../server-log.ts';
import { toldError } from '../told.ts';
import { QueueConnection } from './connection.ts';
import { EventWriter } from './event-writer.ts';
import { type Announcement, announcedLoras, isId, JOB_MESSAGE, KEYS, LIFE, PREFIX, queueName } from './protocol.ts';
import { Turns } from './turns.ts';

/** What a worker works with. */
export interface QueueWorkerOptions {
  readonly url: string;
  /** The model. */
  readonly host: ModelHost;
  /** Jobs that it takes at a time. */
  readonly slots: number;
  /** Milliseconds without a sign of life after which a worker is taken for dead. */
  readonly timeout: number;
  readonly limits?: Partial<JobLimits> | undefined;
  readonly log?: ServerLog | undefined;
  /** Told what it is doing, for people. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** Tries after which a job is given up: by then it has ended as many workers. */
const MOST_TRIES = 5;
/** Tries after which a job is made alone, so that others do not share its fate. */
const TRIES_TOGETHER = 2;
/** Milliseconds between two looks at the folder of LoRAs. */
const LORAS_EVERY = 30_000;

/** Why the making of a job ends before its time. */
class Ended extends FluxionError {
  readonly kind: 'stopped' | 'lost' | 'given back';

  constructor(kind: Ended['kind'], message: string) {
    super('aborted', message);
    this.kind = kind;
  }
}

/** One making of a job. There may be two of one job for a while: one that lost it and is slow to end, and the one that follows. */
interface Attempt {
  readonly id: string;
  readonly stop: AbortController;
}

/** One worker. */
export class QueueWorker implements AsyncDisposable {
  readonly id: string = randomUUID();
  readonly #options: QueueWorkerOptions;
  readonly #limits: JobLimits;
  readonly #running = new Set<Attempt>();
  readonly #turns = new Turns();
  readonly #closing = new AbortController();
  readonly #disconnected = new AbortController();
  #connection: QueueConnection | undefined;
  #worker: Worker | undefined;
  #status: Announcement['status'] = 'loading';
  #message = 'opening the model';
  #loras: Announcement['loras'] = [];
  #saidWhatIsLeftOut = false;
  #served: ServedModel | undefined;
  #lorasAt = Number.NEGATIVE_INFINITY;
  /** Whether what it has goes back to the queue now. */
  #givesBack = false;
  #closed: Promise<void> | undefined;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#limits = { ...JOB_LIMITS, ...options.limits };
  }

  /** Opens the model and takes jobs from then on. Rejects where the model cannot be opened or the queue lets nobody in. */
  async start(signal: AbortSignal): Promise<void> {
    const { url, host, timeout, slots } = this.#options;
    const connection = await QueueConnection.open(url);
    this.#connection = connection;
    await this.#reachable(connection, signal);
    void this.#announce(connection);
    using lease = await host.lease(signal, ({ message }) => {
      this.#message = message;
      this.#options.onProgress?.(message);
    });
    const { name, device } = lease.flux;
    const listening = connection.another();
    listening.on('message', (_channel, id) => this.#stop(id));
    await untilAborted(listening.subscribe(KEYS.stops), signal);
    const { Worker, WaitingError } = await import('bullmq');
    signal.throwIfAborted();
    const worker: Worker = new Worker(
      queueName(name),
      async (job, token = '') => {
        const outcome = await this.#make(job, token, connection);
        if (outcome !== 'given back') return;
        await job.moveToWait(token);
        throw new WaitingError();
      },
      {
        connection: connection.client as never,
        prefix: PREFIX,
        concurrency: slots,
        name: this.id,
        skipVersionCheck: true,
        lockDuration: timeout,
        // BullMQ renews locks by the job's id, which is not enough where two attempts are under way: each renews its own.
        skipLockRenewal: true,
        stalledInterval: timeout / 2,
        // Jobs that end workers are told apart by their tries.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        runRetryDelay: 1000,
        drainDelay: 5,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    );
    worker.on('error', (error) => log('debug', `queue: ${error.message}`));
    worker.on('stalled', (id) => this.#options.log?.write('stalled', { id }));
    this.#worker = worker;
    this.#status = 'ready';
    this.#options.log?.write('ready', { worker: this.id, model: name, device, queue: connection.shown, slots });
    this.#options.onProgress?.(`taking jobs of ${name} from ${connection.shown}`);
    await this.#say(connection);
  }

  /** Takes no more jobs, and ends those it has within so many milliseconds; what is left then is given back. */
  close(grace: number): Promise<void> {
    this.#closed ??= this.#close(grace);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(0);
  }

  async #close(grace: number): Promise<void> {
    const connection = this.#connection;
    this.#closing.abort();
    if (connection) {
      await connection.ask((client) => client.del(KEYS.worker(this.id))).catch(() => {});
      const giveBack = (): void => {
        this.#givesBack = true;
        for (const { stop } of this.#running) stop.abort(new Ended('given back', 'the worker was stopped'));
      };
      const timer = globalThis.setTimeout(giveBack, grace);
      // While the queue cannot be reached, nothing can be given back: the others find out by themselves.
      const { timeout } = this.#options;
      await Promise.race([this.#worker?.close(), setTimeout(grace + timeout, undefined, { ref: false })]).catch(
        () => {},
      );
      clearTimeout(timer);
      giveBack();
      this.#disconnected.abort();
      connection[Symbol.dispose]();
    }
    await this.#options.host[Symbol.asyncDispose]();
    if (connection) this.#options.log?.write('stopped', { worker: this.id });
  }

  /** Waits for the queue; rejects where it will not let this worker in. */
  async #reachable(connection: QueueConnection, signal: AbortSignal): Promise<void> {
    for (let told = ''; ; ) {
      signal.throwIfAborted();
      try {
        await connection.ask((client) => client.set(KEYS.server(this.id), '1', 'PX', 1000));
        return;
      } catch (error) {
        const trouble = connection.explain(error);
        if (trouble.code === 'denied') throw trouble;
        // The first connection takes a moment.
        if (told !== trouble.message && connection.client.status !== 'connecting') {
          told = trouble.message;
          this.#options.onProgress?.(`waiting: ${told}`);
        }
        await pause(100, signal);
      }
    }
  }

  /** Makes a job, and tells its server. What it resolves to is what becomes of the job in the queue. */
  async #make(queued: QueuedJob, token: string, { client }: QueueConnection): Promise<'over' | 'given back'> {
    const { id } = queued;
    if (!isId(id)) return 'over';
    const start = performance.now();
    const stop = new AbortController();
    const { signal } = stop;
    const attempt = randomUUID();
    const writer = new EventWriter(client, id, attempt);
    const running = { id, stop };
    this.#running.add(running);
    using _renewal = this.#renewed(queued, token, stop);
    // One that was taken in the last moment.
    if (this.#givesBack) stop.abort(new Ended('given back', 'the worker was stopped'));
    let outcome: string;
    let tries = 0;
    try {
      if (await untilAborted(client.exists(KEYS.stop(id)), signal)) throw new Ended('stopped', 'it is not wanted');
      const before = Number(await untilAborted(client.get(KEYS.tries(id)), signal));
      using _turn = await this.#turns.enter(before >= TRIES_TOGETHER, signal);
      tries = await untilAborted(counted(client, id), signal);
      await writer.tell({ type: 'begun', worker: `${hostname()} ${process.pid}`.slice(0, 200) }, signal);
      if (tries > MOST_TRIES) {
        throw new FluxionError('unsupported', `${MOST_TRIES} workers were lost while they made this job`, {
          hint: 'it may need more memory than they have: ask for smaller or fewer pictures',
        });
      }
      await this.#told(queued, id, writer, signal);
      outcome = 'done';
    } catch (error) {
      outcome = error instanceof Ended ? error.kind : 'failed';
      if (outcome === 'failed') {
        const told = toldError(error, `job ${id}`);
        await writer.tell({ type: 'failed', error: told }, signal).catch(() => {});
      }
    } finally {
      this.#running.delete(running);
    }
    // A worker that lives has not been ended by the job.
    if (tries > 0 && (outcome === 'given back' || outcome === 'lost'))
      await client.decr(KEYS.tries(id)).catch(() => {});
    if (outcome === 'stopped') await writer.clear().catch(() => {});
    const seconds = Math.round(performance.now() - start) / 1000;
    this.#options.log?.write('job', { id, status: outcome, seconds, tries });
    return outcome === 'given back' ? 'given back' : 'over';
  }

  async #told(queued: QueuedJob, id: string, writer: EventWriter, signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    const { request: given, caller } = checked(JOB_MESSAGE, queued.data, 'the job');
    const requireLora = (name: string): void => host.requireLora(name);
    const request = await networkRequest(given as unknown as Request, this.#limits, requireLora);
    const onLoading = ({ message }: { readonly message: string }): void => {
      void writer.tell({ type: 'loading', message }, signal).catch(() => {});
    };
    const made = host.make({ id, request, caller, signal, onLoading, has: () => false });
    let pictures = picturesOf(request);
    for await (const event of made) {
      if (event.type === 'image') pictures--;
      await writer.event(event, signal);
    }
    if (pictures > 0)
      throw new FluxionError('unsupported', `${pictures} pictures of this job are made by other processes`);
  }

  #stop(id: string): void {
    for (const attempt of this.#running)
      if (attempt.id === id) attempt.stop.abort(new Ended('stopped', 'it is not wanted any more'));
  }

  /** Keeps the lock of an attempt until it is disposed, and ends an attempt that has lost it. */
  #renewed(queued: QueuedJob, token: string, stop: AbortController): Disposable {
    const { timeout } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#disconnected.signal]);
    const renew = async (): Promise<void> => {
      for (;;) {
        await setTimeout(timeout / 3, undefined, { signal, ref: false });
        // What cannot be asked is not lost yet.
        const kept = await queued.extendLock(token, timeout).catch(() => 1);
        if (kept === 0) stop.abort(new Ended('lost', 'another worker has this job now'));
      }
    };
    renew().catch(() => {});
    return { [Symbol.dispose]: () => ended.abort() };
  }

  /** Says that this worker lives, again and again, and looks for jobs that are to stop, of which the message may have been lost. */
  async #announce(connection: QueueConnection): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#say(connection).catch((error: Error) => log('debug', `queue: ${error.message}`));
      await setTimeout(this.#options.timeout / 3, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #say(connection: QueueConnection): Promise<void> {
    const { timeout, slots, host } = this.#options;
    if (performance.now() - this.#lorasAt > LORAS_EVERY) {
      const all = await host.loras();
      this.#loras = announcedLoras(all);
      this.#lorasAt = performance.now();
      const leftOut = all.length - this.#loras.length;
      if (leftOut > 0 && !this.#saidWhatIsLeftOut) {
        this.#saidWhatIsLeftOut = true;
        log(
          'warn',
          `lora_dir: servers are not told of all LoRAs (${leftOut} left out): give them shorter names, or keep fewer`,
        );
      }
    }
    // A model that left the device for a while comes back with the next job.
    this.#served = host.served() ?? this.#served;
    const served = this.#served;
    const announcement: Announcement = {
      id: this.id,
      model: (served?.name ?? host.name).slice(0, 200),
      device: (served?.device ?? '').slice(0, 200),
      status: this.#status,
      ...(this.#status === 'loading' && { message: this.#message.slice(0, 1000) }),
      slots,
      ...(served && { served }),
      loras: this.#loras,
    };
    await connection.ask(async (client) => {
      if (this.#closing.signal.aborted) return;
      const writing = client.pipeline();
      writing.set(KEYS.worker(this.id), JSON.stringify(announcement), 'PX', timeout);
      writing.sadd(KEYS.workers, this.id);
      const ids = [...new Set([...this.#running].map(({ id }) => id))];
      for (const id of ids) writing.exists(KEYS.stop(id));
      const answers = (await writing.exec()) ?? [];
      for (const [i, id] of ids.entries()) if (answers[i + 2]?.[1] === 1) this.#stop(id);
    });
  }
}

/** How often the job was begun, this time included. */
async function counted(client: QueueConnection['client'], id: string): Promise<number> {
  const answers = (await client.multi().incr(KEYS.tries(id)).expire(KEYS.tries(id), LIFE).exec()) ?? [];
  const [error, tries] = answers[0] ?? [];
  if (error) throw error;
  return Number(tries);
}
