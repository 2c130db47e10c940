/**
 * Byte-pair encoding, from `@huggingface/tokenizers`. Its type declarations do not resolve under `nodenext` (their imports
 * lack extensions), so the little that is used is typed here.
 */

import * as huggingface from '@huggingface/tokenizers';

/** A subword model: splits words into tokens it knows; an unknown stretch comes back as it is. */
export interface SubwordModel {
  (words: readonly string[]): string[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
}

interface Constructors {
  readonly BPE: new (config: {
    type: 'BPE';
    vocab: Readonly<Record<string, number>>;
    merges: readonly (readonly [string, string])[];
    unk_token: string;
    end_of_word_suffix: string;
  }) => SubwordModel;
}

const constructors = huggingface as unknown as Constructors;

/** Byte-pair encoding by merge rank. */
export const BPE: Constructors['BPE'] = constructors.BPE;
