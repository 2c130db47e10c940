/** A job: a request that a server accepted, its progress, and its readers. */

import { isJobEnd } from '../api/job-ends.ts';
import type { JobEnd, JobError, JobEventOf, JobState, JobStatus } from '../api/jobs.ts';
import { EventQueue } from '../engine/event-queue.ts';
import type { Preview } from '../picture/preview.ts';
import { errorOf, type JobRecord } from './store.ts';
import type { StoredPicture } from './stored-picture.ts';

/** An event of a job, with its picture or previews. */
export type JobEvent = JobEventOf<StoredPicture, Preview>;

/** Of each of these types, a late reader gets only the last event. */
const PASSING: readonly JobEvent['type'][] = ['queued', 'loading', 'memory', 'stage', 'step'];
/** Most warnings and LoRAs that are kept for late readers. */
const MOST_NOTES = 100;

export interface JobOptions {
  readonly record: JobRecord;
  /** Pictures that are finished already. */
  readonly pictures?: readonly StoredPicture[];
  /** Called to cancel the job. */
  readonly cancel?: (reason: string) => void;
  /** Whether the job is cancelled when its last reader leaves. */
  readonly attached?: boolean;
}

/** A request that a server accepted. */
export class Job {
  readonly id: string;
  readonly api: string;
  /** Whose job it is; undefined if the server asks for no key. */
  readonly caller: string | undefined;
  /** Number of pictures that the job makes. */
  readonly total: number;
  /** Resolves when the job has ended, however it ended. */
  readonly over: Promise<void>;
  readonly #over = Promise.withResolvers<void>();
  readonly #options: JobOptions;
  readonly #pictures: StoredPicture[];
  readonly #notes: JobEvent[] = [];
  readonly #last = new Map<JobEvent['type'], JobEvent>();
  readonly #readers = new Set<EventQueue<JobEvent>>();
  #status: JobStatus;
  #ended: number | null;
  #end: JobEnd | undefined;

  constructor(options: JobOptions) {
    const { record, pictures = [] } = options;
    this.id = record.id;
    this.api = record.api;
    this.caller = record.caller ?? undefined;
    this.total = record.total;
    this.over = this.#over.promise;
    this.#options = options;
    this.#pictures = [...pictures];
    this.#status = record.status;
    this.#ended = record.ended;
    this.#end = record.end;
    if (record.end) this.#over.resolve();
  }

  get status(): JobStatus {
    return this.#status;
  }

  get hasEnded(): boolean {
    return isJobEnd(this.#status);
  }

  /** Finished pictures, in the order in which they were made. */
  get pictures(): readonly StoredPicture[] {
    return this.#pictures;
  }

  get error(): JobError | undefined {
    return errorOf(this.#end);
  }

  /** The job as it is now, as JSON. */
  get state(): JobState {
    const { created, request } = this.#options.record;
    return {
      id: this.id,
      status: this.#status,
      api: this.api,
      created: new Date(created).toISOString(),
      ...(this.#ended !== null && { ended: new Date(this.#ended).toISOString() }),
      request: JSON.parse(request) as Record<string, unknown>,
      total: this.total,
      pictures: this.#pictures.map(({ info }) => info),
      ...(this.error && { error: this.error }),
    };
  }

  /**
   * The events of the job, from any time on: first its current state with all finished pictures, then every event until the job has ended.
   * Any number of readers may read. A slow reader loses previews first, and holds nobody up. Leaving the loop, or the signal, ends this
   * reading alone. A job that is attached to its readers is cancelled when the last one leaves.
   */
  events(signal?: AbortSignal): AsyncGenerator<JobEvent, void, undefined> {
    const leave = (): void => {
      void reader.return();
      this.#left(); // also if nothing was read yet
    };
    const reader: EventQueue<JobEvent> = new EventQueue<JobEvent>({
      start: () => {
        for (const event of this.#present()) reader.push(event);
        if (this.hasEnded) reader.end();
        else this.#readers.add(reader);
      },
      read: () => {},
      ended: () => {
        signal?.removeEventListener('abort', leave);
        this.#readers.delete(reader);
      },
      leave: async () => this.#left(),
    });
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
    return reader;
  }

  /** Cancels the job if it has not ended. Resolves when it has ended. */
  cancel(reason = 'cancelled on request'): Promise<void> {
    if (!this.hasEnded) this.#options.cancel?.(reason);
    return this.over;
  }

  /** Sends an event to all readers; `done`, `failed`, `cancelled` and `interrupted` end the job, at `now` in milliseconds since 1970. */
  tell(event: JobEvent, now: number = Date.now()): void {
    if (this.hasEnded) return;
    if (event.type === 'stage' || event.type === 'step') this.#begin();
    if (event.type === 'image') this.#pictures.push(event.picture);
    else if (PASSING.includes(event.type)) this.#last.set(event.type, event);
    else if (!isEnd(event) && this.#notes.length < MOST_NOTES) this.#notes.push(event);
    for (const reader of this.#readers) reader.push(event);
    if (isEnd(event)) this.#finish(event, now);
  }

  #left(): void {
    if (this.#options.attached && this.#readers.size === 0) this.cancel('its client went away');
  }

  #begin(): void {
    this.#status = 'running';
    for (const type of ['queued', 'loading'] as const) this.#last.delete(type);
  }

  #finish(end: JobEnd, now: number): void {
    this.#status = end.type;
    this.#end = end;
    this.#ended = now;
    this.#last.clear();
    for (const reader of [...this.#readers]) reader.end();
    this.#over.resolve();
  }

  /** The events that a new reader gets first. */
  #present(): JobEvent[] {
    const images = this.#pictures.map((picture): JobEvent => ({ type: 'image', picture }));
    return [...this.#notes, ...this.#last.values(), ...images, ...(this.#end ? [this.#end] : [])];
  }
}

function isEnd(event: JobEvent): event is JobEnd {
  return isJobEnd(event.type);
}
