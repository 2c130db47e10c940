/**
 * Files that appear whole or not at all: written beside their place under another name, then moved there. An interrupted
 * process leaves no partial picture, and two processes never write the same number.
 */

import { randomBytes } from 'node:crypto';
import { unlinkSync, writeFileSync } from 'node:fs';
import { link, open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FluxionError } from '../support/errors.ts';
import { makeFolder } from '../support/make-folder.ts';
import { reasonOf } from '../support/system-error.ts';

/** Files that are being written; an exit in the middle, such as Ctrl-C's, takes them away. */
const unfinished = new Set<string>();
let watchesExit = false;

/** Writes a file in place of what is there, making its folder where absent. Returns the path. Throws `io`. */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<string> {
  await writeBeside(path, bytes, (temporary) => rename(temporary, path));
  return path;
}

/** Writes a file that is not there yet, making its folder where absent. Returns the path. Throws `io`. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<string> {
  await writeBeside(path, bytes, async (temporary) => {
    if (!(await moveToFreePlace(temporary, path, bytes))) throw new Error('it is there already');
  });
  return path;
}

/**
 * Writes a file under the first name of `nameOf(first)`, `nameOf(first + 1)`, … that is free in the folder, and never over
 * another file, whoever writes there at the same time. Returns the path. Throws `io`.
 */
export async function writeNumbered(
  folder: string,
  nameOf: (n: number) => string,
  first: number,
  bytes: Uint8Array,
): Promise<string> {
  let path = join(folder, nameOf(first));
  await writeBeside(path, bytes, async (temporary) => {
    const taken = new Set(await readdir(folder));
    for (let n = first; ; n++) {
      if (taken.has(nameOf(n))) continue;
      path = join(folder, nameOf(n));
      if (await moveToFreePlace(temporary, path, bytes)) return;
    }
  });
  return path;
}

/** Writes a temporary file in the folder of `path`, lets `place` move it, and removes what is left of it. */
async function writeBeside(
  path: string,
  bytes: Uint8Array,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.flux-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  removeAtExit(temporary);
  try {
    makeFolder(folder);
    // Made at once, and only then written: an exit in between would else look for it too early.
    writeFileSync(temporary, '', { flag: 'wx' });
    await writeFile(temporary, bytes, { flag: 'r+' });
    await place(temporary);
  } catch (cause) {
    throw new FluxionError('io', `cannot write ${path}: ${reasonOf(cause)}`, {
      cause,
      hint: 'choose another folder with output_dir=…',
    });
  } finally {
    await unlink(temporary).catch(() => {}); // already moved, or never there
    unfinished.delete(temporary);
  }
}

/** Gives a file a second name unless that is taken: the one step that file systems do at once and without overwriting. */
async function moveToFreePlace(temporary: string, path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) return false;
    // File systems without hard links (FAT, some network shares): an exclusive file, removed if the process ends early.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].some((code) => isCode(cause, code))) throw cause;
    return writeExclusively(path, bytes);
  }
}

async function writeExclusively(path: string, bytes: Uint8Array): Promise<boolean> {
  const file = await open(path, 'wx').catch((cause: unknown) => {
    if (isCode(cause, 'EEXIST')) return undefined;
    throw cause;
  });
  if (!file) return false;
  removeAtExit(path);
  try {
    await file.writeFile(bytes);
  } catch (cause) {
    await unlink(path).catch(() => {});
    throw cause;
  } finally {
    await file.close();
    unfinished.delete(path);
  }
  return true;
}

/** Takes a file away when the process ends, however that comes about. */
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

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
