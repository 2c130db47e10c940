/**
 * Decodes matrices: rows to f32, a few at a time so that they stay in the cache until they are narrowed; or codes through a table of
 * products.
 */

import { fromF32, narrow } from '../../support/floats.ts';
import type { Decoded, Rows } from '../files/tensors.ts';

/** Elements decoded at a time, but at least one row. */
const CHUNK = 8192;

/** Decodes rows of `columns` elements: calls `decode` for consecutive ranges of rows, to fill `values`. */
export function decodeRows(
  [start, end]: Rows,
  columns: number,
  decoded: Decoded,
  decode: (rows: Rows, values: Float32Array) => void,
): Uint8Array {
  const count = (end - start) * columns;
  if (decoded === 'f32') {
    const values = new Float32Array(count);
    decode([start, end], values);
    return new Uint8Array(values.buffer);
  }
  const out = new Uint16Array(count);
  const step = Math.max(1, Math.floor(CHUNK / Math.max(1, columns)));
  const values = new Float32Array(Math.min(count, step * columns));
  for (let row = start, at = 0; row < end; row += step, at += values.length) {
    const part = values.subarray(0, count - at);
    decode([row, Math.min(row + step, end)], part);
    narrow(part, decoded, out.subarray(at, at + part.length));
  }
  return new Uint8Array(out.buffer);
}

/** Decoded values as 16-bit or 32-bit words that hold their bits. */
export type BitWords = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Allocates room for `count` decoded values. */
export function wordsOf(decoded: Decoded, count: number): BitWords {
  return decoded === 'f32' ? new Uint32Array(count) : new Uint16Array(count);
}

/** Every byte, in order. */
export const CODES: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, code) => code);

/** All products of a scale and a value, in the decoded type: those of the first scale, then those of the second, … */
export function products(scales: Float32Array, values: Float32Array, decoded: Decoded): BitWords {
  const all = new Float32Array(scales.length * values.length);
  for (let s = 0; s < scales.length; s++) {
    for (let v = 0; v < values.length; v++) all[s * values.length + v] = scales[s]! * values[v]!;
  }
  const words = wordsOf(decoded, all.length);
  new Uint8Array(words.buffer).set(fromF32(decoded, all));
  return words;
}
