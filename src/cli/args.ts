/** Command lines of commands that take files and a few flags. Commands that take configuration keys use config/overrides.ts. */

import { parseArgs } from 'node:util';
import { nearest } from '../support/errors.ts';
import { UsageError } from './command.ts';

/** A sorted command line. */
export interface Words<Flag extends string> {
  readonly flags: Readonly<Partial<Record<Flag, string | true>>>;
  readonly words: readonly string[];
}

/** Sorts flags from other words; throws a usage error with the nearest flag for one that is not known. */
export function sortWords<Flag extends string>(
  argv: readonly string[],
  known: Readonly<Record<Flag, 'boolean' | 'string'>>,
): Words<Flag> {
  const options = Object.fromEntries(
    Object.entries<'boolean' | 'string'>(known).map(([name, type]) => [name, { type }]),
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
      const near = nearest(token.rawName, names, 1)[0];
      throw new UsageError('bad_config', `unknown flag '${token.rawName}'`, {
        hint: near ? `did you mean '${near}'?` : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`,
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
  return { flags: flags as Words<Flag>['flags'], words };
}
