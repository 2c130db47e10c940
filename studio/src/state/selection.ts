/** The picture on the stage, finished or not: its job, and its index in the job. */

import { signal } from '@preact/signals';

interface Selection {
  readonly job: string;
  readonly index: number;
}

export const selection = signal<Selection | undefined>(undefined);
/** Whether the stage shows the next job by itself; not once a person has chosen a picture. */
const follows = signal(true);

export function isSelected({ job, index }: Selection): boolean {
  return selection.value?.job === job && selection.value.index === index;
}

/** Shows the picture that a person chose. */
export function select({ job, index }: Selection): void {
  follows.value = false;
  selection.value = { job, index };
}

/** Lets the stage follow new jobs again. */
export function followJobs(): void {
  follows.value = true;
}

/** Shows a job, unless the stage shows an unfinished one, or a person has chosen a picture. */
export function selectJob(job: string, isLive: (job: string) => boolean): void {
  const shown = selection.value?.job;
  if (follows.value && (shown === undefined || !isLive(shown))) selection.value = { job, index: 0 };
}
