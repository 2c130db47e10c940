/**
 * Installs a wheel and its companions.
 *
 * A package is unpacked into a hidden folder beside its destination and renamed into place when it is whole, so a killed install leaves
 * nothing that looks installed; the next install removes its remains. Of two processes that install at once, the second to finish
 * discards its copy.
 */

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { byteText } from '../../support/byte-text.ts';
import { FluxionError } from '../../support/errors.ts';
import { updateFrom } from '../../support/hash-file.ts';
import { log } from '../../support/log.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { processMark, processState } from '../../support/process-mark.ts';
import { reasonOf } from '../../support/system-error.ts';
import { explain, fetchWheel, type WheelRequest, wrongHash } from './installers.ts';
import { damageOf, writeRecord } from './plugin-record.ts';

/** The progress of an installation. */
export interface InstallProgress {
  readonly phase: 'downloading' | 'unpacking' | 'verifying' | 'installed';
  /** Bytes on disk so far in this phase, and how many there will be. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly seconds: number;
}

/** Called with a line a person can read, and the same as data. */
type OnProgress = (message: string, progress: InstallProgress) => void;

/** Progress and abort of an installation. */
export interface InstallOptions {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Every so many milliseconds, an installation touches its folder; one of another machine has ended after `SILENCE` without a touch. */
const BEAT = 30_000;
const SILENCE = 24 * 3_600_000;

/** Installs a wheel into `folder` and returns the path of its plugin file; returns at once when it is there already. */
export async function installWheel(wheel: WheelRequest, folder: string, options: InstallOptions = {}): Promise<string> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const installed = join(folder, wheel.file);
  if (damageOf(folder, wheel) === undefined) return installed;
  const parent = resolve(dirname(folder));
  const staging = join(parent, `.${basename(folder)}.${processMark()}.${randomBytes(4).toString('hex')}`);
  try {
    makeFolder(join(staging, 'tmp'));
  } catch (cause) {
    throw new FluxionError('io', `cannot create ${parent}: ${reasonOf(cause)}`, {
      cause,
      hint: 'set FLUXION_CACHE_DIR to a folder that can be written to',
    });
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(staging, now, now).catch(() => {}); // the next beat may succeed
  }, BEAT).unref();
  const progress = new ProgressMeter(wheel, staging, onProgress);
  try {
    await sweep(parent, (await stat(staging)).mtimeMs);
    await fetchWheel(wheel, staging, signal);
    progress.enter('verifying', wheel.unpackedBytes);
    const file = join(staging, 'package', wheel.file);
    const sha256 = await hashFile(file, signal).catch((cause) => {
      signal?.throwIfAborted();
      throw new FluxionError('plugin', `${wheel.package} ${wheel.version} has no readable ${wheel.file}`, { cause });
    });
    if (sha256 !== wheel.fileSha256)
      throw wrongHash(wheel, `${wheel.file} has sha256 ${sha256}, not ${wheel.fileSha256}`);
    writeRecord(join(staging, 'package'), wheel.file, sha256);
    await moveInto(join(staging, 'package'), folder, wheel);
    progress.enter('installed', wheel.unpackedBytes);
    return installed;
  } catch (error) {
    if (error instanceof FluxionError || signal?.aborted) throw error;
    throw explain(wheel, staging, 'writing the files', String(error));
  } finally {
    clearInterval(beat);
    progress.stop();
    await rm(staging, { recursive: true, force: true });
  }
}

/** Renames a finished package into place; where another process was faster, its copy stays. A folder that is not whole is replaced. */
async function moveInto(from: string, to: string, wheel: WheelRequest): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (damageOf(to, wheel) === undefined) return;
      if (attempt > 0) throw error;
      await rm(to, { recursive: true, force: true });
    }
  }
}

/**
 * Removes the remains of installations that have ended. An installation of another container or machine has ended if it gave no sign of
 * life for a day before `now`, milliseconds by the file system's clock.
 */
async function sweep(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    const mark = name.match(/^\..+\.([\w-]+)\.[0-9a-f]{8}$/)?.[1];
    if (mark === undefined || processState(mark) === 'running') continue;
    const path = join(parent, name);
    const touched = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
    if (processState(mark) === 'elsewhere' && now - touched < SILENCE) continue;
    log('debug', `removing the unfinished installation ${name}`);
    await rm(path, { recursive: true, force: true }).catch(() => {}); // it may be another user's
  }
}

/** Hashes a file with SHA-256. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await updateFrom(hash, path, signal);
  return hash.digest('hex');
}

/** Measures an installer's progress by the bytes on disk, since neither pip nor uv reports it for programs. */
class ProgressMeter {
  readonly #wheel: WheelRequest;
  readonly #staging: string;
  readonly #report: OnProgress | undefined;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  #phase: InstallProgress['phase'] = 'downloading';
  /** The most bytes seen in this phase: files that move between folders are missing for a moment. */
  #most = 0;

  constructor(wheel: WheelRequest, staging: string, report: OnProgress | undefined) {
    this.#wheel = wheel;
    this.#staging = staging;
    this.#report = report;
    this.#timer = setInterval(() => this.#look(), 250);
    this.#timer.unref();
    this.#say(0, wheel.bytes);
  }

  enter(phase: InstallProgress['phase'], bytes: number): void {
    this.#phase = phase;
    this.#say(bytes, bytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#phase === 'verifying' || this.#phase === 'installed') return;
    const { bytes, unpackedBytes } = this.#wheel;
    const { download, unpacked } = measure(this.#staging);
    // The installers' own small files come first.
    if (this.#phase === 'downloading' && unpacked > 1e6) {
      this.#phase = 'unpacking';
      this.#most = 0;
    }
    const [now, total] = this.#phase === 'unpacking' ? [unpacked, unpackedBytes] : [download, bytes];
    this.#most = Math.min(total, Math.max(this.#most, now));
    this.#say(this.#most, total);
  }

  #say(bytes: number, totalBytes: number): void {
    const seconds = (performance.now() - this.#start) / 1000;
    const amount =
      this.#phase === 'downloading' || this.#phase === 'unpacking'
        ? `, ${byteText(bytes)} of ${byteText(totalBytes)}`
        : '';
    const line = `${this.#phase} ${this.#wheel.package} ${this.#wheel.version}${amount}, ${seconds.toFixed(0)} s`;
    this.#report?.(line, { phase: this.#phase, bytes, totalBytes, seconds });
  }
}

/** Bytes downloaded (wheels) and unpacked (everything else) under a folder. Files and folders come and go while it looks. */
function measure(folder: string): { download: number; unpacked: number } {
  const found = { download: 0, unpacked: 0 };
  for (const entry of attempt(() => readdirSync(folder, { withFileTypes: true }), [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const { download, unpacked } = measure(path);
      found.download += download;
      found.unpacked += unpacked;
    } else if (entry.isFile()) {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      found[entry.name.endsWith('.whl') ? 'download' : 'unpacked'] += size;
    }
  }
  return found;
}
