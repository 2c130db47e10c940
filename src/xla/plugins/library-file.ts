/** Checks a shared library before it is loaded: the system maps a truncated one, and kills the process when a missing page is used. */

import { readSync } from 'node:fs';
import { FluxionError } from '../../support/errors.ts';
import { openRegular } from '../../support/regular-file.ts';

/** Offsets in the header of a 64-bit little-endian ELF file: where its section headers start, the size of one, and how many there are. */
const ELF = { magic: 0x464c457f, bytes: 64, sections: 40, entrySize: 58, entries: 60 } as const;

/** Checks that `path` is a regular file, and that an ELF file reaches to its section headers, which come last. Throws `plugin` or `io`. */
export function requireWholeLibrary(path: string): void {
  using file = openRegular(path);
  const header = Buffer.alloc(ELF.bytes);
  const count = readSync(file.descriptor, header, 0, ELF.bytes, 0);
  if (process.platform === 'linux' && (count < ELF.bytes || header.readUInt32LE(0) !== ELF.magic))
    throw new FluxionError('plugin', `cannot load ${path}: it is not a shared library for this system`, {
      hint: WHICH_FILE,
    });
  if (header.readUInt32LE(0) !== ELF.magic) return;
  const sections = header.readUInt16LE(ELF.entrySize) * header.readUInt16LE(ELF.entries);
  const least = Number(header.readBigUInt64LE(ELF.sections)) + sections;
  if (file.size < least)
    throw new FluxionError('plugin', `cannot load ${path}: it was cut short: ${file.size} bytes of ${least}`, {
      hint: 'copy or download it again',
    });
}

/** The file to name as a plugin, as a hint. */
export const WHICH_FILE =
  'give the shared library itself (such as xla_cpu_pjrt.so), built for this operating system and processor';
