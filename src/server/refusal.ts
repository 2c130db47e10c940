/** Refusals of a server, and the HTTP status of every error. */

import type { ErrorBody } from '../api/jobs.ts';
import { type ErrorCode, FluxionError } from '../support/errors.ts';
import { toldError } from './told.ts';

/** An error of a request over the network: a fault in the request, or a server that has no room for it. */
export class Refusal extends FluxionError {
  /** The HTTP status, 400 to 599. */
  readonly status: number;
  /** Seconds after which the client may try again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    {
      code = 'bad_request',
      hint,
      field,
      retryAfter,
    }: { code?: ErrorCode; hint?: string | undefined; field?: string | undefined; retryAfter?: number } = {},
  ) {
    super(code, message, { hint, field });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** HTTP statuses of Fluxion's error codes; all other codes are faults of the server, 500. */
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

/** The HTTP status of an error. */
export function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  return (error instanceof FluxionError ? STATUSES[error.code] : undefined) ?? 500;
}

/** The reason why a request ended: `error`, or, if its client went away, a refusal that is not logged as a fault. */
export function endOf(error: unknown, { aborted }: AbortSignal): unknown {
  return aborted ? new Refusal(499, 'the client went away', { code: 'aborted' }) : error;
}

/** The error type that OpenAI's clients expect for a status. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The body of an error answer, in a form that OpenAI's clients read too. Details of the server's own faults go to its log only. */
export function errorBody(error: unknown): ErrorBody {
  const { field: param = null, ...told } = toldError(error);
  return { error: { ...told, type: typeOf(statusOf(error)), param } };
}

/** The answer to a request that failed; `shaped` converts its body to the form of another API. */
export function errorResponse(error: unknown, shaped: (body: ErrorBody) => unknown = (body) => body): Response {
  const retryAfter = error instanceof Refusal ? error.retryAfter : undefined;
  const headers = new Headers(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
  if (statusOf(error) === 401) headers.set('www-authenticate', 'Bearer');
  return Response.json(shaped(errorBody(error)), { status: statusOf(error), headers });
}
