/**
 * A job that workers make. It stays in its model's queue until a worker has made it, even if workers or this server are lost meanwhile.
 * Workers write the job's events to a stream, which keeps them until a server has read them.
 */

import type { Queue } from 'bullmq';
import type { Image } from '../../picture/image.ts';
import { type Event, warning } from '../../pipeline/events.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { pause, untilAborted, within } from '../../support/until-aborted.ts';
import type { LoadingProgress, Task } from '../backend.ts';
import { picturesOf, requestText } from '../network-request.ts';
import { Stopped } from '../stopped.ts';
import type { QueueConnection } from './connection.ts';
import type { EventReader, Following, StreamEntry } from './event-reader.ts';
import { isEnd, type JobMessage, KEYS, LIFE, parseEvent, type QueueEvent } from './protocol.ts';
import { pictureBytes, receivedError, receivedEvent, receivedPicture } from './received.ts';

/** A queue that a server is connected to. */
export interface OpenQueue {
  readonly connection: QueueConnection;
  readonly reader: EventReader;
  readonly queueOf: (model: string) => Queue;
  /** Whether the queue cannot be used now. */
  readonly isAway: () => boolean;
  readonly hasWorker: (model: string) => boolean;
  /** Most pixels of a picture. */
  readonly pixels: number;
}

/** Milliseconds between attempts to hand a job over, and of silence after which the server checks that the queue still has the job. */
const AGAIN = 1000;
const SILENCE = 10_000;
/** Seconds for which the stop key of a finished job remains, for attempts that were given up but still run. */
const DONE_LIFE = 3600;

export function waitingFor(model: string): LoadingProgress {
  return { message: `waiting for a worker of ${model}` };
}

/** A server's view of a job in a queue. */
export class QueuedJob {
  readonly #task: Task;
  readonly #model: string;
  readonly #open: OpenQueue;
  readonly #total: number;
  /** Warnings and LoRAs reported so far: another attempt repeats them. */
  readonly #notes = new Set<string>();
  /** The id of the attempt whose events count. */
  #attempt: string | undefined;
  /** Whether this server read the `begun` of the attempt; an earlier server may have read and removed it. */
  #isSure = false;
  /** Whether the queue lost a picture before it was read, and whether the job was handed over again for that reason. */
  #isLost = false;
  #wasLost = false;

  constructor(task: Task, model: string, open: OpenQueue) {
    this.#task = task;
    this.#model = model;
    this.#open = open;
    this.#total = picturesOf(task.request);
  }

  /** Has workers make the job, and yields its events. Leaving the loop ends the job, unless the signal's reason `leaves` it to workers. */
  async *events(): AsyncGenerator<Event, void, undefined> {
    let life = LIFE;
    let leaves = false;
    try {
      await this.#handOver();
      yield* this.#followed();
      life = DONE_LIFE;
    } catch (error) {
      leaves = error instanceof Stopped && error.leaves;
      throw error;
    } finally {
      if (!leaves) void this.#forget(life);
    }
  }

