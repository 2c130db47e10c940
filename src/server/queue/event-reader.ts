/** Reads what workers tell of many jobs over one connection. A job whose events are not taken is not read on: memory has a bound. */

import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'iovalkey';
import { untilAborted } from '../../support/until-aborted.ts';
import type { QueueConnection } from './connection.ts';
import { KEYS } from './protocol.ts';

/** Entries of one job that are read at a time. */
const AT_A_TIME = 32;
/** Milliseconds that one read waits, and that are waited after one that failed. */
const BLOCK = 5000;
const AFTER_FAILURE = 500;
/** Milliseconds without an answer after which the connection is made anew, such as where a network swallows packets. */
const PATIENCE = 3 * BLOCK;

/** An entry of a stream. */
export interface Entry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/** The reading of one job's stream. */
export interface Following extends Disposable {
  /** What comes next. Rejects with the signal's reason. */
  readonly next: (signal: AbortSignal) => Promise<readonly Entry[]>;
  /** The id of what was read last. */
  readonly last: string;
  /** Has the stream read from its beginning again. */
  readonly again: () => void;
}

interface Reading {
  readonly key: string;
  last: string;
  /** Whoever waits for entries. */
  wanted: PromiseWithResolvers<readonly Entry[]> | undefined;
}

type Streams = readonly (readonly [
  key: Buffer,
  entries: readonly (readonly [id: Buffer, fields: readonly Buffer[]])[],
])[];

/** The streams that a server reads. */
export class EventReader implements Disposable {
  readonly #connection: QueueConnection;
  readonly #client: Redis;
  readonly #wakeKey: string;
  readonly #readings = new Set<Reading>();
  #lastWake = '0';
  #isReading = false;
  #closed = false;

  /** `id` is the server's. */
  constructor(connection: QueueConnection, id: string) {
    this.#connection = connection;
    this.#client = connection.another(PATIENCE);
    this.#wakeKey = KEYS.wake(id);
  }

  /** Reads the stream of a job from its beginning, or what is left of it. */
  follow(job: string): Following {
    const reading: Reading = { key: KEYS.events(job), last: '0', wanted: undefined };
    this.#readings.add(reading);
    return {
      next: (signal) => {
        if (!reading.wanted) {
          reading.wanted = Promise.withResolvers();
          this.#read();
        }
        return untilAborted(reading.wanted.promise, signal);
      },
      get last() {
        return reading.last;
      },
      again: () => {
        reading.last = '0';
        if (reading.wanted) this.#read();
      },
      [Symbol.dispose]: () => void this.#readings.delete(reading),
    };
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#client.disconnect();
  }

  /** Begins to read, or has the read that goes on begin anew with another stream. */
  #read(): void {
    if (this.#isReading) {
      const { client } = this.#connection;
      client.pipeline().xadd(this.#wakeKey, 'MAXLEN', 1, '*', 'w', '').pexpire(this.#wakeKey, 10 * BLOCK).exec().catch(() => {}); // biome-ignore format: a pipeline
      return;
    }
    this.#isReading = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    for (;;) {
      const wanting = [...this.#readings].filter(({ wanted }) => wanted);
      // In the same turn as the look at who waits: whoever comes next starts the reading again.
      this.#isReading = wanting.length > 0 && !this.#closed;
      if (!this.#isReading) return;
      const keys = [this.#wakeKey, ...wanting.map(({ key }) => key)];
      const ids = [this.#lastWake, ...wanting.map(({ last }) => last)];
      try {
        const found = await this.#client.xreadBuffer('COUNT', AT_A_TIME, 'BLOCK', BLOCK, 'STREAMS', ...keys, ...ids);
        // Where a stream is to be read again since, this is not what is wanted.
        const current = wanting.filter(({ last }, i) => last === ids[i + 1]);
        this.#give((found ?? []) as unknown as Streams, current);
      } catch {
        await setTimeout(AFTER_FAILURE);
      }
    }
  }

  #give(streams: Streams, wanting: readonly Reading[]): void {
    for (const [keyBytes, list] of streams) {
      const key = keyBytes.toString();
      const last = list.at(-1)?.[0].toString();
      if (last === undefined) continue;
      if (key === this.#wakeKey) this.#lastWake = last;
      const reading = wanting.find((one) => one.key === key);
      if (!reading) continue;
      reading.last = last;
      const entries = list.map(([id, fields]) => ({ id: id.toString(), fields: fieldsOf(fields) }));
      reading.wanted?.resolve(entries);
      reading.wanted = undefined;
    }
  }
}

function fieldsOf(list: readonly Buffer[]): ReadonlyMap<string, Buffer> {
  const pairs: [string, Buffer][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) pairs.push([list[i]!.toString(), list[i + 1]!]);
  return new Map(pairs);
}
