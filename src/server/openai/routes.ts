/** OpenAI's images API: `POST /images/generations`, `POST /images/edits` and `GET /models`, below `/v1`. */

import { type Context, Hono } from 'hono';
import type { Request } from '../../api/request.ts';
import type { ServerContext, ServerEnv } from '../context.ts';
import { eventStream } from '../event-stream.ts';
import { meansModel, noModel } from '../model-names.ts';
import type { PictureLinks } from '../picture-links.ts';
import { endOf, errorResponse, Refusal } from '../refusal.ts';
import { type Answering, answered, streamed } from './answer.ts';
import { namesOf, needsModel, type OpenAiRequest, referenceTokens, requestFor, understood } from './asked.ts';
import { type GivenNames, openaiError } from './errors.ts';
import { type GivenBody, readGiven } from './given.ts';

/** The routes of OpenAI's images API. With `links`, answers contain picture addresses that open without a key. */
export function openaiRoutes({ jobs, host, bodyLimit }: ServerContext, links?: PictureLinks): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();

  for (const [path, kind] of [
    ['/images/generations', 'image_generation'],
    ['/images/edits', 'image_edit'],
  ] as const) {
    routes.post(path, async (c) => {
      let names: GivenNames | undefined;
      try {
        const given = await readGiven(c, bodyLimit);
        names = namesOf(given);
        return await made(c, kind, given, names);
      } catch (error) {
        return refused(endOf(error, c.req.raw.signal), names);
      }
    });
  }

  routes.get('/models', (c) => c.json({ object: 'list', data: names().map(modelOf) }));
  routes.get('/models/:name{.+}', (c) => {
    const name = c.req.param('name');
    const meant = names().find((model) => meansModel(name, model));
    return meant === undefined ? refused(noModel(name, names())) : c.json(modelOf(meant));
  });
  return routes;

  /** The default model, then the others. */
  function names(): string[] {
    return [...new Set([host.name, ...host.models.map(({ name }) => name)])];
  }

  /** Our request; waits for the model if the request depends on it. */
  async function wished(asked: OpenAiRequest, model: string | undefined, signal: AbortSignal): Promise<Request> {
    if (!needsModel(asked)) return requestFor(asked, undefined, signal);
    const { pictureUse, defaults } = await host.described(model, signal);
    return await requestFor(asked, { pictureUse, steps: jobs.defaults.steps ?? defaults.steps }, signal);
  }

  async function made(
    c: Context<ServerEnv>,
    kind: Answering['kind'],
    given: GivenBody,
    names: GivenNames,
  ): Promise<Response> {
    const { signal } = c.req.raw;
    const asked = await understood(given, jobs.limits.inputPixels);
    const { model, stream = false } = asked.options;
    const meant = host.modelFor(model);
    requirePictures(kind, asked);
    const request = await wished(asked, meant, signal);
    const job = await jobs.submit(request, { api: 'openai', caller: c.get('caller'), model, attached: true });
    const { protocol, host: place } = new URL(c.req.url);
    // A proxy that terminates TLS sets this header. A client that forges it only gets a wrong address itself.
    const scheme = c.req.header('x-forwarded-proto') === 'https' ? 'https:' : protocol;
    const addressOf: Answering['addressOf'] = ({ info }) => {
      const path = `/v1/pictures/${encodeURIComponent(info.name)}`;
      return `${scheme}//${place}${links ? links.signed(path) : path}`;
    };
    const { options } = asked;
    const answering: Answering = { kind, options, imageTokens: referenceTokens(asked, request), names, addressOf };
    if (!stream) return c.json(await answered(job, answering, signal));
    return eventStream((left) => streamed(job.events(AbortSignal.any([signal, left])), answering));
  }
}

function requirePictures(kind: Answering['kind'], { images, mask, options }: OpenAiRequest): void {
  if (kind === 'image_edit' && images.length === 0)
    throw new Refusal(400, 'expected a picture to edit, found none', {
      field: 'image',
      hint: 'POST /v1/images/generations makes pictures from a prompt alone',
    });
  if (kind === 'image_generation' && (images.length > 0 || mask))
    throw new Refusal(400, 'this path takes a prompt and no pictures to edit', {
      field: images.length > 0 ? 'image' : 'mask',
      hint: 'POST /v1/images/edits',
    });
  if (options.response_format === 'url' && (options.output_format ?? 'png') !== 'png')
    throw new Refusal(400, 'url needs PNG, the format of kept pictures', {
      field: 'response_format',
      hint: 'ask for b64_json, or for output_format=png',
    });
}

function refused(error: unknown, names?: GivenNames): Response {
  return errorResponse(error, (body) => openaiError(body, names));
}

function modelOf(model: string) {
  return { id: model, object: 'model', created: 0, owned_by: 'fluxion' } as const;
}
