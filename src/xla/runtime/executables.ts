/**
 * Programs that are loaded on the devices, by key. Every size of picture has programs of its own, so those used longest ago are freed
 * between runs; a run keeps what it uses.
 */

import { untilAborted } from '../../support/until-aborted.ts';
import type { Executable } from '../pjrt/executable.ts';

/** Programs that stay loaded at most, besides those of runs in progress: some four sizes of picture, at about a megabyte each. */
const MOST = 128;

interface Entry {
  readonly loading: Promise<Executable>;
  executable: Executable | undefined;
  used: number;
}

export class LoadedExecutables {
  readonly #entries = new Map<string, Entry>();
  readonly #leases = new Set<{ readonly since: number }>();
  readonly #most: number;
  #uses = 0;

  constructor(most: number = MOST) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * The program of this key, loaded by `load` where it is not here; a failure is not kept. An abort ends the waiting of the one who
   * aborted: others may wait for the same program, and whoever asks next has it.
   */
  get(key: string, load: () => Promise<Executable>, signal?: AbortSignal): Promise<Executable> {
    return untilAborted(this.#loaded(key, load), signal);
  }

  #loaded(key: string, load: () => Promise<Executable>): Promise<Executable> {
    const known = this.#entries.get(key);
    if (known) {
      this.touch(key);
      return known.loading;
    }
    const entry: Entry = { loading: load(), executable: undefined, used: this.#uses++ };
    this.#entries.set(key, entry);
    entry.loading.then(
      (executable) => {
        entry.executable = executable;
      },
      () => this.#entries.delete(key),
    );
    return entry.loading;
  }

  /** Notes a use. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) entry.used = this.#uses++;
  }

  /** Keeps all programs that are used from now on until it is disposed; then those used longest ago are freed. */
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
    for (const [key, { executable }] of unused.slice(0, Math.max(0, this.size - this.#most))) {
      this.#entries.delete(key);
      executable!.dispose();
    }
  }
}
