/**
 * Requests to the hub that outlast a bad network: dead connections are noticed, failures that pass are tried again after a pause,
 * and refusals become messages that say what to do.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { type HubSettings, PUBLIC_HUB } from './hub-settings.ts';
import { quote } from './json.ts';

/** How long failures are borne. */
export interface Patience {
  /** Failures in a row, without a byte between them, after which it is given up. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; each later pause is twice the one before, up to `longestPause`. */
  readonly firstPause: number;
  readonly longestPause: number;
}

/** About a minute and a half without any network. */
export const PATIENCE: Patience = { attempts: 9, firstPause: 500, longestPause: 30_000 };

/** The longest wait that a server may ask for, in milliseconds. */
const LONGEST_WAIT = 600_000;

/** What is asked for, as messages call it. */
export interface Subject {
  /** `ORG/NAME`. */
  readonly repo: string;
  readonly revision: string;
  readonly path?: string;
}

/** A failure that may pass. */
export class Interruption extends Error {
  /** Milliseconds that the server asked to wait. */
  readonly wait: number | undefined;

  constructor(message: string, options: { readonly wait?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.wait = options.wait;
  }
}

/** Repeats `attempt` while it is interrupted; calling `progressed` in it starts the count of failures again. */
export async function persistently<T>(
  { attempts, firstPause, longestPause }: Patience,
  signal: AbortSignal | undefined,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Interruption)) throw error;
      if (++failures >= attempts) {
        throw new FluxionError('io', `${error.message}; given up after ${attempts} attempts`, {
          hint: `what has arrived is kept, and the same command goes on from there${proxyHint()}`,
          cause: error,
        });
      }
      const pause = error.wait ?? Math.min(longestPause, firstPause * 2 ** (failures - 1));
      log('info', `${error.message}; attempt ${failures + 1} of ${attempts} in ${(pause / 1000).toFixed(1)} s`);
      await sleep(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

/** A response whose body is given up when it stalls; disposing ends the connection where the body was not read to its end. */
export interface Reply extends Disposable {
  readonly status: number;
  readonly headers: Headers;
  /** The address that answered, after redirects. */
  readonly url: string;
  /** The bytes; throws an `Interruption` where the connection ends early or brings nothing for too long. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Sends one GET and returns its successful answer; throws an `Interruption`, or a `FluxionError` for what waiting does not mend. */
export async function get(
  url: string,
  settings: HubSettings,
  subject: Subject,
  options: { readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Reply> {
  const { signal } = options;
  const own = new URL(url).origin === new URL(settings.endpoint).origin;
  const headers = {
    'user-agent': 'fluxion',
    // Ranges and hashes are of the bytes as they are stored.
    'accept-encoding': 'identity',
    ...options.headers,
    // `fetch` drops it by itself where a redirect leaves the origin.
    ...(own && settings.token && { authorization: `Bearer ${settings.token.value}` }),
  };
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), settings.stallTime);
  const failed = (cause: unknown): Error => {
    signal?.throwIfAborted();
    if (!stalled.signal.aborted) return new Interruption(`${hostOf(url)}: ${reasonOf(cause)}`, { cause });
    return new Interruption(`${hostOf(url)}: nothing arrived for ${settings.stallTime / 1000} s`, { cause });
  };
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) });
  } catch (cause) {
    clearTimeout(timer);
    throw failed(cause);
  }
  if (!response.ok) {
    clearTimeout(timer);
    await response.body?.cancel().catch(() => {});
    throw refusal(response, settings, subject);
  }
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        yield chunk;
      }
    } catch (cause) {
      throw failed(cause);
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    url: response.url,
    body: body(),
    [Symbol.dispose]() {
      clearTimeout(timer);
      stalled.abort();
    },
  };
}

/** What a status other than success stands for. */
function refusal(response: Response, settings: HubSettings, subject: Subject): Error {
  const { status, headers } = response;
  const code = headers.get('x-error-code');
  const said = headers.get('x-error-message');
  const { repo, revision, path } = subject;
  const { endpoint, token } = settings;
  const foreign = new URL(response.url).origin !== new URL(endpoint).origin;
  if (status === 429 || status === 408 || status >= 500) {
    return new Interruption(`${hostOf(response.url)}: status ${status}`, { wait: waitOf(headers) });
  }
  // Addresses of storage are signed for an hour or so; the hub signs a new one.
  if (foreign && (status === 401 || status === 403)) {
    return new Interruption(`${hostOf(response.url)}: status ${status}`);
  }
  if (code === 'GatedRepo') return gated(repo, token !== undefined, token?.source);
  if (status === 401 && token && /invalid (credentials|username|token)/i.test(said ?? '')) {
    return new FluxionError('io', `${endpoint} does not accept the token from ${token.source}`, {
      hint: `make a new one at ${PUBLIC_HUB}/settings/tokens, then run 'hf auth login' or set HF_TOKEN`,
    });
  }
  if (code === 'RevisionNotFound') {
    return new FluxionError('not_found', `${repo} has no revision ${quote(revision)}`, {
      hint: `a revision is a branch, a tag or a commit; ${endpoint}/${repo}/tree/main lists them`,
    });
  }
  if (path !== undefined && status === 404) {
    return new FluxionError('not_found', `${repo} has no file ${quote(path)} at revision ${quote(revision)}`);
  }
  // The hub answers 401 for a model that does not exist, so as not to tell which private ones do.
  if (code === 'RepoNotFound' || status === 401 || status === 404) {
    const login = token ? `whether the token from ${token.source} may see it` : 'log in with: hf auth login';
    return new FluxionError('not_found', `${endpoint} has no model ${repo}, or it is private`, {
      hint: `check the spelling, and for a private model ${login}; a folder of that name is not here either`,
    });
  }
  const detail = said ? `: ${quote(said)}` : '';
  return new FluxionError('io', `${hostOf(response.url)} refused ${path ?? repo} with status ${status}${detail}`);
}

function gated(repo: string, known: boolean, source: string | undefined): FluxionError {
  const page = `${PUBLIC_HUB}/${repo}`;
  const who = known ? `the account of the token from ${source} has not accepted it` : 'nobody is logged in';
  return new FluxionError(
    'io',
    `${repo} is gated: its licence has to be accepted before it is downloaded, and ${who}`,
    {
      hint: known
        ? `accept the licence at ${page} with that account, or log in with another: hf auth login`
        : `accept the licence at ${page}, make a token at ${PUBLIC_HUB}/settings/tokens, then run: hf auth login   (or: export HF_TOKEN=hf_…)`,
    },
  );
}

/** Milliseconds that a server asks to wait: `Retry-After` in seconds or as a date, or the reset time of `RateLimit`. */
function waitOf(headers: Headers): number | undefined {
  const after = headers.get('retry-after') ?? /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  if (after === undefined) return undefined;
  const milliseconds = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.min(LONGEST_WAIT, Math.max(0, milliseconds));
}

function hostOf(url: string): string {
  return new URL(url).host;
}

/** The innermost reason: `fetch` wraps what the system said. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return String(inner);
  const { code } = inner as NodeJS.ErrnoException;
  return inner.message || code || inner.name;
}

function proxyHint(): string {
  const set = process.env['HTTPS_PROXY'] ?? process.env['https_proxy'];
  return set && !process.env['NODE_USE_ENV_PROXY']
    ? '; the proxy in HTTPS_PROXY is used with NODE_USE_ENV_PROXY=1'
    : '';
}
