/**
 * Decodes matrices: rows to f32, a few at a time so that they stay in the cache, then to the requested type; or codes through a table of
 * products.
 */

import { byteSize } from '../../support/dtype.ts';
import { fromF32 } from '../../support/floats.ts';
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
  const out = new Uint8Array((end - start) * columns * byteSize(decoded));
  const step = Math.max(1, Math.floor(CHUNK / Math.max(1, columns)));
  const values = new Float32Array(Math.min(step, end - start) * columns);
  for (let row = start; row < end; row += step) {
    const rows = [row, Math.min(row + step, end)] as const;
    const part = values.subarray(0, (rows[1] - row) * columns);
    decode(rows, part);
    out.set(fromF32(decoded, part), (row - start) * columns * byteSize(decoded));
  }
  return out;
}

/** Decoded values as 16-bit or 32-bit words that hold their bits. */
export type Words = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Allocates room for `count` decoded values. */
export function wordsOf(decoded: Decoded, count: number): Words {
  return decoded === 'f32' ? new Uint32Array(count) : new Uint16Array(count);
}

/** Every byte, in order. */
export const CODES: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, code) => code);

/** All products of a scale and a value, in the decoded type: those of the first scale, then those of the second, … */
export function products(scales: Float32Array, values: Float32Array, decoded: Decoded): Words {
  const all = new Float32Array(scales.length * values.length);
  for (let s = 0; s < scales.length; s++) {
    for (let v = 0; v < values.length; v++) all[s * values.length + v] = scales[s]! * values[v]!;
  }
  const words = wordsOf(decoded, all.length);
  new Uint8Array(words.buffer).set(fromF32(decoded, all));
  return words;
}
