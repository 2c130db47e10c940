/** Opens weight files (memory-mapped by `xla/pjrt/mapped-file.ts`, read here), and finds out what is at a path. */

import { readdirSync, statSync } from 'node:fs';
import { attempt } from '../../support/attempt.ts';
import { FluxionError } from '../../support/errors.ts';
import { danglingLink, type FileBytes, ReadFile } from '../../support/regular-file.ts';
import { explained, explaining } from '../../support/system-error.ts';

export type { FileBytes };

/** Opens a file for reading; throws `not_found` or `io` naming the path. */
export type OpenFile = (path: string) => FileBytes;

/** Opens a file whose views are positional reads into fresh buffers: no mapping, for headers, `inspect` and tests. */
export const readingFile: OpenFile = (path) => new ReadFile(path);

/** Says what is at a path; an inaccessible path counts as missing. */
export function kindOf(path: string): 'file' | 'folder' | 'missing' {
  return attempt(() => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return 'missing';
    return found.isDirectory() ? 'folder' : 'file';
  }, 'missing');
}

/** The error for a missing path, `not_found`, or for an inaccessible one, `io` with the system's reason. */
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
