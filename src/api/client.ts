/** A client of the native API, for browsers and every runtime that has `fetch`. */

import { type ErrorCode, FluxionError } from '../support/errors.ts';
import { pause } from '../support/until-aborted.ts';
import { INPUT_FIELDS } from './input-fields.ts';
import { isJobEnd } from './job-ends.ts';
import type { JobEventJson, JobPicture, JobState, JobStatus } from './jobs.ts';
import type { PictureSource } from './kinds.ts';
import type { Recipe } from './recipe.ts';
import type { Request } from './request.ts';
import type { ServerLora, ServerModel } from './served.ts';

export type { JobError, JobEventJson, JobPicture, JobState, JobStatus } from './jobs.ts';
export type { NetworksBeside, PictureUse } from './picture-use.ts';
export type { Recipe } from './recipe.ts';
export type { Request } from './request.ts';
export type { ServerLora, ServerModel } from './served.ts';

/** A request, and the model it is for if the server has several. */
export type JobRequest = Request & { readonly model?: string };

/** A page of a list, newest first; `before` is the `next` of the previous page. */
export interface Page {
  readonly limit?: number;
  readonly before?: string;
  /** Text that the prompt contains. */
  readonly search?: string;
}

/** A server's refusal of a request, or a server that cannot be reached (`status` 0). */
export class ServerError extends FluxionError {
  readonly status: number;
  /** The field that is wrong. */
  readonly param: string | undefined;
  /** Seconds after which the client may try again, if the server says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, { code = 'io', message, hint, param }: ErrorBody, retryAfter?: number) {
    super(code, message, { hint });
    this.status = status;
    this.param = param ?? undefined;
    this.retryAfter = retryAfter;
  }
}

type Body = NonNullable<RequestInit['body']>;

interface ErrorBody {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly param?: string | null;
}

/** The server's address, and how to send requests to it. */
export interface ClientOptions {
  /** For instance `http://localhost:8000`; in a browser, the page's own server by default. */
  readonly url?: string;
  readonly key?: string;
  readonly fetch?: typeof fetch;
}

/** Most attempts to resume after a lost connection, and milliseconds between them. */
const ATTEMPTS = 10;
const BETWEEN = 1000;

/** A client of one server. Every method rejects with `ServerError`. */
export class FluxionClient {
  readonly #url: string;
  readonly #key: string | undefined;
  readonly #fetch: typeof fetch;

  constructor({ url = '', key, fetch: given = fetch }: ClientOptions = {}) {
    this.#url = url.replace(/\/$/, '');
    this.#key = key;
    this.#fetch = (...call) => given(...call);
  }

  /** Submits a request. Its job runs whether or not anybody reads its events. */
  async submit(request: JobRequest): Promise<JobState> {
    return this.#json('POST', '/v1/jobs', bodyOf(request));
  }

