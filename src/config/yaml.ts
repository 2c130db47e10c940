/**
 * Reads YAML 1.1 as PyYAML does: `yes` and `True` are booleans, `4.e-7` is a number, and the last of equal keys wins. The text may be
 * hostile, so size, nesting and aliases are bounded before the parser builds anything.
 */

import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument } from 'yaml';
import { FluxionError } from '../support/errors.ts';

/** One `key: value` of a file. */
export interface YamlEntry {
  readonly key: string;
  readonly line: number;
  /** The value as YAML reads it. */
  readonly value: unknown;
  /** The value as text, exactly as written, so that `yes` or `12` can be a prompt. */
  readonly text: unknown;
}

/** Most characters: a hostile megabyte takes the parser 5 s, and MaxDiffusion's files have 13 thousand. */
const SIZE_LIMIT = 1 << 18;
const FLOW_DEPTH_LIMIT = 32;
/** Most characters of a number: the time for base 60, `1:1:…`, grows with the square. */
const NUMBER_LIMIT = 1000;
/** Most `-`, `?` and `:` in one line, each of which opens a level outside brackets. */
const LINE_LEVEL_LIMIT = 16;
const INDENT_LIMIT = 256;
const ALIAS_LIMIT = 100;
/** Most tokens: this many take the parser a second, and MaxDiffusion's files have 3 thousand. */
const TOKEN_LIMIT = 1 << 16;

// A seed may have 64 bits, so integers are read as bigint.
const OPTIONS = { version: '1.1', uniqueKeys: false, merge: false, intAsBigInt: true, logLevel: 'error' } as const;

/** Parses a file whose top level is a map; `where` names it in messages. Throws `bad_config` with the line. */
export function parseYamlFile(source: string, where: string): YamlEntry[] {
  const lines = new LineCounter();
  const document = parse(source, where, lines);
  const root = document.contents;
  if (root === null) return [];
  if (!isMap(root)) {
    throw new FluxionError('bad_config', `${where}: expected 'key: value' lines, found ${describe(root)}`);
  }
  return root.items.map(({ key, value }) => {
    const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    const { line } = lines.linePos(start);
    if (!isScalar(key))
      throw new FluxionError('bad_config', `${where}: expected a name as key, found ${describe(key)}`);
    const node = value as Node | null;
    const at = `${where}:${line}`;
    // A plain key such as `on` or `1` is a name.
    const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
    return { key: name, line, value: toValue(node, document, at), text: toText(node, document, at) };
  });
}

/** Parses one value, as after `key=` on a command line. Throws `bad_config`. */
export function parseYamlValue(source: string, where: string): unknown {
  const document = parse(source, where, new LineCounter());
  return toValue(document.contents, document, where);
}

/** Unquotes text that is one whole YAML-quoted string; returns other text unchanged. */
export function unquote(text: string): string {
  if (!/^(".*"|'.*')$/s.test(text) || text.length > SIZE_LIMIT) return text;
  const { errors, contents } = parseDocument(text, OPTIONS);
  const whole = errors.length === 0 && isScalar(contents) && contents.range?.[1] === text.length;
  return whole && typeof contents.value === 'string' ? contents.value : text;
}

function parse(text: string, where: string, lineCounter: LineCounter): Document.Parsed {
  if (text.length > SIZE_LIMIT) {
    throw new FluxionError('bad_config', `${where}: expected at most ${SIZE_LIMIT} characters, found ${text.length}`);
  }
  // A lone carriage return ends a line too, and costs the parser minutes.
  const source = text.replaceAll(/\r\n?/g, '\n');
  checkTokens(source, where);
  const document = parseDocument(source, { ...OPTIONS, lineCounter });
  // Warnings are for unknown tags and directives.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    const message = problem.message.split(/ at line \d+|\n/)[0]!;
    throw new FluxionError('bad_config', `${where}: not valid YAML at line ${line}, column ${col}: ${message}`);
  }
  return document;
}

/**
 * Refuses deep nesting and many aliases from the tokens alone: the parser recurses, takes minutes over some nested lines, and looks
 * through the whole document for each alias.
 */
function checkTokens(source: string, where: string): void {
  let aliases = 0;
  let flow = 0;
  let levels = 0;
  let line = 1;
  let tokens = 0;
  for (const token of new Lexer().lex(source)) {
    if (++tokens > TOKEN_LIMIT)
      throw new FluxionError('bad_config', `${where}: too much for a configuration, from line ${line} on`);
    if (token.length > NUMBER_LIMIT && /^[-+]?\d[\d_:.]*$/.test(token))
      throw new FluxionError('bad_config', `${where}: a number of ${token.length} digits, near line ${line}`);
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow--;
    else if (token === '-' || token === '?' || token === ':') levels++;
    else if (token.startsWith('*') && ++aliases > ALIAS_LIMIT) {
      throw new FluxionError('bad_config', `${where}: more than ${ALIAS_LIMIT} aliases, near line ${line}`, {
        hint: 'write the values out where they are used',
      });
    }
    const breaks = token.includes('\n');
    if (breaks) line++;
    const indent = /^ *$/.test(token) ? token.length : 0;
    if (
      flow > FLOW_DEPTH_LIMIT ||
      (flow === 0 && levels > LINE_LEVEL_LIMIT) ||
      (levels === 0 && indent > INDENT_LIMIT)
    ) {
      throw new FluxionError('bad_config', `${where}: nested too deeply near line ${line}`);
    }
    if (breaks) levels = 0;
  }
}

function toValue(node: Node | null, document: Document, where: string): unknown {
  if (node === null) return null;
  try {
    return narrow(node.toJS(document, { maxAliasCount: ALIAS_LIMIT }), new Set());
  } catch (cause) {
    throw new FluxionError('bad_config', `${where}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** Converts integers that a number holds exactly to numbers; refuses structures that contain themselves. */
function narrow(value: unknown, within: Set<object>): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (within.has(value)) throw new RangeError('an alias contains itself');
  within.add(value);
  const copy = Array.isArray(value)
    ? value.map((item) => narrow(item, within))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, narrow(item, within)]));
  within.delete(value);
  return copy;
}

function toText(node: Node | null, document: Document, where: string): unknown {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(target)) return target.items.map((item) => scalarText(item) ?? toValue(item as Node, document, where));
  return scalarText(target) ?? toValue(node, document, where);
}

/** The written form of a plain scalar that YAML reads as a number or boolean; undefined for other nodes. */
function scalarText(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value !== 'string' && node.value !== null ? node.source : undefined;
}

function describe(node: unknown): string {
  if (isSeq(node)) return 'a list';
  if (isMap(node)) return 'a map';
  return isScalar(node) ? `'${String(node.source ?? node.value).slice(0, 40)}'` : 'an alias or nothing';
}
