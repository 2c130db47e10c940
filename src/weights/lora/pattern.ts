/**
 * Python regular expressions, as PEFT matches them against module names. Those in a LoRA file are untrusted, so a match follows all
 * alternatives at once, as a set of positions, instead of backtracking. Lookarounds are supported; references to groups are refused.
 * Source: https://docs.python.org/3/library/re.html
 */

import { FluxionError } from '../../support/errors.ts';

/** Limits the steps of all matches for one file to about a second's worth. */
export class Budget {
  readonly #path: string;
  #left = 10_000_000;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `bad_file` when the steps are used up. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    throw new FluxionError('bad_file', `${this.#path}: its patterns of module names take too long to match`, {
      hint: 'the file was made to waste time; use a copy from another source',
    });
  }
}

/** Maps positions in a text to those where a match of this part may end; both ascend. */
type Part = (text: string, from: readonly number[], budget: Budget) => readonly number[];

const MAX_LENGTH = 1000;
const MAX_DEPTH = 40;

/** A pattern for the whole or the end of a module's name. */
export class ModulePattern {
  readonly #part: Part;
  /** Set for a pattern of plain characters and dots, such as diffusers writes for each module; it is compared as text. */
  readonly #plain: { readonly text: string; readonly anchored: boolean } | undefined;

  /** Throws a `SyntaxError` for a pattern that Python would refuse, that is longer than 1,000 characters, or that refers to groups; `bad_file` beyond the budget. */
  constructor(source: string, budget: Budget) {
    budget.spend(10 * Math.min(source.length, MAX_LENGTH));
    this.#part = parse(source);
    const plain = /^(\^?)([\w.-]+)$/.exec(source);
    this.#plain = plain ? { text: plain[2]!, anchored: plain[1] !== '' } : undefined;
  }

  /** Tells whether Python's `re.match(rf"(.*\.)?({source})$", name)` finds a match. Throws `bad_file` beyond the budget. */
  matches(name: string, budget: Budget): boolean {
    budget.spend(1);
    if (this.#plain) return endsWith(name, this.#plain);
    const starts = [0];
    for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1)) starts.push(at + 1);
    return this.#part(name, starts, budget).at(-1) === name.length;
  }
}

function endsWith(name: string, { text, anchored }: { readonly text: string; readonly anchored: boolean }): boolean {
  const start = name.length - text.length;
  if (start < 0 || (start > 0 && (anchored || name[start - 1] !== '.'))) return false;
  for (let i = text.length - 1; i >= 0; i--) if (text[i] !== '.' && text[i] !== name[start + i]) return false;
  return true;
}

const one =
  (fits: (character: string) => boolean): Part =>
  (text, from, budget) => {
    budget.spend(from.length + 5);
    return from.filter((at) => at < text.length && fits(text[at]!)).map((at) => at + 1);
  };
const where =
  (holds: (text: string, at: number, budget: Budget) => boolean): Part =>
  (text, from, budget) => {
    budget.spend(2 * from.length + 5);
    return from.filter((at) => holds(text, at, budget));
  };

/** The positions of both lists, ascending as they are. */
function union(a: readonly number[], b: readonly number[], budget: Budget): readonly number[] {
  budget.spend(a.length + b.length);
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const all: number[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const x = a[i] ?? Number.POSITIVE_INFINITY;
    const y = b[j] ?? Number.POSITIVE_INFINITY;
    all.push(Math.min(x, y));
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return all;
}

/** The positions of the first list that the second lacks, ascending as they are. */
function without(a: readonly number[], b: readonly number[]): readonly number[] {
  let j = 0;
  return a.filter((position) => {
    while (j < b.length && b[j]! < position) j++;
    return b[j] !== position;
  });
}

const sequence =
  (parts: readonly Part[]): Part =>
  (text, from, budget) => {
    budget.spend(10);
    let at = from;
    for (const part of parts) {
      at = part(text, at, budget);
      if (at.length === 0) break;
    }
    return at;
  };

const choice =
  (parts: readonly Part[]): Part =>
  (text, from, budget) =>
    parts.reduce<readonly number[]>((sum, part) => union(sum, part(text, from, budget), budget), []);

/** Matches from `least` to `most` times; continues from each position only once. */
const repeated =
  (part: Part, least: number, most: number): Part =>
  (text, from, budget) => {
    let at = from;
    for (let n = 0; n < least && at.length > 0; n++) {
      const next = part(text, at, budget);
      // Only a part that matches the empty text stays at its position.
      if (next.length === at.length && next.every((position, i) => position === at[i])) break;
      at = next;
    }
    let ends = at;
    for (let n = least; n < most && at.length > 0; n++) {
      budget.spend(2 * ends.length + 10);
      at = without(part(text, at, budget), ends);
      ends = union(ends, at, budget);
    }
    return ends;
  };

const WORD = /[\p{L}\p{N}_]/u;
const isWord = (text: string, at: number): boolean => at >= 0 && at < text.length && WORD.test(text[at]!);
const atBoundary = (text: string, at: number): boolean => isWord(text, at - 1) !== isWord(text, at);

const ASSERTIONS: Readonly<Record<string, Part>> = {
  '^': where((_, at) => at === 0),
  A: where((_, at) => at === 0),
  $: where((text, at) => at === text.length),
  Z: where((text, at) => at === text.length),
  b: where(atBoundary),
  B: where((text, at) => !atBoundary(text, at)),
};
const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /\p{Nd}/u, D: /\P{Nd}/u, w: WORD, W: /[^\p{L}\p{N}_]/u, s: /\s/, S: /\S/,
}; // biome-ignore format: a class and its opposite
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07', 0: '\0' };

