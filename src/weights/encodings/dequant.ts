/**
 * ggml's tensor types: their names, their sizes, and the arithmetic that turns their blocks into numbers. A block is a few dozen
 * bytes that stand for 32 or 256 consecutive elements of a row: small integers, and the scales they are multiplied with.
 * Source: ggml `ggml-common.h` (layouts) and `ggml-quants.c` (`dequantize_row_*`).
 */

import type { DType } from '../../support/dtype.ts';
import type { Decoded } from '../files/tensors.ts';
import { decodeRows } from './decode-rows.ts';

/** Decodes one block of `bytes` at `at` into `out` at `to`. */
type DecodeBlock = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

/** A ggml tensor type. */
export interface GgmlType {
  readonly name: string;
  /** Elements in a block; a row is whole blocks. */
  readonly elements: number;
  /** Bytes in a block. */
  readonly bytes: number;
  /** The element type, if elements are stored one by one. */
  readonly dtype?: DType;
  /** Decodes a block; absent for types that are not supported. */
  readonly decode?: DecodeBlock;
}

/** The types by their number in GGUF files; those without `dtype` and `decode` are known by size alone. */
export const GGML_TYPES: ReadonlyMap<number, GgmlType> = new Map<number, GgmlType>([
  [0, { name: 'F32', elements: 1, bytes: 4, dtype: 'f32' }],
  [1, { name: 'F16', elements: 1, bytes: 2, dtype: 'f16' }],
  [2, { name: 'Q4_0', elements: 32, bytes: 18, decode: q4_0 }],
  [3, { name: 'Q4_1', elements: 32, bytes: 20, decode: q4_1 }],
  [6, { name: 'Q5_0', elements: 32, bytes: 22, decode: q5_0 }],
  [7, { name: 'Q5_1', elements: 32, bytes: 24, decode: q5_1 }],
  [8, { name: 'Q8_0', elements: 32, bytes: 34, decode: q8_0 }],
  [9, { name: 'Q8_1', elements: 32, bytes: 40 }],
  [10, { name: 'Q2_K', elements: 256, bytes: 84, decode: q2_K }],
  [11, { name: 'Q3_K', elements: 256, bytes: 110, decode: q3_K }],
  [12, { name: 'Q4_K', elements: 256, bytes: 144, decode: (...args) => nibblesK(...args, 0) }],
  [13, { name: 'Q5_K', elements: 256, bytes: 176, decode: (...args) => nibblesK(...args, 32) }],
  [14, { name: 'Q6_K', elements: 256, bytes: 210, decode: q6_K }],
  [15, { name: 'Q8_K', elements: 256, bytes: 292 }],
  [16, { name: 'IQ2_XXS', elements: 256, bytes: 66 }],
  [17, { name: 'IQ2_XS', elements: 256, bytes: 74 }],
  [18, { name: 'IQ3_XXS', elements: 256, bytes: 98 }],
  [19, { name: 'IQ1_S', elements: 256, bytes: 50 }],
  [20, { name: 'IQ4_NL', elements: 32, bytes: 18, decode: iq4_NL }],
  [21, { name: 'IQ3_S', elements: 256, bytes: 110 }],
  [22, { name: 'IQ2_S', elements: 256, bytes: 82 }],
  [23, { name: 'IQ4_XS', elements: 256, bytes: 136, decode: iq4_XS }],
  [24, { name: 'I8', elements: 1, bytes: 1, dtype: 'i8' }],
  [25, { name: 'I16', elements: 1, bytes: 2, dtype: 'i16' }],
  [26, { name: 'I32', elements: 1, bytes: 4, dtype: 'i32' }],
  [27, { name: 'I64', elements: 1, bytes: 8, dtype: 'i64' }],
  [28, { name: 'F64', elements: 1, bytes: 8, dtype: 'f64' }],
  [29, { name: 'IQ1_M', elements: 256, bytes: 56 }],
  [30, { name: 'BF16', elements: 1, bytes: 2, dtype: 'bf16' }],
  [34, { name: 'TQ1_0', elements: 256, bytes: 54 }],
  [35, { name: 'TQ2_0', elements: 256, bytes: 66 }],
  [39, { name: 'MXFP4', elements: 32, bytes: 17 }],
  [40, { name: 'NVFP4', elements: 64, bytes: 36 }],
]);

/** Decodes whole blocks of a type that has a `decode`. */
export function dequantize(
  { decode, elements, bytes: size }: GgmlType & { readonly decode: DecodeBlock },
  blocks: Uint8Array,
  as: Decoded,
): Uint8Array {
  return decodeRows([0, blocks.length / size], elements, as, ([start, end], values) => {
    for (let block = start, to = 0; block < end; block++, to += elements) decode(blocks, block * size, values, to);
  });
}

/** Every f16 value by its bits. */
const HALVES = Float32Array.from(new Float16Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer));

function half(bytes: Uint8Array, at: number): number {
  return HALVES[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

/** Reads an unsigned byte's bits as a signed one. */
function signed(byte: number): number {
  return (byte << 24) >> 24;
}

// d: scale; 16 bytes, low nibbles first.
function q4_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  for (let i = 0; i < 16; i++) {
    const q = bytes[at + 2 + i]!;
    out[to + i] = d * ((q & 15) - 8);
    out[to + 16 + i] = d * ((q >> 4) - 8);
  }
}

// d, m: scale and offset; 16 bytes, low nibbles first.
function q4_1(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  for (let i = 0; i < 16; i++) {
    const q = bytes[at + 4 + i]!;
    out[to + i] = d * (q & 15) + m;
    out[to + 16 + i] = d * (q >> 4) + m;
  }
}

// d; the fifth bits of 32 elements; 16 bytes, low nibbles first.
function q5_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  const fifth = word(bytes, at + 2);
  for (let i = 0; i < 16; i++) {
    const q = bytes[at + 6 + i]!;
    out[to + i] = d * (((q & 15) | (((fifth >>> i) & 1) << 4)) - 16);
    out[to + 16 + i] = d * (((q >> 4) | (((fifth >>> (16 + i)) & 1) << 4)) - 16);
  }
}

