/** Opens a server with its parts: the store, the configuration's model or queue, jobs, metrics, log and application. */

import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { isOfBundled, type LoadedConfig, loadConfig } from '../config/load.ts';
import { requestDefaultsOf } from '../config/options.ts';
import { findPersonalConfig } from '../config/personal.ts';
import type { Config } from '../config/schema.ts';
import { log } from '../support/log.ts';
import { readRegular } from '../support/regular-file.ts';
import { decodeText } from '../support/text.ts';
import { userPath } from '../support/user-path.ts';
import { createApp } from './app.ts';
import type { Backend } from './backend.ts';
import { configuredHost, configuredLimits, configuredName } from './configured.ts';
import type { ServerEnv } from './context.ts';
import { Jobs } from './jobs.ts';
import { Metrics } from './metrics.ts';
import { QueueBackend } from './queue/queue-backend.ts';
import { ApiKeys, type SecurityOptions } from './security.ts';
import { ServerLog, type ServerLogOptions } from './server-log.ts';
import { Store } from './store.ts';

/** What a server is opened with besides its configuration. */
export interface OpenServerOptions {
  /** Where each key was set, such as on the command line. */
  readonly sources?: LoadedConfig['sources'];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Writes a line of the log; by default, there is no log. */
  readonly write?: ServerLogOptions['write'] | undefined;
}

/** Most bytes of a file of API keys. */
const KEY_FILE_LIMIT = 2 ** 20;
/** Milliseconds for which a deleted picture can be restored, and between two purges of older ones. */
const UNDO = 24 * 3_600_000;
const PURGE_EVERY = 3_600_000;

/** A server of one configuration. */
export class Server implements AsyncDisposable {
  readonly app: Hono<ServerEnv>;
  readonly jobs: Jobs;
  readonly host: Backend;
  readonly store: Store;
  readonly security: SecurityOptions;
  readonly #metrics = new Metrics();
  readonly #config: Config;
  readonly #purging: NodeJS.Timeout;
  #purged = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Opens the folder of a configuration; `host.start()` or the first job opens the model. Throws `bad_config`, `io`. */
  constructor(config: Config, { sources = {}, env = process.env, write }: OpenServerOptions = {}) {
    this.#config = config;
    this.security = {
      keys: keysOf(config, env),
      allowOrigin: config.allow_origin,
      allowHost: config.allow_host,
      rateLimit: config.rate_limit,
    };
    const serverLog = write && new ServerLog({ write, prompts: config.log_prompts });
    const asked = config.queue === '' ? { config, sources } : withoutBundled(config, sources);
    // Before the folder is opened: an invalid address must leave nothing behind.
    this.host = config.queue === '' ? configuredHost(config, sources) : queueOf(config, asked.sources);
    this.store = new Store(config.output_dir || '.');
    this.jobs = new Jobs({
      store: this.store,
      host: this.host,
      defaults: requestDefaultsOf(asked.config, asked.sources),
      resume: config.resume,
      limits: configuredLimits(config),
      onEvent: (job, event) => {
        this.#metrics.onEvent(job, event);
        serverLog?.onEvent(job, event);
      },
    });
    this.app = createApp({
      jobs: this.jobs,
      host: this.host,
      store: this.store,
      bodyLimit: config.max_body * 2 ** 20,
      security: this.security,
      metrics: this.#metrics,
      log: serverLog,
    });
    const purge = (): void => {
      this.#purged = this.store
        .purge(Date.now() - UNDO)
        .catch((error: Error) => log('warn', `deleted pictures could not be removed from the disk: ${error.message}`));
    };
    purge();
    this.#purging = setInterval(purge, PURGE_EVERY).unref();
  }

  /** Takes no more jobs, gives accepted jobs `grace` milliseconds to end, and closes model and store. */
  close(grace: number = this.#config.drain_timeout): Promise<void> {
    this.#closing ??= this.#close(grace);
    return this.#closing;
  }

  async #close(grace: number): Promise<void> {
    clearInterval(this.#purging);
    using _metrics = this.#metrics;
    using _store = this.store;
    await using _host = this.host;
    await this.jobs.drain(grace);
    await this.#purged;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(0);
  }
}

/** A configuration without the picture settings of the bundled model's file: workers may have any model. */
function withoutBundled(config: Config, sources: LoadedConfig['sources']): Pick<LoadedConfig, 'config' | 'sources'> {
  const asked = Object.fromEntries(Object.entries(sources).filter(([, source]) => !isOfBundled(source)));
  const sides = (['resolution', 'width', 'height'] as const).filter((key) => !Object.hasOwn(asked, key));
  return { config: { ...config, ...Object.fromEntries(sides.map((key) => [key, undefined])) }, sources: asked };
}

/** The queue of a configuration. If no model is named, the workers decide it. */
function queueOf(config: Config, sources: LoadedConfig['sources']): QueueBackend {
  const name = configuredName(config);
  const isNamed = sources.pretrained_model_name_or_path !== undefined || sources.flux_name !== undefined;
  return new QueueBackend({
    url: config.queue,
    id: randomUUID(),
    model: isNamed ? name : undefined,
    fallback: name,
    pixels: config.max_pixels,
  });
}

function keysOf(config: Config, env: Readonly<Record<string, string | undefined>>): ApiKeys {
  const path = userPath(config.api_key_file);
  const file = path === '' ? '' : decodeText(readRegular(path, KEY_FILE_LIMIT), path);
  return ApiKeys.all(ApiKeys.parse(file, path), ApiKeys.parse(env['FLUXION_API_KEYS'] ?? '', 'FLUXION_API_KEYS'));
}

let own: Server | undefined;

/**
 * A server as a fetch handler, for your own program: `export default app`. The first request opens it, with the user's own
 * configuration file (FLUXION_CONFIG); the first job opens its model. `close` lets accepted jobs end and closes the server.
 */
export const app: {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
} = {
  async fetch(request) {
    if (!own) {
      const { config, sources } = loadConfig({ personal: findPersonalConfig() });
      own = new Server(config, { sources });
    }
    return own.app.fetch(request);
  },
  async close() {
    await own?.close();
    own = undefined;
  },
};
