/**
 * Encodes values for writing: 8-bit floats and integers, and ggml's Q8_0 and Q4_0, byte for byte as the reference programs do.
 * Sources: OCP 8-bit floating point; ggml `quantize_row_q8_0_ref`, `quantize_row_q4_0_ref`.
 */

const E4M3_LARGEST = 448;
/** The code of the largest e4m3 value. */
const E4M3_TOP = 0x7e;

/** Rounds to e4m3, to nearest even; larger values become its largest, 448; NaN stays NaN. */
export function toE4m3(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const magnitude = words[i]! & 0x7fffffff;
    const sign = words[i]! >>> 31 === 1 ? 0x80 : 0;
    out[i] = sign | e4m3Code(magnitude, Math.abs(values[i]!));
  }
  return out;
}

function e4m3Code(word: number, magnitude: number): number {
  if (word > 0x7f800000) return 0x7f;
  if (magnitude >= E4M3_LARGEST) return E4M3_TOP;
  // Below the smallest normal value, 2⁻⁶, codes are even steps of 2⁻⁹.
  if (magnitude < 2 ** -6) return roundToEven(magnitude * 2 ** 9);
  const rounded = (word + 0x7ffff + ((word >>> 20) & 1)) >>> 20;
  return Math.min(rounded - ((127 - 7) << 3), E4M3_TOP);
}

function roundToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** The divisor that maps the largest magnitude to e4m3's largest value; 1 for zeros. */
export function e4m3Scale(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest === 0 ? 1 : Math.fround(largest / E4M3_LARGEST);
}

/** For each of a matrix's `rows` rows, the divisor that maps its largest magnitude to 127; 1 for zeros. */
export function int8Scales(values: Float32Array, rows: number): number[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    let largest = 0;
    for (let i = row * width; i < (row + 1) * width; i++) largest = Math.max(largest, Math.abs(values[i]!));
    return largest === 0 ? 1 : Math.fround(largest / 127);
  });
}

/** Divides each row by its scale and rounds to nearest even. */
export function toInt8(values: Float32Array, rows: number): Uint8Array {
  const width = values.length / rows;
  const out = new Uint8Array(values.length);
  for (const [row, scale] of int8Scales(values, rows).entries())
    for (let i = row * width; i < (row + 1) * width; i++) {
      const quotient = values[i]! / scale;
      out[i] = Math.sign(quotient) * roundToEven(Math.abs(quotient));
    }
  return out;
}

/** Elements in a block of Q8_0 and Q4_0. */
export const BLOCK = 32;

/** Packs whole blocks of 32 as Q8_0: an f16 scale and 32 signed bytes. */
export function toQ8_0(values: Float32Array): Uint8Array {
  const out = new Uint8Array((values.length / BLOCK) * 34);
  const view = new DataView(out.buffer);
  for (let from = 0, at = 0; from < values.length; from += BLOCK, at += 34) {
    let largest = 0;
    for (let i = 0; i < BLOCK; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setFloat16(at, scale, true);
    for (let i = 0; i < BLOCK; i++) {
      const quotient = Math.fround(values[from + i]! * inverse);
      view.setInt8(at + 2 + i, Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5));
    }
  }
  return out;
}

/** Packs whole blocks of 32 as Q4_0: an f16 scale that maps the value of largest magnitude to −8, and 16 bytes of two codes. */
export function toQ4_0(values: Float32Array): Uint8Array {
  const out = new Uint8Array((values.length / BLOCK) * 18);
  const view = new DataView(out.buffer);
  for (let from = 0, at = 0; from < values.length; from += BLOCK, at += 18) {
    let extreme = 0;
    for (let i = 0; i < BLOCK; i++) {
      if (Math.abs(values[from + i]!) > Math.abs(extreme)) extreme = values[from + i]!;
    }
    const scale = Math.fround(extreme / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setFloat16(at, scale, true);
    const code = (i: number): number =>
      Math.min(15, Math.trunc(Math.fround(Math.fround(values[from + i]! * inverse) + 8.5)));
    for (let i = 0; i < BLOCK / 2; i++) out[at + 2 + i] = code(i) | (code(i + BLOCK / 2) << 4);
  }
  return out;
}
