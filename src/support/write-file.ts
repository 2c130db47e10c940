/**
 * Writes files that appear whole or not at all: under a temporary name in the same folder, then renamed. An exit removes unfinished
 * files; those of killed processes are removed by the next process that writes into the folder.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsync,
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
import { attempt } from './attempt.ts';
import { makeFolder } from './make-folder.ts';
import { processMark, processState } from './process-mark.ts';

/** Bytes per write. */
const PIECE = 2 ** 30;
/** Matches temporary names, which contain the mark of the writing process. */
export const PARTIAL_NAME = /^\.fluxion\.([\w-]+)\.[0-9a-f]{12}\.partial$/;
/** Error codes of `link` on file systems without hard links: FAT, some network shares. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

const writeAsync = promisify(write);
const fsyncAsync = (file: number): Promise<void> => promisify(fsync)(file);

/** Writes or replaces a small file, and creates its folder if needed; throws the system's error. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  makeFolder(dirname(path));
  using file = new PartialFile(path);
  file.write(Buffer.from(content));
  file.replace();
}

/** Folders that this process has swept: some hold thousands of files, and listing them at every write would take longer than the write. */
const swept = new Set<string>();

/** Returns a temporary name for a file or folder; before the first one in a folder, deletes files that killed processes left there. */
export function partialName(target: string): string {
  const folder = dirname(target);
  if (!swept.has(folder)) sweep(folder);
  swept.add(folder);
  return join(folder, `.fluxion.${processMark()}.${randomBytes(6).toString('hex')}.partial`);
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const mark = PARTIAL_NAME.exec(name)?.[1];
    if (mark === undefined || processState(mark) !== 'ended') continue;
    // It may be another user's.
    attempt(() => rmSync(join(folder, name), { recursive: true, force: true }), undefined);
  }
}

/** A file under a temporary name beside `path`, removed when disposed unless it was moved there. Throws the system's errors. */
export class PartialFile implements Disposable {
  readonly #path: string;
  readonly #partial: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#partial = partialName(path);
    removeAtExit(this.#partial);
    // Created exclusively, so that a link planted under its name is not written through.
    this.#descriptor = openSync(this.#partial, 'wx');
  }

  write(run: Uint8Array): void {
    for (let done = 0; done < run.length; )
      done += writeSync(this.#descriptor!, run, done, Math.min(run.length - done, PIECE));
  }

  /** Writes without blocking the event loop. */
  async append(run: Uint8Array): Promise<void> {
    for (let done = 0; done < run.length; )
      done += (await writeAsync(this.#descriptor!, run, done, Math.min(run.length - done, PIECE))).bytesWritten;
  }

  /** Moves the file to its path and replaces an existing one; resolves when a power cut undoes neither. Does not block the event loop. */
  async replaceDurably(): Promise<void> {
    await fsyncAsync(this.#descriptor!);
    this.replace();
    // Windows cannot sync a folder.
    if (process.platform === 'win32') return;
    const folder = openSync(dirname(this.#path), 'r');
    try {
      await fsyncAsync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Moves the file to its path, and replaces an existing one. */
  replace(): void {
    this.#close();
    renameSync(this.#partial, this.#path);
  }

  /** Moves the file to a name unless that is taken, atomically among processes; returns whether it succeeded. */
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

/** Gives a file a second name, the one operation that is atomic and never overwrites; copies the file where hard links are missing. */
function linkWhole(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

/** Unfinished files, which are removed on exit, such as by Ctrl-C. */
const unfinished = new Set<string>();
let watchesExit = false;

/** Removes a file when the process exits. */
export function removeAtExit(path: string): void {
  unfinished.add(path);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    // One may be not yet written, or already in its place.
    for (const file of unfinished) attempt(() => unlinkSync(file), undefined);
  });
}
