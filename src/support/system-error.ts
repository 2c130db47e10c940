/** Turns errors of the operating system into messages for users: the file, the reason, and a remedy. */

import { type ErrorCode, FluxionError } from './errors.ts';

/** For each of the system's codes: the reason, the hint, and the error code if it is not `io`. */
const REASONS: Readonly<Record<string, readonly [reason: string, hint: string, code?: ErrorCode]>> = {
  ENOENT: ['no such file or folder', 'check the path', 'not_found'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'check the path', 'not_found'],
  EISDIR: ['expected a file, found a folder', 'name a file in it'],
  EEXIST: ['it already exists', 'choose another name, or remove it'],
  ENOTEMPTY: ['it already exists and is not empty', 'choose another name, or remove it'],
  EACCES: ['permission denied', 'check the permissions of the file and its folder, or choose another path'],
  EPERM: ['the system does not allow it', 'check the permissions of the file and its folder, or choose another path'],
  EROFS: ['the file system is read-only', 'choose another path'],
  ENOSPC: ['the disk is full', 'free some space, or choose a path on another disk'],
  EDQUOT: ['your share of the disk is used up', 'free some space, or choose a path on another disk'],
  EFBIG: ['the file would be larger than the file system or a limit of this process allows', 'choose another disk, or see ulimit -f'],
  EIO: ['the disk or the network behind it failed', 'try again; if it fails again, check the disk or choose another'],
  ESTALE: ['the network file system has lost it', 'mount it again, then try again'],
  ELOOP: ['its symbolic links lead in a circle', 'repair or remove the links'],
  ENAMETOOLONG: ['the name is too long', 'most file systems take 255 bytes a name and 4096 a path'],
  EMFILE: ['this process has too many files open', 'raise the limit: ulimit -n 4096'],
  ENFILE: ['the system has too many files open', 'close other programs'],
  ENOMEM: ['the system has no memory left', 'close other programs, or use a smaller model'],
  EBUSY: ['another program is using it', 'try again when that is done'],
  ETXTBSY: ['it is being run as a program', 'try again when that is done'],
  EXDEV: ['it is on another file system', 'choose a place on the same disk'],
  EINVAL: ['the file system refuses it', 'choose another name or folder'],
  ENXIO: ['expected a regular file, found a device or a socket', 'name a regular file'],
  ENODEV: ['expected a regular file, found a device', 'name a regular file'],
  EOPNOTSUPP: ['the file system cannot do this', 'choose a place on a local disk'],
  ENOTSUP: ['the file system cannot do this', 'choose a place on a local disk'],
  ENOSYS: ['the file system cannot do this', 'choose a place on a local disk'],
  ERR_FS_FILE_TOO_LARGE: ['the file is too large to be read at once', 'check that it is the right file', 'bad_file'],
  ERR_INVALID_ARG_VALUE: ['no path has a null byte in it', 'check the path', 'not_found'],
}; // biome-ignore format: one line a code

/** Describes an error without its path: the reason for the system's code, or the error's own message. */
export function reasonOf(error: unknown): string {
  return systemReason(error)?.[0] ?? (error instanceof Error ? error.message : String(error));
}

function systemReason(error: unknown): (typeof REASONS)[string] | undefined {
  if (!(error instanceof Error) || error instanceof FluxionError) return undefined;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  const isSystem = (syscall !== undefined && /^E[A-Z0-9]+$/.test(code)) || code.startsWith('ERR_FS_');
  if (isSystem) return Object.hasOwn(REASONS, code) ? REASONS[code] : [error.message, 'check the path, and try again'];
  return /null bytes/.test(error.message) ? REASONS['ERR_INVALID_ARG_VALUE'] : undefined;
}

/**
 * Turns an error of the operating system into a FluxionError, `subject: reason`; the subject is its path unless given. Returns other
 * errors unchanged.
 */
export function explained(error: unknown, subject?: string): unknown {
  const found = systemReason(error);
  if (!found) return error;
  const [reason, hint, code = 'io'] = found;
  const { path, dest = path } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const about = subject ?? dest;
  return new FluxionError(code, about === undefined ? reason : `${about}: ${reason}`, { hint, cause: error });
}

/** Runs a function; errors of the operating system become FluxionErrors, `subject: reason`. */
export function explaining<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw explained(error, subject);
  }
}
