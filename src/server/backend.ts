/** Where jobs are made: by a model of this process (`ModelHost`), or by workers behind a queue (`QueueBackend`). */

import type { JobError } from '../api/jobs.ts';
import type { PullProgress } from '../api/load.ts';
import type { ModelTraits, ServerLora } from '../api/served.ts';
import type { Event } from '../pipeline/events.ts';
import type { FluxStats } from '../pipeline/flux.ts';
import type { NetworkRequest } from './network-request.ts';

/** What is told while a model is opened. */
export interface LoadingProgress {
  readonly message: string;
  readonly download?: PullProgress | undefined;
}

/** How far the model is. `released`: closed after its idle time, and opened again by the next job. `waiting`: no worker serves it now. */
export type ModelStatus =
  | { readonly status: 'closed' | 'released' }
  | { readonly status: 'loading' | 'waiting'; readonly progress: LoadingProgress }
  | { readonly status: 'ready'; readonly model: string; readonly device: string }
  | { readonly status: 'failed'; readonly error: JobError };

/** What clients are told of a model, and what requests depend on. */
export interface ServedModel extends ModelTraits {
  readonly name: string;
  readonly device: string;
}

/** A job to be made. */
export interface Task {
  readonly id: string;
  readonly request: NetworkRequest;
  /** Callers take turns. Undefined where there is nobody to tell apart. */
  readonly caller: string | undefined;
  /** Aborts where the job is to end; with a `Stopped` that leaves, a job that others make goes on. */
  readonly signal: AbortSignal;
  readonly onLoading: (progress: LoadingProgress) => void;
  /** Whether a picture is there: of a job that was begun before, some are. */
  readonly has: (index: number) => boolean;
}

/** Makes jobs. Models are named as requests name them; undefined stands for the one that requests get which name none. */
export interface Backend extends AsyncDisposable {
  /** What the model is called that requests get which name none. */
  readonly name: string;
  readonly status: ModelStatus;
  /** Models that can make jobs now. */
  readonly models: readonly ServedModel[];
  /** Whether jobs outlive this process, so that the next one takes them up again. */
  readonly keepsJobs: boolean;
  /** Begins to get ready. Resolves to the model that is ready first; rejects where it cannot be opened. */
  start(): Promise<Pick<ServedModel, 'name' | 'device'>>;
  /** The name that is kept with a request which asks for this model; undefined where there is one model alone. Throws `not_found`. */
  modelFor(wanted: string | undefined): string | undefined;
  /** What is known of a model now. */
  served(model: string | undefined): ServedModel | undefined;
  /** Resolves to what a model is, as soon as that is known. */
  described(model: string | undefined, signal: AbortSignal): Promise<ServedModel>;
  /** LoRAs that requests may name. */
  loras(): Promise<readonly ServerLora[]>;
  /** Throws `bad_request` and `not_found` for what is no LoRA's name, as far as that can be told now. */
  requireLora(name: string, model: string | undefined): void;
  /** Throws where the request cannot be honoured, as far as that can be told now, and `busy` where no job can be made or kept. */
  requirePossible(request: NetworkRequest): void;
  /** How many jobs of a model it takes at a time; the others wait, and callers take turns. */
  room(model: string | undefined): number;
  /** Makes the pictures of a job. */
  make(task: Task): AsyncIterable<Event>;
  /** How many workers there are, where others make the jobs. */
  readonly workers?: number;
  /** Figures of the model, where it is in this process. */
  stats(): FluxStats | undefined;
}
