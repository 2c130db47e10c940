/** Marks that identify a process to others. An id alone is not enough: containers and machines may share a folder, and the system reuses ids. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { attempt } from './attempt.ts';

/** Identifies the scope of process ids: this boot of this machine, and its namespace. */
const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'), '');
const PLACE = createHash('sha256')
  .update([hostname(), read('/proc/sys/kernel/random/boot_id'), namespace].join('\0'))
  .digest('hex')
  .slice(0, 12);

/** Returns this process's mark, `ID-START-PLACE`, in digits, letters and hyphens. */
export function processMark(): string {
  return `${process.pid}-${startOf(process.pid)}-${PLACE}`;
}

/** Returns the state of a marked process: it runs, it has ended, or it belongs to another place. */
export function processState(mark: string): 'running' | 'ended' | 'elsewhere' {
  const [, pid, start, place] = mark.match(/^(\d{1,10})-(\d+)-([0-9a-f]{12})$/) ?? [];
  if (place !== PLACE) return 'elsewhere';
  return isRunning(Number(pid)) && startOf(Number(pid)) === start ? 'running' : 'ended';
}

/** Returns the ids of other processes that have mapped or run a file below `path`; none if the system does not tell. */
export function processesUsing(path: string): number[] {
  const real = attempt(() => realpathSync(path), path);
  const ids = attempt(() => readdirSync('/proc'), []).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`);
  return ids.filter((id) => read(`/proc/${id}/maps`).includes(` ${real}`)).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in clock ticks since the boot; 0 if the system does not tell. */
function startOf(pid: number): string {
  // The second field is the program's name in parentheses, which may contain anything.
  return read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ')[19] ?? '0';
}

function read(path: string): string {
  return attempt(() => readFileSync(path, 'utf8').trim(), '');
}
