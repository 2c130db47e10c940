/** Command lines of commands that take files and a few flags. Commands that take configuration keys use key-command.ts. */

import { parseArgs } from 'node:util';
import type { CommandFlags, GivenFlags } from '../config/overrides.ts';
import { didYouMean } from '../support/errors.ts';
import { type Command, type Session, UsageError } from './command.ts';

/** A sorted command line. */
export interface SortedWords<F extends CommandFlags> {
  readonly flags: GivenFlags<F>;
  readonly words: readonly string[];
}

/** A command that takes files and a few flags; `run` gets its command line sorted. */
export function fileCommand<F extends CommandFlags>(
  command: Omit<Command, 'run' | 'takesKeys'> & {
    readonly flags: F;
    readonly run: (given: SortedWords<F>, session: Session) => Promise<number>;
  },
): Command {
  return { ...command, run: async (argv, session) => command.run(sortWords(argv, command.flags), session) };
}

/** The word of a list that a flag's value names; throws a usage error with the nearest word for any other value. */
export function chosen<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((choice) => choice === given);
  if (found !== undefined) return found;
  throw new UsageError('bad_config', `${flag}: there is no '${given}'`, {
    hint: didYouMean(given, known, `choose one of ${known.join(', ')}`),
  });
}

/** Sorts flags from other words; throws a usage error with the nearest flag for one that is not known. */
export function sortWords<F extends CommandFlags>(argv: readonly string[], known: F): SortedWords<F> {
  const options = Object.fromEntries(
    Object.entries(known).map(
      ([name, { takes }]) => [name, { type: takes === undefined ? 'boolean' : 'string' }] as const,
    ),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const flags: Partial<Record<string, string | true>> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const type = Object.hasOwn(options, token.name) ? options[token.name]!.type : undefined;
    if (type === undefined) {
      const names = Object.keys(options).map((name) => `--${name}`);
      throw new UsageError('bad_config', `unknown flag '${token.rawName}'`, {
        hint: didYouMean(token.rawName, names) ?? `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`,
      });
    }
    if (type === 'boolean' && token.value !== undefined) {
      throw new UsageError('bad_config', `flag '${token.rawName}' takes no value, found '${token.value}'`);
    }
    if (type === 'string' && token.value === undefined) {
      throw new UsageError('bad_config', `flag '${token.rawName}' needs a value`);
    }
    flags[token.name] = token.value ?? true;
  }
  return { flags: flags as GivenFlags<F>, words };
}
