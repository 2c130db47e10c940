/**
 * A lock between processes: a file that only one of them can create. Node has no flock, so the holder touches its file while it works, and
 * another process takes over the file of a holder that has ended, or that runs elsewhere and has gone silent. The waiting process measures
 * silence by its own clock, since clocks of two machines differ and may be reset.
 */

import { randomBytes } from 'node:crypto';
import { link, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unlessRefused } from '../../support/attempt.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { processMark, processState } from '../../support/process-mark.ts';
import { readRegular } from '../../support/regular-file.ts';
import { pause } from '../../support/until-aborted.ts';
import { PartialFile } from '../../support/write-file.ts';

/** Milliseconds: between a holder's touches, of silence until a lock is free, between a waiter's checks. */
const BEAT = 5_000;
const SILENCE = 60_000;
const LOOK = 250;
/** Most bytes of a lock file, which is one line. */
const MAX_BYTES = 4096;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of silence after which a lock held elsewhere is taken over. */
  readonly silence?: number;
  /** Called once when another process holds the lock. */
  readonly onWait?: (holder: string) => void;
}

/** Waits for the lock at `path` and takes it; disposing releases it. */
export async function lockFile(
  path: string,
  { signal, silence = SILENCE, onWait }: LockOptions = {},
): Promise<AsyncDisposable> {
  makeFolder(dirname(path));
  const mine = `${processMark()} ${randomBytes(8).toString('hex')}\n`;
  let watched = { sign: '', since: 0 };
  for (let waited = false; ; ) {
    signal?.throwIfAborted();
    if (create(path, mine)) break;
    const holder = read(path);
    const sign = `${holder} ${(await stat(path).catch(() => undefined))?.mtimeMs}`;
    if (sign !== watched.sign) watched = { sign, since: performance.now() };
    const silent = performance.now() - watched.since > silence;
    const mark = holder?.split(' ')[0] ?? '';
    const state = processState(mark);
    if (holder !== undefined && (state === 'ended' || (state === 'elsewhere' && silent))) {
      await takeAway(path, holder);
      continue;
    }
    if (!waited) onWait?.(`process ${mark.match(/^\d+/)?.[0] ?? 'of another program'}`);
    waited = true;
    await pause(LOOK, signal);
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // the next touch may succeed
  }, BEAT).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      if (read(path) === mine) await rm(path, { force: true });
    },
  };
}

/** Creates the file together with its text, so that no process reads an empty one. */
function create(path: string, text: string): boolean {
  using file = new PartialFile(path);
  file.write(Buffer.from(text));
  return file.claim();
}

/** The text of a lock; undefined if it has been removed. Throws `io` if it is not a regular file. */
function read(path: string): string | undefined {
  return unlessRefused(() => readRegular(path, MAX_BYTES).toString('utf8'), 'not_found');
}

/** Removes the file of a dead holder: moves it aside and checks it first, as another process may have replaced it. */
async function takeAway(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return; // someone was faster
  }
  if (read(aside) !== holder) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
