/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, then moved to their own. An exit takes away
 * what is unfinished, and the next writer in the folder what killed processes left.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from './make-folder.ts';
import { processMark, processState } from './process-mark.ts';

/** Bytes given to the system at a time. */
const PIECE = 2 ** 30;
/** The temporary name of a file or folder, with the mark of the process that writes it. */
export const PARTIAL_NAME = /^\.fluxion\.([\w-]+)\.[0-9a-f]{12}\.partial$/;
/** What `link` answers on file systems without hard links: FAT, some network shares. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

const writeAsync = promisify(write);

/** Writes a small file in place of what is there, making its folder where absent; throws the system's error. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  makeFolder(dirname(path));
  using file = new PartialFile(path);
  file.write(Buffer.from(content));
  file.replace();
}

/** Returns the temporary name for a file or folder, after removing what processes left under theirs when they were killed. */
export function partialName(target: string): string {
  const folder = dirname(target);
  for (const name of readdirSync(folder)) {
    const mark = PARTIAL_NAME.exec(name)?.[1];
    if (mark === undefined || processState(mark) !== 'ended') continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // it may be another user's
    }
  }
  return join(folder, `.fluxion.${processMark()}.${randomBytes(6).toString('hex')}.partial`);
}

/** A file under a temporary name beside `path`, gone when disposed unless it was moved there. Throws the system's errors. */
export class PartialFile implements Disposable {
  readonly #path: string;
  readonly #partial: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#partial = partialName(path);
    removeAtExit(this.#partial);
    // Only ever a new file: a link that lies in wait under its name is not written through.
    this.#descriptor = openSync(this.#partial, 'wx');
  }

  write(run: Uint8Array): void {
    for (let done = 0; done < run.length; )
      done += writeSync(this.#descriptor!, run, done, Math.min(run.length - done, PIECE));
  }

  /** Writes on another thread. */
  async append(run: Uint8Array): Promise<void> {
    for (let done = 0; done < run.length; )
      done += (await writeAsync(this.#descriptor!, run, done, Math.min(run.length - done, PIECE))).bytesWritten;
  }

  /** Waits until the disk has what was written. */
  sync(): void {
    fsyncSync(this.#descriptor!);
  }

  /** Moves the file to its place, over what is there. */
  replace(): void {
    this.#close();
    renameSync(this.#partial, this.#path);
  }

  /** Gives the file a name unless that is taken, whoever else does so at the same time; returns whether it has it. */
  claim(path: string = this.#path): boolean {
    this.#close();
    try {
      linkWhole(this.#partial, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#close();
    rmSync(this.#partial, { force: true });
    unfinished.delete(this.#partial);
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Gives a file a second name: the one step that file systems do at once and without overwriting. A copy stands in without hard links. */
function linkWhole(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

/** Files that an exit in the middle, such as Ctrl-C's, takes away. */
const unfinished = new Set<string>();
let watchesExit = false;

/** Removes a file when the process ends, however that comes about. */
export function removeAtExit(path: string): void {
  unfinished.add(path);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const file of unfinished) {
      try {
        unlinkSync(file);
      } catch {
        // not yet written, or already in its place
      }
    }
  });
}
