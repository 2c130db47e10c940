/** Files that are written run by run and appear whole or not at all. */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { processMark, processState } from '../../support/process-mark.ts';
import { explaining } from '../../support/system-error.ts';

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

/** Returns the temporary name for a file or folder, after removing what processes left under theirs when they were killed. */
export function partialName(target: string): string {
  const [folder, start, end] = [dirname(target), `${basename(target)}.`, '.partial'];
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start) || !name.endsWith(end)) continue;
    const mark = /^([\w-]+)\.[0-9a-f]{12}$/.exec(name.slice(start.length, -end.length))?.[1];
    if (mark !== undefined && processState(mark) === 'ended')
      rmSync(join(folder, name), { recursive: true, force: true });
  }
  return join(folder, `${start}${processMark()}.${randomBytes(6).toString('hex')}${end}`);
}

/** A file under a temporary name, gone unless it is finished. */
class PartialFile implements Disposable {
  readonly #path: string;
  readonly #partial: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#partial = this.#attempt(() => partialName(path));
    // Only ever a new file: a link that lies in wait under its name is not written through.
    this.#descriptor = this.#attempt(() => openSync(this.#partial, 'wx'));
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
    return explaining(`${this.#path}: cannot write`, work);
  }
}