  /** Makes pictures and yields the job's events; leaving the loop, or the signal, cancels the job. */
  async *stream(request: JobRequest, signal?: AbortSignal): AsyncGenerator<JobEventJson, void, undefined> {
    const asking = { body: bodyOf(request), signal, accept: 'text/event-stream' };
    yield* jobEvents(await this.#ask('POST', '/v1/jobs', asking), signal);
  }

  /**
   * The events of a job: its current state, then everything that follows until it ends. Leaving the loop does not cancel the job. A lost
   * connection is resumed, and no picture is reported twice.
   */
  async *events(id: string, signal?: AbortSignal): AsyncGenerator<JobEventJson, void, undefined> {
    const told = new Set<string>();
    for (let attempt = 0; ; attempt++) {
      try {
        const path = `/v1/jobs/${encodeURIComponent(id)}/events`;
        const answer = await this.#ask('GET', path, { signal, accept: 'text/event-stream' });
        for await (const event of jobEvents(answer, signal)) {
          attempt = 0;
          const name = event.type === 'image' ? event.picture.name : undefined;
          if (name === undefined || !told.has(name)) yield event;
          if (name !== undefined) told.add(name);
        }
        return;
      } catch (error) {
        signal?.throwIfAborted();
        const isLost = !(error instanceof ServerError) || error.status === 0 || error.status >= 500;
        if (!isLost || attempt >= ATTEMPTS) throw error;
      }
      await pause(BETWEEN, signal);
    }
  }

  job(id: string): Promise<JobState> {
    return this.#json('GET', `/v1/jobs/${encodeURIComponent(id)}`);
  }

  jobs(
    page: Page & { readonly status?: JobStatus } = {},
  ): Promise<{ readonly jobs: readonly JobState[]; readonly next?: string }> {
    return this.#json('GET', `/v1/jobs${queryOf(page)}`);
  }

  /** Cancels a job; resolves to the job when it has ended. */
  cancel(id: string): Promise<JobState> {
    return this.#json('DELETE', `/v1/jobs/${encodeURIComponent(id)}`);
  }

  pictures(
    page: Page & { readonly favourite?: boolean } = {},
  ): Promise<{ readonly pictures: readonly JobPicture[]; readonly next?: string }> {
    return this.#json('GET', `/v1/pictures${queryOf(page)}`);
  }

  /** The address of a picture's file, or of a smaller copy, for pages of a server that needs no key. */
  pictureUrl(name: string, { width }: { readonly width?: number } = {}): string {
    return `${this.#url}/v1/pictures/${encodeURIComponent(name)}${queryOf({ width })}`;
  }

  /** A picture's file, or a smaller copy. */
  async picture(name: string, size: { readonly width?: number } = {}): Promise<Blob> {
    return (await this.#ask('GET', this.pictureUrl(name, size).slice(this.#url.length))).blob();
  }

  /** Makes a picture a favourite or deletes it, or undoes either. A deleted picture can be restored for a day. */
  changePicture(
    name: string,
    change: { readonly favourite?: boolean; readonly deleted?: boolean },
  ): Promise<JobPicture> {
    return this.#json('PATCH', `/v1/pictures/${encodeURIComponent(name)}`, JSON.stringify(change));
  }

  /** The recipe inside a picture file. */
  recipe(file: Blob): Promise<Recipe> {
    return this.#json('POST', '/v1/recipes', file);
  }

  async loras(): Promise<readonly ServerLora[]> {
    return (await this.#json<{ loras: ServerLora[] }>('GET', '/v1/loras')).loras;
  }

  model(): Promise<ServerModel> {
    return this.#json('GET', '/v1/model');
  }

  /** Begins to open the model, unless it is open; resolves at once to the model's current state. */
  openModel(): Promise<ServerModel> {
    return this.#json('POST', '/v1/model');
  }

  async #json<T>(method: string, path: string, body?: Body): Promise<T> {
    const answer = await this.#ask(method, path, { body });
    return answer.json().catch((cause: Error) => {
      throw new ServerError(0, { message: `the answer is not JSON, or broke off: ${cause.message}` });
    }) as Promise<T>;
  }

  async #ask(
    method: string,
    path: string,
    {
      body,
      signal,
      accept = 'application/json',
    }: { body?: Body | undefined; signal?: AbortSignal | undefined; accept?: string } = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { accept };
    if (this.#key !== undefined) headers['authorization'] = `Bearer ${this.#key}`;
    if (typeof body === 'string') headers['content-type'] = 'application/json';
    const init = { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) };
    const answer = await this.#fetch(`${this.#url}${path}`, init).catch((cause: Error) => {
      signal?.throwIfAborted();
      throw new ServerError(0, { message: `the server cannot be reached: ${cause.message}` });
    });
    if (answer.ok) return answer;
    const told = (await answer.json().catch(() => undefined)) as { error?: ErrorBody } | undefined;
    const wait = Number(answer.headers.get('retry-after') ?? Number.NaN);
    throw new ServerError(
      answer.status,
      told?.error ?? { message: `the server answered ${answer.status}` },
      wait >= 0 ? wait : undefined,
    );
  }
}

/** A request as JSON, or as a form if it has files. */
function bodyOf(request: JobRequest): string | FormData {
  const form = new FormData();
  const fields: Record<string, unknown> = { ...request };
  let files = 0;
  for (const field of INPUT_FIELDS) {
    const values = [request[field] ?? []].flat() as PictureSource[];
    if (values.every((value) => typeof value === 'string')) continue;
    for (const value of values) {
      if (typeof value === 'string') form.append(field, value);
      else if (value instanceof Uint8Array) form.append(field, new Blob([new Uint8Array(value)]));
      else if (value instanceof Blob) form.append(field, value);
      else throw new FluxionError('bad_request', 'expected the content of a picture file, found pixels', { field });
    }
    files += values.length;
    delete fields[field];
  }
  const text = JSON.stringify(fields, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  if (files === 0) return text;
  form.append('request', text);
  return form;
}

function queryOf(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]))}`;
}

/** The events of a job, as server-sent events. Throws `ServerError` if they break off before its end. */
async function* jobEvents(answer: Response, signal?: AbortSignal): AsyncGenerator<JobEventJson, void, undefined> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const lost = (why: string) => new ServerError(0, { message: `the connection was lost before the job ended: ${why}` });
  try {
    let data: string[] = [];
    for (let text = ''; ; ) {
      const { done, value = '' } = await reader.read().catch((cause: Error) => {
        signal?.throwIfAborted();
        throw lost(cause.message);
      });
      // A line ends in LF, CRLF or CR; a CR at the end of the text so far may be the first half of a CRLF.
      const lines = (text + value).split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      text = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
        if (line !== '' || data.length === 0) continue;
        const event = JSON.parse(data.join('\n')) as JobEventJson;
        data = [];
        yield event;
        if (isJobEnd(event.type)) return;
      }
      if (done) throw lost('the server closed it');
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
