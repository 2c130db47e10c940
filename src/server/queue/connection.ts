/** The connection to a Valkey or Redis server, which reconnects by itself; and the meaning of its errors. */

import type { Redis } from 'iovalkey';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { withoutSecrets } from '../../support/shown-url.ts';

const CONNECT_TIME = 10_000;
/** Milliseconds between attempts to connect; the last value repeats. */
const RETRIES = [50, 100, 200, 500, 1000, 2000] as const;
/** Milliseconds without an answer after which a connection counts as dead, for instance because a network drops packets. */
const PATIENCE = 5000;
/** Oldest Redis that has all the commands we use. */
const OLDEST = [6, 2] as const;

/** Known errors: pattern, code, meaning, remedy. */
const TROUBLES: readonly (readonly [RegExp, 'busy' | 'denied' | 'io', string, string])[] = [
  [/^OOM /, 'busy', 'its memory is full', 'raise maxmemory, or wait until jobs have ended'],
  [/^(NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH)/, 'denied', 'it asks for another password', 'put the password into the address: valkey://:PASSWORD@HOST:PORT'],
  [/^NOPERM/, 'denied', 'this user lacks the rights that a queue needs', 'allow it all commands on keys fluxion-queue* and channels fluxion-queue*'],
  [/^MISCONF/, 'io', 'it cannot save to its disk, and refuses writes', 'make room on its disk'],
  [/^READONLY/, 'io', 'it is a replica, and refuses writes', 'give the address of the primary'],
  [/^LOADING/, 'busy', 'it is starting', 'wait a moment'],
  [/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOENT|closed|timed out/i, 'busy', 'it cannot be reached', 'start it, or check its address; attempts go on until it answers'],
]; // biome-ignore format: a table

/** Throws `bad_config` if the address is not one of a queue. */
export function requireQueueUrl(url: string): void {
  if (/^(valkey|redis)s?:\/\/[^/]+/.test(url) && URL.canParse(url)) return;
  const message = `queue=${withoutSecrets(url)}: expected valkey://HOST:PORT or redis://HOST:PORT`;
  const hint = 'valkeys:// and rediss:// use TLS; with a password: valkey://:PASSWORD@HOST:PORT';
  throw new FluxionError('bad_config', message, { hint });
}

/** A connection to a queue's server. Commands wait while it is lost. */
export class QueueConnection implements Disposable {
  readonly client: Redis;
  /** The address without user and password. */
  readonly shown: string;
  readonly #others: Redis[] = [];
  #lastError: Error | undefined;

  private constructor(client: Redis, shown: string) {
    this.client = client;
    this.shown = shown;
    this.#watch(client);
    // BullMQ duplicates this connection, and may not get to close its duplicates.
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (options) => {
      const other = duplicate(options);
      this.#others.push(other);
      this.#watch(other);
      return other;
    };
    client.once('ready', () => void this.#look());
  }

  /** Begins to connect. Loads the client library only now, so that servers without a queue do not pay for it. */
  static async open(url: string): Promise<QueueConnection> {
    requireQueueUrl(url);
    const { Redis } = await import('iovalkey');
    // iovalkey knows only Redis's schemes; the protocol is the same.
    const client = new Redis(url.replace(/^valkey/, 'redis'), {
      connectTimeout: CONNECT_TIME,
      keepAlive: CONNECT_TIME,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => RETRIES[Math.min(times, RETRIES.length) - 1]!,
      connectionName: 'fluxion',
    });
    // Parsed, not matched by a pattern: a password may contain characters that end an address in text.
    const { protocol, host, pathname } = new URL(url);
    return new QueueConnection(client, `${protocol}//${host}${pathname}`);
  }

  /** Another connection to the same server, for commands that block or listen. An answer may take `patience` milliseconds. */
  another(patience?: number): Redis {
    return this.client.duplicate(patience === undefined ? {} : { socketTimeout: patience });
  }

  /** The answer to commands that do not block. Rejects with the reason if there is none now. */
  async ask<T>(command: (client: Redis) => Promise<T>): Promise<T> {
    if (this.client.status !== 'ready') throw this.explain(this.#lastError ?? new Error('closed'));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(this.explain(new Error('timed out')));
      this.client.disconnect(true);
    }, PATIENCE);
    try {
      return await Promise.race([command(this.client), late.promise]);
    } catch (error) {
      throw this.explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An error of the server or of the connection, as users see it. */
  explain(error: unknown): FluxionError {
    if (error instanceof FluxionError) return error;
    const { message, code } = error as { message?: string; code?: string };
    const text = `${code ?? ''} ${message ?? String(error)}`.trim();
    const [, kind, reason, hint] = TROUBLES.find(([pattern]) => pattern.test(text)) ?? [];
    return new FluxionError(kind ?? 'io', `the queue at ${this.shown}: ${reason ?? withoutSecrets(text)}`, {
      hint,
      cause: error,
    });
  }

  [Symbol.dispose](): void {
    for (const client of [this.client, ...this.#others]) client.disconnect();
  }

  #watch(client: Redis): void {
    client.on('error', (error: Error) => {
      this.#lastError = error;
    });
  }

  /** Warns if the server is set to drop data, or is too old. */
  async #look(): Promise<void> {
    // This user may lack the right to ask: then there is no warning.
    const info = await this.client.info().catch(() => '');
    const toldOf = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const policy = toldOf('maxmemory_policy');
    if (policy !== '' && policy !== 'noeviction')
      log('warn', `the queue at ${this.shown}: its maxmemory-policy is ${policy}, which drops jobs; set noeviction`);
    const [major = 0, minor = 0] = toldOf('redis_version').split('.').map(Number);
    const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
    if (info !== '' && toldOf('valkey_version') === '' && isOld)
      log('warn', `the queue at ${this.shown}: Redis ${major}.${minor} is older than ${OLDEST.join('.')}`);
  }
}
