/**
 * Read access to a file by byte range. The weight store asks only for this interface, so that a memory-mapped file (`xla/pjrt/mapped-file.ts`)
 * and plain positional reads (here) are interchangeable.
 */

import { closeSync, readdirSync, statSync } from 'node:fs';
import { FluxionError } from '../../support/errors.ts';
import { checkRange, danglingLink, openRegular, readRange } from '../../support/regular-file.ts';
import { explained, explaining } from '../../support/system-error.ts';

/** A file of fixed size whose byte ranges can be looked at until it is disposed. */
export interface FileBytes extends Disposable {
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Returns bytes `offset` to `offset + length`; a view into the file where the implementation maps it, else a copy. */
  view(offset: number, length: number): Uint8Array;
}

/** Opens a file for reading; throws `not_found` or `io` naming the path. */
export type OpenFile = (path: string) => FileBytes;

/** Opens a file whose views are positional reads into fresh buffers: no mapping, for headers, `inspect` and tests. */
export const readingFile: OpenFile = (path) => new ReadFile(path);

class ReadFile implements FileBytes {
  readonly path: string;
  readonly size: number;
  #descriptor: number | undefined;

  constructor(path: string) {
    const { descriptor, size } = openRegular(path);
    this.path = path;
    this.size = size;
    this.#descriptor = descriptor;
  }

  view(offset: number, length: number): Uint8Array {
    if (this.#descriptor === undefined) throw new FluxionError('disposed', `${this.path}: read after it was closed`);
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    readRange(this.#descriptor, this.path, bytes, offset);
    return bytes;
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Says what stands at a path; a path that cannot be looked at counts as missing. */
export function kindOf(path: string): 'file' | 'folder' | 'missing' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing';
  }
}

/** The error for a path at which nothing can be found, or that cannot be looked at: `not_found`, or `io` with the system's reason. */
export function notThere(path: string): FluxionError {
  try {
    statSync(path);
  } catch (error) {
    const told = danglingLink(path, error) ?? explained(error, path);
    if (told instanceof FluxionError) return told;
  }
  return new FluxionError('not_found', `${path}: no such file or folder`);
}

/** Lists the names in a folder, sorted; throws `not_found` or `io` naming the path. */
export function listFolder(path: string): string[] {
  return explaining(path, () => readdirSync(path)).sort();
}
