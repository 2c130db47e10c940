/**
 * The keys of a `config.json`, each declared once for reading and writing. Missing keys take the defaults of diffusers 0.42 and transformers 5,
 * which also decide what null means; unknown keys are ignored; a wrong type, an absurd size or a variant not implemented here is refused by name.
 */

import { isDeepStrictEqual } from 'node:util';
import { FluxionError } from '../../support/errors.ts';
import { describeJson, type Json, type JsonObject } from '../files/json.ts';
import type { ConfigCodec, ConfigJson } from './family.ts';
import { notRun, recogniseConfig } from './recognise.ts';

/** Largest sizes accepted. */
export const MAX_LAYERS = 1000;
export const MAX_WIDTH = 65_536;
export const MAX_VOCABULARY = 4_194_304;
const MAX_TOKEN_ID = 2 ** 31 - 1;

/**
 * Returns `known`, the config of a model beside a file, if it agrees with everything that the file's shapes tell; otherwise `derived`.
 * No shape tells the `untold` fields.
 */
export function preferKnown<C extends object>(derived: C, known: C | undefined, untold: readonly (keyof C)[]): C {
  const told = (Object.keys(derived) as (keyof C)[]).filter((field) => !untold.includes(field));
  return known && told.every((field) => isDeepStrictEqual(derived[field], known[field])) ? known : derived;
}

/** Makes the error for a key; it quotes the value in the file, or the one that is given as `found`. */
type Bad = (expected: string, more?: BadValue) => FluxionError;

interface BadValue {
  readonly code?: 'bad_file' | 'unsupported';
  readonly found?: Json | undefined;
  /** The part of the value that is wrong, such as `[0]`. */
  readonly at?: string;
  readonly hint?: string | undefined;
}

/** A key whose value is a field of a config. */
export interface ConfigField<T> {
  readonly key: string;
  /** `value` is `undefined` if the key is missing. Null is not missing: the files' own programs refuse it, or take it for false. */
  read(value: Json | undefined, bad: Bad): T;
  write(value: T): unknown;
}

function field<T>(key: string, read: ConfigField<T>['read']): ConfigField<T> {
  return { key, read, write: (value) => value };
}

function whole(value: Json, min: number, max: number, bad: Bad, at = ''): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw bad(`expected an integer from ${min} to ${max}`, { found: value, at });
}

/** An integer from `min` to `max`. */
export function integer(key: string, missing: number, min: number, max: number): ConfigField<number> {
  return field(key, (value = missing, bad) => whole(value, min, max, bad));
}

/** A token id, or the first of a list of them. */
export function tokenId(key: string, missing: number): ConfigField<number> {
  return field(key, (value = missing, bad) => {
    const id = Array.isArray(value) ? (value[0] ?? null) : value;
    return whole(id, 0, MAX_TOKEN_ID, bad);
  });
}

/** A list of integers: `length` of them, or 1 to 8. */
export function integers(
  key: string,
  missing: readonly number[],
  [min, max]: readonly [number, number],
  length?: number,
): ConfigField<readonly number[]> {
  return field(key, (value = [...missing], bad) => {
    const fits =
      Array.isArray(value) && (length === undefined ? value.length >= 1 && value.length <= 8 : value.length === length);
    if (!fits) throw bad(`expected ${length ?? '1 to 8'} integers`);
    return value.map((item, i) => whole(item, min, max, bad, `[${i}]`));
  });
}

/** A number from `min` to `max`. If `missing` is text, there is no default; the text is the hint of the error. */
export function number(key: string, missing: number | string, min: number, max: number): ConfigField<number> {
  const [usual, hint] = typeof missing === 'number' ? [missing, undefined] : [undefined, missing];
  return field(key, (value = usual, bad) => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw bad(`expected a number from ${min} to ${max}`, { hint });
  });
}

export function boolean(key: string, missing: boolean): ConfigField<boolean> {
  return field(key, (value = missing, bad) => {
    // Python treats None as false.
    if (value === null || typeof value === 'boolean') return value ?? false;
    throw bad('expected true or false');
  });
}

/** One of the values that are implemented. */
export function oneOf<T extends string | number>(
  key: string,
  known: readonly T[],
  missing: string | number,
): ConfigField<T> {
  return field(key, (value = missing, bad) => {
    const found = known.find((choice) => choice === value);
    if (found !== undefined) return found;
    const choices = known.map((choice) => (typeof choice === 'string' ? `'${choice}'` : choice));
    throw bad(`expected ${choices.join(' or ')}`, { code: 'unsupported', found: value });
  });
}

