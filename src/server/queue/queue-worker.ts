/**
 * A worker: takes jobs of its model from a queue, makes them and reports to the server. When a worker is killed, others begin its jobs
 * again. When it is stopped, it finishes its jobs within a time limit and gives the rest back.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Job as QueuedJob, Worker } from 'bullmq';
import { checked } from '../../api/check.ts';
import type { Request } from '../../api/request.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { Turns } from '../../support/turns.ts';
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

/** Options of a worker. */
export interface QueueWorkerOptions {
  readonly url: string;
  /** The model. */
  readonly host: ModelHost;
  /** Most jobs that the worker takes at a time. */
  readonly slots: number;
  /** Milliseconds without a sign of life after which a worker counts as dead. */
  readonly timeout: number;
  readonly limits?: Partial<JobLimits> | undefined;
  readonly log?: ServerLog | undefined;
  /** Called with one line of text when the worker begins something else. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** Attempts after which a job is given up: it has killed as many workers. */
const MOST_TRIES = 5;
/** Attempts after which a job is made alone, so that it takes no other job with it. */
const TRIES_TOGETHER = 2;
/** Milliseconds between two listings of the LoRA folder. */
const LORAS_EVERY = 30_000;

/** The reason why an attempt ends early. */
class Ended extends FluxionError {
  readonly kind: 'stopped' | 'lost' | 'given back';

  constructor(kind: Ended['kind'], message: string) {
    super('aborted', message);
    this.kind = kind;
  }
}

/** One attempt at a job. A job may have two for a while: one that lost its lock and is slow to end, and its successor. */
interface Attempt {
  readonly id: string;
  readonly stop: AbortController;
}

/** A worker of a queue. */
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
  /** Whether the worker now gives its jobs back to the queue. */
  #givesBack = false;
  #closed: Promise<void> | undefined;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#limits = { ...JOB_LIMITS, ...options.limits };
  }

  /** Opens the model, then takes jobs. Rejects if the model cannot be opened, or if the queue denies access. */
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
        // BullMQ renews locks by job id, which two attempts at one job would share: each attempt renews its own.
        skipLockRenewal: true,
        stalledInterval: timeout / 2,
        // We count attempts ourselves, under `KEYS.tries`.
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

  /** Takes no more jobs. The current ones have `grace` milliseconds to end; the rest are given back. */
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
      // If the queue cannot be reached, jobs cannot be given back: other workers take them once their locks expire.
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

  /** Waits until the queue can be reached; rejects if it denies access. */
  async #reachable(connection: QueueConnection, signal: AbortSignal): Promise<void> {
    for (let told = ''; ; ) {
      signal.throwIfAborted();
      try {
        await connection.ask((client) => client.set(KEYS.server(this.id), '1', 'PX', 1000));
        return;
      } catch (error) {
        const trouble = connection.explain(error);
        if (trouble.code === 'denied') throw trouble;
        // Connecting takes a moment, which is not worth a line.
        if (told !== trouble.message && connection.client.status !== 'connecting') {
          told = trouble.message;
          this.#options.onProgress?.(`waiting: ${told}`);
        }
        await pause(100, signal);
      }
    }
  }

  /** Makes a job and reports to its server. Resolves to what the queue should do: forget the job, or take it back. */
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
    // The job was taken just before the worker began to give jobs back.
    if (this.#givesBack) stop.abort(new Ended('given back', 'the worker was stopped'));
    let outcome: string;
    let tries = 0;
    try {
      if (await untilAborted(client.exists(KEYS.stop(id)), signal)) throw new Ended('stopped', 'it is not wanted');
      const before = Number(await untilAborted(client.get(KEYS.tries(id)), signal));
      using _turn = await this.#turns.enter(before >= TRIES_TOGETHER ? 'alone' : 'beside others', signal);
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
    // The worker survived this attempt, so it does not count against the job.
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
      throw new FluxionError(
        'unsupported',
        `expected all pictures of the job, but other processes made ${pictures} of them`,
      );
  }

  #stop(id: string): void {
    for (const attempt of this.#running)
      if (attempt.id === id) attempt.stop.abort(new Ended('stopped', 'it is not wanted any more'));
  }

  /** Renews the lock of an attempt until disposed; aborts the attempt if the lock is lost. */
  #renewed(queued: QueuedJob, token: string, stop: AbortController): Disposable {
    const { timeout } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#disconnected.signal]);
    const renew = async (): Promise<void> => {
      for (;;) {
        await setTimeout(timeout / 3, undefined, { signal, ref: false });
        // If the queue cannot be reached, the lock may still be ours.
        const kept = await queued.extendLock(token, timeout).catch(() => 1);
        if (kept === 0) stop.abort(new Ended('lost', 'another worker has this job now'));
      }
    };
    renew().catch(() => {});
    return { [Symbol.dispose]: () => ended.abort() };
  }

  /** Announces this worker regularly. Also checks for jobs to stop, since a message on the channel may have been lost. */
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
          `lora_dir: ${leftOut} LoRAs do not fit into the worker's announcement, and servers refuse them: shorten names, or keep fewer files`,
        );
      }
    }
    // While an idle model is closed, its last description holds: the next job opens it again.
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

/** Counts this attempt; resolves to the number of attempts at the job so far. */
async function counted(client: QueueConnection['client'], id: string): Promise<number> {
  const answers = (await client.multi().incr(KEYS.tries(id)).expire(KEYS.tries(id), LIFE).exec()) ?? [];
  const [error, tries] = answers[0] ?? [];
  if (error) throw error;
  return Number(tries);
}
