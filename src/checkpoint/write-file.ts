/** Files that are written run by run and appear whole or not at all. */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { FluxionError } from '../support/errors.ts';

/** Bytes given to the system at a time. */
const PIECE = 2 ** 30;

/** Writes byte runs one after the other; throws `io`. */
export function writeRuns(path: string, runs: Iterable<Uint8Array>): void {
  using file = new PartialFile(path);
  for (const run of runs) file.write(run);
  file.finish();
}

/** Writes byte runs one after the other, letting other work happen in between; throws `io`, or what the signal was aborted with. */
export async function streamRuns(path: string, runs: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  using file = new PartialFile(path);
  for (const run of runs) {
    file.write(run);
    await setImmediate();
    signal?.throwIfAborted();
  }
  file.finish();
}

/** A file under a temporary name, gone unless it is finished. */
class PartialFile implements Disposable {
  readonly #path: string;
  readonly #partial: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#partial = `${path}.${process.pid}.partial`;
    this.#descriptor = this.#attempt(() => openSync(this.#partial, 'w'));
  }

  write(run: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < run.length; )
        done += writeSync(this.#descriptor!, run, done, Math.min(run.length - done, PIECE));
    });
  }

  finish(): void {
    this.#attempt(() => {
      fsyncSync(this.#descriptor!);
      this.#close();
      renameSync(this.#partial, this.#path);
    });
  }

  [Symbol.dispose](): void {
    this.#close();
    rmSync(this.#partial, { force: true });
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new FluxionError('io', `${this.#path}: cannot write: ${(cause as Error).message}`, { cause });
    }
  }
}
