/**
 * The one way from every API into the engine. A job is in the store before its sender is told that it was accepted; the engine forms
 * batches of all jobs.
 */

import { randomBytes } from 'node:crypto';
import type { JobEnd, JobState } from '../api/jobs.ts';
import { INPUT_FIELDS, type Request } from '../api/request.ts';
import type { JobLimits } from '../api/served.ts';
import type { Event } from '../pipeline/events.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import type { Backend, LoadingProgress } from './backend.ts';
import { Job, type JobEvent } from './job.ts';
import { Line, type OpenJob } from './line.ts';
import { type NetworkRequest, networkRequest, picturesOf, requestText } from './network-request.ts';
import { Refusal } from './refusal.ts';
import { Stopped } from './stopped.ts';
import type { HistoryQuery, JobRecord, NewJob, Store } from './store.ts';
import { toldError, toldEvent } from './told.ts';

export type { JobLimits };

/** The default bounds of jobs. */
export const JOB_LIMITS: JobLimits = {
  queue: 256,
  seconds: 3600,
  pictures: 64,
  pixels: 2048 * 2048,
  steps: 200,
  inputPixels: 32 * 2 ** 20,
  inputBytes: 2 ** 30,
};

/** Where jobs are kept and made, and what applies to all of them. */
export interface JobsOptions {
  readonly store: Store;
  /** What makes the jobs. */
  readonly host: Backend;
  readonly limits?: Partial<JobLimits> | undefined;
  /** Values for fields that requests omit; the model's own defaults otherwise. */
  readonly defaults?: Partial<Request> | undefined;
  /** Runs the unfinished jobs of a server that was stopped or killed; by default they are shown as `interrupted`. */
  readonly resume?: boolean | undefined;
  /** Called with every event of every job, after the job's readers got it. */
  readonly onEvent?: ((job: Job, event: JobEvent) => void) | undefined;
}

/** Where a job comes from. */
export interface SubmitOptions {
  /** The API that the job came by. */
  readonly api: string;
  /** Whose job it is: callers take turns, and see only their own jobs. Undefined if the server asks for no key. */
  readonly caller?: string | undefined;
  /** The requested model; the server's default model if undefined. */
  readonly model?: string | undefined;
  /** Cancels the job when the last reader of its events leaves. */
  readonly attached?: boolean | undefined;
}

/** A picture's size and steps in estimates, as long as its model's defaults are not known. */
const UNKNOWN = { width: 1024, height: 1024, steps: 8 } as const;

/** The jobs of a server. */
export class Jobs {
  readonly limits: JobLimits;
  readonly #options: JobsOptions;
  readonly #line: Line;
  /** Jobs whose end the store could not keep, for instance because the disk is full. */
  readonly #unkept = new Map<string, { readonly job: Job; readonly end: JobEnd; readonly now: number }>();
  #draining = false;

