/** One job as the page follows it: how far it is, its previews, and its pictures. */

import { signal } from '@preact/signals';
import type { JobError, JobEvent, JobPicture, JobState, Preview, Request } from '../server.ts';
import { errorText, plainText, sentence } from '../text.ts';
import { placeError } from './field-errors.ts';
import { addPicture } from './gallery.ts';
import { askModel, model } from './model.ts';
import { alert, announce, notify, tellError } from './notices.ts';
import { selection } from './selection.ts';

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
