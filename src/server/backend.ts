/** What makes jobs: a model in this process (`ModelHost`), or workers behind a queue (`QueueBackend`). */

import type { JobError } from '../api/jobs.ts';
import type { PullProgress } from '../api/load.ts';
import type { ModelTraits, ServerLora } from '../api/served.ts';
import type { Event } from '../pipeline/events.ts';
import type { FluxStats } from '../pipeline/flux.ts';
import type { NetworkRequest } from './network-request.ts';

/** Progress of opening a model. */
export interface LoadingProgress {
  readonly message: string;
  readonly download?: PullProgress | undefined;
}

/** State of the model. `released`: closed after its idle time; the next job opens it again. `waiting`: no worker serves it now. */
export type ModelStatus =
  | { readonly status: 'closed' | 'released' }
  | { readonly status: 'loading' | 'waiting'; readonly progress: LoadingProgress }
  | { readonly status: 'ready'; readonly model: string; readonly device: string }
  | { readonly status: 'failed'; readonly error: JobError };

/** What clients see of a model, and what requests depend on. */
export interface ServedModel extends ModelTraits {
  readonly name: string;
  readonly device: string;
}

/** A job for a backend to make. */
export interface Task {
  readonly id: string;
  readonly request: NetworkRequest;
  /** Callers take turns. Undefined if the server asks for no key. */
  readonly caller: string | undefined;
  /** Aborts to end the job. If the reason is a `Stopped` that `leaves`, workers go on with the job. */
  readonly signal: AbortSignal;
  readonly onLoading: (progress: LoadingProgress) => void;
  /** Whether a picture is finished: a job that was begun before may have some. */
  readonly has: (index: number) => boolean;
}

/** Makes jobs. Models are named as requests name them; undefined is the default model. */
export interface Backend extends AsyncDisposable {
  /** Name of the default model, for requests that name none. */
  readonly name: string;
  readonly status: ModelStatus;
  /** Models that can make jobs now. */
  readonly models: readonly ServedModel[];
  /** Whether jobs outlive this process; the next process then resumes them. */
  readonly keepsJobs: boolean;
  /** Begins to open the model. Resolves to the first model that is ready; rejects if it cannot be opened. */
  start(): Promise<Pick<ServedModel, 'name' | 'device'>>;
  /** The model's name as a request keeps it; undefined if the backend has only one model. Throws `not_found`. */
  modelFor(wanted: string | undefined): string | undefined;
  /** A model's description, if it is known now. */
  served(model: string | undefined): ServedModel | undefined;
  /** Resolves to a model's description as soon as it is known. */
  described(model: string | undefined, signal: AbortSignal): Promise<ServedModel>;
  /** LoRAs that requests may name. */
  loras(): Promise<readonly ServerLora[]>;
  /** Throws `bad_request` and `not_found` for a name that no LoRA has, as far as is known now. */
  requireLora(name: string, model: string | undefined): void;
  /** Throws if the request cannot be honoured, as far as is known now, and `busy` if no job can be made or kept. */
  requirePossible(request: NetworkRequest): void;
  /** How many jobs of a model the backend takes at a time; the others wait, and callers take turns. */
  room(model: string | undefined): number;
  /** Makes the pictures of a job. */
  make(task: Task): AsyncIterable<Event>;
  /** Number of workers, if workers make the jobs. */
  readonly workers?: number;
  /** Figures of the model, if it is in this process. */
  stats(): FluxStats | undefined;
}
