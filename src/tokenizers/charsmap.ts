/**
 * SentencePiece's precompiled normalisation: a map from byte strings to replacements, kept as a double-array trie. As in the Rust
 * `spm_precompiled` crate, a short grapheme is looked up whole, and the replacement of its shortest matching prefix replaces all of it.
 * Format: u32 trie size in bytes, trie units (u32), then the replacements, each ended by a zero byte; all little-endian.
 */

import { bad } from './files.ts';

const UTF8 = new TextEncoder();
/** Graphemes of more bytes are looked up character by character. */
const LONGEST_GRAPHEME = 5;
/** Most bytes in a replacement; T5's longest has 33. */
const LONGEST_REPLACEMENT = 64;

/** Reads a base64 `precompiled_charsmap` and returns the normalisation it describes; throws `bad_file` naming `where`. */
export function makeCharsmap(base64: string, where: string): (text: string) => string {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  const trieBytes = bytes.length >= 4 ? new DataView(bytes.buffer).getUint32(0, true) : 0;
  if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    throw bad(where, `precompiled_charsmap: a trie of ${trieBytes} bytes in ${bytes.length}`);
  }
  const trie = new Uint32Array(bytes.buffer.slice(4, 4 + trieBytes));
  const replacements = bytes.subarray(4 + trieBytes);
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const decoder = new TextDecoder();

  /** The replacement of the shortest prefix of `key` that has one. */
  const lookUp = (key: Uint8Array): string | undefined => {
    let at = offset(trie[0]!);
    for (const byte of key) {
      if (byte === 0) return undefined;
      at ^= byte;
      const unit = trie[at];
      if (unit === undefined || label(unit) !== byte) return undefined;
      at ^= offset(unit);
      if (hasLeaf(unit)) {
        const start = value(trie[at] ?? 0);
        const replacement = replacements.subarray(start, start + LONGEST_REPLACEMENT + 1);
        const end = replacement.indexOf(0);
        if (end === -1 && replacement.length > LONGEST_REPLACEMENT) {
          throw bad(where, `precompiled_charsmap: a replacement of over ${LONGEST_REPLACEMENT} bytes`);
        }
        return decoder.decode(end === -1 ? replacement : replacement.subarray(0, end));
      }
    }
    return undefined;
  };

  return (text) => {
    let out = '';
    for (const { segment } of graphemes.segment(text)) {
      const key = UTF8.encode(segment);
      const whole = key.length <= LONGEST_GRAPHEME ? lookUp(key) : undefined;
      if (whole !== undefined) out += whole;
      else for (const char of segment) out += lookUp(UTF8.encode(char)) ?? char;
    }
    return out;
  };
}

// A unit of a Darts double array: label, leaf flag and offset to the children, or a value.
const label = (unit: number): number => (unit & 0x800000ff) >>> 0;
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;
const value = (unit: number): number => unit & 0x7fffffff;
const offset = (unit: number): number => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
