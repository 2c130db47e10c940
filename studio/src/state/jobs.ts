/** Jobs that are not over, or that ended without all their pictures: how far they are, their previews, and the ways to end or repeat them. */

import { signal } from '@preact/signals';
import { keepInputs } from '../files/kept-inputs.ts';
import {
  type JobError,
  type JobEvent,
  type JobPicture,
  type JobState,
  type Preview,
  type Request,
  reachable,
  type ServerError,
  server,
} from '../server.ts';
import { errorText, plainText, secondsText, sentence } from '../text.ts';
import { clearFieldError, placeError } from './field-errors.ts';
import { addPicture } from './gallery.ts';
import { askModel, model } from './model.ts';
import { alert, announce, notify, tellError } from './notices.ts';
import { saved } from './saved.ts';
import { followJobs, selection, selectJob } from './selection.ts';
import { requested } from './settings.ts';

/** How far a job is. `lost`: the server cannot be asked. */
export interface Progress {
  readonly status: 'queued' | 'loading' | 'running' | 'lost' | 'failed' | 'interrupted';
  /** One line for people. */
  readonly text: string;
  /** Part of the work that is done, from 0 to 1; undefined while that is unknown. */
  readonly part?: number | undefined;
  /** Seconds until it is done, as far as can be told. */
  readonly left?: number | undefined;
}

export class LiveJob {
  readonly id: string;
  readonly prompt: string;
  readonly total: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** What asks for the same again; undefined where its pictures are not at hand. */
  readonly request: Request | undefined;
  readonly progress = signal<Progress>({ status: 'queued', text: 'Waiting' });
  /** The latest preview of each picture, by its index. */
  readonly previews = signal<ReadonlyMap<number, Preview>>(new Map());
  readonly finished = signal<readonly JobPicture[]>([]);
  /** Steps that are done, of all pictures. */
  #done = 0;
  #secondsPerStep: number | undefined;
  #isAnnounced = false;

  constructor({ id, request, total, pictures }: JobState, asked?: Request) {
    this.id = id;
    this.total = total;
    this.prompt = plainText([request['prompt']].flat().join(' · '));
    this.width = request['width'] as number | undefined;
    this.height = request['height'] as number | undefined;
    this.request = asked ?? (hasPictures(request) ? undefined : (request as unknown as Request));
    this.finished.value = pictures;
  }

  /** Whether it ended without all its pictures. */
  get hasFailed(): boolean {
    const { status } = this.progress.value;
    return status === 'failed' || status === 'interrupted';
  }

