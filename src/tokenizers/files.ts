/** The files of a tokenizer folder: JSON of bounded size, checked for the shape that is needed, errors with the path. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { FluxionError } from '../support/errors.ts';
import { readRegular } from '../support/regular-file.ts';
import { decodeText } from '../support/text.ts';

const MAX_BYTES = 64 * 2 ** 20;
const MAX_VOCABULARY = 4_194_304;
/** Most characters in a piece: SentencePiece makes pieces of up to 16; a few are added by hand. */
const LONGEST_PIECE = 128;
/** Most characters in all pieces; mT5's 250,000 pieces have 2 million. */
const MAX_PIECES = 8 * 2 ** 20;

/** A parsed JSON object whose values are still unknown. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Reads a text file of a tokenizer folder, without a byte order mark; undefined when it is not there. */
export function readText(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
  return decodeText(readRegular(path, MAX_BYTES), path);
}

/** Reads a JSON object of a tokenizer folder; undefined when the file is not there. */
export function readRecord(folder: string, name: string): JsonRecord | undefined {
  const text = readText(folder, name);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch (cause) {
    throw new FluxionError('bad_file', `${join(folder, name)}: not valid JSON: ${(cause as Error).message}`, { cause });
  }
  throw bad(join(folder, name), 'expected a JSON object');
}

/** Returns the length in tokens that a tokenizer was made for, at most `most`; transformers writes an absurd length if none is known. */
export function readMaxLength(config: JsonRecord | undefined, most: number): number {
  const value = config?.['model_max_length'];
  return Number.isInteger(value) && (value as number) >= 2 ? Math.min(value as number, most) : most;
}

/** The error for a file that is not as expected. */
export function bad(where: string, message: string): FluxionError {
  return new FluxionError('bad_file', `${where}: ${message}`);
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the object at `key`; throws `bad_file` naming `where` if the value is not an object. */
export function recordAt(record: JsonRecord, key: string, where: string): JsonRecord {
  const value = record[key];
  if (isRecord(value)) return value;
  throw bad(where, `${key}: expected an object`);
}

/** Checks a token → id table of a BPE model. */
export function checkVocabulary(value: unknown, where: string): Readonly<Record<string, number>> {
  if (!isRecord(value)) throw bad(where, 'vocab: expected an object of token ids');
  for (const token in value) {
    const id = value[token];
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_VOCABULARY) continue;
    throw bad(where, `vocab: '${token.slice(0, 80)}': expected an id below ${MAX_VOCABULARY}`);
  }
  return value as Readonly<Record<string, number>>;
}

/** Checks a list of [token, log probability] pairs of a Unigram model. */
export function checkPieces(value: unknown, where: string): [token: string, score: number][] {
  const fits = Array.isArray(value) && value.length > 0 && value.length < MAX_VOCABULARY;
  if (!fits) throw bad(where, 'vocab: expected [token, score] pairs');
  let total = 0;
  for (const [i, piece] of value.entries()) {
    const pair =
      Array.isArray(piece) && piece.length === 2 && typeof piece[0] === 'string' && Number.isFinite(piece[1]);
    if (!pair) throw bad(where, `vocab[${i}]: expected a [token, score] pair`);
    if (piece[0].length > LONGEST_PIECE)
      throw bad(where, `vocab[${i}]: expected at most ${LONGEST_PIECE} characters, found ${piece[0].length}`);
    total += piece[0].length;
  }
  if (total > MAX_PIECES)
    throw bad(where, `vocab: expected pieces of at most ${MAX_PIECES} characters in all, found ${total}`);
  return value;
}

/** Checks the merges of a BPE model, in either spelling: `"a b"` or `["a", "b"]`. */
export function checkMerges(value: unknown, where: string): [left: string, right: string][] {
  const fits = Array.isArray(value) && value.length < MAX_VOCABULARY;
  if (!fits) throw bad(where, 'merges: expected an array');
  return value.map((merge: unknown, i) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string') {
      if (pair[0].length + pair[1].length <= LONGEST_PIECE) return pair as [string, string];
      throw bad(where, `merges[${i}]: expected at most ${LONGEST_PIECE} characters`);
    }
    throw bad(where, `merges[${i}]: expected two tokens`);
  });
}
