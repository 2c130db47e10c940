/** What a server says no to, and with which status of HTTP. */

import type { JobError } from '../api/jobs.ts';
import { type ErrorCode, FluxionError } from '../support/errors.ts';
import { toldError } from './told.ts';

/** An error of a request over the network: what it lacks, or what the server has no room for. */
export class Refusal extends FluxionError {
  /** A status of HTTP, 400 to 599. */
  readonly status: number;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    {
      code = 'bad_request',
      hint,
      retryAfter,
    }: { code?: ErrorCode; hint?: string | undefined; retryAfter?: number } = {},
  ) {
    super(code, message, { hint });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Statuses of Fluxion's own errors; the rest are the server's fault. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_request: 400,
  bad_config: 400,
  bad_file: 400,
  bad_shape: 400,
  not_found: 404,
  unsupported: 400,
  aborted: 499,
  busy: 503,
  denied: 403,
};

/** The status of HTTP that stands for an error. */
export function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  return (error instanceof FluxionError ? STATUSES[error.code] : undefined) ?? 500;
}

/** What ended a request: `error`, or that its client went away, which is nobody's fault and no line of a log. */
export function endOf(error: unknown, { aborted }: AbortSignal): unknown {
  return aborted ? new Refusal(499, 'the client went away', { code: 'aborted' }) : error;
}

/** How OpenAI's clients tell errors apart. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The body of an answer that is an error. */
export interface ErrorBody {
  readonly error: JobError & {
    readonly type: string;
    /** The field that is wrong. */
    readonly param: string | null;
  };
}

/** The body of an answer that is an error, in the form that OpenAI's clients read too. Errors of the server's own are told to its log alone. */
export function errorBody(error: unknown): ErrorBody {
  const told = toldError(error);
  const param = /^(\w[\w.[\]]*): /.exec(told.message)?.[1] ?? null;
  return { error: { ...told, type: typeOf(statusOf(error)), param } };
}

/** The answer to a request that failed; `shaped` brings it into the form of an API. */
export function errorResponse(error: unknown, shaped: (body: ErrorBody) => unknown = (body) => body): Response {
  const retryAfter = error instanceof Refusal ? error.retryAfter : undefined;
  const headers = new Headers(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
  if (statusOf(error) === 401) headers.set('www-authenticate', 'Bearer');
  return Response.json(shaped(errorBody(error)), { status: statusOf(error), headers });
}
