/** Unfinished and failed jobs: submits, follows, cancels and repeats them. */

import { signal } from '@preact/signals';
import { keepInputs } from '../files/kept-inputs.ts';
import { type JobState, type Request, reachable, type ServerError, server } from '../server.ts';
import { errorText, secondsText } from '../text.ts';
import { clearFieldError, placeError } from './field-errors.ts';
import { LiveJob } from './live-job.ts';
import { announce, notify, tellError } from './notices.ts';
import { requested } from './request.ts';
import { saved } from './saved.ts';
import { followJobs, selectJob } from './selection.ts';

export const liveJobs = signal<readonly LiveJob[]>([]);
/** Jobs that ended without all their pictures, until they are dismissed or repeated. */
export const failedJobs = signal<readonly LiveJob[]>([]);
/** An unfinished or failed job. */
export function jobOf(id: string): LiveJob | undefined {
  return [...liveJobs.value, ...failedJobs.value].find((job) => job.id === id);
}

/** Whether a request is on its way to the server. */
export const submitting = signal(false);
/** Ids of failed jobs that a person has dismissed. */
const dismissed = saved<readonly string[]>('dismissed', []);
const MOST_DISMISSED = 200;

/** Submits the request of the current settings. */
export async function generate(): Promise<void> {
  await ask(requested, generate);
}

/** Submits the request of a failed job again. */
export async function repeat(job: LiveJob): Promise<void> {
  const { request } = job;
  if (!request) return;
  const again = (): Promise<void> => repeat(job);
  if (await ask(() => request, again)) dismissJob(job);
}

/** Sends a request, one at a time. If it is refused, shows why with a button that calls `again`, and returns false. */
async function ask(request: () => Request | Promise<Request>, again: () => Promise<void>): Promise<boolean> {
  if (submitting.value) return false;
  submitting.value = true;
  clearFieldError();
  followJobs();
  try {
    await submit(await request());
    announce('Your picture waits for its turn');
    return true;
  } catch (error) {
    tellRefusal(error, again);
    return false;
  } finally {
    submitting.value = false;
  }
}

/** Shows why a request was refused: at the wrong field, or in a notice with a button to ask again. */
function tellRefusal(error: unknown, again: () => Promise<void>): void {
  const { message, status, retryAfter } = error as ServerError;
  if (status === 0) {
    notify('The server cannot be reached. Your settings are kept; ask again when it is back.', { tone: 'error' });
  } else if (status === 429) {
    const hint = retryAfter === undefined ? undefined : `ask again in ${secondsText(Math.max(1, retryAfter))}`;
    notify(errorText({ message, hint }), { tone: 'error', action: { label: 'Ask again', run: again } });
  } else if (!placeError(error)) tellError(error);
}

/** Sends a request and follows its job. */
export async function submit(request: Request): Promise<LiveJob> {
  const job = watch(await server().submit(request), request);
  const files = Object.values(request).flat();
  void keepInputs(files.filter((value): value is File => value instanceof File));
  return job;
}

/** Cancels a job; its end arrives as an event. */
export function cancel({ id }: LiveJob): void {
  server().cancel(id).catch(tellError);
}

/** Removes a failed job from the page. */
export function dismissJob(job: LiveJob): void {
  failedJobs.value = failedJobs.value.filter((other) => other !== job);
  dismissed.value = [job.id, ...dismissed.value].slice(0, MOST_DISMISSED);
}

/** Most failed jobs from before this visit that are shown, and their greatest age in milliseconds. */
const MISSED = { most: 20, age: 24 * 3600 * 1000 };

/** Follows jobs from an earlier visit or another window, and shows jobs that failed meanwhile. */
export async function resumeJobs(): Promise<void> {
  for (const status of ['running', 'queued'] as const) {
    const { jobs } = await server().jobs({ status, limit: 200 });
    for (const state of jobs.toReversed()) if (!jobOf(state.id)) watch(state);
  }
  for (const status of ['interrupted', 'failed'] as const) {
    const { jobs } = await server().jobs({ status, limit: MISSED.most });
    for (const state of jobs.toReversed()) {
      const isRecent = Date.now() - Date.parse(state.ended ?? state.created) < MISSED.age;
      if (isRecent && !jobOf(state.id) && !dismissed.value.includes(state.id)) showFailed(state);
    }
  }
}

function showFailed(state: JobState): void {
  const job = new LiveJob(state);
  job.fail(state.status === 'failed' ? (state.error ?? { code: 'internal', message: 'it failed' }) : undefined);
  failedJobs.value = [...failedJobs.value, job];
}

function watch(state: JobState, request?: Request): LiveJob {
  const job = new LiveJob(state, request);
  liveJobs.value = [...liveJobs.value, job];
  selectJob(job.id, isLive);
  void follow(job);
  return job;
}

function isLive(id: string): boolean {
  return liveJobs.value.some((job) => job.id === id);
}

/** Reads a job's events until it has ended, however often the connection is lost. */
async function follow(job: LiveJob): Promise<void> {
  for (;;) {
    try {
      for await (const event of server().events(job.id)) job.on(event);
      break;
    } catch (error) {
      const { status } = error as ServerError;
      if (status !== 0 && status !== 401 && !(status >= 500)) {
        job.fail(error as ServerError);
        break;
      }
      job.lose();
      await reachable();
    }
  }
  leave(job);
}

function leave(job: LiveJob): void {
  liveJobs.value = liveJobs.value.filter((other) => other !== job);
  if (job.hasFailed) failedJobs.value = [...failedJobs.value, job];
  const [next] = liveJobs.value;
  if (next) selectJob(next.id, isLive);
}
