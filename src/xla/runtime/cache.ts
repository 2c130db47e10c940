/**
 * Compiled executables on disk, keyed by everything that determines them.
 * Notable: written atomically; an entry that is damaged, belongs to another program or is refused by the plugin is a miss and is
 * replaced; the folder stays under a size limit by removing the least recently used entries.
 */

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, futimesSync, openSync, readFileSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { reasonOf } from '../../support/system-error.ts';
import { PARTIAL_NAME, PartialFile } from '../../support/write-file.ts';

const MAGIC = Buffer.from('fluxion-executable-2\n', 'latin1');
const DIGEST_BYTES = 32;
const HEADER_BYTES = MAGIC.length + DIGEST_BYTES;
const SUFFIX = '.pjrt';
const DEFAULT_LIMIT = 2 * 2 ** 30;
/** Milliseconds after which unused entries, and unfinished ones, are removed. */
const UNUSED = 90 * 24 * 3_600_000;
const UNFINISHED = 3_600_000;
/** Links are not followed, and a pipe is opened without waiting for its writer. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Everything an executable depends on. */
interface CacheKey {
  readonly program: string;
  /** Bytes of the serialized compile options. */
  readonly options: Uint8Array;
  /** Plugin build, platform version, device kind, processor, compiler environment. */
  readonly target: readonly string[];
}

/** Compiled programs in a folder on disk, found again by a key; the least recently used are deleted beyond a limit. */
export class ExecutableCache {
  readonly folder: string;
  readonly #limit: number;
  /** Bytes written since the folder was last trimmed. */
  #written = 0;
  #writable = true;

  /** Keeps executables in `folder`, at most `limit` bytes of them. */
  constructor(folder: string, limit: number = DEFAULT_LIMIT) {
    this.folder = folder;
    this.#limit = limit;
  }

  /** The file name of an entry: SHA-256 over every part of the key, each with its length. */
  static keyOf({ program, options, target }: CacheKey): string {
    const hash = createHash('sha256');
    for (const part of [program, options, ...target]) hash.update(`${part.length}:`).update(part);
    return hash.digest('hex');
  }

  /** The serialized executable of this program; undefined if the cache has none that is intact. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    try {
      // Read within this turn, so that the plugin loads a program on another thread while the next is printed: 100 KB take less than a turn.
      using opened = new DisposableStack();
      const file = opened.adopt(openSync(path, READ), closeSync);
      const info = fstatSync(file);
      if (!info.isFile()) throw new Error('it is not a regular file');
      if (info.size > this.#limit) throw new Error(`it has ${info.size} bytes`);
      const bytes = readFileSync(file);
      const payload = bytes.subarray(HEADER_BYTES);
      if (!bytes.subarray(0, HEADER_BYTES).equals(header(key, payload)))
        throw new Error('its content is damaged or belongs to another program');
      // The time of last use decides what is removed first; failing to note it is harmless.
      const now = new Date();
      attempt(() => futimesSync(file, now, now), undefined);
      return payload;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      once(this.folder, 'damaged', `a compiled program is made again, as ${path} cannot be used: ${reasonOf(error)}`);
      await this.remove(key);
      return undefined;
    }
  }

  /** Stores an executable; a folder that cannot be written is reported once and costs only the next start's time. */
  async write(key: string, serialize: () => Uint8Array): Promise<void> {
    if (!this.#writable) return;
    const payload = serialize();
    try {
      makeFolder(this.folder);
      using file = new PartialFile(this.#path(key));
      await file.append(header(key, payload));
      await file.append(payload);
      file.replace();
      this.#written += payload.length;
      if (this.#written > this.#limit / 8) await this.trim();
    } catch (error) {
      this.#writable = false;
      once(this.folder, 'unwritable', `cannot keep compiled programs in ${this.folder}: ${reasonOf(error)}`);
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true }).catch(() => {});
  }

  /** Trims the folder if anything was written: listing thousands of files takes a tenth of a short run. */
  async close(): Promise<void> {
    if (this.#written > 0) await this.trim();
  }

  /** Removes the least recently used entries until the folder is within its limit, and old or unfinished ones. */
  async trim(): Promise<void> {
    this.#written = 0;
    const now = Date.now();
    const names = await readdir(this.folder).catch(() => []);
    const entries = await Promise.all(
      names.map(async (name) => {
        const path = join(this.folder, name);
        const info = await lstat(path).catch(() => undefined);
        return { path, size: info?.size ?? 0, used: info?.mtimeMs ?? now };
      }),
    );
    const stale = entries.filter((e) => PARTIAL_NAME.test(basename(e.path)) && e.used < now - UNFINISHED);
    const kept = entries.filter((e) => e.path.endsWith(SUFFIX)).sort((a, b) => a.used - b.used);
    let total = kept.reduce((sum, e) => sum + e.size, 0);
    const surplus = kept.filter((e) => {
      const over = total > this.#limit || e.used < now - UNUSED;
      if (over) total -= e.size;
      return over;
    });
    await Promise.all([...stale, ...surplus].map((e) => rm(e.path, { force: true }).catch(() => {})));
  }

  #path(key: string): string {
    return join(this.folder, `${key}${SUFFIX}`);
  }
}

/** The start of an entry: its format, and a digest of the program's key and the content. */
function header(key: string, payload: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, createHash('sha256').update(key).update(payload).digest()]);
}

const told = new Set<string>();

/** Warns once per process about one kind of trouble with a folder. */
function once(folder: string, trouble: string, message: string): void {
  log(told.has(`${trouble} ${folder}`) ? 'debug' : 'warn', message);
  told.add(`${trouble} ${folder}`);
}