  on(event: JobEvent): void {
    switch (event.type) {
      case 'queued': {
        const { position, estimate } = event;
        const text = position === 0 ? 'Next' : `${position} before it`;
        this.progress.value = { status: 'queued', text, left: estimate };
        break;
      }
      case 'loading': {
        const { message, bytes, totalBytes } = event;
        const part = bytes !== undefined && totalBytes ? bytes / totalBytes : undefined;
        this.progress.value = { status: 'loading', text: sentence(plainText(message)), part };
        if (model.value?.status !== 'loading') askModel().catch(() => {});
        break;
      }
      case 'stage':
        this.progress.value = { ...this.progress.value, status: 'running', text: STAGES[event.stage] };
        if (model.value?.status !== 'ready') askModel().catch(() => {});
        if (!this.#isAnnounced) announce('Your picture is being made');
        this.#isAnnounced = true;
        break;
      case 'step': {
        const { step, steps, pictures, seconds, previews } = event;
        this.#secondsPerStep =
          this.#secondsPerStep === undefined ? seconds : 0.7 * this.#secondsPerStep + 0.3 * seconds;
        this.#done += pictures.length;
        const all = steps * this.total;
        // A job that is watched from its middle has steps that nobody told of.
        this.#done = Math.max(this.#done, this.finished.value.length * steps + pictures.length * step);
        const left = ((all - this.#done) / pictures.length) * this.#secondsPerStep;
        this.progress.value = { status: 'running', text: `Step ${step} of ${steps}`, part: this.#done / all, left };
        if (previews)
          this.previews.value = new Map([
            ...this.previews.value,
            ...previews.map((preview, i) => [pictures[i]!, preview] as const),
          ]);
        break;
      }
      case 'image':
        this.#finish(event.picture);
        break;
      case 'warning':
        notify(sentence(event.message));
        break;
      case 'failed':
        this.fail(event.error);
        placeError(event.error);
        // The stage says why, where it shows the job.
        if (selection.value?.job === this.id) alert(errorText(event.error));
        else tellError(event.error);
        break;
      case 'interrupted':
        this.fail();
        announce('The server was stopped before a picture was done');
        break;
      case 'cancelled':
        announce('Cancelled');
        break;
    }
  }

  /** Ends without all its pictures: for this error, or with the server. */
  fail(error?: JobError): void {
    this.progress.value = error
      ? { status: 'failed', text: errorText(error) }
      : { status: 'interrupted', text: 'The server was stopped before it was done' };
  }

  /** Says that nothing is heard of it for now. */
  lose(): void {
    this.progress.value = { ...this.progress.value, status: 'lost', text: 'Waiting for the server', left: undefined };
  }

  #finish(picture: JobPicture): void {
    if (this.finished.value.some(({ index }) => index === picture.index)) return;
    this.finished.value = [...this.finished.value, picture];
    addPicture(picture);
    const done = this.finished.value.length;
    // Of many, the first and the last are told.
    if (done > 1 && done < this.total) return;
    announce(this.total === 1 ? 'Your picture is done' : `Picture ${done} of ${this.total} is done`);
  }
}

const STAGES = {
  compile: 'Preparing programs',
  encode: 'Reading the prompt',
  denoise: 'Making the picture',
  decode: 'Finishing',
} as const;

/** Fields of a request as it is shown that say of a picture no more than its size. */
function hasPictures(request: JobState['request']): boolean {
  return Object.values(request)
    .flat()
    .some((value) => typeof value === 'object' && value !== null && 'bytes' in value);
}

export const liveJobs = signal<readonly LiveJob[]>([]);
/** Jobs that ended without all their pictures, until they are dismissed or asked for again. */
export const failedJobs = signal<readonly LiveJob[]>([]);
/** A job that is not over, or that failed. */
export function jobOf(id: string): LiveJob | undefined {
  return [...liveJobs.value, ...failedJobs.value].find((job) => job.id === id);
}

/** Whether a request is on its way to the server. */
export const submitting = signal(false);
/** Ids of failed jobs that are not to be shown again. */
const dismissed = saved<readonly string[]>('dismissed', []);
const MOST_DISMISSED = 200;

/** Asks for what the settings say. */
export async function generate(): Promise<void> {
  await ask(requested, generate);
}

/** Asks once more for what a failed job was asked for. */
export async function repeat(job: LiveJob): Promise<void> {
  const { request } = job;
  if (!request) return;
  const again = (): Promise<void> => repeat(job);
  if (await ask(() => request, again)) dismissJob(job);
}

/** Sends a request, one at a time. False where it was refused, which is told with a way to ask `again`. */
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

/** Tells why a request was refused: at the field that is wrong, or with a way to ask again. */
function tellRefusal(error: unknown, again: () => Promise<void>): void {
  const { message, status, retryAfter } = error as ServerError;
  if (status === 0) {
    notify('The server cannot be reached. Your settings are kept; ask again when it is back.', { tone: 'error' });
  } else if (status === 429) {
    const hint = retryAfter === undefined ? undefined : `ask again in ${secondsText(Math.max(1, retryAfter))}`;
    notify(errorText({ message, hint }), { tone: 'error', action: { label: 'Ask again', run: again } });
  } else if (!placeError(error)) tellError(error);
}

/** Sends a request, and watches the job that comes of it. */
export async function submit(request: Request): Promise<LiveJob> {
  const job = watch(await server().submit(request), request);
  const files = Object.values(request).flat();
  void keepInputs(files.filter((value): value is File => value instanceof File));
  return job;
}

/** Cancels a job; its end comes as an event. */
export function cancel({ id }: LiveJob): void {
  server().cancel(id).catch(tellError);
}

/** Takes a failed job away. */
export function dismissJob(job: LiveJob): void {
  failedJobs.value = failedJobs.value.filter((other) => other !== job);
  dismissed.value = [job.id, ...dismissed.value].slice(0, MOST_DISMISSED);
}

/** Failed jobs that are shown after they were missed, and how long after: in milliseconds. */
const MISSED = { most: 20, age: 24 * 3600 * 1000 };

/** Takes up jobs that go on from an earlier visit, or another window, and shows those that did not get done meanwhile. */
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

/** Reads a job's events until it is over, however often the connection is lost meanwhile. */
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
