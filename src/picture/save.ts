/** Writes pictures as files that appear whole or not at all; two processes never take the same number. */

import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FluxionError } from '../support/errors.ts';
import { makeFolder } from '../support/make-folder.ts';
import { reasonOf } from '../support/system-error.ts';
import { PartialFile } from '../support/write-file.ts';

/** Writes a file so that it appears whole or not at all, replacing an existing one, and makes its folder. Returns the path. Throws `io`. */
export function writeAtomically(path: string, bytes: Uint8Array): Promise<string> {
  return writePicture(path, bytes, (file) => {
    file.replace();
    return path;
  });
}

/** Like `writeAtomically`; once it resolves, the file survives a power cut. */
export function writeDurably(path: string, bytes: Uint8Array): Promise<string> {
  return writePicture(path, bytes, async (file) => {
    await file.replaceDurably();
    return path;
  });
}

/** Writes a new file, and creates its folder if needed. Returns the path. Throws `io`, also if the file exists. */
export function writeNew(path: string, bytes: Uint8Array): Promise<string> {
  return writePicture(path, bytes, (file) => {
    if (!file.claim()) throw new Error('it already exists');
    return path;
  });
}

/**
 * Writes a file under the first free name of `nameOf(first)`, `nameOf(first + 1)`, … in a folder, never over another file, even if other
 * processes write there at the same time. Returns the path. Throws `io`.
 */
export function writeNumbered(
  folder: string,
  nameOf: (n: number) => string,
  first: number,
  bytes: Uint8Array,
): Promise<string> {
  return writePicture(join(folder, nameOf(first)), bytes, async (file) => {
    const taken = new Set(await readdir(folder));
    for (let n = first; ; n++) {
      const path = join(folder, nameOf(n));
      if (!taken.has(nameOf(n)) && file.claim(path)) return path;
    }
  });
}

/** Writes a temporary file in the folder of `path`, and lets `place` move it. */
async function writePicture(
  path: string,
  bytes: Uint8Array,
  place: (file: PartialFile) => string | Promise<string>,
): Promise<string> {
  try {
    makeFolder(dirname(path));
    using file = new PartialFile(path);
    await file.append(bytes);
    return await place(file);
  } catch (cause) {
    throw new FluxionError('io', `cannot write ${path}: ${reasonOf(cause)}`, {
      cause,
      hint: 'choose another folder with output_dir=…',
    });
  }
}