function parse(source: string): Part {
  if (source.length > MAX_LENGTH)
    throw new SyntaxError(`it has ${source.length} characters, ${MAX_LENGTH} are allowed`);
  let at = 0;
  const take = (sticky: RegExp): RegExpExecArray | null => {
    sticky.lastIndex = at;
    const match = sticky.exec(source);
    at += match?.[0].length ?? 0;
    return match;
  };
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at character ${at}`);
  };

  /** The meaning of an escape: one character, or a class of them. */
  const escaped = (): string | RegExp => {
    const code = take(/x([\da-fA-F]{2})|u([\da-fA-F]{4})/y);
    if (code) return String.fromCharCode(Number.parseInt(code[1] ?? code[2]!, 16));
    const character = source[at] ?? fail('a backslash that escapes nothing');
    const known = CLASSES[character] ?? CONTROLS[character];
    if (known === undefined && /[a-zA-Z\d]/.test(character)) fail(`\\${character}, which is not taken,`);
    at++;
    return known ?? character;
  };
  const fits =
    (allowed: string | RegExp): ((character: string) => boolean) =>
    (character) =>
      typeof allowed === 'string' ? character === allowed : allowed.test(character);

  const set = (): Part => {
    const negated = take(/\^/y) !== null;
    const members: ((character: string) => boolean)[] = [];
    for (let first = true; first || source[at] !== ']'; first = false) {
      if (at >= source.length) fail('a set without end');
      const member = (): string | RegExp => (take(/\\/y) ? escaped() : source[at++]!);
      const low = member();
      if (typeof low === 'string' && take(/-(?=[^\]])/y)) {
        const high = member();
        if (typeof high !== 'string' || high < low) fail('a range that is none');
        members.push((character) => character >= low && character <= (high as string));
      } else members.push(fits(low));
    }
    at++;
    return one((character) => members.some((member) => member(character)) !== negated);
  };

  const group = (depth: number): Part => {
    const kind = take(/\?(?:(P<\w+>|:)|#[^)]*|(<?[=!])|)/y);
    if (kind && kind[0] === '?') fail('an unsupported kind of group');
    const comment = kind?.[0].startsWith('?#');
    const inner = comment ? sequence([]) : alternatives(depth + 1);
    if (source[at] !== ')') fail('a group without end');
    at++;
    const look = kind?.[2];
    if (look === undefined) return inner;
    const wanted = look.endsWith('=');
    return look.startsWith('<')
      ? where(
          (text, end, budget) =>
            range(end, budget).some((start) => inner(text, [start], budget).includes(end)) === wanted,
        )
      : where((text, start, budget) => inner(text, [start], budget).length > 0 === wanted);
  };

  const atom = (depth: number): Part => {
    const character = source[at++]!;
    switch (character) {
      case '.':
        return one((found) => found !== '\n');
      case '^':
      case '$':
        return ASSERTIONS[character]!;
      case '[':
        return set();
      case '(':
        return group(depth);
      case '\\': {
        const assertion = take(/[AZbB]/y);
        return assertion ? ASSERTIONS[assertion[0]]! : one(fits(escaped()));
      }
      case '*':
      case '+':
      case '?':
        return fail('nothing to repeat');
      default:
        return one(fits(character));
    }
  };

  const alternatives = (depth: number): Part => {
    if (depth > MAX_DEPTH) fail('groups too deep');
    const branches: Part[] = [];
    do {
      const parts: Part[] = [];
      while (at < source.length && !/[|)]/.test(source[at]!)) {
        const part = atom(depth);
        const times = take(/([*+?])|\{(?!\})(\d{0,4})(,?)(\d{0,4})\}/y);
        if (!times) {
          parts.push(part);
          continue;
        }
        const [, sign, low = '', comma, high = ''] = times;
        const least = sign ? Number(sign === '+') : Number(low);
        const most = sign === '?' ? 1 : sign || (comma && high === '') ? Infinity : Number(comma ? high : low);
        if (most < least) fail('a repetition from more to less');
        // Greedy or lazy does not matter for whether there is a match.
        take(/\?/y);
        if (/[*+?]/.test(source[at] ?? '')) fail('a repetition of a repetition');
        parts.push(repeated(part, least, most));
      }
      branches.push(sequence(parts));
    } while (take(/\|/y));
    return branches.length === 1 ? branches[0]! : choice(branches);
  };

  const whole = alternatives(0);
  if (at < source.length) fail('a group that was not begun');
  return whole;
}

function range(end: number, budget: Budget): number[] {
  budget.spend(end);
  return Array.from({ length: end + 1 }, (_, i) => i);
}
