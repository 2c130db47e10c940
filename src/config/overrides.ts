/**
 * Sorts the words of a command line into configuration file, `key=value` overrides, flags and prompts. A word that looks like a setting
 * never becomes part of the prompt. Pure; load.ts interprets the values.
 */

import { FluxionError, nearest } from '../support/errors.ts';
import { addsUp, keyRow } from './keys.ts';
import { meaningOf, type NameMeaning, slipsOf } from './names.ts';

/** A command's own flags, apart from configuration keys: their texts in its help, and placeholders for the values that follow. */
export type CommandFlags = Readonly<Record<string, { readonly takes?: string; readonly help: string }>>;

/** Flags that were given: the value of each that takes one. */
export type GivenFlags<F extends CommandFlags> = {
  readonly [N in keyof F]?: F[N] extends { readonly takes: string } ? string : true;
};

/** A command line, sorted. */
export interface Arguments<Flags = Readonly<Partial<Record<string, string | true>>>> {
  /** The word that ends in `.yml` or `.yaml`. */
  readonly file: string | undefined;
  /** `key=value` words and flags of configuration keys, all as `key=value` and in their order: the last one wins. */
  readonly overrides: readonly string[];
  /** The command's own flags that were given. */
  readonly flags: Flags;
  /** All other words: prompts, or `-` for standard input. */
  readonly prompts: readonly string[];
  /** Prompts that were given one by one, with `--prompt`. */
  readonly namedPrompts: readonly string[];
  /** The value of `--prompts` or `prompts=`: a file with a prompt in each line, or `-` for standard input. */
  readonly promptFile: string | undefined;
  /** Names of the keys that were given. */
  readonly given: ReadonlySet<string>;
  /** Words that may have been misread: lines for standard error. */
  readonly notes: readonly string[];
}

export const COMMAND_LINE = 'the command line';

const ASSIGNMENT = /^\s*([a-z][\w-]*)(\s*)=(.*)$/is;
const BOOLEAN = /^(true|false|yes|no|on|off|1|0)$/i;
const NUMBERS = /^[-+]?[\d.,]+(?:[x×*][\d.]+)?$/;
const PROMPT_FILE = 'prompts';

/** Splits `key=value` at its first `=`; undefined for any other word, such as a prompt. */
export function splitAssignment(word: string): { name: string; value: string } | undefined {
  const [, name, blank, rest] = ASSIGNMENT.exec(word) ?? [];
  if (name === undefined || rest === undefined) return undefined;
  const { kind } = meaningOf(name);
  // `E = mc²` and `Hello=world` are prompts; `Steps=4` and `Stepz=4` are not.
  const isPlain = blank === '' && /^[a-z][a-z0-9_]*$/.test(name);
  if (!isPlain && kind === 'unknown' && !isPromptFile(name) && slipsOf(name, 1).length === 0) return undefined;
  return { name, value: blank === '' ? rest : rest.trimStart() };
}

function isPromptFile(name: string): boolean {
  return name.toLowerCase() === PROMPT_FILE;
}

/** Sorts the words of a command line; joins words around `=`, as in `per_device_batch_size= 1`. Throws `bad_config`. */
export function splitArguments<F extends CommandFlags>(
  argv: readonly string[],
  commandFlags: F = {} as F,
): Arguments<GivenFlags<F>> {
  const words = closeBlanks(argv);
  const sorted = new Sorted(commandFlags);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      sorted.prompts.push(...words.slice(i + 1));
      break;
    }
    const flag = sorted.flag(word);
    if (flag) {
      const next = words[i + 1];
      if (sorted.takeFlag(flag, next)) i++;
    } else sorted.takeWord(word, words[i - 1]);
  }
  return sorted.done() as Arguments<GivenFlags<F>>;
}

/** A flag: its name, and the value after `=`. */
interface Flag {
  readonly raw: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly type: 'boolean' | 'string';
  /** `--no-overwrite` */
  readonly negated: boolean;
  readonly meaning: NameMeaning | { readonly kind: 'command' | 'prompts' };
}

class Sorted {
  readonly prompts: string[] = [];
  readonly #commandFlags: CommandFlags;
  #file: string | undefined;
  #promptFile: string | undefined;
  readonly #overrides: string[] = [];
  readonly #loras: string[] = []; // the one key besides prompt whose flag is repeated
  readonly #named: string[] = [];
  readonly #flags: Record<string, string | true> = {};
  readonly #notes: string[] = [];

  constructor(commandFlags: CommandFlags) {
    this.#commandFlags = commandFlags;
  }