/** A field whose default also replaces null. */
export function nullIsMissing<T>({ read, ...own }: ConfigField<T>): ConfigField<T> {
  return { ...own, read: (value, bad) => read(value ?? undefined, bad) };
}

/** A field that is `undefined` where the key is missing or null. */
export function optional<T>({ key, read, write }: ConfigField<T>): ConfigField<T | undefined> {
  return {
    key,
    read: (value, bad) => (value === undefined || value === null ? undefined : read(value, bad)),
    write: (value) => (value === undefined ? null : write(value)),
  };
}

/** A config file, as checks see it. */
class ConfigFile {
  readonly #json: JsonObject;
  readonly #where: string;

  constructor(json: JsonObject, where: string) {
    this.#json = json;
    this.#where = where;
  }

  get(key: string): Json | undefined {
    return this.#json.get(key);
  }

  read<T>({ key, read }: ConfigField<T>): T {
    return read(this.get(key), (expected, more) => this.bad(key, expected, more));
  }

  bad(key: string, expected: string, more: BadValue = {}): FluxionError {
    const { code = 'bad_file', found = this.get(key), at = '', hint } = more;
    return new FluxionError(code, `${this.#where}${key}${at}: ${expected}, found ${describeJson(found)}`, { hint });
  }
}

/** What a config consists of in files. */
export interface ConfigKeys<C> {
  readonly fields: { readonly [F in keyof C]-?: ConfigField<C[F]> };
  /** Keys with a single supported value, which they must have if they are present. */
  readonly only: Readonly<Record<string, string | number>>;
  /** Lists whose items must all have the single supported value, if they are present; `written` writes them. */
  readonly onlyItems?: Readonly<Record<string, string>>;
  /** Switches that must be off or missing, and what they switch on. */
  readonly off?: Readonly<Record<string, string>>;
  /** Values that are written besides; `dtype` is torch's name for the type of most weights. */
  written?(config: C, dtype: string): ConfigJson;
  /** Objects that may hold the keys in place of the file's top level; the first one found does. */
  readonly inside?: readonly string[];
  /** Class names of this model that would otherwise be reported as another model's. */
  readonly own?: readonly string[];
  /** Checks fields that depend on each other. */
  check?(config: C, file: ConfigFile): void;
}

/** Reads and writes a config by its keys, which are written in alphabetical order, as those programs do. */
export function codec<C>(keys: ConfigKeys<C>): ConfigCodec<C> {
  const { fields, only, onlyItems = {}, off = {}, inside = [], own = [] } = keys;
  const named = Object.entries<ConfigField<unknown>>(fields);
  return {
    read(top, path) {
      const nested = inside.map((key) => top.get(key)).find((value) => value !== undefined && value !== null);
      const isNested = nested instanceof Map;
      const json = isNested ? nested : top;
      const foreign = recogniseConfig(json, own);
      if (foreign !== undefined) throw notRun(path, foreign);
      const file = new ConfigFile(json, `${path}: ${isNested ? `${inside.at(-1)}.` : ''}`);
      for (const [key, value] of Object.entries(only)) file.read(oneOf(key, [value], value));
      for (const [key, item] of Object.entries(onlyItems)) {
        const list = file.get(key);
        if (list !== undefined && !(Array.isArray(list) && list.every((found) => found === item)))
          throw file.bad(key, `expected only '${item}'`, { code: 'unsupported' });
      }
      for (const [key, what] of Object.entries(off))
        if ((file.get(key) ?? false) !== false)
          throw file.bad(key, `${what} are not implemented`, { code: 'unsupported' });
      const config = Object.fromEntries(named.map(([name, field]) => [name, file.read(field)])) as C;
      keys.check?.(config, file);
      return config;
    },
    write(config, dtype) {
      const values = named.map(([name, { key, write }]) => [key, write(config[name as keyof C])] as const);
      const switches = Object.keys(off).map((key) => [key, false] as const);
      const written = { ...only, ...Object.fromEntries([...switches, ...values]), ...keys.written?.(config, dtype) };
      return Object.fromEntries(Object.entries(written).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}
