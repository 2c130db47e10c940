/** Reads the events of many jobs over one connection. A job is read only as fast as its events are consumed, which bounds memory. */

import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'iovalkey';
import { untilAborted } from '../../support/until-aborted.ts';
import type { QueueConnection } from './connection.ts';
import { KEYS } from './protocol.ts';

/** Most entries of one job in one read. */
const AT_A_TIME = 32;
/** Milliseconds that one read waits for entries, and the pause after a failed read. */
const BLOCK = 5000;
const AFTER_FAILURE = 500;
/** Milliseconds without an answer after which the connection is replaced, for instance because a network drops packets. */
const PATIENCE = 3 * BLOCK;

/** An entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/** One job's stream, as it is read. */
export interface Following extends Disposable {
  /** The next entries. Rejects with the signal's reason. */
  readonly next: (signal: AbortSignal) => Promise<readonly StreamEntry[]>;
  /** The id of the entry that was read last. */
  readonly last: string;
  /** Starts again at the beginning of the stream. */
  readonly again: () => void;
}

interface Reading {
  readonly key: string;
  last: string;
  /** Resolves the `next` that waits for entries. */
  wanted: PromiseWithResolvers<readonly StreamEntry[]> | undefined;
}

type Streams = readonly (readonly [
  key: Buffer,
  entries: readonly (readonly [id: Buffer, fields: readonly Buffer[]])[],
])[];

/** Reads the streams of a server's jobs. */
export class EventReader implements Disposable {
  readonly #connection: QueueConnection;
  readonly #client: Redis;
  readonly #wakeKey: string;
  readonly #readings = new Set<Reading>();
  #lastWake = '0';
  #isReading = false;
  #closed = false;

  /** `id` is the id of the server. */
  constructor(connection: QueueConnection, id: string) {
    this.#connection = connection;
    this.#client = connection.another(PATIENCE);
    this.#wakeKey = KEYS.wake(id);
  }

  /** Follows the stream of a job from the first entry that is still there. */
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

  /** Begins to read; a blocked read is woken, so that the next one includes the new stream. */
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
      // Set in the same turn of the loop as `wanting`: a later call of #read starts the loop again.
      this.#isReading = wanting.length > 0 && !this.#closed;
      if (!this.#isReading) return;
      const keys = [this.#wakeKey, ...wanting.map(({ key }) => key)];
      const ids = [this.#lastWake, ...wanting.map(({ last }) => last)];
      try {
        const found = await this.#client.xreadBuffer('COUNT', AT_A_TIME, 'BLOCK', BLOCK, 'STREAMS', ...keys, ...ids);
        // Skips streams that were restarted during the read.
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
