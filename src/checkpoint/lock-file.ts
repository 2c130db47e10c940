/**
 * A lock between processes as a file that only one of them can create. Node has no flock; instead the holder touches its file while
 * it works, and a file whose holder has ended or fallen silent is taken over.
 */

import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../support/make-folder.ts';

/** Milliseconds between two signs of life, after how many of silence a lock is free, and between two looks of one who waits. */
const BEAT = 5_000;
const SILENCE = 60_000;
const LOOK = 250;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock. */
  readonly onWait?: (holder: string) => void;
}

/** Waits for the lock at `path` and takes it; disposing gives it back. */
export async function lockFile(path: string, { signal, onWait }: LockOptions = {}): Promise<AsyncDisposable> {
  makeFolder(dirname(path));
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`;
  for (let waited = false; ; ) {
    signal?.throwIfAborted();
    if (await create(path, mine)) break;
    const holder = await read(path);
    if (holder === undefined) continue;
    if (await isGone(path, holder)) {
      await takeAway(path, holder);
      continue;
    }
    if (!waited) onWait?.(`process ${holder.split(' ')[0]}`);
    waited = true;
    await sleep(LOOK, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // the next beat may succeed
  }, BEAT).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      if ((await read(path)) === mine) await rm(path, { force: true });
    },
  };
}

/** Creates the file with its text in it: written aside first, so that nobody reads an empty one. */
async function create(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(aside, text);
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // A file system without links: creation alone decides.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (failure: NodeJS.ErrnoException) => {
        if (failure.code === 'EEXIST') return false;
        throw failure;
      },
    );
  } finally {
    await rm(aside, { force: true });
  }
}

async function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

async function isGone(path: string, holder: string): Promise<boolean> {
  const [pid, host] = holder.trim().split(' ');
  if (host === hostname() && !isRunning(Number(pid))) return true;
  const touched = await stat(path).catch(() => undefined);
  return touched !== undefined && Date.now() - touched.mtimeMs > SILENCE;
}

/** Tells whether a process of this machine is alive. */
export function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the file of a holder that is gone: moved aside and looked at, as another process may have replaced it meanwhile. */
async function takeAway(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return; // someone was faster
  }
  if ((await read(aside)) !== holder) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
