/** Runs a server in the foreground, from a command line until a signal ends it: the shared part of `serve` and `studio`. */

import { LOAD_KNOBS } from '../api/load.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Arguments, COMMAND_LINE } from '../config/overrides.ts';
import { withoutSecrets } from '../support/shown-url.ts';
import { readingUsage, type Session } from './command.ts';
import { readService, serverDoor, untilStopped, writeLog } from './service.ts';
import { modelOf } from './settings.ts';

export interface RunServerOptions {
  /** The command, for errors. */
  readonly command: string;
  /** Whether the log goes to standard output. */
  readonly writesLog: boolean;
  /** Settings in which the command differs from the configuration. */
  readonly settings?: (loaded: LoadedConfig) => Partial<LoadedConfig['config']>;
  /** Whether to take another port if the default one is in use. */
  readonly takesAnyPort?: boolean;
  /** Called once the server listens, with its address and its handler. */
  readonly onListening?: (url: string, fetch: (request: Request) => Response | Promise<Response>) => Promise<void>;
}

/** Notes about keys on the command line that a server with a queue does not use. */
function ofWorkers(sources: LoadedConfig['sources']): string[] {
  const loading: readonly string[] = Object.values(LOAD_KNOBS).flatMap((knob) => ('key' in knob ? [knob.key] : []));
  const names = Object.keys(sources) as (keyof typeof sources)[];
  return names
    .filter((name) => sources[name] === COMMAND_LINE && name !== 'flux_name')
    .filter((name) => loading.includes(name) || ['idle_release', 'lora', 'lora_config'].includes(name))
    .map((name) => `${name} has no effect here: with a queue, it is for 'fluxion worker'`);
}

/** Serves until the session's signal fires, and then until accepted jobs have ended. */
export async function runServer(
  words: Arguments,
  session: Session,
  { command, writesLog, settings, takesAnyPort = false, onListening }: RunServerOptions,
): Promise<void> {
  const { signal, endsWithin } = session;
  const service = await readService(words, session, { command, source: 'a server is asked for pictures over HTTP' });
  const { sources, progress } = service;
  const config = { ...service.config, ...settings?.(service) };
  // With a queue, only workers have the model.
  if (config.queue === '') modelOf(config);
  service.note(config.queue === '' ? [] : ofWorkers(sources));

  const { listen, requireSafeAddress, Server } = await serverDoor();
  const server = readingUsage(() => new Server(config, { sources, write: writesLog ? writeLog : undefined }));
  await using _server = server;
  readingUsage(() => requireSafeAddress(config.host, server.security, config.open_to_all));
  endsWithin?.(config.drain_timeout);
  const fetch = (request: Request) => server.app.fetch(request);
  const { host, port } = config;
  const listening = await listen(fetch, { host, port }).catch((error: unknown) => {
    if (!takesAnyPort || sources.port !== undefined) throw error;
    return listen(fetch, { host, port: 0 });
  });
  progress.tell('serving', listening.url);
  if (config.queue !== '') progress.tell('queue', `workers of ${withoutSecrets(config.queue)} make the pictures`);
  server.host.start().then(
    ({ name, device }) => progress.tell('ready', `${name} on ${device}`),
    (error: Error) => {
      if (!signal.aborted) progress.tell('error', `${error.message}; the next job tries again`);
    },
  );
  try {
    await onListening?.(listening.url, fetch);
    await untilStopped(signal);
    progress.say('stopping: accepted jobs end first');
  } finally {
    await listening.close(server.close());
  }
}
