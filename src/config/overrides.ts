/**
 * The words of a command line: which are the configuration file, `key=value` overrides, flags, and prompts.
 * Pure; what the values mean is decided in load.ts.
 */

import { parseArgs } from 'node:util';
import { FluxionError, nearest } from '../support/errors.ts';
import { acceptedKeys } from './accepted.ts';
import { isKey, KEY_NAMES, type KeyName, keyRow } from './keys.ts';
import { flagName, keyOfFlag } from './schema.ts';

/** A command's own flags, which are no configuration keys: name → whether a value follows. */
export type CommandFlags = Readonly<Record<string, 'boolean' | 'string'>>;

/** A command line, sorted. */
export interface Arguments {
  /** The word that ends in `.yml` or `.yaml`. */
  readonly file: string | undefined;
  /** `key=value` words and flags of configuration keys, all as `key=value` and in their order: the last one wins. */
  readonly overrides: readonly string[];
  /** The command's own flags that were given. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  /** All other words: prompts, or `-` for standard input. */
  readonly prompts: readonly string[];
}

const ASSIGNMENT = /^([a-z][a-z0-9_]*)=(.*)$/s;

/** Splits `key=value` at its first `=`; undefined for a word that is no assignment, such as a prompt. */
export function splitAssignment(word: string): { name: string; value: string } | undefined {
  const match = ASSIGNMENT.exec(word);
  return match ? { name: match[1]!, value: match[2]! } : undefined;
}

/** Sorts the words of a command line; a blank after `=`, as in `per_device_batch_size= 1`, is closed. Throws `bad_config`. */
export function splitArguments(argv: readonly string[], commandFlags: CommandFlags = {}): Arguments {
  const options = Object.fromEntries([
    ...KEY_NAMES.map(
      (name) => [flagName(name), { type: keyRow(name).kind === 'boolean' ? 'boolean' : 'string' }] as const,
    ),
    ...Object.entries(commandFlags).map(([name, type]) => [name, { type }] as const),
  ]);
  const { tokens } = parseArgs({
    args: closeBlanks(argv),
    options,
    strict: false, // so that the messages are ours
    allowNegative: true,
    allowPositionals: true,
    tokens: true,
  });

  let file: string | undefined;
  let onlyPrompts = false; // after `--`
  const overrides: string[] = [];
  const loras: string[] = []; // the one flag that is repeated
  const flags: Record<string, string | boolean> = {};
  const prompts: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') onlyPrompts = true;
    else if (token.kind === 'option') {
      const value = flagValue(token, options);
      const key = keyOfFlag(token.name);
      if (key === 'lora') loras.push(String(value));
      else if (key !== undefined && !Object.hasOwn(commandFlags, token.name)) overrides.push(`${key}=${value}`);
      else flags[token.name] = value;
    } else if (!onlyPrompts && splitAssignment(token.value)) {
      const { name } = splitAssignment(token.value)!;
      checkKeyName(name, 'the command line');
      overrides.push(token.value);
    } else if (!onlyPrompts && /^\S+\.ya?ml$/i.test(token.value)) {
      if (file !== undefined) {
        throw new FluxionError('bad_config', `two configuration files: '${file}' and '${token.value}'`, {
          hint: 'give one, and the differences as key=value',
        });
      }
      file = token.value;
    } else prompts.push(token.value);
  }
  if (loras.length > 0) overrides.push(`lora=${JSON.stringify(loras)}`);
  return { file, overrides, flags, prompts };
}

/** Joins `key=` with the next word, unless that is an assignment or a flag itself. */
function closeBlanks(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return [...words, ...argv.slice(i)];
    const next = argv[i + 1];
    const open = splitAssignment(word)?.value === '';
    const taken = next !== undefined && (next.startsWith('--') || knownName(splitAssignment(next)?.name));
    if (open && next !== undefined && !taken) {
      words.push(word + next);
      i++;
    } else words.push(word);
  }
  return words;
}

function knownName(name: string | undefined): boolean {
  return name !== undefined && (isKey(name) || Object.hasOwn(acceptedKeys, name));
}

interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function flagValue(
  { name, rawName, value, inlineValue }: FlagToken,
  options: Readonly<Record<string, { readonly type: 'boolean' | 'string' }>>,
): string | boolean {
  const type = Object.hasOwn(options, name) ? options[name]!.type : undefined;
  const negated = rawName === `--no-${name}`;
  if (type === undefined || (negated && type !== 'boolean')) {
    const near = nearest(
      rawName,
      Object.keys(options).map((option) => `--${option}`),
      1,
    )[0];
    throw new FluxionError('bad_config', `unknown flag '${rawName}'`, {
      hint: `${near ? `did you mean '${near}'? ` : ''}A prompt that starts with a dash goes after '--'`,
    });
  }
  if (type === 'boolean') return value ?? !negated;
  if (value === undefined || (value.startsWith('--') && !inlineValue)) {
    throw new FluxionError('bad_config', `flag '${rawName}' needs a value`);
  }
  return value;
}

/** Refuses a key that is neither honoured nor accepted, with the nearest known names; `where` says where it stands. */
export function checkKeyName(name: string, where: string): asserts name is KeyName | keyof typeof acceptedKeys {
  if (knownName(name)) return;
  const near = nearest(name, [...KEY_NAMES, ...Object.keys(acceptedKeys)], 2).map((key) => `'${key}'`);
  const meant = near.length > 0 ? `did you mean ${near.join(' or ')}?` : "'fluxion help config' lists the keys.";
  const prompt = where === 'the command line' ? " A prompt that contains '=' is passed as prompt='…'" : '';
  throw new FluxionError('bad_config', `${where}: unknown key '${name}'`, { hint: meant + prompt });
}