  /** Reads a word as a flag; undefined for any other word. Throws for an unknown flag. */
  flag(word: string): Flag | undefined {
    const [, raw, name, value] = /^(--?([a-z][\w-]*))(?:=(.*))?$/is.exec(word) ?? [];
    if (raw === undefined || name === undefined) return this.#attached(word) ?? refuseDash(word);
    const flag = { raw, name, value, negated: false };
    if (Object.hasOwn(this.#commandFlags, name))
      return { ...flag, type: this.#commandFlags[name]!.takes ? 'string' : 'boolean', meaning: { kind: 'command' } };
    if (isPromptFile(name)) return { ...flag, type: 'string', meaning: { kind: 'prompts' } };
    const meaning = meaningOf(name);
    if (meaning.kind !== 'unknown') return { ...flag, type: typeOf(meaning), meaning };
    const positive = /^no-(.+)$/i.exec(name)?.[1];
    const denied = positive === undefined ? undefined : meaningOf(positive);
    if (denied && denied.kind !== 'unknown' && typeOf(denied) === 'boolean')
      return { ...flag, type: 'boolean', negated: true, meaning: denied };
    const attached = this.#attached(word);
    if (attached) return attached;
    const own = Object.keys(this.#commandFlags);
    const near =
      nearest(name, own, 1, Math.max(1, Math.floor(name.length / 3)))[0] ?? slipsOf(name, 1)[0]?.replaceAll('_', '-');
    throw unknownFlag(raw, near ? `did you mean '--${near}'? ` : '');
  }

  /** Reads `-ohouse.png` and `-n4`. */
  #attached(word: string): Flag | undefined {
    const [, letter, value] = /^-([a-z])([^=].*)$/is.exec(word) ?? [];
    if (letter === undefined || value === undefined) return undefined;
    const isOwn = this.#commandFlags[letter]?.takes !== undefined;
    if (!isOwn && (meaningOf(letter).kind !== 'key' || !/^[-+.]?\d/.test(value))) return undefined;
    return this.flag(`-${letter}=${value}`);
  }

  /** Records a flag; returns whether `next` is its value. */
  takeFlag(flag: Flag, next: string | undefined): boolean {
    const { raw, name, meaning, negated } = flag;
    if (flag.type === 'boolean') {
      const follows = flag.value === undefined && meaning.kind !== 'command' && BOOLEAN.test(next ?? '');
      const value = flag.value ?? (follows ? next : undefined);
      if (meaning.kind === 'command') {
        if (value !== undefined) throw new FluxionError('bad_config', `flag '${raw}' takes no value, found '${value}'`);
        this.#flags[name] = true;
      } else if (negated && value !== undefined)
        throw new FluxionError('bad_config', `flag '${raw}' takes no value, found '${value}'`);
      else this.#set(meaning, value ?? String(!negated));
      return follows;
    }
    const value = flag.value ?? next;
    if (value === undefined || (flag.value === undefined && value.startsWith('--'))) {
      if (meaning.kind === 'advice') checkKeyName(name, COMMAND_LINE);
      throw new FluxionError('bad_config', `flag '${raw}' needs a value`);
    }
    if (raw.toLowerCase() === '-s') this.#notes.push(`-s is the seed; the number of steps is --steps`);
    if (meaning.kind === 'command') this.#flags[name] = value;
    else if (meaning.kind === 'prompts') this.#promptFile = value;
    else if (meaning.kind === 'key' && meaning.name === 'lora') this.#loras.push(value);
    else if (meaning.kind === 'key' && meaning.name === 'prompt') this.#named.push(value);
    else this.#set(meaning, value);
    return flag.value === undefined;
  }

  #set(meaning: NameMeaning | { readonly kind: 'command' | 'prompts' }, value: string): void {
    if ('name' in meaning) this.#overrides.push(`${checkKeyName(meaning.name, COMMAND_LINE)}=${value}`);
  }

  /** Records a word that is not a flag; `before` is the previous word. */
  takeWord(word: string, before: string | undefined): void {
    const assignment = splitAssignment(word);
    if (assignment && isPromptFile(assignment.name)) this.#promptFile = assignment.value;
    else if (assignment) this.#overrides.push(`${checkKeyName(assignment.name, COMMAND_LINE)}=${assignment.value}`);
    else if (/^\S+\.ya?ml$/i.test(word)) {
      if (this.#file !== undefined) {
        throw new FluxionError('bad_config', `two configuration files: '${this.#file}' and '${word}'`, {
          hint: 'give one file, and set other keys with key=value',
        });
      }
      this.#file = word;
    } else {
      refuseStray(word, before);
      this.prompts.push(word);
    }
  }

  done(): Arguments {
    if (this.#loras.length > 0) this.#overrides.push(`lora=${JSON.stringify(this.#loras)}`);
    const names = this.#overrides.map((word) => splitAssignment(word)!.name);
    const isList = (meaning: NameMeaning): boolean => meaning.kind === 'key' && addsUp(meaning.name);
    const twice = new Set(names.filter((name, i) => names.indexOf(name) !== i && !isList(meaningOf(name))));
    return {
      file: this.#file,
      overrides: this.#overrides,
      flags: this.#flags,
      prompts: this.prompts,
      namedPrompts: this.#named,
      promptFile: this.#promptFile,
      given: new Set([...names, ...(this.#named.length > 0 || this.#promptFile !== undefined ? ['prompt'] : [])]),
      notes: [...this.#notes, ...[...twice].map((name) => `${name} is given more than once; the last one counts`)],
    };
  }
}

/** Refuses a dash that an editor made of `--`: it starts neither a flag nor a prompt. */
function refuseDash(word: string): undefined {
  const name = /^[–—−]+([a-z][\w-]*)/i.exec(word)?.[1];
  if (name !== undefined) throw unknownFlag(word, `a flag begins with hyphens: --${name}. `);
  if (/^-[a-z-]/i.test(word)) throw unknownFlag(word, '');
}

function unknownFlag(raw: string, meant: string): FluxionError {
  return new FluxionError('bad_config', `unknown flag '${raw}'`, {
    hint: `${meant}A prompt that starts with a dash goes after '--'`,
  });
}

function typeOf(meaning: NameMeaning): 'boolean' | 'string' {
  return meaning.kind === 'key' && keyRow(meaning.name).kind.name === 'boolean' ? 'boolean' : 'string';
}

/** Refuses a number after the value of a flag (`--seed 1 2`, `--size 1024 768`), and `steps:4`. */
function refuseStray(word: string, before: string | undefined): void {
  if (NUMBERS.test(word) && before !== undefined && NUMBERS.test(before.replace(/^[^=]*=/, ''))) {
    const message = `'${word}' follows '${before}': if it is part of the prompt, put the prompt in quotes; if it is a value, write key=value`;
    throw new FluxionError('bad_config', message, {
      hint: 'several seeds are seed=1,2,3, a size is size=1024x768, and a prompt that begins with a number goes in quotes',
    });
  }
  const [, name, value] = /^([a-z]\w*):(\S+)$/i.exec(word) ?? [];
  if (name === undefined || name.length < 3 || meaningOf(name).kind !== 'key') return;
  throw new FluxionError('bad_config', `'${word}': a key and its value are joined by '='`, {
    hint: `${name}=${value}; as a prompt, prompt='${word}'`,
  });
}

/** Joins `key=`, `key` and `=` with what follows, unless that is an assignment or a flag itself. */
function closeBlanks(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return [...words, ...argv.slice(i)];
    const next = argv[i + 1];
    // In `steps = 4` and `steps =4` a key comes before `=`; after any other word a lone `=` is text.
    const isOpenKey = /^[a-z]\w*$/i.test(word) && next !== undefined && /^=(?!=)/.test(next) && isKnown(word);
    const joined = isOpenKey ? `${word}=${next.slice(1)}` : word;
    if (isOpenKey) i++;
    const value = argv[i + 1];
    const open = splitAssignment(joined)?.value === '';
    if (open && value !== undefined && !value.startsWith('--') && !isKnown(splitAssignment(value)?.name)) {
      words.push(joined + value);
      i++;
    } else words.push(joined);
  }
  return words;
}

function isKnown(name: string | undefined): boolean {
  return name !== undefined && (isPromptFile(name) || meaningOf(name).kind !== 'unknown');
}

/** Returns the canonical name of a key; refuses an unknown one with advice or the nearest names. `where` names its source. */
export function checkKeyName(written: string, where: string): string {
  const meaning = meaningOf(written);
  if (meaning.kind === 'key' || meaning.kind === 'accepted') return meaning.name;
  if (meaning.kind === 'advice')
    throw new FluxionError('bad_config', `${where}: there is no key '${written}'`, { hint: meaning.advice });
  const prompt = where === COMMAND_LINE ? " A prompt that contains '=' is passed as prompt='…'" : '';
  const near = slipsOf(written, 2).map((name) => `'${name}'`);
  const meant = near.length > 0 ? `did you mean ${near.join(' or ')}?` : "'fluxion help config' lists the keys.";
  throw new FluxionError('bad_config', `${where}: unknown key '${written}'`, { hint: meant + prompt });
}

/** Finds the part of a prompt that looks like a misplaced setting: `a cat steps=4`, `a cat --ar 16:9`. */
export function settingsWithin(prompt: string): string[] {
  const found = prompt.matchAll(/(?<=^|\s)(?:([a-z]\w*)=\S+|--([a-z][\w-]*)(?:[ =]\S+)?)/gi);
  return [...found].filter(([, key, flag]) => isKnown(key ?? flag)).map(([text]) => text);
}
