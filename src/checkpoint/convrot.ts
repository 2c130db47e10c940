/**
 * Rotated integer weights (ConvRot): the columns of every group were multiplied by a Hadamard matrix before they were rounded, so that no
 * column sticks out, and are turned back here. The matrix is the Kronecker power of [1 1 1 −1; 1 1 −1 1; 1 −1 1 1; −1 1 1 1] over two: it
 * is symmetric and its own inverse. As a row has one scale, it is the integers that are turned, in exact sums; each is rounded once.
 * Sources: comfy-kitchen `tensor/int8.py`, `tensor/int8_utils.py`, `tensor/convrot_w4a4.py`.
 */

import { misfit, readFloats, requireFloats } from './companions.ts';
import { decodeRows } from './decode-rows.ts';
import type { Decoded, DerivedTensor, TensorStore } from './tensors.ts';

/** Sums of this many bytes are exact in 32 bits, and more than this no matrix of a model is wide. */
const MAX_GROUP = 4 ** 8;

export interface Rotation {
  /** Bits of an integer; two of 4 share a byte, the first in its lower half. */
  readonly bits: 8 | 4;
  /** Columns that were rotated together, a power of 4. */
  readonly group: number;
  /** Key of the scales, one for each row. */
  readonly scaleKey: string;
}

/** Integers in rotated columns as the weight they were made of; throws `bad_file` for groups and scales that do not fit. */
export function rotatedWeight(
  store: TensorStore,
  key: string,
  { bits, group, scaleKey }: Rotation,
  decoded: Decoded,
): DerivedTensor {
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
  // Read when needed: a file is opened by its header alone.
  let scales: Float32Array | undefined;
  const norm = 1 / Math.sqrt(group);
  const sums = new Int32Array(group);
  return {
    info: { dtype: decoded, shape: [rows, columns], file, encoding: `rotated i${bits}` },
    bytes(range) {
      scales ??= readFloats(store, scaleKey);
      const unpack = bits === 8 ? unpack8 : unpack4;
      const rowScales = scales;
      const codes = store.bytes(key, range);
      return decodeRows(range, columns, decoded, ([start, end], values) => {
        let at = 0;
        for (let row = start; row < end; row++) {
          // A power of two and one factor: the product of a sum is rounded once.
          const scale = rowScales[row]! * norm;
          for (let column = 0; column < columns; column += group) {
            unpack(codes, (((row - range[0]) * columns + column) * bits) / 8, sums);
            rotate(sums);
            for (let i = 0; i < group; i++) values[at++] = sums[i]! * scale;
          }
        }
      });
    },
    raw: (range) => store.bytes(key, range),
  };
}

function unpack8(codes: Uint8Array, from: number, out: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = (codes[from + i]! << 24) >> 24;
}

function unpack4(codes: Uint8Array, from: number, out: Int32Array): void {
  for (let i = 0; i < out.length; i += 2) {
    const byte = codes[from + (i >> 1)]!;
    out[i] = (byte << 28) >> 28;
    out[i + 1] = (byte << 24) >> 28;
  }
}

/** Multiplies by the unscaled Hadamard matrix in place, along one base-4 digit of the position after the other. */
function rotate(values: Int32Array): void {
  for (let stride = 1; stride < values.length; stride *= 4) {
    for (let base = 0; base < values.length; base += 4 * stride) rotateFours(values, base, stride);
  }
}

/** Makes of each four, `stride` apart, their sums with one of them taken away; `| 0` keeps the arithmetic in 32 bits, where it is exact. */
function rotateFours(values: Int32Array, base: number, stride: number): void {
  const [second, third, fourth] = [base + stride, base + 2 * stride, base + 3 * stride];
  for (let i = 0; i < stride; i++) {
    const a = values[base + i]!;
    const b = values[second + i]!;
    const c = values[third + i]!;
    const d = values[fourth + i]!;
    values[base + i] = (a + b + (c - d)) | 0;
    values[second + i] = (a + b - (c - d)) | 0;
    values[third + i] = (a - b + (c + d)) | 0;
    values[fourth + i] = (c + d - (a - b)) | 0;
  }
}
