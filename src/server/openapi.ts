/** The OpenAPI document of the native API, made from the schemas that check requests. */

import { z } from 'zod';
import { ERROR_BODY, JOB, JOB_EVENT, JOB_PICTURE } from '../api/jobs.ts';
import { PICTURE } from '../api/kinds.ts';
import { RECIPE } from '../api/recipe.ts';
import { REQUEST, REQUEST_KNOBS } from '../api/request.ts';
import { SERVER_LORA, SERVER_MODEL } from '../api/served.ts';
import { JOBS_PAGE, PICTURE_CHANGE, PICTURES_PAGE, RENDITION } from './native.ts';

type Json = Record<string, unknown>;

const PICTURE_SCHEMA = { type: 'string', description: 'The content of a picture file: data:image/png;base64,…' };

/** A schema in OpenAPI's form. */
function schemaOf(type: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === PICTURE) Object.assign(jsonSchema, PICTURE_SCHEMA);
      if (zodSchema._zod.def.type === 'bigint') jsonSchema.type = 'integer';
    },
  });
  return schema;
}

/** The schema of requests, with the purpose and default of each field. */
function requestSchema(): Json {
  const { caller: _, signal: __, allowUrl: ___, ...shape } = REQUEST.shape;
  const schema = schemaOf(z.strictObject(shape), 'input') as { properties: Record<string, Json> };
  for (const [field, knob] of Object.entries<{ help: string; default?: unknown }>(REQUEST_KNOBS)) {
    const property = schema.properties[field];
    if (!property) continue;
    Object.assign(property, { description: knob.help });
    if (knob.default !== undefined && field !== 'prompt') property['default'] = knob.default;
  }
  schema.properties['model'] = { type: 'string', description: 'The model, if the server has several.' };
  return schema as unknown as Json;
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
});
const error = (description: string): Json => json(description, ref('Error'));
const list = (of: string, name: string): Json => ({
  type: 'object',
  properties: {
    [name]: { type: 'array', items: ref(of) },
    next: { type: 'string', description: 'The `before` of the next page, if there may be one.' },
  },
});
const inPath = (name: string, description: string): Json => {
  return { name, in: 'path', description, required: true, schema: { type: 'string' } };
};
const ID = inPath('id', "The job's id.");
const NAME = inPath('name', "The picture's name.");
const query = (type: z.ZodType): Json[] => {
  const { properties } = schemaOf(type, 'input') as { properties: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    description,
    schema,
  }));
};
const EVENTS = {
  description: 'The current state of the job, then every event until it has ended, as server-sent events.',
  content: { 'text/event-stream': { schema: ref('JobEvent') } },
};

/** What can be done with a path. */
function operation(summary: string, responses: Json, parameters?: readonly Json[], content?: Json): Json {
  return { summary, ...(parameters && { parameters }), ...(content && { requestBody: { content } }), responses };
}

/** The document. */
export function openApi(): Json {
  const form = {
    type: 'object',
    properties: { request: ref('Request') },
    additionalProperties: { type: 'string', format: 'binary' },
  };
  const loras = { type: 'object', properties: { loras: { type: 'array', items: ref('Lora') } } };
  const unknown = error('You have no such job.');
  const ended = json('The job, which has ended.', ref('Job'));
  const cancel = operation('Cancels a job.', { 200: ended, 404: unknown }, [ID]);
  return {
    openapi: '3.1.0',
    info: { title: 'Fluxion', version: 'v1', description: 'Pictures from text, as jobs.' },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Request: requestSchema(),
        Job: schemaOf(JOB, 'output'),
        JobEvent: schemaOf(JOB_EVENT, 'output'),
        Picture: schemaOf(JOB_PICTURE, 'output'),
        Recipe: schemaOf(RECIPE, 'output'),
        Lora: schemaOf(SERVER_LORA, 'output'),
        Model: schemaOf(SERVER_MODEL, 'output'),
        Error: schemaOf(ERROR_BODY, 'output'),
      },
    },
    security: [{}, { key: [] }],
    paths: {
      '/v1/jobs': {
        post: {
          summary:
            'Accepts a request for pictures. A client that accepts text/event-stream gets the events of the job, and cancels it by going away.',
          requestBody: {
            required: true,
            content: { 'application/json': { schema: ref('Request') }, 'multipart/form-data': { schema: form } },
          },
          responses: {
            200: EVENTS,
            202: json('The job, which will be made.', ref('Job')),
            400: error('The request cannot be honoured; the message names the field.'),
            413: error('The body is too large.'),
            429: error('The queue is full, or the caller asks too often.'),
            503: error('The server is being stopped.'),
            507: error('The job cannot be kept: the disk is full.'),
          },
        },
        get: operation(
          'Your jobs, newest first.',
          { 200: json('A page of jobs.', list('Job', 'jobs')) },
          query(JOBS_PAGE),
        ),
      },
      '/v1/jobs/{id}': {
        get: operation('A job as it is now.', { 200: json('The job.', ref('Job')), 404: unknown }, [ID]),
        delete: cancel,
      },
      '/v1/jobs/{id}/cancel': { post: cancel },
      '/v1/jobs/{id}/events': { get: operation('The events of a job.', { 200: EVENTS }, [ID]) },
      '/v1/pictures': {
        get: operation(
          'Your pictures, newest first.',
          { 200: json('A page of pictures.', list('Picture', 'pictures')) },
          query(PICTURES_PAGE),
        ),
      },
      '/v1/pictures/{name}': {
        get: operation(
          'The PNG of a picture, with its recipe; or a smaller WebP of it.',
          { 200: { description: 'The file.', content: { 'image/png': {}, 'image/webp': {} } } },
          [NAME, ...query(RENDITION)],
        ),
        patch: operation(
          'Makes a picture a favourite or deletes it, or undoes either.',
          { 200: json('The picture.', ref('Picture')) },
          [NAME],
          { 'application/json': { schema: schemaOf(PICTURE_CHANGE, 'input') } },
        ),
        delete: operation('Deletes a picture.', { 204: { description: 'It is deleted.' } }, [NAME]),
      },
      '/v1/recipes': {
        post: operation(
          'The recipe inside a picture file; the file is the body.',
          { 200: json('The recipe.', ref('Recipe')), 404: error('The file has none.') },
          undefined,
          { 'application/octet-stream': {} },
        ),
      },
      '/v1/loras': { get: operation('The LoRAs that requests may name.', { 200: json('All of them.', loras) }) },
      '/v1/model': {
        get: operation('The model: its state, its defaults, the inputs that it takes, and the limits of requests.', {
          200: json('The model.', ref('Model')),
        }),
        post: operation('Begins to open the model, unless it is open; after a failure, tries again.', {
          202: json('The model.', ref('Model')),
        }),
      },
    },
  };
}
