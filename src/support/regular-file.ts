/** Opens only regular files: a fifo would block for ever, and a device such as /dev/zero would never end. */

import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { attempt } from './attempt.ts';
import { FluxionError } from './errors.ts';
import { explained, explaining } from './system-error.ts';

/** An open file and its size in bytes; disposing it closes it. */
export interface RegularFile extends Disposable {
  readonly descriptor: number;
  readonly size: number;
}

/** Opens a regular file for reading. Throws `not_found` or `io` with the path. */
export function openRegular(path: string): RegularFile {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a fifo would wait for its writer.
    const opened = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    descriptor = opened;
    const stat = fstatSync(opened);
    if (stat.isFile()) return { descriptor, size: stat.size, [Symbol.dispose]: () => closeSync(opened) };
    const what = stat.isFIFO() ? 'a pipe' : stat.isSocket() ? 'a socket' : 'a device';
    throw stat.isDirectory()
      ? new FluxionError('io', `${path}: expected a file, found a folder`, { hint: 'name a file in it' })
      : new FluxionError('io', `${path}: expected a regular file, found ${what}`, {
          hint: 'save its content to a file first',
        });
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw danglingLink(path, error) ?? explained(error, path);
  }
}

/** Reads a whole regular file of at most `limit` bytes. Throws `not_found`, `io` or `bad_file` with the path. */
export function readRegular(path: string, limit: number): Buffer {
  using file = openRegular(path);
  const { descriptor, size } = file;
  if (size > limit) throw new FluxionError('bad_file', `${path}: expected at most ${limit} bytes, found ${size}`);
  return explaining(path, () => readFileSync(descriptor));
}

/** A file of fixed size whose byte ranges can be viewed until it is disposed. */
export interface FileBytes extends Disposable {
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Returns bytes `offset` to `offset + length`; a view into the file where the implementation maps it, else a copy. Throws `bad_file` when
   * they do not lie within the file.
   */
  view(offset: number, length: number): Uint8Array;
}

/** A regular file whose views are copies, read into memory from `allocate`. */
export class ReadFile implements FileBytes {
  readonly path: string;
  readonly size: number;
  readonly descriptor: number;
  readonly #allocate: (length: number) => Uint8Array<ArrayBuffer>;
  #open = true;

  constructor(path: string, allocate = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length)) {
    const { descriptor, size } = openRegular(path);
    this.path = path;
    this.size = size;
    this.descriptor = descriptor;
    this.#allocate = allocate;
  }

  view(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (!this.#open) throw new FluxionError('disposed', `${this.path}: read after it was closed`);
    checkRange(this, offset, length);
    const bytes = this.#allocate(length);
    readRange(this.descriptor, this.path, bytes, offset);
    return bytes;
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.descriptor);
    this.#open = false;
  }
}

/** Fills `bytes` from byte `offset` on; throws `io` if the file ends too early, because it shrank since it was opened. */
function readRange(descriptor: number, path: string, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    const got = explaining(path, () => readSync(descriptor, bytes, done, bytes.length - done, offset + done));
    if (got === 0) throw new FluxionError('io', `${path}: ends at byte ${offset + done}; it shrank while it was read`);
    done += got;
  }
}

/** Throws `bad_file` unless bytes `offset` to `offset + length` lie within a file. */
export function checkRange({ path, size }: { path: string; size: number }, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (valid && offset + length <= size) return;
  throw new FluxionError('bad_file', `${path}: bytes ${offset} to ${offset + length} are outside its ${size}`);
}

/** Returns the error for a symbolic link whose target is missing. */
export function danglingLink(path: string, error: unknown): FluxionError | undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
  const target = attempt(() => readlinkSync(path), undefined);
  if (target === undefined) return undefined;
  return new FluxionError('not_found', `${path}: a link to '${target}', which is not there`, {
    hint: 'an interrupted or deleted download leaves such links: download the file again, or repair the link',
    cause: error,
  });
}
