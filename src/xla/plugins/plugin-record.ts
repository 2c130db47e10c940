/**
 * Records of plugins' files, so that each start can check quickly that the files are unchanged: loading a truncated library would kill the
 * process.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { log } from '../../support/log.ts';
import { openRegular, readRegular } from '../../support/regular-file.ts';
import { reasonOf } from '../../support/system-error.ts';
import { writeWhole } from '../../support/write-file.ts';
import type { WheelRequest } from './installers.ts';

/** The record of a plugin file; its hash is valid as long as size and time match. */
export interface FileRecord {
  readonly sha256: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The record beside an installed package. */
interface PackageRecord extends FileRecord {
  /** Sizes in bytes of its larger files, by path inside the package. */
  readonly files: Readonly<Record<string, number>>;
}

/** The expected content of an installed package; only the record knows the sizes of its companions. */
type ExpectedPackage = Pick<WheelRequest, 'file' | 'fileSha256' | 'companions'>;

/** Name of the record beside an installed package. */
const RECORD = 'fluxion-plugin.json';
const MAX_RECORD = 1 << 20;
/** Files from this size on are recorded: libraries, rather than the texts beside them. */
const LARGE = 1 << 16;

/** Writes the record of a package that was just unpacked or checked; throws the system's error. */
export function writeRecord(folder: string, file: string, sha256: string): void {
  const { size, mtimeMs } = statSync(join(folder, file));
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const sizes = entries.map((entry): [string, number] => {
    const path = join(entry.parentPath, entry.name);
    return [relative(folder, path), statSync(path).size];
  });
  const files = Object.fromEntries(sizes.filter(([, bytes]) => bytes >= LARGE));
  const record = { file, sha256, size, mtimeMs, files };
  writeWhole(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}

/** The record in the folder of a package; undefined if it is missing or damaged. */
function readRecord(folder: string): PackageRecord | undefined {
  return attempt(() => {
    const record: unknown = JSON.parse(readRegular(join(folder, RECORD), MAX_RECORD).toString('utf8'));
    return isRecord(record) ? { ...record, files: filesOf(record as Partial<PackageRecord>) } : undefined;
  }, undefined);
}

/** Tells whether a value read from JSON is a record. */
export function isRecord(value: unknown): value is FileRecord {
  const { sha256, size, mtimeMs } = (value ?? {}) as Partial<FileRecord>;
  return typeof sha256 === 'string' && typeof size === 'number' && typeof mtimeMs === 'number';
}

function filesOf({ files }: Partial<PackageRecord>): Record<string, number> {
  return Object.fromEntries(Object.entries(files ?? {}).filter(([, size]) => typeof size === 'number'));
}

/** The record of the package that holds `file`, if an installation put it there. */
export function findRecord(file: string): PackageRecord | undefined {
  let folder = dirname(file);
  for (let depth = 0; depth < 6 && folder !== dirname(folder); depth++, folder = dirname(folder)) {
    const record = readRecord(folder);
    if (record) return record;
  }
  return undefined;
}

/** Files that were hashed by this process, as `path size time`. */
const hashed = new Map<string, string>();

/**
 * Returns the fault of an installed package, or undefined if all sizes and the plugin's time match the record. If only the time differs,
 * as after copying, or the record is gone, the plugin's hash decides, and the record is renewed.
 */
export function damageOf(folder: string, { file, fileSha256, companions = [] }: ExpectedPackage): string | undefined {
  const path = join(folder, file);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) return `there is no file ${file}`;
  const record = readRecord(folder);
  if (record) {
    for (const [name, size] of Object.entries({ ...record.files, [file]: record.size })) {
      const bytes = statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
      if (bytes !== size) return `${name} has ${bytes} bytes, expected ${size}`;
    }
    if (found.mtimeMs === record.mtimeMs && record.sha256 === fileSha256) return undefined;
  } else if (companions.length > 0) return 'its record is gone or torn';
  const key = `${path} ${found.size} ${found.mtimeMs}`;
  const sha256 = getOrMake(hashed, key, () => hashNow(path));
  if (sha256 !== fileSha256) return `${file} has sha256 ${sha256}, expected ${fileSha256}`;
  try {
    writeRecord(folder, file, sha256);
  } catch (error) {
    log('debug', `cannot renew the record of ${path}: ${reasonOf(error)}`);
  }
  return undefined;
}

function hashNow(path: string): string {
  const hash = createHash('sha256');
  using file = openRegular(path);
  const piece = Buffer.allocUnsafe(1 << 22);
  for (let count = readSync(file.descriptor, piece); count > 0; count = readSync(file.descriptor, piece))
    hash.update(piece.subarray(0, count));
  return hash.digest('hex');
}
