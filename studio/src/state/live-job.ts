/** One job as the page follows it: its progress, previews and pictures. */

import { signal } from '@preact/signals';
import type { JobError, JobEvent, JobPicture, JobState, Preview, Request } from '../server.ts';
import { errorText, plainText, sentence } from '../text.ts';
import { placeError } from './field-errors.ts';
import { addPicture } from './gallery.ts';
import { askModel, model } from './model.ts';
import { alert, announce, notify, tellError } from './notices.ts';
import { selection } from './selection.ts';

/** Progress of a job. `lost`: the server cannot be reached. */
export interface Progress {
  readonly status: 'queued' | 'loading' | 'running' | 'lost' | 'failed' | 'interrupted';
  /** One line for people. */
  readonly text: string;
  /** Finished part of the work, from 0 to 1; undefined while it is unknown. */
  readonly part?: number | undefined;
  /** Estimated seconds until the job is done. */
  readonly left?: number | undefined;
}

export class LiveJob {
  readonly id: string;
  readonly prompt: string;
  readonly total: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** The request that repeats the job; undefined if its input pictures are not available. */
  readonly request: Request | undefined;
  readonly progress = signal<Progress>({ status: 'queued', text: 'Waiting' });
  /** The latest preview of each picture, by its index. */
  readonly previews = signal<ReadonlyMap<number, Preview>>(new Map());
  readonly finished = signal<readonly JobPicture[]>([]);
  /** Finished steps, summed over all pictures. */
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

  /** Whether the job ended without all its pictures. */
  get hasFailed(): boolean {
    const { status } = this.progress.value;
    return status === 'failed' || status === 'interrupted';
  }

  on(event: JobEvent): void {
    switch (event.type) {
      case 'queued': {
        const { position, estimate } = event;
        const text = position === 0 ? 'Next' : `${position} ahead of it`;
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
        // If the page joined in the middle of the job, it missed the events of earlier steps.
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
        // The stage shows the reason if the job is on it.
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

  /** Ends the job without all its pictures: with this error, or because the server stopped. */
  fail(error?: JobError): void {
    this.progress.value = error
      ? { status: 'failed', text: errorText(error) }
      : { status: 'interrupted', text: 'The server was stopped before it was done' };
  }

  /** Shows that the job's events do not arrive at present. */
  lose(): void {
    this.progress.value = { ...this.progress.value, status: 'lost', text: 'Waiting for the server', left: undefined };
  }

  #finish(picture: JobPicture): void {
    if (this.finished.value.some(({ index }) => index === picture.index)) return;
    this.finished.value = [...this.finished.value, picture];
    addPicture(picture);
    const done = this.finished.value.length;
    // Announces only the first and the last of many.
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

/** Whether a request, as the server shows it, had input pictures: of these it shows only the size. */
function hasPictures(request: JobState['request']): boolean {
  return Object.values(request)
    .flat()
    .some((value) => typeof value === 'object' && value !== null && 'bytes' in value);
}
