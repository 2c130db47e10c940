/** The native API: everything that the command line can do, as jobs that clients watch and cancel, with a history and its pictures. */

import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { checked } from '../api/check.ts';
import { JOB_STATUS } from '../api/jobs.ts';
import { REQUEST_KNOBS, type Request } from '../api/request.ts';
import type { ServerModel } from '../api/served.ts';
import { requireRecipe } from '../pipeline/recipe.ts';
import { bodyBytes, formBody, isForm, jsonBody, parseJson } from './body.ts';
import type { ServerContext, ServerEnv } from './context.ts';
import { eventStream, type SentEvent } from './event-stream.ts';
import type { Job, JobEvent } from './job.ts';
import { isTheirs } from './jobs.ts';
import { Refusal } from './refusal.ts';
import type { StoredPicture } from './stored-picture.ts';

const API = 'native';

/** A whole number of a query. */
function wholeText(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.coerce.number(expected).int(expected).min(min, expected).max(max, expected);
}

const PAGE = z.object({
  limit: wholeText(1, 200).default(50).describe('Most entries of the page.'),
  before: z.string().max(100, 'an id or a name').optional().describe('The `next` of the previous page.'),
  search: z.string().max(1000, 'at most 1000 characters').optional().describe('Text that the prompt contains.'),
});
/** The query of a page of jobs. */
export const JOBS_PAGE = PAGE.extend({ status: JOB_STATUS.optional().describe('Only jobs with this status.') });
/** The query of a page of pictures. */
export const PICTURES_PAGE = PAGE.extend({
  favourite: z
    .enum(['true', 'false'], 'true or false')
    .transform((text) => text === 'true')
    .optional()
    .describe('Only favourites (true), or only other pictures (false).'),
});
/** The query of a picture; without `width`, the answer is the picture's own file. */
export const RENDITION = z.object({
  width: wholeText(16, 2048).optional().describe('Width of a smaller copy, in pixels.'),
});
/** The changes that a picture takes. */
export const PICTURE_CHANGE = z.strictObject(
  { favourite: z.boolean('true or false').optional(), deleted: z.boolean('true or false').optional() },
  'an object such as { favourite: true }',
);

