/**
 * Compiled executables on disk, keyed by everything that decides what the compiler makes of a program.
 * Notable: written atomically; an entry that is damaged or that the plugin refuses is a miss and is replaced;
 * the folder is kept under a size limit by removing what was used longest ago.
 */

import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { log } from '../support/log.ts';
import { makeFolder } from '../support/make-folder.ts';

const MAGIC = 'fluxion-executable-1\n';
const DIGEST_BYTES = 32;
const SUFFIX = '.pjrt';
const DEFAULT_LIMIT = 2 * 2 ** 30;

/** Everything an executable depends on. */
export interface CacheKey {
  readonly program: string;
  /** Bytes of the serialized compile options. */
  readonly options: Uint8Array;
  /** Plugin build, platform version, device kind, processor, compiler environment. */
  readonly target: readonly string[];
}

export class ExecutableCache {
  readonly folder: string;
  readonly #limit: number;

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

  /** The serialized executable, or undefined where there is none that is whole. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const file = this.#file(key);
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes) return undefined;
    const payload = bytes.subarray(MAGIC.length + DIGEST_BYTES);
    const digest = bytes.subarray(MAGIC.length, MAGIC.length + DIGEST_BYTES);
    const whole = bytes.toString('latin1', 0, MAGIC.length) === MAGIC && digest.equals(sha256(payload));
    if (!whole) {
      log('warn', `the cached executable ${file} is damaged; it will be compiled again`);
      await this.remove(key);
      return undefined;
    }
    // The time of last use decides what is removed first; failing to note it is harmless.
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
    return payload;
  }

  /** Stores an executable; a folder that cannot be written costs the next start time, never this run. */
  async write(key: string, payload: Uint8Array): Promise<void> {
    const file = this.#file(key);
    const temporary = `${file}.${randomUUID()}.tmp`;
    try {
      makeFolder(this.folder);
      await writeFile(temporary, Buffer.concat([Buffer.from(MAGIC, 'latin1'), sha256(payload), payload]));
      await rename(temporary, file);
    } catch (error) {
      log('warn', `cannot keep compiled programs in ${this.folder}: ${(error as Error).message}`);
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#file(key), { force: true }).catch(() => {});
  }

  /** Removes what was used longest ago until the folder is within its limit, and temporary files an hour old. */
  async trim(): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    const entries = await Promise.all(
      names.map(async (name) => {
        const path = join(this.folder, name);
        const info = await stat(path).catch(() => undefined);
        return { path, size: info?.size ?? 0, used: info?.mtimeMs ?? 0, temporary: name.endsWith('.tmp') };
      }),
    );
    const stale = entries.filter((e) => e.temporary && e.used < Date.now() - 3_600_000);
    const kept = entries.filter((e) => e.path.endsWith(SUFFIX)).sort((a, b) => a.used - b.used);
    let total = kept.reduce((sum, e) => sum + e.size, 0);
    const surplus = kept.filter((e) => {
      const over = total > this.#limit;
      if (over) total -= e.size;
      return over;
    });
    await Promise.all([...stale, ...surplus].map((e) => rm(e.path, { force: true }).catch(() => {})));
  }

  #file(key: string): string {
    return join(this.folder, `${key}${SUFFIX}`);
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
