/** Tells a server what becomes of a job. Steps are left out where nobody reads them; pictures and ends are told for sure. */

import type { Redis } from 'iovalkey';
import type { Event } from '../../pipeline/events.ts';
import { pause, untilAborted } from '../../support/until-aborted.ts';
import { BACKLOG, EVENT_BYTES, isEnd, KEYS, LIFE, type QueueEvent } from './protocol.ts';

/** Milliseconds until what must be told is tried again, such as where the queue's memory is full. */
const AGAIN = 1000;
/** Bytes of a step without its previews. */
const BESIDE_PREVIEWS = 2 ** 16;

/** The stream of one attempt at a job. */
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

  /** Tells an event of the model. Rejects with the signal's reason. */
  async event(event: Event, signal: AbortSignal): Promise<void> {
    if (event.type === 'image') {
      const png = Buffer.from(await event.image.png());
      return this.tell({ type: 'image', index: event.index }, signal, png);
    }
    if (event.type !== 'step') return this.tell(event as QueueEvent, signal);
    if (this.#unread >= BACKLOG.steps) return;
    const { previews, ...step } = event;
    // In base64. Those of many large pictures may be more than a server takes.
    const bytes = (previews ?? []).reduce((sum, { data }) => sum + (data.length * 4) / 3, 0);
    const isWhole = this.#unread < BACKLOG.previews && bytes < EVENT_BYTES - BESIDE_PREVIEWS;
    return this.tell((isWhole ? event : step) as QueueEvent, signal);
  }

  /** Tells an event, with the picture that belongs to it. */
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

  /** Takes back what was told of a job that nobody wants any more. */
  async clear(): Promise<void> {
    await this.#client.del(KEYS.events(this.#job), KEYS.tries(this.#job), ...this.#pictures);
  }

  /** How many events are unread now. */
  async #write(event: QueueEvent, png: Buffer | undefined): Promise<number> {
    const key = KEYS.events(this.#job);
    // All of it or nothing: a picture is there before it is told of.
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