/** The routes of the native API, from `/v1` on. */
export function nativeApi({ jobs, host, store, bodyLimit }: ServerContext): Hono<ServerEnv> {
  const api = new Hono<ServerEnv>();

  const jobOf = (c: Context<ServerEnv>): Job => {
    const id = c.req.param('id') ?? '';
    const job = jobs.get(id, c.get('caller'));
    if (job) return job;
    throw new Refusal(404, `there is no job '${id}'`, { code: 'not_found', hint: 'GET /v1/jobs lists your jobs' });
  };
  const pictureOf = (c: Context<ServerEnv>): StoredPicture => {
    const name = c.req.param('name') ?? '';
    const picture = store.picture(name);
    const owner = picture && store.job(picture.info.job);
    if (picture && owner && isTheirs({ caller: owner.caller ?? undefined }, c.get('caller'))) return picture;
    throw new Refusal(404, `there is no picture '${name}'`, { code: 'not_found' });
  };
  api.post('/jobs', async (c) => {
    const { model, request } = await requestOf(c, bodyLimit);
    const watches = /\btext\/event-stream\b/.test(c.req.header('accept') ?? '');
    const job = await jobs.submit(request, { api: API, caller: c.get('caller'), model, attached: watches });
    if (watches) return eventStream((left) => sent(job.events(left)), { location: `/v1/jobs/${job.id}` });
    c.header('location', `/v1/jobs/${job.id}`);
    return c.json(job.state, 202);
  });
  api.get('/jobs', (c) => {
    const page = checked(JOBS_PAGE, c.req.query(), 'query');
    const found = jobs.list({ ...page, caller: c.get('caller') });
    return c.json({ jobs: found, ...(found.length === page.limit && { next: found.at(-1)!.id }) });
  });
  api.get('/jobs/:id', (c) => c.json(jobOf(c).state));
  api.get('/jobs/:id/events', (c) => {
    const job = jobOf(c);
    return eventStream((left) => sent(job.events(left)));
  });
  const cancel = async (c: Context<ServerEnv>) => {
    const job = jobOf(c);
    await job.cancel();
    return c.json(job.state);
  };
  api.delete('/jobs/:id', cancel);
  api.post('/jobs/:id/cancel', cancel);

  api.get('/pictures', (c) => {
    const page = checked(PICTURES_PAGE, c.req.query(), 'query');
    const pictures = store.pictures({ ...page, caller: c.get('caller') }).map(({ info }) => info);
    return c.json({ pictures, ...(pictures.length === page.limit && { next: pictures.at(-1)!.name }) });
  });
  api.get('/pictures/:name', async (c) => {
    const picture = pictureOf(c);
    const { width } = checked(RENDITION, c.req.query(), 'query');
    const small = width !== undefined && width < picture.info.width;
    return answer(small ? await thumbnail(picture, width) : await picture.png(), small ? 'image/webp' : 'image/png');
  });
  api.patch('/pictures/:name', async (c) => {
    const { name } = pictureOf(c).info;
    const { favourite, deleted } = checked(PICTURE_CHANGE, await jsonBody(c, bodyLimit), 'picture');
    if (favourite !== undefined) store.setFavourite(name, favourite);
    if (deleted !== undefined) store.setDeleted(name, deleted);
    return c.json(pictureOf(c).info);
  });
  api.delete('/pictures/:name', (c) => {
    store.setDeleted(pictureOf(c).info.name, true);
    return c.body(null, 204);
  });

  api.post('/recipes', async (c) => c.json(requireRecipe(await bodyBytes(c, bodyLimit), 'the picture')));
  api.get('/loras', async (c) => c.json({ loras: await host.loras() }));
  const model = (): ServerModel => {
    const { status } = host;
    const served = host.served(undefined);
    const { name: _, device: __, ...traits } = served ?? {};
    return {
      ...('progress' in status ? { status: status.status, ...status.progress } : status),
      ...(served && {
        ...traits,
        samplers: REQUEST_KNOBS.sampler.kind.words,
        schedules: REQUEST_KNOBS.schedule.kind.words,
      }),
      models: host.models.map(({ name }) => name),
      limits: jobs.limits,
      queue: jobs.counts,
    };
  };
  api.get('/model', (c) => c.json(model()));
  api.post('/model', (c) => {
    // A failure shows in the model's status.
    host.start().catch(() => {});
    return c.json(model(), 202);
  });
  return api;
}

/** A body's request and model. The body is JSON, or a form with the JSON in `request` and files in the fields of its pictures. */
async function requestOf(
  c: Context<ServerEnv>,
  limit: number | undefined,
): Promise<{ readonly model: string | undefined; readonly request: Request }> {
  if (!isForm(c)) return withModel(await jsonBody(c, limit));
  const form = await formBody(c, limit);
  const [text, ...more] = form.get('request') ?? ['{}'];
  if (typeof text !== 'string' || more.length > 0)
    throw new Refusal(400, 'expected one text of JSON', { field: 'request' });
  const request = parseJson(text, 'request');
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw new Refusal(400, "expected an object such as { prompt: 'a red house' }", { field: 'request' });
  form.delete('request');
  const files = [...form].map(([name, values]) => [name, values.length === 1 ? values[0] : values] as const);
  return withModel({ ...request, ...Object.fromEntries(files) });
}

function withModel(body: unknown): { readonly model: string | undefined; readonly request: Request } {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'model'))
    return { model: undefined, request: body as Request };
  const { model, ...request } = body as Request & { readonly model: unknown };
  if (typeof model !== 'string') throw new Refusal(400, "expected a model's name", { field: 'model' });
  return { model, request };
}

async function* sent(events: AsyncGenerator<JobEvent>): AsyncGenerator<SentEvent> {
  for await (const event of events) yield { event: event.type, data: event };
}

/** The answer with a file that never changes under its name. */
function answer(bytes: Uint8Array, type: string): Response {
  return new Response(new Uint8Array(bytes), {
    headers: {
      'content-type': type,
      'content-length': String(bytes.length),
      'cache-control': 'private, max-age=31536000, immutable',
    },
  });
}

async function thumbnail(picture: StoredPicture, width: number): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(await picture.png())
    .resize({ width })
    .webp({ quality: 80 })
    .toBuffer();
}
