/** The outcome of a job, for an answer that waits for it: its pictures, or why there are none. */

import { type ErrorCode, FluxionError } from '../support/errors.ts';
import type { Job, JobEvent } from './job.ts';
import { Refusal } from './refusal.ts';
import type { StoredPicture } from './stored-picture.ts';

/** Throws the reason if an event ends a job without all its pictures. */
export function requireSuccess(event: JobEvent): void {
  if (event.type === 'failed') {
    const { message, hint, field } = event.error;
    const code = event.error.code as ErrorCode;
    // Other stopped jobs are `cancelled` or `interrupted`: this one exceeded its time limit.
    if (code === 'aborted') throw new Refusal(504, message, { code, hint });
    throw new FluxionError(code, message, { hint, field });
  }
  if (event.type === 'cancelled') throw new Refusal(409, `the job was cancelled: ${event.reason}`, { code: 'aborted' });
  if (event.type === 'interrupted') throw new Refusal(503, 'the server was stopped', { code: 'busy', retryAfter: 10 });
}

/** Reads a job until it ends, or the signal aborts: its pictures in order, and its warnings. `check` may throw on any event. */
export async function collected(
  job: Job,
  signal: AbortSignal,
  check: (event: JobEvent) => void,
): Promise<{ readonly pictures: readonly StoredPicture[]; readonly warnings: readonly string[] }> {
  const pictures: StoredPicture[] = [];
  const warnings: string[] = [];
  for await (const event of job.events(signal)) {
    check(event);
    if (event.type === 'image') pictures[event.picture.info.index] = event.picture;
    if (event.type === 'warning') warnings.push(event.message);
  }
  return { pictures, warnings };
}
