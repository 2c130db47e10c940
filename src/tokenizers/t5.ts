/**
 * The T5 tokenizer: a Unigram model over SentencePiece pieces, each word begun by `▁`. Reads `tokenizer.json`. As transformers 5
 * does, only the pieces, the character map and the special tokens come from the file: the pipeline is T5's.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FluxionError } from '../support/errors.ts';
import { idOfRole, makeSplitter, readSpecialTokens, type TokenRole } from './added-tokens.ts';
import { makeCharsmap } from './charsmap.ts';
import { bad, checkPieces, isRecord, type JsonRecord, readMaxLength, readRecord, recordAt } from './files.ts';
import { makeTokenizer, type Tokenizer } from './tokenizer.ts';
import { makeUnigram } from './unigram.ts';

/** FLUX.1's longest prompt, in tokens. */
export const LONGEST_PROMPT = 512;
const SPACE = '▁';
/** Piece that stands for unknown text in every T5 vocabulary. */
const UNKNOWN_ID = 2;

/** Loads the T5 tokenizer of a folder; throws `not_found`, `unsupported` or `bad_file` naming the file. */
export function loadT5Tokenizer(folder: string): Tokenizer {
  const path = join(folder, 'tokenizer.json');
  const special = readSpecialTokens(folder, { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' });
  const { tokenizerJson } = special;
  if (!tokenizerJson) throw missing(folder, path);
  const pieces = checkPieces(recordAt(tokenizerJson, 'model', path)['vocab'], path);
  if (pieces.length <= UNKNOWN_ID) throw bad(path, `vocab: ${pieces.length} pieces are too few`);
  const model = makeUnigram(pieces, UNKNOWN_ID);

  const { ids } = model;
  const idOf = (role: TokenRole): number => idOfRole(special, role, ids, path);
  const split = makeSplitter([...special.added.values()].filter(({ content }) => ids.has(content)));
  const charsmap = findCharsmap(tokenizerJson['normalizer']);
  const normalize = charsmap === undefined ? (text: string) => text : makeCharsmap(charsmap, path);

  return makeTokenizer({
    maxLength: readMaxLength(special.config, LONGEST_PROMPT),
    prefix: [],
    suffix: [idOf('eos_token')],
    padId: idOf('pad_token'),
    ids,
    unknownId: UNKNOWN_ID,
    tokenize: (text) =>
      split(text).flatMap(({ special, text }) => (special ? [text] : words(normalize(text)).flatMap(model.split))),
    spell: (tokens) => tokens.join('').replaceAll(SPACE, ' ').trim(),
  });
}

/** Reads the length in tokens that a folder's T5 tokenizer was made for, at most FLUX.1's 512. */
export function readT5MaxLength(folder: string): number {
  return readMaxLength(readRecord(folder, 'tokenizer_config.json'), LONGEST_PROMPT);
}

/** Splits at white space, begins every word with ▁, and splits before each ▁ within. */
function words(text: string): string[] {
  return (text.match(/\P{White_Space}+/gu) ?? []).flatMap((word) =>
    (word.startsWith(SPACE) ? word : SPACE + word).split(/(?=▁)/u),
  );
}

/** The first precompiled character map of a normaliser, which may be a sequence. */
function findCharsmap(normalizer: unknown): string | undefined {
  if (!isRecord(normalizer)) return undefined;
  const steps: unknown = normalizer['type'] === 'Sequence' ? normalizer['normalizers'] : [normalizer];
  const found = Array.isArray(steps)
    ? steps.find((step: unknown) => isRecord(step) && step['type'] === 'Precompiled')
    : undefined;
  const charsmap = (found as JsonRecord | undefined)?.['precompiled_charsmap'];
  return typeof charsmap === 'string' ? charsmap : undefined;
}

function missing(folder: string, path: string): FluxionError {
  if (existsSync(join(folder, 'spiece.model'))) {
    return new FluxionError('unsupported', `${folder}: has only spiece.model; looked for ${path}`, {
      hint: 'download tokenizer.json of the same repository, or write it with transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)',
    });
  }
  return new FluxionError('not_found', `${path}: no T5 tokenizer there`);
}
