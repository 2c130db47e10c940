/** Types of the events that end a job, which are the statuses of one that has ended. Without a schema, which clients in browsers do without. */
export const JOB_ENDS = ['done', 'failed', 'cancelled', 'interrupted'] as const;

/** Whether a type of event, or a status, is that of a job that has ended. */
export function isJobEnd(type: string): type is (typeof JOB_ENDS)[number] {
  return (JOB_ENDS as readonly string[]).includes(type);
}
