/** The connection to a Valkey or Redis server, which is lost and found again without anybody's help; and what its errors mean. */

import type { Redis } from 'iovalkey';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { withoutSecrets } from '../../support/shown-url.ts';

const CONNECT_TIME = 10_000;
/** Milliseconds between attempts to connect, from the first to the last. */
const RETRIES = [50, 100, 200, 500, 1000, 2000] as const;
/** Milliseconds that an answer may take before the connection is taken for dead, such as where a network swallows packets. */
const PATIENCE = 5000;
/** Oldest Redis that has all commands which are used. */
const OLDEST = [6, 2] as const;

/** What its errors mean, and what to do. */
const TROUBLES: readonly (readonly [RegExp, 'busy' | 'denied' | 'io', string, string])[] = [
  [/^OOM /, 'busy', 'its memory is full', 'raise maxmemory, or wait until jobs have ended'],
  [/^(NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH)/, 'denied', 'it asks for another password', 'give it as in valkey://:PASSWORD@HOST:PORT'],
  [/^NOPERM/, 'denied', 'this user has not the rights that a queue needs', 'allow it all commands on keys fluxion-queue* and channels fluxion-queue*'],
  [/^MISCONF/, 'io', 'it cannot save to its disk, and takes nothing', 'make room on its disk'],
  [/^READONLY/, 'io', 'it is a replica, and takes nothing', 'give the address of the primary'],
  [/^LOADING/, 'busy', 'it is starting', 'wait a moment'],
  [/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOENT|closed|timed out/i, 'busy', 'it cannot be reached', 'start it, or check its address; it is tried again without end'],
]; // biome-ignore format: a table

/** Throws `bad_config` for what is no address of a queue. */
export function requireQueueUrl(url: string): void {
  if (/^(valkey|redis)s?:\/\/[^/]+/.test(url) && URL.canParse(url)) return;
  throw new FluxionError(
    'bad_config',
    `queue=${withoutSecrets(url)}: expected valkey://HOST:PORT or redis://HOST:PORT`,
    {
      hint: 'valkeys:// and rediss:// use TLS; a password stands as in valkey://:PASSWORD@HOST:PORT',
    },
  );
}

/** A connection. Commands wait while it is lost. */
export class QueueConnection implements Disposable {
  readonly client: Redis;
  /** The address without its password. */
  readonly shown: string;
  readonly #others: Redis[] = [];
  #lastError: Error | undefined;

  private constructor(client: Redis, shown: string) {
    this.client = client;
    this.shown = shown;
    this.#watch(client);
    // BullMQ makes connections of its own from this one, and may have no time to close them.
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (options) => {
      const other = duplicate(options);
      this.#others.push(other);
      this.#watch(other);
      return other;
    };
    client.once('ready', () => void this.#look());
  }

  /** Begins to connect. The client is loaded only now: whoever has no queue does not pay for it. */
  static async open(url: string): Promise<QueueConnection> {
    requireQueueUrl(url);
    const { Redis } = await import('iovalkey');
    // iovalkey knows the schemes of Redis alone, which speaks the same.
    const client = new Redis(url.replace(/^valkey/, 'redis'), {
      connectTimeout: CONNECT_TIME,
      keepAlive: CONNECT_TIME,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => RETRIES[Math.min(times, RETRIES.length) - 1]!,
      connectionName: 'fluxion',
    });
    // A password may have characters that end an address in a text.
    const { protocol, host, pathname } = new URL(url);
    return new QueueConnection(client, `${protocol}//${host}${pathname}`);
  }

  /** Another connection to the same server, for commands that block or listen; `patience`: milliseconds that an answer may take. */
  another(patience?: number): Redis {
    return this.client.duplicate(patience === undefined ? {} : { socketTimeout: patience });
  }

  /** The answer to commands that do not block, or the reason why there is none now. */
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

  /** An error of the server or of the way to it, as people are told it. */
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

  /** Warns of a server that would lose jobs, or that is too old. */
  async #look(): Promise<void> {
    // Without the right to ask, nothing is known.
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
