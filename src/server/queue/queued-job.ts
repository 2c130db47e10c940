/**
 * A job that workers make: it is handed to the queue of its model, where it stays until a worker has made it, whatever becomes of workers and
 * of this server. What workers tell is read from a stream of the job, which is kept until it is read.
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
import type { Entry, EventReader, Following } from './event-reader.ts';
import { isEnd, type JobMessage, KEYS, LIFE, parseEvent, type QueueEvent } from './protocol.ts';
import { pictureBytes, receivedError, receivedEvent, receivedPicture } from './received.ts';

/** A queue that a server is connected to. */
export interface OpenQueue {
  readonly connection: QueueConnection;
  readonly reader: EventReader;
  readonly queueOf: (model: string) => Queue;
  /** Whether it cannot be used now. */
  readonly isAway: () => boolean;
  readonly hasWorker: (model: string) => boolean;
  /** Pixels that a picture may have. */
  readonly pixels: number;
}

/** Milliseconds between two attempts to hand a job over, and after which a job of which nothing was heard is looked for. */
const AGAIN = 1000;
const SILENCE = 10_000;
/** Seconds that a job that is done is known as one not to be made, which attempts that were given up may still do. */
const DONE_LIFE = 3600;

export function waitingFor(model: string): LoadingProgress {
  return { message: `waiting for a worker of ${model}` };
}

/** One job of a server. */
export class QueuedJob {
  readonly #task: Task;
  readonly #model: string;
  readonly #open: OpenQueue;
  readonly #total: number;
  /** Warnings and LoRAs that were told: those of another attempt are the same. */
  readonly #notes = new Set<string>();
  /** The attempt that counts. */
  #attempt: string | undefined;
  /** Whether the attempt said that it begins, which may have been read before this server was started. */
  #isSure = false;
  /** Whether the queue lost a picture before it was read, and whether the job was handed over again for that. */
  #isLost = false;
  #wasLost = false;

  constructor(task: Task, model: string, open: OpenQueue) {
    this.#task = task;
    this.#model = model;
    this.#open = open;
    this.#total = picturesOf(task.request);
  }

  /** Has the job made, and tells of it. Leaving the loop ends the job, unless its signal says that the server leaves it. */
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

  /** Puts the job into its queue, unless it is there or was made. Tries again until that is done. */
  async #handOver(): Promise<void> {
    const { id, request, caller, signal, onLoading } = this.#task;
    const { model: _, ...plain } = request;
    const data: JobMessage = { request: JSON.parse(requestText(plain).whole), ...(caller !== undefined && { caller }) };
    for (;;) {
      try {
        // Its stream says how it ended, which a server that is started again has not read yet.
        if ((await untilAborted(this.#newest(), signal))?.hasEnded) return;
        // Adding a job that is there changes nothing.
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
      const kept = new Set<Entry>();
      for (const entry of entries) {
        const attempt = entry.fields.get('attempt')?.toString() ?? '';
        const event = parseEvent(entry.fields.get('event') ?? Buffer.alloc(0));
        if (event.type === 'begun') {
          if (this.#attempt !== undefined && this.#attempt !== attempt) yield warning(BEGUN_AGAIN);
          this.#attempt = attempt;
          this.#isSure = true;
          continue;
        }
        // A worker that was given up may still tell of a job that another has.
        this.#attempt ??= attempt;
        if (attempt === this.#attempt) {
          if (yield* this.#on(event, entries)) return;
        } else if (!this.#isSure && (event.type === 'image' || isEnd(event.type))) {
          // It may be the first of those that are left that was given up.
          kept.add(entry);
        }
      }
      void this.#drop(entries.filter((entry) => !kept.has(entry))).catch(() => {});
    }
  }

  /** Tells an event of the attempt that counts, one of `entries`; returns whether it was the last. */
  async *#on(
    event: Exclude<QueueEvent, { type: 'begun' }>,
    entries: readonly Entry[],
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
          throw new FluxionError('io', `the worker said that the job is done, and ${missing} pictures lack`);
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

  /** A picture that a worker told of; undefined where the queue lost its memory since. */
  async #picture(key: string): Promise<Image | undefined> {
    const { connection, pixels } = this.#open;
    const reading = connection.client.getrangeBuffer(key, 0, pictureBytes(pixels));
    const png = await untilAborted(reading, this.#task.signal);
    this.#isLost ||= png.length === 0;
    return png.length === 0 ? undefined : receivedPicture(png, pixels);
  }

  /** Removes entries that were read from the stream. */
  async #drop(entries: readonly Entry[]): Promise<void> {
    const { client } = this.#open.connection;
    if (entries.length > 0) await client.xdel(KEYS.events(this.#task.id), ...entries.map(({ id }) => id));
  }

  /** What is told next; a queue of which nothing was heard for long is asked whether it still has the job, which it lost with its memory. */
  async #heard(following: Following): Promise<readonly Entry[]> {
    const { signal } = this.#task;
    const next = following.next(signal);
    for (;;) {
      const entries = await within(next, SILENCE);
      if (entries) return entries;
      // An answer that never comes must not keep a job from being cancelled.
      if (!this.#open.isAway()) await untilAborted(this.#lookFor(following), signal);
    }
  }

  /**
   * Hands the job over again if the queue does not know it any more. Where an attempt at it has ended, or the stream was begun anew, that is
   * read from its beginning.
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
    // Ids are times: a queue that forgot the job and has a clock that is behind begins before what was read.
    if (!stream || !isBefore(stream.last, following.last)) return;
    this.#isSure = false;
    following.again();
  }

  /** What the job's stream has last; undefined where all was read, or nothing said. */
  async #newest(): Promise<
    { readonly last: string; readonly attempt: string; readonly hasEnded: boolean } | undefined
  > {
    const [entry] = await this.#open.connection.client.xrevrange(KEYS.events(this.#task.id), '+', '-', 'COUNT', 1);
    if (!entry) return undefined;
    const [last, list] = entry;
    const fieldOf = (name: string): string => list[list.indexOf(name) + 1] ?? '';
    return { last, attempt: fieldOf('attempt'), hasEnded: isEnd(fieldOf('type')) };
  }

  /** Has workers stop the job, and takes what is left of it out of the queue. */
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
      // A job that a worker has stays until that lets it go.
      await queueOf(this.#model)
        .remove(id)
        .catch(() => {});
    } catch (error) {
      log('debug', `job ${id}: ${(error as Error).message}`);
    }
  }
}

/** What is told where another worker begins a job. */
const BEGUN_AGAIN = 'the worker of this job was lost or stopped: another one begins it again';

/** Whether an id of a stream's entry, of milliseconds and a number among those, comes before another. */
function isBefore(id: string, other: string): boolean {
  const [time = 0, number = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherNumber = 0] = other.split('-').map(Number);
  return time < otherTime || (time === otherTime && number < otherNumber);
}
