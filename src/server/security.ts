/**
 * Access control: API keys, the pages that may send requests from a browser, and rate limits. A server without keys answers only this
 * machine; it checks the host name, since a stranger's name may resolve to this machine (DNS rebinding).
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { FluxionError } from '../support/errors.ts';
import type { ServerEnv } from './context.ts';
import type { PictureLinks } from './picture-links.ts';
import { Refusal } from './refusal.ts';

/** Fewest characters of a key: 16 characters of base64 are 96 bits. */
const SHORTEST_KEY = 16;

/** Keys of callers. Only their hashes are kept; a comparison always takes the same time. */
export class ApiKeys {
  readonly #keys: readonly { readonly caller: string; readonly hash: Buffer }[];

  private constructor(keys: readonly { readonly caller: string; readonly hash: Buffer }[]) {
    this.#keys = keys;
  }

  /** Reads keys, `KEY` or `NAME:KEY`, separated by line breaks or commas; `#` begins a comment. Throws `bad_config`. */
  static parse(text: string, where: string): ApiKeys {
    const lines = text.split(/[\n,]/).map((line) => line.replace(/#.*$/, '').trim());
    const keys = lines
      .filter((line) => line !== '')
      .map((line) => {
        const [, name, key = ''] = /^(?:([\w.@-]+):)?(\S+)$/.exec(line) ?? [];
        if (key.length < SHORTEST_KEY) {
          const message = `${where}: expected keys of ${SHORTEST_KEY} characters or more, without spaces`;
          throw new FluxionError('bad_config', message, { hint: 'openssl rand -base64 24 makes one' });
        }
        const hash = sha256(key);
        return { caller: name ?? `key-${hash.toString('hex').slice(0, 8)}`, hash };
      });
    return new ApiKeys(keys);
  }

  /** Joins the keys of several sources. */
  static all(...sources: readonly ApiKeys[]): ApiKeys {
    return new ApiKeys(sources.flatMap((keys) => keys.#keys));
  }

  get count(): number {
    return this.#keys.length;
  }

  /** The caller whose key it is; undefined for an unknown key. */
  callerOf(key: string): string | undefined {
    const hash = sha256(key);
    let caller: string | undefined;
    for (const known of this.#keys) if (timingSafeEqual(known.hash, hash)) caller = known.caller;
    return caller;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Who may send requests to a server. */
export interface SecurityOptions {
  readonly keys?: ApiKeys | undefined;
  /** Origins of pages that may send requests, such as `https://example.org`; `*` for all. */
  readonly allowOrigin?: readonly string[] | undefined;
  /** Host names that a server without keys answers to, besides `localhost` and addresses. */
  readonly allowHost?: readonly string[] | undefined;
  /** Requests for work that one caller may send in a minute; no limit by default. */
  readonly rateLimit?: number | undefined;
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Refuses to listen at an address where other machines could send requests without a key. Throws `bad_config`. */
export function requireSafeAddress(host: string, { keys }: SecurityOptions, openToAll: boolean): void {
  if (isLoopback(host) || (keys && keys.count > 0) || openToAll) return;
  throw new FluxionError('bad_config', `host=${host}: other machines could use this server, and it asks for no key`, {
    hint: 'set FLUXION_API_KEYS or api_key_file, or say open_to_all=True where the network keeps strangers out',
  });
}

/** Paths that are answered without a key: they reveal nothing of anybody's work. */
const WITHOUT_KEY = /^\/(healthz|readyz|openapi\.json)?$|^\/assets(\/|$)/;
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Whether pages of an origin may send requests. */
function isListed(origin: string | undefined, { allowOrigin = [] }: SecurityOptions): origin is string {
  return origin !== undefined && (allowOrigin.includes(origin) || allowOrigin.includes('*'));
}

/** Lets pages of listed origins read answers, errors included, and answers browsers' preflight requests. */
export function crossOrigin(options: SecurityOptions): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (!isListed(origin, options)) return next();
    const asks = c.req.method === 'OPTIONS';
    if (!asks) await next();
    c.header('access-control-allow-origin', origin);
    c.header('vary', 'Origin', { append: true });
    if (!asks) return c.header('access-control-expose-headers', 'location, retry-after');
    c.header('access-control-allow-methods', 'GET, POST, PATCH, DELETE');
    // Clients such as OpenAI's add headers of their own.
    const headers = c.req.header('access-control-request-headers');
    c.header('access-control-allow-headers', headers ?? 'authorization, content-type, accept');
    c.header('access-control-max-age', '600');
    return c.body(null, 204);
  };
}

/** Lets a request through or refuses it, by its host, origin, key and its caller's rate. Links open pictures without a key. */
export function guard(options: SecurityOptions, links?: PictureLinks): MiddlewareHandler<ServerEnv> {
  const { keys, rateLimit } = options;
  const isOpen = !keys || keys.count === 0;
  const buckets = new Buckets(rateLimit ?? 0);
  return async (c, next) => {
    const { req } = c;
    const isSafe = SAFE_METHODS.includes(req.method);
    // From any host or origin: nobody can guess a signature.
    if (isSafe && links?.opens(req.path, req.query())) return next();
    const host = req.header('host') ?? new URL(req.url).host;
    if (isOpen) requireKnownHost(host, options);
    const origin = req.header('origin');
    if (!isListed(origin, options))
      requireOwnPage(origin, host, { site: req.header('sec-fetch-site'), mode: req.header('sec-fetch-mode') });
    // This is the path that selects the route: parsed in any other way, it could slip past without a key.
    if (!isOpen && !WITHOUT_KEY.test(req.path)) c.set('caller', callerOf(keys, req.header('authorization')));
    if (rateLimit && !isSafe) buckets.take(c.get('caller') ?? '');
    return next();
  };
}

/** The key of `Bearer KEY`, or the password of HTTP's `Basic`, which A1111's clients send. */
function keyOf(authorization = ''): string | undefined {
  const [, scheme = '', given = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return given === '' ? undefined : given;
  const [, key] = /^[^:]*:(.+)$/s.exec(Buffer.from(given, 'base64').toString()) ?? [];
  return key;
}

function callerOf(keys: ApiKeys, authorization: string | undefined): string {
  const key = keyOf(authorization);
  const caller = key === undefined ? undefined : keys.callerOf(key);
  if (caller !== undefined) return caller;
  throw new Refusal(401, key === undefined ? 'this server asks for a key' : 'the key is unknown to this server', {
    code: 'denied',
    hint: 'send it as Authorization: Bearer KEY',
  });
}

/** Refuses an unknown host name: a stranger may have pointed it at this machine. An address is safe from that. */
function requireKnownHost(host: string, { allowHost = [] }: SecurityOptions): void {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (name === 'localhost' || isIP(name) > 0 || allowHost.some((one) => one.toLowerCase() === name)) return;
  throw new Refusal(403, `this server is not known as '${name}'`, {
    code: 'denied',
    hint: 'allow_host lists the names that it answers to',
  });
}

/** Refuses other sites' pages: a foreign origin, or a cross-site request without one, such as for an `<img>`. */
function requireOwnPage(
  origin: string | undefined,
  host: string,
  { site, mode }: { readonly site: string | undefined; readonly mode: string | undefined },
): void {
  const isOwn = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  const isStrange = origin === undefined && site === 'cross-site' && mode !== 'navigate';
  if (isOwn && !isStrange) return;
  throw new Refusal(403, `pages of ${origin ?? 'other sites'} may not ask this server`, {
    code: 'denied',
    hint: 'allow_origin lists those that may',
  });
}

/** Most callers whose rate is remembered. */
const MOST_BUCKETS = 10_000;

/** Token buckets: each caller's refills with `perMinute` requests over a minute. */
class Buckets {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Takes one request of a caller. Throws if none is left. */
  take(caller: string, now = performance.now()): void {
    const { left, at } = this.#buckets.get(caller) ?? { left: this.#perMinute, at: now };
    const filled = Math.min(this.#perMinute, left + ((now - at) / 60_000) * this.#perMinute);
    if (filled < 1) {
      throw new Refusal(429, `more than ${this.#perMinute} requests a minute`, {
        code: 'busy',
        hint: 'try again later',
        retryAfter: Math.ceil(((1 - filled) * 60) / this.#perMinute),
      });
    }
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { left: filled - 1, at: now });
    if (this.#buckets.size > MOST_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
  }
}
