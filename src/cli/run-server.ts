/** Runs a server in the foreground, from a command line until a signal ends it: the shared part of `serve` and `studio`. */

import { LOAD_KNOBS } from '../api/load.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Arguments, COMMAND_LINE } from '../config/overrides.ts';
import { withoutSecrets } from '../support/shown-url.ts';
import { readAsked } from './asked.ts';
import { readingUsage, type Session, UsageError } from './command.ts';
import { modelOf, requireOneProcess } from './settings.ts';
import { Progress, paint } from './terminal/render.ts';

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

/** Outside of functions with `await using`, where TypeScript would not rewrite the extension of an import. */
const serverDoor = () => import('../server.ts');

/** Notes of keys on the command line that a server with a queue has no use for. */
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
  { signal, endsWithin }: Session,
  { command, writesLog, settings, takesAnyPort = false, onListening }: RunServerOptions,
): Promise<void> {
  const [stray] = words.prompts;
  if (stray !== undefined) {
    throw new UsageError('bad_config', `unexpected '${stray}': a server is asked for pictures over HTTP`, {
      hint: `fluxion generate "${stray}" makes one now`,
    });
  }
  const asked = await readAsked(words, [], { signal });
  const { sources, notes } = asked;
  const config = { ...asked.config, ...settings?.(asked) };
  requireOneProcess(config, command);
  // Workers have the model.
  if (config.queue === '') modelOf(config);
  const progress = Progress.for(words.flags['quiet'] === true ? 'quiet' : 'shown');
  const idle = config.queue === '' ? [] : ofWorkers(sources);
  for (const note of [...notes, ...idle]) progress.say(`${paint('dim', 'note:')} ${note}`);

  const { listen, requireSafeAddress, Server } = await serverDoor();
  const write = (line: string): void => void process.stdout.write(line);
  const server = readingUsage(() => new Server(config, { sources, write: writesLog ? write : undefined }));
  await using _server = server;
  readingUsage(() => requireSafeAddress(config.host, server.security, config.open_to_all));
  endsWithin?.(config.drain_timeout);
  const fetch = (request: Request) => server.app.fetch(request);
  const { host, port } = config;
  const listening = await listen(fetch, { host, port }).catch((error: unknown) => {
    if (!takesAnyPort || sources.port !== undefined) throw error;
    return listen(fetch, { host, port: 0 });
  });
  progress.say(`${paint('cyan', 'serving:')} ${listening.url}`);
  if (config.queue !== '')
    progress.say(`${paint('cyan', 'queue:')} workers of ${withoutSecrets(config.queue)} make the pictures`);
  server.host.start().then(
    ({ name, device }) => progress.say(`${paint('cyan', 'ready:')} ${name} on ${device}`),
    (error: Error) => {
      if (!signal.aborted) progress.say(`${paint('red', 'error:')} ${error.message}; the next job tries again`);
    },
  );
  const ended = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  try {
    await onListening?.(listening.url, fetch);
    await ended;
    progress.say('stopping: accepted jobs end first');
  } finally {
    await listening.close(server.close());
  }
}
