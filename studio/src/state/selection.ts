/** Which picture is on the stage: one of a job, finished or not, by its index there. */

import { signal } from '@preact/signals';

interface Selection {
  readonly job: string;
  readonly index: number;
}

export const selection = signal<Selection | undefined>(undefined);
/** Whether the stage goes on to the next job by itself: not once a person has chosen a picture. */
const follows = signal(true);

export function isSelected({ job, index }: Selection): boolean {
  return selection.value?.job === job && selection.value.index === index;
}

/** A person's choice. */
export function select({ job, index }: Selection): void {
  follows.value = false;
  selection.value = { job, index };
}

/** Follows what is being made again. */
export function followJobs(): void {
  follows.value = true;
}

/** Shows a job, unless one that is not over is shown, or a person has chosen a picture. */
export function selectJob(job: string, isLive: (job: string) => boolean): void {
  const shown = selection.value?.job;
  if (follows.value && (shown === undefined || !isLive(shown))) selection.value = { job, index: 0 };
}
