/** Types of the events that end a job; they are also the job's status then. Apart from the schema: browsers do not load that. */
export const JOB_ENDS = ['done', 'failed', 'cancelled', 'interrupted'] as const;

/** Whether an event of this type ends a job, or a job of this status has ended. */
export function isJobEnd(type: string): type is (typeof JOB_ENDS)[number] {
  return (JOB_ENDS as readonly string[]).includes(type);
}
