/** Loaded programs by key. Every picture size has its own programs, so the least recently used are freed between runs; a run keeps those it uses. */

import { getOrMake } from '../../support/get-or-make.ts';
import { untilAborted } from '../../support/until-aborted.ts';
import type { Executable } from '../pjrt/executable.ts';
import { returnFreedMemory } from '../pjrt/memory.ts';

/** Most programs that stay loaded between runs, and their bytes: about four picture sizes' programs, about a megabyte each. */
const MOST = 128;
const MOST_BYTES = 2 ** 30;

/** A program, and the bytes of its serialized form; 0 where that is not known. */
export interface Loaded {
  readonly executable: Executable;
  readonly bytes: number;
}

interface Entry {
  readonly loading: Promise<Executable>;
  executable: Executable | undefined;
  used: number;
  bytes: number;
}

export class LoadedExecutables {
  readonly #entries = new Map<string, Entry>();
  readonly #leases = new Set<{ readonly since: number }>();
  readonly #most: number;
  readonly #mostBytes: number;
  #uses = 0;
  /** How many were freed so far. */
  evicted = 0;

  constructor(most: number = MOST, mostBytes: number = MOST_BYTES) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.values().reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /**
   * The program of this key, loaded by `load` if absent; a failure is not kept. An abort ends only the caller's wait: others may wait for
   * the same program.
   */
  get(key: string, load: () => Promise<Loaded>, signal?: AbortSignal): Promise<Executable> {
    const { loading } = getOrMake(this.#entries, key, () => this.#load(key, load));
    this.touch(key);
    return untilAborted(loading, signal);
  }

  #load(key: string, load: () => Promise<Loaded>): Entry {
    const loaded = load();
    const loading = loaded.then(({ executable }) => executable);
    const entry: Entry = { loading, executable: undefined, used: 0, bytes: 0 };
    loaded.then(
      (program) => Object.assign(entry, program),
      () => this.#entries.delete(key),
    );
    return entry;
  }

  /** Notes a use. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) entry.used = this.#uses++;
  }

  /** Keeps all programs used from now on; disposing the lease frees the least recently used ones. */
  lease(): Disposable {
    const lease = { since: this.#uses };
    this.#leases.add(lease);
    return {
      [Symbol.dispose]: () => {
        this.#leases.delete(lease);
        this.#trim();
      },
    };
  }

  #trim(): void {
    const since = Math.min(...[...this.#leases].map((lease) => lease.since), this.#uses);
    const unused = [...this.#entries].filter(([, { used, executable }]) => executable && used < since);
    unused.sort(([, a], [, b]) => a.used - b.used);
    const before = this.evicted;
    for (const [key, { executable }] of unused) {
      if (this.size <= this.#most && this.bytes <= this.#mostBytes) break;
      this.#entries.delete(key);
      executable!.dispose();
      this.evicted++;
    }
    if (this.evicted > before) returnFreedMemory();
  }
}