  /** Puts the job into its queue, unless it is there or was made. Tries until it succeeds. */
  async #handOver(): Promise<void> {
    const { id, request, caller, signal, onLoading } = this.#task;
    const { model: _, ...plain } = request;
    const data: JobMessage = { request: JSON.parse(requestText(plain).whole), ...(caller !== undefined && { caller }) };
    for (;;) {
      try {
        // The job ended while no server ran: its stream has the end.
        if ((await untilAborted(this.#newest(), signal))?.hasEnded) return;
        // If the queue has the job already, this changes nothing.
        await untilAborted(this.#open.queueOf(this.#model).add('job', data, { jobId: id }), signal);
        if (!this.#open.hasWorker(this.#model)) onLoading(waitingFor(this.#model));
        return;
      } catch (error) {
        signal.throwIfAborted();
        onLoading({ message: `waiting: ${this.#open.connection.explain(error).message}` });
        await pause(AGAIN, signal);
      }
    }
  }

  async *#followed(): AsyncGenerator<Event, void, undefined> {
    using following = this.#open.reader.follow(this.#task.id);
    for (;;) {
      const entries = await this.#heard(following);
      const kept = new Set<StreamEntry>();
      for (const entry of entries) {
        const attempt = entry.fields.get('attempt')?.toString() ?? '';
        const event = parseEvent(entry.fields.get('event') ?? Buffer.alloc(0));
        if (event.type === 'begun') {
          if (this.#attempt !== undefined && this.#attempt !== attempt) yield warning(BEGUN_AGAIN);
          this.#attempt = attempt;
          this.#isSure = true;
          continue;
        }
        // A worker that counts as dead may still write events of a job that another worker has.
        this.#attempt ??= attempt;
        if (attempt === this.#attempt) {
          if (yield* this.#on(event, entries)) return;
        } else if (!this.#isSure && (event.type === 'image' || isEnd(event.type))) {
          // #attempt is a guess, and may be an attempt that was given up: this entry may turn out to count.
          kept.add(entry);
        }
      }
      void this.#drop(entries.filter((entry) => !kept.has(entry))).catch(() => {});
    }
  }

  /** Yields an event of the attempt that counts, one of `entries`; returns whether it was the last. */
  async *#on(
    event: Exclude<QueueEvent, { type: 'begun' }>,
    entries: readonly StreamEntry[],
  ): AsyncGenerator<Event, boolean, undefined> {
    const asked = { total: this.#total, pixels: this.#open.pixels };
    switch (event.type) {
      case 'loading':
        this.#task.onLoading({ message: event.message });
        return false;
      case 'image': {
        const { index } = event;
        if (index >= this.#total) return false;
        const key = KEYS.picture(this.#task.id, this.#attempt!, index);
        const image = this.#task.has(index) ? undefined : await this.#picture(key);
        if (image) yield { type: 'image', image, seed: image.seed, index };
        void this.#open.connection.client.del(key).catch(() => {});
        return false;
      }
      case 'failed':
        throw receivedError(event);
      case 'done': {
        const missing = Array.from({ length: this.#total }, (_, index) => index).filter(
          (i) => !this.#task.has(i),
        ).length;
        if (missing === 0) {
          yield receivedEvent(event, asked);
          return true;
        }
        if (!this.#isLost || this.#wasLost)
          throw new FluxionError('io', `a worker reported the job as done, but ${missing} pictures are missing`);
        this.#wasLost = true;
        await untilAborted(this.#drop(entries), this.#task.signal);
        await this.#handOver();
        return false;
      }
      case 'warning':
      case 'lora': {
        const note = JSON.stringify(event);
        if (this.#notes.has(note)) return false;
        this.#notes.add(note);
        break;
      }
    }
    yield receivedEvent(event, asked);
    return false;
  }

  /** A picture that a worker made; undefined if the queue has lost it since. */
  async #picture(key: string): Promise<Image | undefined> {
    const { connection, pixels } = this.#open;
    const reading = connection.client.getrangeBuffer(key, 0, pictureBytes(pixels));
    const png = await untilAborted(reading, this.#task.signal);
    this.#isLost ||= png.length === 0;
    return png.length === 0 ? undefined : receivedPicture(png, pixels);
  }

  /** Removes read entries from the stream. */
  async #drop(entries: readonly StreamEntry[]): Promise<void> {
    const { client } = this.#open.connection;
    if (entries.length > 0) await client.xdel(KEYS.events(this.#task.id), ...entries.map(({ id }) => id));
  }

  /** The next entries. After a long silence, checks that the queue still has the job: a restart may have erased its memory. */
  async #heard(following: Following): Promise<readonly StreamEntry[]> {
    const { signal } = this.#task;
    const next = following.next(signal);
    for (;;) {
      const entries = await within(next, SILENCE);
      if (entries) return entries;
      // The signal ends the wait: a job can be cancelled even if the queue never answers.
      if (!this.#open.isAway()) await untilAborted(this.#lookFor(following), signal);
    }
  }

  /**
   * Hands the job over again if the queue no longer knows it. If an attempt has ended, or the stream was started anew, reads the stream
   * from its beginning.
   */
  async #lookFor(following: Following): Promise<void> {
    const state = await this.#open
      .queueOf(this.#model)
      .getJobState(this.#task.id)
      .catch(() => 'unasked');
    const stream = await this.#newest().catch(() => undefined);
    if (state === 'unknown' && stream?.hasEnded) {
      this.#isSure = true;
      this.#attempt = stream.attempt;
      return following.again();
    }
    if (state === 'unknown') await this.#handOver();
    // Ids are times. If the queue lost its memory and its clock is behind, a new stream's ids are smaller than the last one read.
    if (!stream || !isBefore(stream.last, following.last)) return;
    this.#isSure = false;
    following.again();
  }

  /** The last entry of the job's stream; undefined if the stream is empty. */
  async #newest(): Promise<
    { readonly last: string; readonly attempt: string; readonly hasEnded: boolean } | undefined
  > {
    const [entry] = await this.#open.connection.client.xrevrange(KEYS.events(this.#task.id), '+', '-', 'COUNT', 1);
    if (!entry) return undefined;
    const [last, list] = entry;
    const fieldOf = (name: string): string => list[list.indexOf(name) + 1] ?? '';
    return { last, attempt: fieldOf('attempt'), hasEnded: isEnd(fieldOf('type')) };
  }

  /** Tells workers to stop the job, and removes the rest of it from the queue. */
  async #forget(life: number): Promise<void> {
    const { id } = this.#task;
    const { connection, queueOf } = this.#open;
    try {
      await connection.client
        .pipeline()
        .set(KEYS.stop(id), '1', 'EX', life)
        .publish(KEYS.stops, id)
        .del(KEYS.events(id), KEYS.tries(id), KEYS.model(id))
        .exec();
      // Fails while a worker has the job's lock; that worker removes the job.
      await queueOf(this.#model)
        .remove(id)
        .catch(() => {});
    } catch (error) {
      log('debug', `job ${id}: ${(error as Error).message}`);
    }
  }
}

/** The warning when another worker begins a job again. */
const BEGUN_AGAIN = 'the worker of this job was lost or stopped: another one begins it again';

/** Whether one id of a stream comes before another; ids are `MILLISECONDS-NUMBER`. */
function isBefore(id: string, other: string): boolean {
  const [time = 0, number = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherNumber = 0] = other.split('-').map(Number);
  return time < otherTime || (time === otherTime && number < otherNumber);
}