// d, m; the fifth bits of 32 elements; 16 bytes, low nibbles first.
function q5_1(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  const fifth = word(bytes, at + 4);
  for (let i = 0; i < 16; i++) {
    const q = bytes[at + 8 + i]!;
    out[to + i] = d * ((q & 15) | (((fifth >>> i) & 1) << 4)) + m;
    out[to + 16 + i] = d * ((q >> 4) | (((fifth >>> (16 + i)) & 1) << 4)) + m;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

// d; 32 signed bytes.
function q8_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  for (let i = 0; i < 32; i++) out[to + i] = d * signed(bytes[at + 2 + i]!);
}

// 16 bytes: scale (low) and minimum (high) of 16 elements each; 64 bytes of two bits; d, dmin.
function q2_K(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at + 80);
  const dmin = half(bytes, at + 82);
  for (let group = 0; group < 16; group++) {
    const packed = bytes[at + group]!;
    const scale = d * (packed & 15);
    const minimum = dmin * (packed >> 4);
    const shift = group & 6;
    const from = at + 16 + 32 * (group >> 3) + 16 * (group & 1);
    for (let i = 0; i < 16; i++) out[to++] = scale * ((bytes[from + i]! >> shift) & 3) - minimum;
  }
}

// 32 bytes of third bits, inverted; 64 bytes of two bits; 12 bytes of 16 scales of six bits; d.
function q3_K(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at + 108);
  for (let group = 0; group < 16; group++) {
    const low = (bytes[at + 96 + (group & 7)]! >> (group & 8 ? 4 : 0)) & 15;
    const high = (bytes[at + 104 + (group & 3)]! >> (2 * (group >> 2))) & 3;
    const scale = d * ((low | (high << 4)) - 32);
    const shift = group & 6;
    const third = group >> 1;
    const mask = at + 16 * (group & 1);
    const from = at + 32 + 32 * (group >> 3) + 16 * (group & 1);
    for (let i = 0; i < 16; i++) {
      out[to++] = scale * (((bytes[from + i]! >> shift) & 3) - 4 * (1 - ((bytes[mask + i]! >> third) & 1)));
    }
  }
}

/** The six-bit scale of group 0 to 7 in the 12 bytes that Q4_K and Q5_K keep them in. */
function scale6(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group]! & 63;
  return (bytes[at + 4 + group]! & 15) | ((bytes[at + group - 4]! >> 6) << 4);
}

/** The six-bit minimum of group 0 to 7 in the same 12 bytes. */
function minimum6(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + 4 + group]! & 63;
  return (bytes[at + 4 + group]! >> 4) | ((bytes[at + group]! >> 6) << 4);
}

// d, dmin; 12 bytes of scales and minima of 32 elements each; 128 bytes: low nibbles one group, high ones the next.
// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit g of byte i is that of element i of group g.
function nibblesK(bytes: Uint8Array, at: number, out: Float32Array, to: number, fifthBytes: 0 | 32): void {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const scale = d * scale6(bytes, at + 4, group);
    const minimum = dmin * minimum6(bytes, at + 4, group);
    const from = at + 16 + fifthBytes + 32 * (group >> 1);
    const shift = 4 * (group & 1);
    for (let i = 0; i < 32; i++) {
      const fifth = fifthBytes === 0 ? 0 : ((bytes[at + 16 + i]! >> group) & 1) << 4;
      out[to++] = scale * (((bytes[from + i]! >> shift) & 15) | fifth) - minimum;
    }
  }
}

// 128 bytes of low nibbles; 64 bytes of upper two bits; 16 signed scales of 16 elements each; d.
function q6_K(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at + 208);
  for (let group = 0; group < 16; group++) {
    const scale = d * signed(bytes[at + 192 + group]!);
    const lane = 16 * (group & 1);
    const low = at + 64 * (group >> 3) + 32 * ((group >> 1) & 1) + lane;
    const lowShift = group & 4;
    const high = at + 128 + 32 * (group >> 3) + lane;
    const highShift = group & 6;
    for (let i = 0; i < 16; i++) {
      const q = ((bytes[low + i]! >> lowShift) & 15) | (((bytes[high + i]! >> highShift) & 3) << 4);
      out[to++] = scale * (q - 32);
    }
  }
}

/** The 16 values of the non-linear four-bit types. */
const NON_LINEAR = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

// d; 16 bytes, low nibbles first.
function iq4_NL(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  nonLinear(half(bytes, at), bytes, at + 2, out, to);
}

// d; two upper bits, then four lower bits of the scales of 32 elements each; 128 bytes of nibbles.
function iq4_XS(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = half(bytes, at);
  const highs = bytes[at + 2]! | (bytes[at + 3]! << 8);
  for (let group = 0; group < 8; group++) {
    const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
    const scale = d * ((low | (((highs >> (2 * group)) & 3) << 4)) - 32);
    nonLinear(scale, bytes, at + 8 + 16 * group, out, to + 32 * group);
  }
}

function nonLinear(scale: number, bytes: Uint8Array, from: number, out: Float32Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    const q = bytes[from + i]!;
    out[to + i] = scale * NON_LINEAR[q & 15]!;
    out[to + 16 + i] = scale * NON_LINEAR[q >> 4]!;
  }
}
