/** A job with the LoRAs it is made with, and what tells it from others. */

import type { Applied } from '../weights/lora/overlay.ts';
import type { DecidedRequest, Job } from './request.ts';

export interface AdaptedJob extends Job {
  readonly loras: readonly Applied[];
}

/** Jobs of equal keys have the same conditioning. */
export function keyOf({ prompt, prompt2, loras }: AdaptedJob): string {
  return JSON.stringify([prompt, prompt2, loras.map(({ adapter, scale }) => [adapter.hash, scale])]);
}

/** Everything that decides which programs a run is made of, and what they are given; `opened` is how the model was opened. */
export function runText(decided: DecidedRequest, jobs: readonly AdaptedJob[], opened: unknown): string {
  const made = jobs.map((job) => [keyOf(job), String(job.seed)]);
  return JSON.stringify([opened, { ...decided, jobs: made, schedule: [...decided.schedule.sigmas] }]);
}
