/** Matrices of a LoRA file, and the few products of them that the host computes. */

import { byteSize, type DType } from '../../support/dtype.ts';
import { toF32 } from '../../support/floats.ts';

/** A matrix in row-major order; a vector is a matrix of one column. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly dtype: DType;
  readonly bytes: Uint8Array;
}

/** B · A, for A [rank, in] and B [out, rank]. */
export interface Product {
  readonly rank: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** The change to a weight before it is placed: a difference, a product or both. */
export interface Change {
  readonly difference: Float32Array | undefined;
  readonly product: Product | undefined;
}

/** Multiplies [n, k] by [k, m] in f32, wherever that is fast: products of whole weights have 10⁹ terms. */
export type Multiply = (left: Matrix, right: Matrix) => Promise<Float32Array>;

/** What a difference is calculated from. */
export interface Base {
  /** Rows `start` to `end` of what the file calls the module's weight, before any adapter, in f32; the caller may change them. */
  rows(start: number, end: number): Float32Array;
  readonly multiply: Multiply;
}

/** Lays a matrix over f32 values. */
export function matrixOf(rows: number, columns: number, values: Float32Array): Matrix {
  return { rows, columns, dtype: 'f32', bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** Reads a matrix as f32 values, row by row, in a copy that the caller may change. */
export function valuesOf({ rows, columns, dtype, bytes }: Matrix): Float32Array {
  return toF32(dtype, dtype === 'f32' ? bytes.slice() : bytes, rows * columns);
}

/** Rows `start` to `end`, without a copy. */
export function rowsOf(matrix: Matrix, start: number, end: number): Matrix {
  const row = matrix.columns * byteSize(matrix.dtype);
  const { columns, dtype, bytes } = matrix;
  return { rows: end - start, columns, dtype, bytes: bytes.subarray(start * row, end * row) };
}

/** The product of [n, k] and [k, m] in f32, for small matrices. */
export function multiply(left: Matrix, right: Matrix): Float32Array {
  const { rows: n, columns: k } = left;
  const m = right.columns;
  const a = valuesOf(left);
  const b = valuesOf(right);
  const out = new Float32Array(n * m);
  for (let i = 0; i < n; i++) {
    const row = out.subarray(i * m, (i + 1) * m);
    for (let j = 0; j < k; j++) {
      const factor = a[i * k + j]!;
      if (factor === 0) continue;
      for (let c = 0, at = j * m; c < m; c++, at++) row[c]! += factor * b[at]!;
    }
  }
  return out;
}

/** Rows `start` to `end` of the Kronecker product of [a, b] and [c, d], which is [a·c, b·d]. */
export function kronecker(left: Matrix, right: Matrix, start = 0, end: number = left.rows * right.rows): Float32Array {
  const x = valuesOf(left);
  const y = valuesOf(right);
  const columns = left.columns * right.columns;
  const out = new Float32Array((end - start) * columns);
  for (let row = start; row < end; row++) {
    const [i, k] = [Math.floor(row / right.rows), row % right.rows];
    for (let j = 0; j < left.columns; j++) {
      const factor = x[i * left.columns + j]!;
      const at = (row - start) * columns + j * right.columns;
      for (let l = 0; l < right.columns; l++) out[at + l] = factor * y[k * right.columns + l]!;
    }
  }
  return out;
}

/**
 * Two low-rank products multiplied element by element, as one low-rank product of rank r·s:
 * (B₁A₁) ∘ (B₂A₂) = B·A, where column (i, j) of B is B₁'s column i times B₂'s column j, and likewise for A's rows.
 */
export function hadamard(
  [b1, a1]: readonly [Matrix, Matrix],
  [b2, a2]: readonly [Matrix, Matrix],
): { readonly a: Matrix; readonly b: Matrix } {
  const [r, s, width] = [a1.rows, a2.rows, a1.columns];
  const [x, y] = [valuesOf(a1), valuesOf(a2)];
  const a = new Float32Array(r * s * width);
  for (let i = 0; i < r; i++)
    for (let j = 0; j < s; j++)
      for (let c = 0; c < width; c++) a[(i * s + j) * width + c] = x[i * width + c]! * y[j * width + c]!;
  const b = new Float32Array(b1.rows * r * s);
  for (let n = 0; n < b1.rows; n++) b.set(kronecker(rowsOf(b1, n, n + 1), rowsOf(b2, n, n + 1)), n * r * s);
  return { a: matrixOf(r * s, width, a), b: matrixOf(b1.rows, r * s, b) };
}

/** Whether every value is finite; 16-bit types are checked by their exponents, two values at a time. */
export function allFinite({ dtype, bytes }: Pick<Matrix, 'dtype' | 'bytes'>, count: number): boolean {
  if (dtype !== 'bf16' && dtype !== 'f16') return toF32(dtype, bytes, count).every((value) => Number.isFinite(value));
  const low = dtype === 'bf16' ? 0x7f80 : 0x7c00;
  const high = low << 16;
  const even = count - (count % 2);
  const pairs = new Uint32Array(
    bytes.byteOffset % 4 === 0 ? bytes.buffer : bytes.slice().buffer,
    bytes.byteOffset % 4 === 0 ? bytes.byteOffset : 0,
    even / 2,
  );
  for (let i = 0; i < pairs.length; i++) {
    const bits = pairs[i]!;
    if ((bits & low) === low || (bits & high) === high) return false;
  }
  return even === count || ((bytes[2 * even]! | (bytes[2 * even + 1]! << 8)) & low) !== low;
}
