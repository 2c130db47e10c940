/**
 * How the processes of one run find each other in a store that other runs, and earlier ones of the same name, have written to.
 *
 * Process 0 makes up a session, whose name prefixes every later key, and tells it to those that join. Each joins with a random number
 * used only once, and accepts a session only from the answer to that number, so that no answer can be stale. Keys of a process that died
 * while joining expire after seconds; process 0 may answer them, and still answers the next process. Once all have met, the keys of the
 * meeting are deleted.
 */

import { randomBytes } from 'node:crypto';
import { FluxionError } from '../../support/errors.ts';
import { withoutSecrets } from '../../support/shown-url.ts';
import type { StorePlace } from '../pjrt/store-protocol.ts';

/** The operations of a Valkey server that meeting needs. Lives are in milliseconds. */
export interface MeetingStore {
  get(key: string): Promise<string | null>;
  /** With `once`, leaves an existing key unchanged and returns false. */
  set(key: string, value: string, life: number, once?: boolean): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Resolves after this many milliseconds, or rejects when everything was cancelled. */
  sleep(milliseconds: number): Promise<void>;
}

/** Milliseconds between looks at the store. */
const LOOK = 50;
/** Life in milliseconds of the key that marks a process as present; once it expires, another process may take its number. */
const PRESENCE = 4000;
/** After this many lifetimes, a key that is still renewed belongs to another live process. */
const PATIENT = 1.5;
/** Milliseconds to wait for the other processes. */
const PATIENCE = 10 * 60_000;
/** Life in milliseconds of answers to the processes that joined. */
const ANSWER = 60_000;

/** Meets the other processes and returns the prefix of the run's own keys; `waiting` is called with the missing ones. Throws `io` or `bad_config`. */
export async function meet(
  store: MeetingStore,
  place: StorePlace,
  waiting: (message: string) => void,
): Promise<string> {
  const prefix = `fluxion/${place.run}/`;
  const meeting = { store, place, prefix, waiting };
  return `${prefix}${await (place.id === 0 ? lead(meeting) : join(meeting))}/`;
}

interface Meeting {
  readonly store: MeetingStore;
  readonly place: StorePlace;
  /** Prefix of the keys of all runs of this name. */
  readonly prefix: string;
  readonly waiting: (message: string) => void;
}

/** Process 0: answers everyone who joins until all have taken the answer. */
async function lead({ store, place, prefix, waiting }: Meeting): Promise<string> {
  const { count } = place;
  const session = randomBytes(8).toString('hex');
  const present = new Presence(store, `${prefix}lead`, session, place);
  const missing = new Set(Array.from({ length: count - 1 }, (_, i) => i + 1));
  for (const start = Date.now(); missing.size > 0; ) {
    await present.say();
    if (!present.settled) {
      await store.sleep(LOOK);
      continue;
    }
    for (const id of missing) {
      const joined = await store.get(`${prefix}join/${id}`);
      if (joined !== null) {
        const [number, theirs] = joined.split(' ') as [string, string];
        if (Number(theirs) === count) await store.set(`${prefix}answer/${number}`, session, ANSWER);
        // At first, the count may still be that of a process that died.
        else if (Date.now() - start > PRESENCE * PATIENT) throw differs(id, theirs, count);
      }
      if ((await store.get(`${prefix}${session}/here/${id}`)) !== null) missing.delete(id);
    }
    if (missing.size === 0) break;
    waiting(`waiting for ${missing.size === 1 ? 'process' : 'processes'} ${[...missing].join(', ')} of ${count}`);
    if (Date.now() - start > PATIENCE) throw late(place, `${[...missing].join(', ')} did`);
    await store.sleep(LOOK);
  }
  await present.leave();
  return session;
}

/** For processes other than 0: joins until process 0 has answered. */
async function join({ store, place, prefix, waiting }: Meeting): Promise<string> {
  const { id, count } = place;
  const number = randomBytes(8).toString('hex');
  const present = new Presence(store, `${prefix}join/${id}`, `${number} ${count}`, place);
  for (const start = Date.now(); ; ) {
    await present.say();
    const session = await store.get(`${prefix}answer/${number}`);
    if (session !== null) {
      const first = await store.set(`${prefix}${session}/here/${id}`, number, ANSWER, true);
      await present.leave();
      if (first) return session;
      throw twice(place);
    }
    waiting(`waiting for process 0 of ${count}`);
    if (Date.now() - start > PATIENCE) throw late(place, '0 did');
    await store.sleep(LOOK);
  }
}

/** A key that says who is here, renewed while the process lives, and expiring at most `PRESENCE` after it. */
class Presence {
  /** Whether this process holds the key. */
  settled = false;
  readonly #store: MeetingStore;
  readonly #key: string;
  readonly #who: string;
  readonly #place: StorePlace;
  readonly #start = Date.now();
  #said = 0;

  constructor(store: MeetingStore, key: string, who: string, place: StorePlace) {
    this.#store = store;
    this.#key = key;
    this.#who = who;
    this.#place = place;
  }

  /** Renews the key when it is due. Throws `bad_config` if another process keeps claiming the same number. */
  async say(): Promise<void> {
    const now = Date.now();
    if (now - this.#said < PRESENCE / 4) return;
    const who = await this.#store.get(this.#key);
    if (who !== null && who !== this.#who) {
      if (now - this.#start > PRESENCE * PATIENT || this.settled) throw twice(this.#place);
      return;
    }
    this.settled = await this.#store.set(this.#key, this.#who, PRESENCE, who === null);
    if (this.settled) this.#said = now;
  }

  /** Deletes the key, so that the next run need not wait until it expires. */
  async leave(): Promise<void> {
    if ((await this.#store.get(this.#key)) === this.#who) await this.#store.delete(this.#key);
  }
}

function twice({ id, run }: StorePlace): FluxionError {
  return new FluxionError('bad_config', `two processes have node_id=${id} and run_name=${run}`, {
    hint: 'give each process of a run its own node_id, and each run its own run_name',
  });
}

function differs(id: number, theirs: string, count: number): FluxionError {
  return new FluxionError('bad_config', `process ${id} says num_nodes=${theirs}, and this one says ${count}`, {
    hint: 'start all processes of a run with the same num_nodes, and each run with its own run_name',
  });
}

function late({ run, url }: StorePlace, who: string): FluxionError {
  return new FluxionError(
    'io',
    `process ${who} not come to run_name=${run} at ${withoutSecrets(url)} within ${PATIENCE / 60_000} minutes`,
    { hint: 'start all processes with the same run_name, num_nodes and node_store' },
  );
}
