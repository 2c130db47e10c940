/** The shared parts of commands that run until a signal ends them: `serve`, `studio` and `worker`. */

import type { LoadedConfig } from '../config/load.ts';
import type { Arguments } from '../config/overrides.ts';
import { readAsked } from './asked.ts';
import { type Session, UsageError } from './command.ts';
import { OWN_SETTINGS, QUIET } from './flags.ts';
import { requireOneProcess } from './settings.ts';
import { Progress } from './terminal/render.ts';

export const SERVICE_FLAGS = { ...QUIET, ...OWN_SETTINGS };

/** Outside of functions with `await using`, where TypeScript would not rewrite the extension of an import. */
export const serverDoor = () => import('../server.ts');

/** Writes a line of a service's log. */
export function writeLog(line: string): void {
  process.stdout.write(line);
}

export interface Service extends LoadedConfig {
  readonly progress: Progress;
  /** Prints notes on the command line, once that is known to be sound. */
  readonly note: (more?: readonly string[]) => void;
}

/** Reads the configuration of a service. `source` says where its prompts come from, since the command line takes none. */
export async function readService(
  words: Arguments,
  session: Session,
  { command, source }: { readonly command: string; readonly source: string },
): Promise<Service> {
  const [stray] = words.prompts;
  if (stray !== undefined) {
    throw new UsageError('bad_config', `unexpected '${stray}': ${source}`, {
      hint: `fluxion generate "${stray}" makes one now`,
    });
  }
  const asked = await readAsked(words, [], session);
  requireOneProcess(asked.config, command);
  const progress = Progress.for(words.flags);
  const note = (more: readonly string[] = []): void => progress.tell('note', ...asked.notes, ...more);
  return { ...asked, progress, note };
}

/** Resolves when the signal fires, or at once if it has. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
