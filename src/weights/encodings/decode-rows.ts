/** Decoding a matrix by rows: to f32 a few at a time, while they are in the cache, then to the type that is asked for. */

import { byteSize } from '../../support/dtype.ts';
import { fromF32 } from '../../support/floats.ts';
import type { Decoded, Rows } from '../files/tensors.ts';

/** Elements decoded at a time, or one row where that is more. */
const CHUNK = 8192;

/** Decodes rows of `columns` elements into `values`: `decode` is called for consecutive ranges of rows. */
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
