/**
 * The CLIP tokenizer: lower-cased byte-level BPE with an end-of-word mark, 77 tokens. Reads `vocab.json` and `merges.txt`, or
 * `tokenizer.json`. As transformers 5 does, only vocabulary, merges and special tokens come from the files: the pipeline is CLIP's.
 */

import { FluxionError } from '../support/errors.ts';
import { idOfRole, makeSplitter, readSpecialTokens, type TokenRole } from './added-tokens.ts';
import { checkMerges, checkVocabulary, readMaxLength, readRecord, readText, recordAt } from './files.ts';
import { BPE } from './models.ts';
import { INERT_IN_COMPOSITION, UNKNOWN_LETTERS } from './newer-unicode.ts';
import { makeTokenizer, type Tokenizer } from './tokenizer.ts';

/** Positions of every published CLIP text encoder. */
const MAX_LENGTH = 77;
const END_OF_WORD = '</w>';

const LETTER = `[\\p{L}--[${UNKNOWN_LETTERS}]]`;
const NUMBER = `[\\p{N}--[${UNKNOWN_LETTERS}]]`;
const OTHER = `[[^\\p{White_Space}\\p{L}\\p{N}]${UNKNOWN_LETTERS}]`;
/** Words, single digits and runs of anything else; white space separates. */
const WORDS = new RegExp(
  `<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|${LETTER}+|${NUMBER}|${OTHER}+`,
  'gv',
);
/** GPT-2's split, applied to each word in turn: it splits an `<|endoftext|>` that was not matched as a special token. */
const GPT2_WORDS = new RegExp(`'s|'t|'re|'ve|'m|'ll|'d|${LETTER}+|${NUMBER}+|${OTHER}+`, 'gv');
const COMPOSABLE = new RegExp(`[^${INERT_IN_COMPOSITION}]+`, 'gv');

/** Loads the CLIP tokenizer of a folder; throws `not_found` or `bad_file` naming the file. */
export function loadClipTokenizer(folder: string): Tokenizer {
  const special = readSpecialTokens(folder, {
    bos_token: '<|startoftext|>',
    eos_token: '<|endoftext|>',
    unk_token: '<|endoftext|>',
    pad_token: '<|endoftext|>',
  });
  const { tokenizerJson } = special;
  const source = tokenizerJson
    ? recordAt(tokenizerJson, 'model', `${folder}/tokenizer.json`)
    : readVocabularyAndMerges(folder);
  const model = new BPE({
    type: 'BPE',
    vocab: checkVocabulary(source['vocab'], folder),
    merges: checkMerges(source['merges'], folder),
    unk_token: special.roles.get('unk_token')!,
    end_of_word_suffix: END_OF_WORD,
  });

  const { tokens_to_ids: ids } = model;
  const idOf = (role: TokenRole): number => idOfRole(special, role, ids, folder);
  const unknownId = idOf('unk_token');
  const known = [...special.added.values()].filter(({ content }) => ids.has(content));
  const splitRaw = makeSplitter(known.filter((token) => !token.normalized));
  const splitNormalized = makeSplitter(
    known.filter((token) => token.normalized),
    normalize,
  );

  return makeTokenizer({
    maxLength: readMaxLength(special.config, MAX_LENGTH),
    prefix: [idOf('bos_token')],
    suffix: [idOf('eos_token')],
    padId: idOf('pad_token'),
    ids,
    unknownId,
    tokenize: (text) =>
      splitRaw(text)
        .flatMap((section) => (section.special ? [section] : splitNormalized(normalize(section.text))))
        .flatMap((section) => (section.special ? [section.text] : model(words(section.text)))),
    spell: spellBytes,
  });
}

function readVocabularyAndMerges(folder: string): { vocab: unknown; merges: string[] } {
  const vocab = readRecord(folder, 'vocab.json');
  const merges = readText(folder, 'merges.txt');
  if (!vocab || merges === undefined) {
    throw new FluxionError(
      'not_found',
      `${folder}: no CLIP tokenizer; looked for tokenizer.json, or vocab.json and merges.txt`,
    );
  }
  const lines = merges.split(/\r?\n/).filter((line) => line !== '');
  return { vocab, merges: lines[0]?.startsWith('#version') ? lines.slice(1) : lines };
}

/** More marks in a row than any script has; sorting them takes quadratic time. */
const MANY_MARKS = /\p{M}{1024}/u;
const MARKS = /\P{M}*\p{M}{0,1024}/gu;

/** NFC; absurdly many marks on one character are normalised 1,024 at a time. */
function compose(run: string): string {
  if (!MANY_MARKS.test(run)) return run.normalize('NFC');
  return run.replace(MARKS, (part) => part.normalize('NFC'));
}

/** Composes, makes every run of white space one space, and lower-cases each character by itself (no final sigma). */
function normalize(text: string): string {
  const composed = text.replace(COMPOSABLE, compose);
  const spaced = composed.replace(/\p{White_Space}+/gu, ' ');
  return spaced.includes('Σ') ? Array.from(spaced, (char) => char.toLowerCase()).join('') : spaced.toLowerCase();
}

/** Splits normalised text into words, each byte of which is written as a printable character. */
function words(text: string): string[] {
  return (text.match(WORDS) ?? []).flatMap((word) =>
    (word.match(GPT2_WORDS) ?? []).map((word) =>
      Array.from(UTF8.encode(word), (byte) => BYTE_CHARACTERS[byte]).join(''),
    ),
  );
}

/** GPT-2's printable stand-ins for bytes: themselves where printable, else the characters from U+0100 on. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  const printable = (byte: number): boolean => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();
const BYTES = new Map(BYTE_CHARACTERS.map((char, byte) => [char, byte]));
const UTF8 = new TextEncoder();

function spellBytes(tokens: readonly string[]): string {
  const text = tokens.map((token) => token.replace(END_OF_WORD, ' ')).join('');
  const bytes = Array.from(text, (char) => BYTES.get(char) ?? 0x20);
  return new TextDecoder().decode(Uint8Array.from(bytes)).trim();
}
