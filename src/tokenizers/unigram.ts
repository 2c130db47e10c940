/**
 * A Unigram model (https://arxiv.org/abs/1804.10959): splits a word so that its pieces' log probabilities have the largest sum. Like the
 * Rust `tokenizers` crate, it sums in f64, breaks ties by the split whose last piece begins first, and fuses unknown characters.
 */

import { codePoints, Trie } from './trie.ts';

/** The log probability of an unknown character is this far below that of the least likely piece. */
const UNKNOWN_PENALTY = 10;

export interface Unigram {
  readonly ids: ReadonlyMap<string, number>;
  /** Splits a word into pieces; a stretch of unknown characters comes back as it is. Time is linear in the word. */
  split(word: string): string[];
}

/** Builds a model from pieces with log probabilities; `unknown` is the id of the piece that stands for unknown text. */
export function makeUnigram(pieces: readonly (readonly [piece: string, score: number])[], unknown: number): Unigram {
  const ids = new Map(pieces.map(([piece], id) => [piece, id]));
  const scores = Float64Array.from(pieces, ([, score]) => score);
  const unknownScore =
    scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY;
  scores[unknown] = unknownScore;
  const trie = new Trie();
  for (const [piece, id] of ids) trie.add(piece, id);

  return {
    ids,
    split(word) {
      const text = codePoints(word);
      const best = new Float64Array(text.length + 1).fill(Number.NEGATIVE_INFINITY);
      const begins = new Int32Array(text.length + 1).fill(-1);
      const pieceAt = new Int32Array(text.length + 1).fill(-1);
      best[0] = 0;
      for (let start = 0; start < text.length; start++) {
        let single = false;
        const offer = (id: number, end: number): void => {
          if (end === start + 1) single = true;
          const score = best[start]! + scores[id]!;
          if (begins[end] !== -1 && !(score > best[end]!)) return;
          best[end] = score;
          begins[end] = start;
          pieceAt[end] = id;
        };
        trie.at(text, start, offer);
        if (!single) offer(unknown, start + 1);
      }
      const found: string[] = [];
      let run = text.length;
      for (let end = text.length; end > 0; end = begins[end]!) {
        const begin = begins[end]!;
        // Unknown characters are gathered until a piece, or the start, ends their run.
        if (pieceAt[end] === unknown && begin > 0 && pieceAt[begin] === unknown) continue;
        found.push(spell(text, begin, run));
        run = begin;
      }
      return found.reverse();
    },
  };
}

function spell(text: Uint32Array, begin: number, end: number): string {
  let out = '';
  for (let i = begin; i < end; i++) out += String.fromCodePoint(text[i]!);
  return out;
}
