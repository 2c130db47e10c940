/** A server's reports on its jobs: accepted requests, their progress, and their pictures. Plain JSON. */

import { z } from 'zod';
import { EVENT, type EventOf } from './events.ts';
import { JOB_ENDS } from './job-ends.ts';
import { count, SEED_NUMBER } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import { RECIPE } from './recipe.ts';

/** How far a job is. `interrupted`: the server was stopped before it was done. */
export const JOB_STATUS = z.enum(['queued', 'running', ...JOB_ENDS]);
/** How far a job is. `interrupted`: the server was stopped before it was done. */
export type JobStatus = z.output<typeof JOB_STATUS>;

/** An error as a server tells it. */
export const JOB_ERROR = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  /** The field of the request that is wrong. */
  field: z.string().optional(),
});
/** An error as a server tells it. */
export type JobError = Immutable<z.output<typeof JOB_ERROR>>;

/** The body of an error answer. */
export const ERROR_BODY = z.object({
  error: JOB_ERROR.omit({ field: true }).extend({
    type: z.string(),
    /** The field that is wrong. */
    param: z.string().nullable(),
  }),
});
/** The body of an error answer. */
export type ErrorBody = Immutable<z.output<typeof ERROR_BODY>>;

/** A picture that a job made; `GET /v1/pictures/NAME` is its PNG. */
export const JOB_PICTURE = z.object({
  name: z.string(),
  job: z.string(),
  /** Counted over all pictures of the job, from 0. */
  index: count,
  seed: SEED_NUMBER,
  width: count,
  height: count,
  recipe: RECIPE,
  favourite: z.boolean(),
});
/** A picture that a job made. */
export type JobPicture = Immutable<z.output<typeof JOB_PICTURE>>;

const [STAGE, MEMORY, LORA_USED, WARNING, STEP, , DONE] = EVENT.options;

/** Events of a job, in the order in which they happen. The last event says how the job ended. */
export const JOB_EVENT = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('queued'),
    /** Number of earlier jobs that have not begun. */
    position: count,
    /** Estimated seconds until the job begins. */
    estimate: z.number().optional(),
  }),
  /** The model is being downloaded or opened. */
  z.object({
    type: z.literal('loading'),
    message: z.string(),
    /** Bytes so far and in total, during a download. */
    bytes: count.optional(),
    totalBytes: count.optional(),
    bytesPerSecond: z.number().optional(),
  }),
  STAGE,
  MEMORY,
  LORA_USED,
  WARNING,
  STEP,
  z.object({ type: z.literal('image'), picture: JOB_PICTURE }),
  DONE,
  z.object({ type: z.literal('failed'), error: JOB_ERROR }),
  z.object({ type: z.literal('cancelled'), reason: z.string() }),
  z.object({ type: z.literal('interrupted') }),
]);

/** The state of a job, as JSON. */
export type JobEventJson = Immutable<z.output<typeof JOB_EVENT>>;

/** The last event of a job. */
export type JobEnd = Extract<JobEventJson, { type: (typeof JOB_ENDS)[number] }>;

/** An event of a job in memory, with the pictures and previews themselves. */
export type JobEventOf<Picture, Preview> =
  | Exclude<JobEventJson, { type: 'image' | 'step' }>
  | Extract<EventOf<never, Preview>, { type: 'step' }>
  | { readonly type: 'image'; readonly picture: Picture };

/** A job as it is now. */
export const JOB = z.object({
  id: z.string(),
  status: JOB_STATUS,
  /** The API that the job came by. */
  api: z.string(),
  created: z.iso.datetime(),
  ended: z.iso.datetime().optional(),
  /** The request, without the content of input pictures. */
  request: z.record(z.string(), z.unknown()),
  /** Number of pictures that the job makes. */
  total: count,
  pictures: z.array(JOB_PICTURE),
  error: JOB_ERROR.optional(),
});
/** A job as it is now. */
export type JobState = Immutable<z.output<typeof JOB>>;