  /** Takes over the store's unfinished jobs: they become `interrupted`, or run again; jobs of a queue go on. */
  constructor(options: JobsOptions) {
    this.#options = options;
    this.limits = { ...JOB_LIMITS, ...options.limits };
    this.#line = new Line({
      room: (model) => options.host.room(model),
      onPosition: (open, position, estimate) =>
        this.#tell(open, { type: 'queued', position, ...(estimate !== undefined && { estimate }) }),
    });
    for (const record of options.store.open()) {
      const { keepsJobs } = options.host;
      if (!options.resume && !keepsJobs) options.store.finish(record.id, { type: 'interrupted' }, Date.now());
      else {
        const request = JSON.parse(record.wholeRequest) as NetworkRequest;
        const pictures = keepsJobs ? options.store.picturesOf(record.id) : [];
        const job = new Job({ record, pictures, cancel: (reason) => this.#cancel(record.id, reason) });
        this.#add(job, request, record.wholeRequest.length);
      }
    }
  }

  /** Jobs that wait, and jobs that are being made. */
  get counts(): { readonly queued: number; readonly running: number } {
    return this.#line.counts;
  }

  /** Values for fields that requests omit, before the model's own defaults. */
  get defaults(): Partial<Request> {
    return this.#options.defaults ?? {};
  }

  /** Whether the server is being stopped and takes no more jobs. */
  get isDraining(): boolean {
    return this.#draining;
  }

  /**
   * Accepts a request. Rejects with `bad_request` if the request cannot be honoured, with `busy` if the queue is full or the server is
   * being stopped, and with `io` if the job cannot be kept.
   */
  async submit(given: Request, { api, caller, model: wanted, attached = false }: SubmitOptions): Promise<Job> {
    const { host } = this.#options;
    const model = host.modelFor(wanted);
    const checked = await networkRequest(this.#completed(given), this.limits, (name) => host.requireLora(name, model));
    const request = { ...checked, ...(model !== undefined && { model }) };
    // Once the model is open, this also checks what depends on it.
    host.requirePossible(request);
    const { whole, shown } = requestText(request);
    if (this.#draining)
      throw new Refusal(503, 'the server is being stopped', { code: 'busy', hint: 'try again later', retryAfter: 10 });
    this.#line.requireRoom(whole.length, this.limits);
    const created = Date.now();
    const id = `${created.toString(36).padStart(9, '0')}${randomBytes(10).toString('hex')}`;
    const prompt = [request.prompt].flat().join('\n');
    const texts = { prompt, request: shown, wholeRequest: whole };
    const record = this.#kept({ id, caller: caller ?? null, api, created, total: picturesOf(request), ...texts });
    const job = new Job({ record, attached, cancel: (reason) => this.#cancel(id, reason) });
    this.#add(job, request, whole.length);
    this.#keepEnds();
    return job;
  }

  #kept(job: NewJob): JobRecord {
    try {
      return this.#options.store.accept(job);
    } catch (error) {
      throw error instanceof FluxionError ? new Refusal(507, error.message, { code: 'io', hint: error.hint }) : error;
    }
  }

  /** A job by its id, of any age; undefined if there is none, or if it is another caller's. */
  get(id: string, caller?: string): Job | undefined {
    const known = this.#known(id);
    const record = known ? undefined : this.#options.store.job(id);
    const job = known ?? (record && new Job({ record, pictures: this.#options.store.picturesOf(id) }));
    return job && isTheirs(job, caller) ? job : undefined;
  }

  /** Jobs of a caller, newest first, including jobs that have not ended. */
  list(query: HistoryQuery): JobState[] {
    const { store } = this.#options;
    // The store knows neither which open jobs run and which wait, nor how a job ended whose end it could not write.
    const isOpen = query.status === 'queued' || query.status === 'running';
    const records = store.jobs(isOpen ? { ...query, status: 'queued', limit: this.#line.all.length } : query);
    return records
      .map((record) => (this.#known(record.id) ?? new Job({ record, pictures: store.picturesOf(record.id) })).state)
      .filter(({ status }) => !isOpen || status === query.status)
      .slice(0, query.limit);
  }

  /** A job that is in memory. */
  #known(id: string): Job | undefined {
    return (this.#line.get(id) ?? this.#unkept.get(id))?.job;
  }

  /** Cancels a job of a caller. Resolves to the job when it has ended; to undefined if there is no such job. */
  async cancel(id: string, caller?: string): Promise<Job | undefined> {
    const job = this.get(id, caller);
    await job?.cancel();
    return job;
  }

  /** Takes no more jobs. Accepted jobs have `grace` milliseconds to end; the rest are interrupted. */
  async drain(grace: number): Promise<void> {
    this.#draining = true;
    const timer = setTimeout(() => {
      for (const open of this.#line.all) this.#stop(open, new Stopped({ type: 'interrupted' }));
    }, grace);
    await Promise.all(this.#line.all.map(({ job }) => job.over));
    clearTimeout(timer);
  }

  /** The request with the server's defaults. A request with an input picture does not take their size: the picture sets it. */
  #completed(given: Request): Request {
    const { defaults } = this.#options;
    if (!defaults || typeof given !== 'object' || given === null) return given;
    const { width: _, height: __, ...others } = defaults;
    return INPUT_FIELDS.some((field) => given[field] !== undefined)
      ? { ...others, ...given }
      : { ...defaults, ...given };
  }

  #add(job: Job, request: NetworkRequest, size: number): void {
    const { width, height, steps } = this.#options.host.served(request.model)?.defaults ?? UNKNOWN;
    const pixels = (request.width ?? width) * (request.height ?? height);
    const work = job.total * (request.steps ?? steps) * pixels;
    this.#line.add({ job, request, size, work, stop: new AbortController() });
    this.#takeNext();
  }

  #cancel(id: string, reason: string): void {
    const open = this.#line.get(id);
    if (open) this.#stop(open, new Stopped({ type: 'cancelled', reason }));
  }

  #stop(open: OpenJob, stopped: Stopped): void {
    open.stop.abort(stopped);
    if (!open.isTaken) this.#failed(open, stopped);
  }

  #takeNext(): void {
    for (let next = this.#line.take(); next; next = this.#line.take()) void this.#run(next);
  }

  async #run(open: OpenJob): Promise<void> {
    const { job, request, stop } = open;
    const { id, caller } = job;
    const onLoading = (progress: LoadingProgress): void => this.#tell(open, loading(progress));
    const has = (index: number): boolean => job.pictures.some(({ info }) => info.index === index);
    try {
      const made = this.#options.host.make({ id, request, caller, signal: stop.signal, onLoading, has });
      for await (const event of made) await this.#on(open, event);
    } catch (error) {
      this.#failed(open, error);
    }
  }

  async #on(open: OpenJob, event: Event): Promise<void> {
    const { job } = open;
    const { store } = this.#options;
    switch (event.type) {
      case 'image':
        return this.#tell(open, { type: 'image', picture: await store.addPicture(job.id, event.index, event.image) });
      case 'done':
        return this.#end(open, event);
      case 'step': {
        // If a worker began the job before this server started, the previous server got the `stage` event.
        if (job.status === 'queued') this.#begun(open);
        this.#line.progress(open, event.pictures.length / job.total / event.steps);
        return this.#tell(open, event);
      }
      case 'stage':
        if (job.status === 'queued') this.#begun(open);
        return this.#tell(open, event);
      default:
        return this.#tell(open, event);
    }
  }

  #begun({ job, stop }: OpenJob): void {
    const { seconds } = this.limits;
    const late = new FluxionError('aborted', `it took longer than the ${seconds} seconds that this server allows`);
    const timer = setTimeout(() => stop.abort(late), seconds * 1000);
    timer.unref();
    void job.over.then(() => clearTimeout(timer));
    this.#line.tellPositions();
  }

  /** Ends a job that was stopped, or that failed. */
  #failed(open: OpenJob, error: unknown): void {
    const { id, hasEnded } = open.job;
    if (hasEnded) return;
    this.#end(open, error instanceof Stopped ? error.event : { type: 'failed', error: toldError(error, `job ${id}`) });
  }

  /** Ends a job. An end that the store cannot keep stays in memory, and is written with the next one. */
  #end(open: OpenJob, end: JobEnd): void {
    const { job } = open;
    if (!this.#line.remove(open)) return;
    const now = Date.now();
    // The row of an interrupted job stays open: the next start interrupts the job or runs it again.
    if (end.type !== 'interrupted') this.#unkept.set(job.id, { job, end, now });
    this.#keepEnds();
    this.#tell(open, end, now);
    this.#takeNext();
  }

  #keepEnds(): void {
    for (const [id, { end, now }] of this.#unkept) {
      try {
        this.#options.store.finish(id, end, now);
      } catch (error) {
        log('warn', `job ${id}: its end could not be kept: ${(error as Error).message}`);
        return;
      }
      this.#unkept.delete(id);
    }
  }

  #tell({ job }: OpenJob, given: JobEvent, now?: number): void {
    const event = toldEvent(given);
    job.tell(event, now);
    this.#options.onEvent?.(job, event);
  }
}

/** Whether a caller may see a job: their own jobs, and jobs from before the server asked for keys. */
export function isTheirs({ caller: owner }: Pick<Job, 'caller'>, caller: string | undefined): boolean {
  return owner === undefined || caller === undefined || owner === caller;
}

function loading({ message, download }: LoadingProgress): JobEvent {
  const { bytes, totalBytes, bytesPerSecond } = download ?? {};
  return { type: 'loading', message, ...(totalBytes && { bytes, totalBytes, bytesPerSecond }) } as JobEvent;
}
