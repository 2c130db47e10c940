/**
 * Opening what a path names only where that is a regular file: a fifo would make the program wait for ever, and a device such as
 * /dev/zero would never end.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { FluxionError } from './errors.ts';
import { explained } from './system-error.ts';

/** Opens a regular file for reading; the caller closes it. Throws `not_found` or `io` with the path. */
export function openRegular(path: string): { readonly descriptor: number; readonly size: number } {
  let descriptor: number | undefined;
  try {
    // Opened without waiting: a fifo has no writer yet.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return { descriptor, size: stat.size };
    const what = stat.isFIFO() ? 'a pipe' : stat.isSocket() ? 'a socket' : 'a device';
    throw stat.isDirectory()
      ? new FluxionError('io', `${path}: expected a file, found a folder`, { hint: 'name a file in it' })
      : new FluxionError('io', `${path}: expected a regular file, found ${what}`, {
          hint: 'save its output into a file first',
        });
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw danglingLink(path, error) ?? explained(error, path);
  }
}

/** Reads a whole regular file of at most `limit` bytes. Throws `not_found`, `io` or `bad_file` with the path. */
export function readRegular(path: string, limit: number): Buffer {
  const { descriptor, size } = openRegular(path);
  try {
    if (size > limit) throw new FluxionError('bad_file', `${path}: ${size} bytes, more than ${limit}`);
    return readFileSync(descriptor);
  } catch (error) {
    throw explained(error, path);
  } finally {
    closeSync(descriptor);
  }
}

/** The error for a symbolic link whose target is not there. */
export function danglingLink(path: string, error: unknown): FluxionError | undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
  try {
    const target = readlinkSync(path);
    return new FluxionError('not_found', `${path}: a link to '${target}', which is not there`, {
      hint: 'an interrupted or deleted download leaves such links: download the file again, or repair the link',
      cause: error,
    });
  } catch {
    return undefined;
  }
}
