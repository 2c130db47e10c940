/**
 * A JSON reader for files from the internet. Unlike `JSON.parse`, it refuses duplicate keys, bounds depth and the number of
 * values before they are allocated, keeps objects as maps (no `__proto__`, no reordering of numeric keys) and says where it failed.
 */

import { FluxionError } from '../../support/errors.ts';
import { type OpenFile, readingFile } from './file-bytes.ts';

/** A JSON value; objects are maps in file order. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

const MAX_DEPTH = 32;
const MAX_VALUES = 2_000_000;
const MAX_FILE = 64 * 2 ** 20;

/** Parses one JSON document; throws `bad_file` starting with `where` and naming the character it stopped at. */
export function parseJson(text: string, where: string): Json {
  let at = 0;
  let values = 0;
  const space = /[ \t\n\r]*/y;
  const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

  const fail = (what: string): never => {
    throw new FluxionError('bad_file', `${where}: not valid JSON at character ${at}: ${what}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const next = (): string => {
    match(space);
    return text[at] ?? '';
  };
  const shown = (): string => (at < text.length ? `found ${quote(text.slice(at, at + 12))}` : 'found the end');

  const string = (): string => {
    const start = at;
    if (text[at] !== '"') fail(`expected a string, ${shown()}`);
    for (at++; text[at] !== '"'; at += text[at] === '\\' ? 2 : 1) if (at >= text.length) fail('a string without end');
    at++;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      return fail(`bad string ${quote(text.slice(start, at))}`);
    }
  };
  /** Reads items up to `close`; commas between them, none after the last. */
  const sequence = (close: string, item: () => void): void => {
    at++;
    if (next() === close) {
      at++;
      return;
    }
    for (;;) {
      item();
      const mark = next();
      if (mark !== ',' && mark !== close) fail(`expected ',' or '${close}', ${shown()}`);
      at++;
      if (mark === close) return;
      next();
    }
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) fail(`nested deeper than ${MAX_DEPTH}`);
    if (++values > MAX_VALUES) fail(`more than ${MAX_VALUES} values`);
    const first = next();
    if (first === '{') {
      const object: JsonObject = new Map();
      sequence('}', () => {
        const key = string();
        if (object.has(key)) fail(`duplicate key ${quote(key)}`);
        if (next() !== ':') fail(`expected ':', ${shown()}`);
        at++;
        object.set(key, value(depth + 1));
      });
      return object;
    }
    if (first === '[') {
      const array: Json[] = [];
      sequence(']', () => {
        next();
        array.push(value(depth + 1));
      });
      return array;
    }
    if (first === '"') return string();
    const word = match(literal) ?? fail(`expected a value, ${shown()}`);
    return JSON.parse(word) as null | boolean | number;
  };

  const document = value(0);
  if (next() !== '') fail(`expected the end, ${shown()}`);
  return document;
}

/** Parses a document whose top level must be an object. */
export function parseJsonObject(text: string, where: string): JsonObject {
  const document = parseJson(text, where);
  if (document instanceof Map) return document;
  throw unexpected(where, 'a JSON object', document);
}

/** Decodes UTF-8 strictly; throws `bad_file` naming `where`. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FluxionError('bad_file', `${where}: not valid UTF-8`, { cause });
  }
}

/** Reads a JSON object from a file of at most 64 MiB. */
export function readJsonObject(path: string, openFile: OpenFile = readingFile): JsonObject {
  using file = openFile(path);
  if (file.size > MAX_FILE)
    throw new FluxionError('bad_file', `${path}: ${file.size} bytes, more than ${MAX_FILE} for JSON`);
  return parseJsonObject(decodeUtf8(file.view(0, file.size), path), path);
}

/** Describes a value in a few words for an error message. */
export function describeJson(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value))
    return value.length <= 8 ? `[${value.map(describeJson).join(', ')}]` : `${value.length} values`;
  return typeof value === 'string' ? quote(value) : String(value);
}

/** The error for a value that is not as expected; `where` names its file and its place there. */
export function unexpected(where: string, expected: string, found: Json | undefined, hint?: string): FluxionError {
  return new FluxionError('bad_file', `${where}: expected ${expected}, found ${describeJson(found)}`, { hint });
}

/** Whether a value is a number of things, such as a dimension: 0 or more, and exact. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Quotes text of unknown origin for a message: cut at 80 characters, control characters escaped. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
