/**
 * Requests to the hub that outlast a bad network: dead connections are noticed, temporary failures are retried after a pause,
 * and refusals become messages that say what to do.
 */

import { FluxionError } from '../../support/errors.ts';
import { failureText, innermost } from '../../support/shown-url.ts';
import { pause } from '../../support/until-aborted.ts';
import { quote } from '../files/json.ts';
import { type HubSettings, PUBLIC_HUB } from './settings.ts';

/** Limits of retrying. */
export interface Patience {
  /** Most failures in a row, with next to nothing received between them. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; each later pause is twice the one before, up to `longestPause`. */
  readonly firstPause: number;
  readonly longestPause: number;
}

/** Outlasts a network that is down for about a minute and a half. */
export const PATIENCE: Patience = { attempts: 9, firstPause: 500, longestPause: 30_000 };

/** Longest total wait that a server may ask for, in milliseconds; the hub's own limits last 5 minutes. */
const LONGEST_WAIT = 600_000;
/** Bytes per second below which a connection counts as dead: a transformer would take 3 years. */
const LOWEST_RATE = 256;
/** Bytes that make a failed attempt count as progress. */
const PROGRESS = 16_384;

/** The subject of a request, for messages. */
export interface RequestSubject {
  /** `ORG/NAME`. */
  readonly repo: string;
  readonly revision: string;
  readonly path?: string;
}

/** A failure that may be temporary. */
export class Interruption extends Error {
  /** Milliseconds to wait, as the server asked. */
  readonly wait: number | undefined;

  constructor(message: string, options: { readonly wait?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.wait = options.wait;
  }
}

export interface HubOptions {
  readonly settings: HubSettings;
  readonly patience: Patience;
  /** Called with the reason of a failed attempt and the time of the next. */
  readonly onRetry: (message: string) => void;
}

/** A response whose body fails if it stalls; disposing closes the connection unless the body was read to its end. */
export interface Reply extends Disposable {
  readonly status: number;
  readonly headers: Headers;
  /** The address that answered, after redirects. */
  readonly url: string;
  /** The bytes of the body; throws an `Interruption` if the connection ends early or stalls. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Sends the requests of one download: gives up soon until the hub has answered once, and after that retries patiently. */
export class Hub {
  readonly settings: HubSettings;
  readonly #patience: Patience;
  readonly #onRetry: HubOptions['onRetry'];
  readonly #since = performance.now();
  #hasAnswered = false;

  constructor({ settings, patience, onRetry }: HubOptions) {
    this.settings = settings;
    this.#patience = patience;
    this.#onRetry = onRetry;
  }

  /** Repeats `attempt` while it is interrupted. `attempt` reports received bytes to `arrived`; enough of them reset the count of failures. */
  async persistently<T>(
    signal: AbortSignal | undefined,
    attempt: (arrived: (bytes: number) => void) => Promise<T>,
  ): Promise<T> {
    const { attempts, firstPause, longestPause } = this.#patience;
    for (let failures = 0, waited = 0; ; ) {
      signal?.throwIfAborted();
      let bytes = 0;
      try {
        return await attempt((count) => {
          bytes += count;
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Interruption)) throw error;
        if (bytes >= PROGRESS) failures = waited = 0;
        failures++;
        waited += error.wait ?? 0;
        const wait = error.wait ?? Math.min(longestPause, firstPause * 2 ** (failures - 1));
        const isUnreachable = !this.#hasAnswered && wait >= this.#timeToAnswer;
        if (isUnreachable || failures >= attempts) {
          throw gaveUp(error, `given up after ${failures} ${failures === 1 ? 'attempt' : 'attempts'}`);
        }
        if (waited > LONGEST_WAIT) throw gaveUp(error, `it asks to wait for ${duration(error.wait ?? 0)}`);
        const next = `trying again in ${duration(wait)} (attempt ${failures + 1} of ${attempts})`;
        this.#onRetry(`${error.message}; ${next}`);
        await pause(wait, signal);
      }
    }
  }

