/** Builds a command line's configuration from its words, its prompts and the user's own file. */

import { addAbortSignal } from 'node:stream';
import { type ConfigSources, type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Arguments } from '../config/overrides.ts';
import { findPersonalConfig } from '../config/personal.ts';
import { choosePrompts, PROMPT_LIMIT } from '../config/prompts.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { readUpTo } from '../support/read-stream.ts';
import { asUsage, type Session } from './command.ts';
import { keepFreedMemory } from './kept-memory.ts';

/** A configuration, and the user's own file where one was read. */
export interface AskedConfig extends LoadedConfig {
  readonly personal: string | undefined;
}

/** Loads the configuration of a command line, in a process that suits it. `positional` are its prompt words; `other` overrides the words. */
export async function readAsked(
  words: Arguments,
  positional: readonly string[],
  { signal, restart }: Pick<Session, 'signal' | 'restart'>,
  other: Partial<Pick<ConfigSources, 'base' | 'overrides'>> = {},
): Promise<AskedConfig> {
  try {
    const personal = words.flags['no-config'] === true ? undefined : findPersonalConfig();
    if (personal !== undefined) log('debug', `reading settings from ${personal}`);
    const load = async (values: Required<ConfigSources>['values']): Promise<LoadedConfig> => {
      const loaded = loadConfig({ personal, file: words.file, overrides: words.overrides, ...other, values });
      await keepFreedMemory(loaded.config, { restart });
      return loaded;
    };
    const chosen = await choosePrompts(words, positional, async () => {
      // Before anything of it is read: a new process could not read it again.
      await load({});
      return standardInput(signal);
    });
    const loaded = await load({ prompt: chosen.prompt });
    return { ...loaded, notes: [...words.notes, ...chosen.notes, ...loaded.notes], personal };
  } catch (error) {
    throw asUsage(error);
  }
}

/** Reads all of standard input, however slowly it arrives, but no further than the size limit of prompts. */
async function standardInput(signal: AbortSignal): Promise<Uint8Array> {
  if (process.stdin.isTTY) process.stderr.write('prompt (end with Ctrl-D): ');
  const message = `standard input: more than ${PROMPT_LIMIT} bytes are too many for a list of prompts`;
  try {
    const input = addAbortSignal(signal, process.stdin);
    return await readUpTo(PROMPT_LIMIT, input, () => new FluxionError('bad_config', message));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof FluxionError) throw cause;
    throw new FluxionError('io', `cannot read standard input: ${(cause as Error).message}`, { cause });
  }
}
