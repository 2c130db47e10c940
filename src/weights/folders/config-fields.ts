/**
 * Typed access to the keys of a `config.json`. Missing keys take the defaults of diffusers 0.42 and transformers 5, which also decide what
 * null means; unknown keys are ignored; a wrong type, an absurd size or a variant not implemented here is refused by name.
 */

import { isDeepStrictEqual } from 'node:util';
import { FluxionError } from '../../support/errors.ts';
import { describeJson, type Json, type JsonObject } from '../files/json.ts';
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

interface FieldsOptions {
  readonly prefix?: string;
  readonly own?: readonly string[];
}

/** Typed access to a config's keys. A key that is null is not missing: the files' own programs refuse it, or take it for false. */
export class Fields {
  readonly #json: JsonObject;
  readonly #where: string;

  /** `prefix` precedes keys in messages; `own` are class names of this model that would otherwise be reported as another model's. */
  constructor(json: JsonObject, path: string, { prefix = '', own = [] }: FieldsOptions = {}) {
    const foreign = recogniseConfig(json, own);
    if (foreign !== undefined) throw notRun(path, foreign);
    this.#json = json;
    this.#where = `${path}: ${prefix}`;
  }

  isNull(key: string): boolean {
    return this.#json.get(key) === null;
  }

  isMissing(key: string): boolean {
    return !this.#json.has(key);
  }

  integer(key: string, missing: number, min: number, max: number): number {
    return this.#integer(key, this.#value(key, missing), min, max);
  }

  /** A token id, or the first of a list of them. */
  tokenId(key: string, missing: number): number {
    const value = this.#value(key, missing);
    return this.#integer(key, Array.isArray(value) ? (value[0] ?? null) : value, 0, MAX_TOKEN_ID);
  }

  integers(key: string, missing: number[], min: number, max: number, length?: number): number[] {
    const value = this.#value(key, missing);
    const fits =
      Array.isArray(value) && (length === undefined ? value.length >= 1 && value.length <= 8 : value.length === length);
    if (!fits) throw this.bad(key, `expected ${length ?? '1 to 8'} integers`);
    return value.map((item, i) => this.#integer(`${key}[${i}]`, item, min, max));
  }

  /** A number. If `missing` is text, there is no default; the text is the hint of the error. */
  number(key: string, missing: number | string, min: number, max: number): number {
    const value = typeof missing === 'number' ? this.#value(key, missing) : this.#json.get(key);
    if (typeof value === 'number' && value >= min && value <= max) return value;
    const hint = typeof missing === 'string' ? missing : undefined;
    throw this.bad(key, `expected a number from ${min} to ${max}`, 'bad_file', value, hint);
  }

  boolean(key: string, missing: boolean): boolean {
    // Python treats None as false.
    const value = this.#value(key, missing) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.bad(key, 'expected true or false');
  }

  oneOf<T extends string | number>(key: string, known: readonly T[], missing: string | number): T {
    const value = this.#value(key, missing);
    const found = known.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.bad(
      key,
      `expected ${known.map((choice) => (typeof choice === 'string' ? `'${choice}'` : choice)).join(' or ')}`,
      'unsupported',
      value,
    );
  }

  /** If a key is present, it must have the single supported value. */
  expect(key: string, only: string | number): void {
    this.oneOf(key, [only], only);
  }

  /** If a list is present, each item must have the single supported value. */
  expectAll(key: string, only: string): void {
    const value = this.#value(key, []);
    if (Array.isArray(value) && value.every((item) => item === only)) return;
    throw this.bad(key, `expected only '${only}'`, 'unsupported');
  }

  /** Requires a switch to be off or missing. */
  refuse(key: string, what: string): void {
    const value = this.#json.get(key) ?? false;
    if (value !== false) throw this.bad(key, `${what} are not implemented`, 'unsupported');
  }

  bad(
    key: string,
    expected: string,
    code: 'bad_file' | 'unsupported' = 'bad_file',
    found: Json | undefined = this.#json.get(key),
    hint?: string,
  ) {
    return new FluxionError(code, `${this.#where}${key}: ${expected}, found ${describeJson(found)}`, { hint });
  }

  #integer(key: string, value: Json, min: number, max: number): number {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw this.bad(key, `expected an integer from ${min} to ${max}`, 'bad_file', value);
  }

  #value(key: string, missing: Json): Json {
    const value = this.#json.get(key);
    return value === undefined ? missing : value;
  }
}