  /** Sends one GET and returns its successful answer; throws an `Interruption`, or a `FluxionError` for a lasting failure. */
  async get(
    url: string,
    subject: RequestSubject,
    options: { readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Reply> {
    const { signal } = options;
    const { endpoint, token, login, stallTime } = this.settings;
    const authorization = login ?? (token && `Bearer ${token.value}`);
    const own = new URL(url).origin === new URL(endpoint).origin;
    const headers = {
      'user-agent': 'fluxion',
      // Ranges and hashes refer to the stored bytes, so compression must be off.
      'accept-encoding': 'identity',
      ...options.headers,
      // `fetch` drops this header if a redirect leaves the origin.
      ...(own && authorization !== undefined && { authorization }),
    };
    const stalled = new AbortController();
    const timeToAnswer = this.#hasAnswered ? stallTime : Math.min(stallTime, Math.max(1, this.#timeToAnswer));
    let silence = `no answer for ${duration(timeToAnswer)}`;
    let timer = setTimeout(() => stalled.abort(), timeToAnswer);
    const failed = (cause: unknown): Error => {
      signal?.throwIfAborted();
      const host = hostOf(url);
      if (stalled.signal.aborted) return new Interruption(`${host}: ${silence}`, { cause });
      return isLasting(cause)
        ? lasting(host, cause)
        : new Interruption(`${host}: ${failureText(innermost(cause))}`, { cause });
    };
    let response: Response;
    try {
      response = await fetch(url, { headers, signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) });
    } catch (cause) {
      clearTimeout(timer);
      throw failed(cause);
    }
    clearTimeout(timer);
    this.#hasAnswered = true;
    if (!response.ok) {
      await response.body?.cancel().catch(() => {});
      throw refusal(response, this.settings, subject);
    }
    silence = `next to nothing arrived for ${duration(stallTime)}`;
    timer = setTimeout(() => stalled.abort(), stallTime);
    async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
      let bytes = 0;
      try {
        for await (const chunk of response.body ?? []) {
          bytes += chunk.length;
          if (bytes >= (LOWEST_RATE * stallTime) / 1000) {
            timer.refresh();
            bytes = 0;
          }
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

  /** Milliseconds left for the hub's first answer. */
  get #timeToAnswer(): number {
    return this.settings.answerTime - (performance.now() - this.#since);
  }
}

const NO_NETWORK =
  'check the network; a proxy is set by HTTPS_PROXY with NODE_USE_ENV_PROXY=1, a mirror by HF_ENDPOINT; HF_HUB_OFFLINE=1 uses only what is already downloaded';

function gaveUp(cause: Interruption, end: string): FluxionError {
  return new FluxionError('io', `${cause.message}; ${end}`, { cause, hint: NO_NETWORK });
}

/** Connection failures that would repeat: certificates, endless redirects, headers or bytes that are not HTTP. */
function isLasting(error: unknown): boolean {
  const inner = innermost(error);
  const code = (inner as NodeJS.ErrnoException | undefined)?.code ?? '';
  return (
    /^(UND_ERR_HEADERS_OVERFLOW|ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HPE_|ERR_INVALID_URL)/.test(
      code,
    ) || /redirect count|scheme must be|bad port/i.test(inner instanceof Error ? inner.message : '')
  );
}

function lasting(host: string, cause: unknown): FluxionError {
  return new FluxionError('io', `${host}: ${failureText(innermost(cause))}`, {
    cause,
    hint: 'something on the network answers instead of the hub: a proxy (NODE_EXTRA_CA_CERTS names its certificate) or a mirror (HF_ENDPOINT)',
  });
}

/** Returns the error for a status other than success. */
function refusal(response: Response, settings: HubSettings, subject: RequestSubject): Error {
  const { status, headers } = response;
  const code = headers.get('x-error-code');
  const said = headers.get('x-error-message');
  const { repo, revision, path } = subject;
  const { endpoint, token } = settings;
  const foreign = new URL(response.url).origin !== new URL(endpoint).origin;
  if (status === 429 || status === 408 || status >= 500) {
    return new Interruption(`${hostOf(response.url)}: status ${status}`, { wait: waitOf(headers) });
  }
  // Signed storage addresses expire after about an hour; the hub signs a new one.
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
  // The hub answers 401 for a missing model too, so as not to reveal private ones.
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
  return new FluxionError('io', `${repo} is gated: you must accept its licence before the download, and ${who}`, {
    hint: known
      ? `accept the licence at ${page} with that account, or log in with another: hf auth login`
      : `accept the licence at ${page}, make a token at ${PUBLIC_HUB}/settings/tokens, then run: hf auth login   (or: export HF_TOKEN=hf_…)`,
  });
}

/** Milliseconds that a server asks to wait: `Retry-After` in seconds or as a date, or the reset time of `RateLimit`. */
function waitOf(headers: Headers): number | undefined {
  const after = headers.get('retry-after') ?? /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  if (after === undefined) return undefined;
  const milliseconds = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

function hostOf(url: string): string {
  return new URL(url).host;
}

/** Formats milliseconds in a readable unit. */
function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
