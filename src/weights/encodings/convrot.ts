/**
 * Rotated integer weights (ConvRot): the columns of every group were multiplied by a Hadamard matrix before rounding, so that no column has
 * outliers; decoding rotates them back. The matrix is a Kronecker power of ½ [1 1 1 −1; 1 1 −1 1; 1 −1 1 1; −1 1 1 1], symmetric and its own
 * inverse. Because a row has one scale, the integers themselves are rotated, in exact sums, and each result is rounded once.
 * Sources: comfy-kitchen `tensor/int8.py`, `tensor/int8_utils.py`, `tensor/convrot_w4a4.py`.
 */

import type { Decoded, TensorReader, TensorStore } from '../files/tensors.ts';
import { misfit, readFloats, requireFloats } from './companions.ts';
import { decodeRows } from './decode-rows.ts';

/** Sums of this many 8-bit integers are exact in 32 bits; no matrix of a model is wider. */
const MAX_GROUP = 4 ** 8;

export interface Rotation {
  /** Bits of an integer; two of 4 share a byte, the first in its lower half. */
  readonly bits: 8 | 4;
  /** Columns that were rotated together, a power of 4. */
  readonly group: number;
  /** Key of the scales, one for each row. */
  readonly scaleKey: string;
}

/** Decodes a weight with rotated columns; throws `bad_file` for groups and scales that do not fit. */
export function rotatedWeight(
  store: TensorStore,
  key: string,
  { bits, group, scaleKey }: Rotation,
  decoded: Decoded,
): TensorReader {
  const { shape, file, dtype } = store.info(key);
  const [rows = 0, bytes = 0] = shape;
  const columns = (bytes * 8) / bits;
  if (shape.length !== 2 || (dtype !== 'i8' && !(dtype === 'u8' && bits === 4))) {
    throw misfit(store, key, `a matrix of i8, which hold ${bits}-bit integers, as its description says`);
  }
  if (!(group >= 4 && group <= MAX_GROUP && Number.isInteger(Math.log2(group) / 2) && columns % group === 0)) {
    throw misfit(store, key, `columns in rotated groups of ${group}, a power of 4, as its description says`);
  }
  requireFloats(store, scaleKey, rows, `a scale for each row of ${key}`);
  // Read on first use: opening a file reads only its header.
  let scales: Float32Array | undefined;
  const norm = 1 / Math.sqrt(group);
  const sums = new Int32Array(group);
  return {
    info: { dtype: decoded, shape: [rows, columns], file, encoding: `rotated i${bits}` },
    bytes(range) {
      scales ??= readFloats(store, scaleKey);
      const unpack = bits === 8 ? unpackBytes : unpackNibbles;
      const rowScales = scales;
      const codes = store.bytes(key, range);
      return decodeRows(range, columns, decoded, ([start, end], values) => {
        for (let row = start; row < end; row++) {
          const from = (row - range[0]) * bytes;
          // `norm` is a power of two, so the factor is exact and each value is rounded only once.
          turnRow(
            codes.subarray(from, from + bytes),
            unpack,
            sums,
            rowScales[row]! * norm,
            values,
            (row - start) * columns,
          );
        }
      });
    },
    raw: (range) => store.bytes(key, range),
  };
}

/** Rotates one row's codes back, group by group in `sums`, and writes them times `scale` from `to` on. */
function turnRow(
  codes: Uint8Array,
  unpack: typeof unpackBytes,
  sums: Int32Array,
  scale: number,
  values: Float32Array,
  to: number,
): void {
  for (let from = 0, at = to; from < codes.length; at += sums.length) {
    from = unpack(codes, from, sums);
    for (let stride = 4; stride < sums.length; stride *= 4) turnDigit(sums, stride);
    for (let i = 0; i < sums.length; i++) values[at + i] = sums[i]! * scale;
  }
}

/** Fills `sums` with integers from byte `from` on, rotated along the last base-4 digit of their position; returns the next byte's index. */
function unpackBytes(codes: Uint8Array, from: number, sums: Int32Array): number {
  for (let i = 0, at = from; i < sums.length; i += 4, at += 4) {
    const a = codes[at]!;
    const b = codes[at + 1]!;
    const c = codes[at + 2]!;
    const d = codes[at + 3]!;
    turnFour(sums, i, 1, (a << 24) >> 24, (b << 24) >> 24, (c << 24) >> 24, (d << 24) >> 24);
  }
  return from + sums.length;
}

function unpackNibbles(codes: Uint8Array, from: number, sums: Int32Array): number {
  for (let i = 0, at = from; i < sums.length; i += 4, at += 2) {
    const a = codes[at]!;
    const b = codes[at + 1]!;
    turnFour(sums, i, 1, (a << 28) >> 28, (a << 24) >> 28, (b << 28) >> 28, (b << 24) >> 28);
  }
  return from + sums.length / 2;
}

/** Rotates along the base-4 digit worth `stride`: a Kronecker product acts on each digit separately. */
function turnDigit(sums: Int32Array, stride: number): void {
  for (let base = 0; base < sums.length; base += 4 * stride) {
    for (let i = base; i < base + stride; i++) {
      turnFour(sums, i, stride, sums[i]!, sums[i + stride]!, sums[i + 2 * stride]!, sums[i + 3 * stride]!);
    }
  }
}

/** Writes [1 1 1 −1; 1 1 −1 1; 1 −1 1 1; −1 1 1 1] times four integers; `| 0` keeps them in 32 bits, where they are exact. */
function turnFour(sums: Int32Array, at: number, stride: number, a: number, b: number, c: number, d: number): void {
  const ab = (a + b) | 0;
  const cd = (c + d) | 0;
  const aLessB = (a - b) | 0;
  const cLessD = (c - d) | 0;
  sums[at] = (ab + cLessD) | 0;
  sums[at + stride] = (ab - cLessD) | 0;
  sums[at + 2 * stride] = (aLessB + cd) | 0;
  sums[at + 3 * stride] = (cd - aLessB) | 0;
}
