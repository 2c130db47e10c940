/** Jobs that have not ended, in the order in which they came: which one is made next, and how many are before each. */

import type { Job } from './job.ts';
import type { NetworkRequest } from './network-request.ts';
import { Pace } from './pace.ts';
import { Refusal } from './refusal.ts';

/** A job that has not ended. */
export interface OpenJob {
  readonly job: Job;
  readonly request: NetworkRequest;
  /** Characters of the request. */
  readonly size: number;
  readonly stop: AbortController;
  /** Pictures × steps × pixels; `done` is the part that is finished. */
  readonly work: number;
  done: number;
  /** Whether the backend has the job. */
  isTaken: boolean;
  /** Number of jobs before it that its readers were told last. */
  position: number;
}

export interface LineOptions {
  /** Most jobs of a model that are made at a time. */
  readonly room: (model: string | undefined) => number;
  /** Called when the number of jobs before a waiting job changes, with that number and the estimated seconds until the job begins. */
  readonly onPosition: (open: OpenJob, position: number, estimate: number | undefined) => void;
}

export class Line {
  readonly #options: LineOptions;
  readonly #open = new Map<string, OpenJob>();
  readonly #pace = new Pace();
  #size = 0;
  #telling: NodeJS.Immediate | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get all(): readonly OpenJob[] {
    return [...this.#open.values()];
  }

  /** Jobs that wait, and jobs that are being made. */
  get counts(): { readonly queued: number; readonly running: number } {
    const running = this.all.filter(({ job }) => job.status === 'running').length;
    return { queued: this.#open.size - running, running };
  }

  get(id: string): OpenJob | undefined {
    return this.#open.get(id);
  }

  /** Throws `busy` if `queue` jobs wait, or if all requests together would have more than `inputBytes` characters. */
  requireRoom(size: number, most: { readonly queue: number; readonly inputBytes: number }): void {
    const { queued } = this.counts;
    const isLarge = this.#open.size > 0 && this.#size + size > most.inputBytes;
    if (queued < most.queue && !isLarge) return;
    const work = this.#open.values().reduce((sum, open) => sum + left(open), 0);
    const seconds = this.#pace.secondsFor(work / this.#open.size);
    const why = isLarge
      ? 'the input pictures of waiting jobs fill the memory set aside for them'
      : `${queued} jobs wait`;
    throw new Refusal(429, `the queue is full: ${why}`, {
      code: 'busy',
      hint: 'try again later',
      retryAfter: Math.max(1, Math.ceil(seconds ?? 1)),
    });
  }

  add(job: Omit<OpenJob, 'done' | 'isTaken' | 'position'>): void {
    this.#size += job.size;
    if (this.#open.size === 0) this.#pace.busy(true);
    this.#open.set(job.job.id, { ...job, done: 0, isTaken: false, position: -1 });
    this.tellPositions();
  }

  /** Takes the next job whose model has room, from the caller with the fewest jobs being made. */
  take(): OpenJob | undefined {
    const callers = new Map<string | undefined, number>();
    const models = new Map<string | undefined, number>();
    for (const { job, request, isTaken } of this.#open.values()) {
      if (!isTaken) continue;
      callers.set(job.caller, (callers.get(job.caller) ?? 0) + 1);
      models.set(request.model, (models.get(request.model) ?? 0) + 1);
    }
    const hasRoom = (model: string | undefined): boolean => (models.get(model) ?? 0) < this.#options.room(model);
    const of = ({ job }: OpenJob): number => callers.get(job.caller) ?? 0;
    const next = this.#open
      .values()
      .filter(({ request, isTaken }) => !isTaken && hasRoom(request.model))
      .reduce<OpenJob | undefined>((least, open) => (least && of(least) <= of(open) ? least : open), undefined);
    if (next) next.isTaken = true;
    return next;
  }

  /** Counts a part of a job's work as done. */
  progress(open: OpenJob, part: number): void {
    open.done += part * open.work;
    this.#pace.done(part * open.work);
  }

  /** Removes a job that has ended; false if the line does not have it. */
  remove({ job, size }: OpenJob): boolean {
    if (!this.#open.delete(job.id)) return false;
    this.#size -= size;
    if (this.#open.size === 0) this.#pace.busy(false);
    this.tellPositions();
    return true;
  }

  /** Reports changed positions of waiting jobs, once in a turn of the event loop, however many jobs changed. */
  tellPositions(): void {
    this.#telling ??= setImmediate(() => {
      this.#telling = undefined;
      let position = 0;
      let before = 0;
      for (const open of this.#open.values()) {
        if (open.job.status === 'queued' && open.position !== position++) {
          open.position = position - 1;
          this.#options.onPosition(open, open.position, this.#pace.secondsFor(before));
        }
        before += left(open);
      }
    });
  }
}

/** The rest of a job's work. */
function left({ work, done }: OpenJob): number {
  return Math.max(0, work - done);
}
