/**
 * Special tokens written out in a text, such as `<|endoftext|>`. Three files list them and say whether each is matched before or after
 * the text is normalised; the order of precedence is that of transformers 5 `from_pretrained`.
 */

import { bad, isRecord, type JsonRecord, readRecord } from './files.ts';
import { codePoints, Trie } from './trie.ts';

/** A token that is matched as a whole, ahead of the model. */
export interface AddedToken {
  readonly content: string;
  /** Matched in the normalised text instead of the text as given. */
  readonly normalized: boolean;
  /** Includes the white space on its left, or right. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Matched only where no letter, digit or underscore adjoins. */
  readonly singleWord: boolean;
}

/** The roles transformers knows, in the order it registers them. */
const ROLES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
export type TokenRole = (typeof ROLES)[number];

/** Limits on tokens and on their characters in all; T5 has 103 tokens of 13 characters. */
const MAX_ADDED = 10_000;
const MAX_CHARACTERS = 262_144;

/** The special tokens of a tokenizer folder, and the files that list them; a file that the folder lacks is undefined. */
export interface SpecialTokens {
  readonly config: JsonRecord | undefined;
  readonly tokenizerJson: JsonRecord | undefined;
  /** Every added token by content. */
  readonly added: ReadonlyMap<string, AddedToken>;
  /** The token of each role that has one. */
  readonly roles: ReadonlyMap<TokenRole, string>;
}

/** Collects the special tokens of a tokenizer folder; `standard` gives the roles that no file names. */
export function readSpecialTokens(where: string, standard: Partial<Record<TokenRole, string>>): SpecialTokens {
  const [tokenizerJson, given, map] = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'].map(
    (name) => readRecord(where, name),
  );
  const config = given ?? {};
  const decoder = config['added_tokens_decoder'];
  const explicit = isRecord(decoder);
  const listed: unknown = explicit ? Object.values(decoder) : (tokenizerJson?.['added_tokens'] ?? []);
  if (!Array.isArray(listed) || listed.length > MAX_ADDED) {
    throw bad(where, `added_tokens: expected an array of at most ${MAX_ADDED} tokens`);
  }
  const added = new Map(listed.map((entry) => readToken(entry, where)).map((token) => [token.content, token]));
  const characters = [...added.keys()].reduce((sum, { length }) => sum + length, 0);
  if (characters > MAX_CHARACTERS) {
    throw bad(where, `added_tokens: expected at most ${MAX_CHARACTERS} characters in all, found ${characters}`);
  }

  const listedContents = new Set(added.keys());
  const named: JsonRecord = explicit ? config : { ...config, ...map };
  const roles = new Map<TokenRole, string>();
  for (const role of ROLES) {
    const value = named[role] ?? standard[role];
    if (value === undefined) continue;
    const token = readToken(value, where);
    roles.set(role, token.content);
    // Listed tokens keep their properties; if several roles have the same content, the last role's properties hold.
    if (!listedContents.has(token.content)) added.set(token.content, token);
  }
  return { config: given, tokenizerJson, added, roles };
}

/** The id of the token that plays a role; throws `bad_file` if the vocabulary lacks it. */
export function idOfRole(
  { roles }: SpecialTokens,
  role: TokenRole,
  ids: ReadonlyMap<string, number>,
  where: string,
): number {
  const id = ids.get(roles.get(role)!);
  if (id !== undefined) return id;
  throw bad(where, `${role} '${roles.get(role)}' is not in the vocabulary`);
}

function readToken(value: unknown, where: string): AddedToken {
  const fields: JsonRecord = isRecord(value) ? value : { content: value };
  const content = fields['content'];
  if (typeof content !== 'string' || content === '') {
    throw bad(where, `special token: expected text, found ${content === '' ? 'none' : typeof content}`);
  }
  const flag = (name: string): boolean => fields[name] === true;
  return {
    content,
    normalized: flag('normalized'),
    lstrip: flag('lstrip'),
    rstrip: flag('rstrip'),
    singleWord: flag('single_word'),
  };
}

/** A stretch of text: one special token, or what lies between them. */
interface Section {
  readonly special: boolean;
  readonly text: string;
}

/** Splits text at special tokens, taking the longest of several that begin at the same place. */
export function makeSplitter(
  tokens: Iterable<AddedToken>,
  normalize = (text: string): string => text,
): (text: string) => Section[] {
  const ordered = [...tokens].sort((a, b) => a.content.length - b.content.length);
  const trie = new Trie();
  for (const [i, { content }] of ordered.entries()) if (normalize(content) !== '') trie.add(normalize(content), i);
  return (text) => {
    const points = codePoints(text);
    // Without surrogates, the text itself is the list of its characters.
    const chars = points.length === text.length ? text : Array.from(text);
    const between = (start: number, end: number): string =>
      typeof chars === 'string' ? chars.slice(start, end) : chars.slice(start, end).join('');
    const sections: Section[] = [];
    let at = 0;
    const push = (special: boolean, start: number, end: number, as = between(start, end)): void => {
      if (end > start) sections.push({ special, text: as });
    };
    for (let i = 0; i < chars.length; i++) {
      let best = undefined as { readonly token: AddedToken; readonly end: number } | undefined;
      trie.at(points, i, (index, end) => {
        const token = ordered[index]!;
        const free = !token.singleWord || !(isWord(chars[i - 1]) || isWord(chars[end]));
        if (free) best = { token, end };
      });
      if (!best) continue;
      const { token } = best;
      let [start, end] = [i, best.end];
      if (token.lstrip) while (start > at && isSpace(chars[start - 1])) start--;
      if (token.rstrip) while (isSpace(chars[end])) end++;
      push(false, at, start);
      push(true, start, end, token.content);
      at = end;
      i = end - 1;
    }
    push(false, at, chars.length);
    return sections;
  };
}

function isSpace(char: string | undefined): boolean {
  return char !== undefined && /^\p{White_Space}$/u.test(char);
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /^[\p{L}\p{N}_]$/u.test(char);
}
