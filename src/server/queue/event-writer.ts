/** Writes the events of a job for its server. Steps are dropped if nobody reads them; pictures and ends never are. */

import type { Redis } from 'iovalkey';
import type { Event } from '../../pipeline/events.ts';
import { pause, untilAborted } from '../../support/until-aborted.ts';
import { BACKLOG, EVENT_BYTES, isEnd, KEYS, LIFE, type QueueEvent } from './protocol.ts';

/** Milliseconds between attempts to write an event that must not be lost, for instance while the queue's memory is full. */
const AGAIN = 1000;
/** Most bytes of a step without its previews. */
const BESIDE_PREVIEWS = 2 ** 16;

/** Writes the events of one attempt at a job. */
export class EventWriter {
  readonly #client: Redis;
  readonly #job: string;
  readonly #attempt: string;
  readonly #pictures: string[] = [];
  #unread = 0;

  constructor(client: Redis, job: string, attempt: string) {
    this.#client = client;
    this.#job = job;
    this.#attempt = attempt;
  }

  /** Writes an event of the model. Rejects with the signal's reason. */
  async event(event: Event, signal: AbortSignal): Promise<void> {
    if (event.type === 'image') {
      const png = Buffer.from(await event.image.png());
      return this.tell({ type: 'image', index: event.index }, signal, png);
    }
    if (event.type !== 'step') return this.tell(event as QueueEvent, signal);
    if (this.#unread >= BACKLOG.steps) return;
    const { previews, ...step } = event;
    // Previews are in base64. Those of many large pictures may exceed what a server takes.
    const bytes = (previews ?? []).reduce((sum, { data }) => sum + (data.length * 4) / 3, 0);
    const isWhole = this.#unread < BACKLOG.previews && bytes < EVENT_BYTES - BESIDE_PREVIEWS;
    return this.tell((isWhole ? event : step) as QueueEvent, signal);
  }

  /** Writes an event and its picture. */
  async tell(event: QueueEvent, signal: AbortSignal, png?: Buffer): Promise<void> {
    const mustBeTold = event.type === 'image' || event.type === 'begun' || isEnd(event.type);
    for (;;) {
      try {
        this.#unread = await untilAborted(this.#write(event, png), signal);
        return;
      } catch {
        signal.throwIfAborted();
        if (!mustBeTold) return;
        await pause(AGAIN, signal);
      }
    }
  }

  /** Removes everything written for a job that is no longer wanted. */
  async clear(): Promise<void> {
    await this.#client.del(KEYS.events(this.#job), KEYS.tries(this.#job), ...this.#pictures);
  }

  /** Writes an event; resolves to the number of unread events. */
  async #write(event: QueueEvent, png: Buffer | undefined): Promise<number> {
    const key = KEYS.events(this.#job);
    // One transaction: nobody sees the event without its picture.
    const writing = this.#client.multi();
    if (png && event.type === 'image') {
      const picture = KEYS.picture(this.#job, this.#attempt, event.index);
      this.#pictures.push(picture);
      writing.set(picture, png, 'EX', LIFE);
    }
    writing.xadd(key, '*', 'type', event.type, 'attempt', this.#attempt, 'event', JSON.stringify(event));
    writing.expire(key, LIFE).xlen(key);
    const answers = (await writing.exec()) ?? [];
    const failed = answers.find(([error]) => error)?.[0];
    if (failed) throw failed;
    return Number(answers.at(-1)?.[1]);
  }
}
