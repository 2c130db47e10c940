/** Jobs that have not ended, in the order of their coming: which is made next, and where those that wait stand. */

import type { Job } from './job.ts';
import type { NetworkRequest } from './network-request.ts';
import { Pace } from './pace.ts';
import { Refusal } from './refusal.ts';

/** A job that has not ended. */
export interface OpenJob {
  readonly job: Job;
  readonly request: NetworkRequest;
  /** Characters of its request. */
  readonly size: number;
  /** Pictures × steps × pixels. */
  readonly work: number;
  readonly stop: AbortController;
}

/** What only the line knows of a job. */
interface Place {
  readonly open: OpenJob;
  isTaken: boolean;
  /** Work that is done. */
  done: number;
  /** Jobs before it, as it was told last. */
  position: number;
}

export interface LineOptions {
  /** How many jobs of a model are made at a time. */
  readonly room: (model: string | undefined) => number;
  /** Told how many jobs are before one that waits, and the estimated seconds until it begins, where that has changed. */
  readonly onPosition: (open: OpenJob, position: number, estimate: number | undefined) => void;
}

export class Line {
  readonly #options: LineOptions;
  readonly #places = new Map<string, Place>();
  readonly #pace = new Pace();
  #size = 0;
  #telling: NodeJS.Immediate | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get all(): readonly OpenJob[] {
    return [...this.#places.values()].map(({ open }) => open);
  }

  /** Jobs that wait, and jobs that are being made. */
  get counts(): { readonly queued: number; readonly running: number } {
    const running = this.all.filter(({ job }) => job.status === 'running').length;
    return { queued: this.#places.size - running, running };
  }

  get(id: string): OpenJob | undefined {
    return this.#places.get(id)?.open;
  }

  /** Throws `busy` where one more job would be too much: so many may wait, and requests may have so many characters together. */
  requireRoom(size: number, most: { readonly queue: number; readonly inputBytes: number }): void {
    const { queued } = this.counts;
    const isLarge = this.#places.size > 0 && this.#size + size > most.inputBytes;
    if (queued < most.queue && !isLarge) return;
    const work = this.#places.values().reduce((sum, place) => sum + left(place), 0);
    const seconds = this.#pace.secondsFor(work / this.#places.size);
    const why = isLarge ? 'the pictures of those that wait have no room for more' : `${queued} jobs wait`;
    throw new Refusal(429, `the queue is full: ${why}`, {
      code: 'busy',
      hint: 'try again later',
      retryAfter: Math.max(1, Math.ceil(seconds ?? 1)),
    });
  }

  add(open: OpenJob): void {
    this.#size += open.size;
    if (this.#places.size === 0) this.#pace.busy(true);
    this.#places.set(open.job.id, { open, isTaken: false, done: 0, position: -1 });
    this.tellPositions();
  }

  /** Whether a job was taken to be made. */
  isTaken({ job }: OpenJob): boolean {
    return this.#places.get(job.id)?.isTaken ?? false;
  }

  /** Takes the next job for whose model there is room, of the caller of whom the fewest are being made. */
  take(): OpenJob | undefined {
    const callers = new Map<string | undefined, number>();
    const models = new Map<string | undefined, number>();
    for (const { open, isTaken } of this.#places.values()) {
      if (!isTaken) continue;
      const { job, request } = open;
      callers.set(job.caller, (callers.get(job.caller) ?? 0) + 1);
      models.set(request.model, (models.get(request.model) ?? 0) + 1);
    }
    const of = ({ open }: Place): number => callers.get(open.job.caller) ?? 0;
    const next = this.#places
      .values()
      .filter(
        ({ open: { request }, isTaken }) =>
          !isTaken && (models.get(request.model) ?? 0) < this.#options.room(request.model),
      )
      .reduce<Place | undefined>((least, place) => (least && of(least) <= of(place) ? least : place), undefined);
    if (next) next.isTaken = true;
    return next?.open;
  }

  /** Counts a part of a job's work as done. */
  progress({ job, work }: OpenJob, part: number): void {
    const place = this.#places.get(job.id);
    if (!place) return;
    place.done += part * work;
    this.#pace.done(part * work);
  }

  /** Removes a job that has ended; false where it is not there. */
  remove({ job, size }: OpenJob): boolean {
    if (!this.#places.delete(job.id)) return false;
    this.#size -= size;
    if (this.#places.size === 0) this.#pace.busy(false);
    this.tellPositions();
    return true;
  }

  /** Tells jobs that wait how many are before them, where that has changed; once a turn of the loop, however many changed. */
  tellPositions(): void {
    this.#telling ??= setImmediate(() => {
      this.#telling = undefined;
      let position = 0;
      let before = 0;
      for (const place of this.#places.values()) {
        const { open } = place;
        if (open.job.status === 'queued' && place.position !== position++) {
          place.position = position - 1;
          this.#options.onPosition(open, place.position, this.#pace.secondsFor(before));
        }
        before += left(place);
      }
    });
  }
}

/** Work that is left of a job. */
function left({ open, done }: Place): number {
  return Math.max(0, open.work - done);
}
