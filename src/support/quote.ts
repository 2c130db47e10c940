/**
 * Makes foreign text (names in files, answers of a hub, prompts, paths) safe to print: it cannot control the terminal, hide or reorder
 * nearby text, imitate Fluxion's own lines or flood the screen.
 */

/**
 * Control characters (C0, DEL, C1), format characters (bidirectional controls, zero-width ones, tags), line and paragraph
 * separators and lone surrogates; the joiner of an emoji sequence stays.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}](?<!\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f)?\u200d)/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Most characters in a line; longer lines lose their middle. */
const LINE = 2000;
/** Most lines in a message. */
const LINES = 60;

/** Returns text as a single line: unsafe characters as escapes such as `\u{1b}` or `\n`, and at most about `limit` characters. */
export function oneLine(text: string, limit: number = LINE): string {
  return shortened(text, limit).replaceAll(UNSAFE, (c) => SHORT[c] ?? escaped(c));
}

/** Returns text with unsafe characters as escapes; keeps line feeds and tabs. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (c) => (c === '\n' || c === '\t' ? c : escaped(c)));
}

/** Joins the first `most` names, each made safe; mentions that there are more. */
export function someOf(names: readonly string[], most = 10): string {
  const shown = names.slice(0, most).map((name) => oneLine(name, 200));
  return [...shown, ...(names.length > most ? [`… (${names.length} in all)`] : [])].join(', ');
}

/** Joins lines, each made safe; replaces lines beyond the limit by their count. */
export function safeLines(lines: readonly string[]): string {
  const shown = lines.length > LINES ? [...lines.slice(0, LINES), `… and ${lines.length - LINES} more lines`] : lines;
  return shown.map((line) => oneLine(line)).join('\n');
}

/** Returns JSON text with unsafe characters as `\uXXXX`, which JSON readers decode. */
export function printableJson(json: string): string {
  return json.replaceAll(UNSAFE, (c) => (c === '\n' ? c : [...c].flatMap(units).join('')));
}

function units(c: string): string[] {
  return c.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function escaped(c: string): string {
  return `\\u{${c.codePointAt(0)!.toString(16)}}`;
}

function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = Math.floor(limit / 4);
  return `${text.slice(0, limit - end)} … (${text.length} characters) … ${text.slice(-end)}`;
}
