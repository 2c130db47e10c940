/**
 * Turns text into token ids of a fixed length for a text encoder. The CLIP and T5 tokenizers share this frame: find special tokens, split and
 * look up the rest, then truncate, end and pad. Every id equals that of transformers 5.
 */

import { FluxionError } from '../support/errors.ts';

/** A prompt as token ids. */
export interface TokenizedPrompt {
  /** Ids with the end token, padded to the requested length. */
  readonly ids: Int32Array;
  /** Ids before padding, the end token included. */
  readonly length: number;
  /** The text that did not fit, as its tokens spell it; undefined if everything fit. */
  readonly truncated: string | undefined;
}

/** Turns text into token ids. */
export interface Tokenizer {
  /** Default length of an encoding, in tokens. */
  readonly maxLength: number;
  /** Encodes text to exactly `maxLength` ids; throws `bad_request` for a length that cannot hold the special tokens. */
  encode(text: string, maxLength?: number): TokenizedPrompt;
}

/** The parts in which tokenizers differ. */
export interface TokenizerParts {
  readonly maxLength: number;
  /** Ids put before every text. */
  readonly prefix: readonly number[];
  /** Ids put after every text, even a truncated one. */
  readonly suffix: readonly number[];
  readonly padId: number;
  /** Ids by token, and the id of all other tokens. */
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number;
  /** Finds the tokens of a text, special tokens included. */
  tokenize(text: string): string[];
  /** Spells tokens out again, for messages. */
  spell(tokens: readonly string[]): string;
}

const LONGEST = 65_536;

/** Builds a tokenizer from its parts. */
export function makeTokenizer({
  maxLength: standard,
  prefix,
  suffix,
  padId,
  ids: idsByToken,
  unknownId,
  tokenize,
  spell,
}: TokenizerParts): Tokenizer {
  const added = prefix.length + suffix.length;
  return {
    maxLength: standard,
    encode(text, maxLength = standard) {
      if (!Number.isInteger(maxLength) || maxLength < added || maxLength > LONGEST) {
        throw new FluxionError(
          'bad_request',
          `a prompt's length must be ${added} to ${LONGEST} tokens, not ${maxLength}`,
        );
      }
      // A lone surrogate becomes U+FFFD, as it would in UTF-8.
      const tokens = tokenize(text.toWellFormed());
      const room = maxLength - added;
      const found = tokens.slice(0, room).map((token) => idsByToken.get(token) ?? unknownId);
      const kept = [...prefix, ...found, ...suffix];
      const ids = new Int32Array(maxLength).fill(padId);
      ids.set(kept);
      const cut = tokens.slice(room);
      return { ids, length: kept.length, truncated: cut.length > 0 ? spell(cut) : undefined };
    },
  };
}
