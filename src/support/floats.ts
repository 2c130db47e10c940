/** Conversions between the 16- and 8-bit floating-point formats and f32, on whole arrays and rounding to nearest even. */

import { type DType, elementCount } from './dtype.ts';
import { FluxionError } from './errors.ts';

/** Widens bf16 bits to f32. */
function bf16ToF32(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return new Float32Array(out.buffer);
}

/** Narrows f32 values to 16-bit ones in `out`, rounding to nearest even; NaN stays NaN. */
export function narrow(values: Float32Array, dtype: 'bf16' | 'f16', out: Uint16Array<ArrayBuffer>): void {
  if (dtype === 'f16') {
    new Float16Array(out.buffer, out.byteOffset, out.length).set(values);
    return;
  }
  // Signed words, because unsigned ones would leave the engine's integer range.
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i]!;
    // Above the exponent of infinity: keep the payload's top bits and force a quiet NaN.
    const isNumber = (u & 0x7fffffff) <= 0x7f800000;
    out[i] = isNumber ? (u + 0x7fff + ((u >>> 16) & 1)) >>> 16 : (u >>> 16) | 0x40;
  }
}

function table8(exponentBits: number, mantissaBits: number, finite: boolean): Float32Array {
  const bias = 2 ** (exponentBits - 1) - 1;
  const top = 2 ** exponentBits - 1;
  return Float32Array.from({ length: 256 }, (_, code) => {
    const sign = code & 0x80 ? -1 : 1;
    const exponent = (code >> mantissaBits) & top;
    const mantissa = code & (2 ** mantissaBits - 1);
    if (finite && (code & 0x7f) === 0x7f) return Number.NaN;
    if (!finite && exponent === top) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
    return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
  });
}

const E4M3 = table8(4, 3, true);
const E5M2 = table8(5, 2, false);

/** Reads `count` elements of any float type from bytes (little-endian, any alignment) as f32. */
export function toF32(dtype: DType, bytes: Uint8Array, count: number): Float32Array {
  switch (dtype) {
    case 'f32':
      return new Float32Array(aligned(bytes), 0, count);
    case 'f64':
      return Float32Array.from(new Float64Array(aligned(bytes), 0, count));
    case 'bf16':
      return bf16ToF32(new Uint16Array(aligned(bytes), 0, count));
    case 'f16':
      return Float32Array.from(new Float16Array(aligned(bytes), 0, count));
    case 'f8e4m3':
      return Float32Array.from(bytes.subarray(0, count), (code) => E4M3[code]!);
    case 'f8e5m2':
      return Float32Array.from(bytes.subarray(0, count), (code) => E5M2[code]!);
    default:
      throw new FluxionError('unsupported', `cannot read ${dtype} as floating point`);
  }
}

/** Narrows f32 values to bytes of a float type. */
export function fromF32(dtype: DType, values: Float32Array): Uint8Array {
  switch (dtype) {
    case 'f32':
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case 'f64':
      return new Uint8Array(Float64Array.from(values).buffer);
    case 'bf16':
    case 'f16': {
      const out = new Uint16Array(values.length);
      narrow(values, dtype, out);
      return new Uint8Array(out.buffer);
    }
    default:
      throw new FluxionError('unsupported', `cannot write floating point as ${dtype}`);
  }
}

/** Converts a buffer between float types through f32; the same bytes come back when the types agree. */
export function convertFloats(from: DType, to: DType, bytes: Uint8Array, shape: readonly number[]): Uint8Array {
  return from === to ? bytes : fromF32(to, toF32(from, bytes, elementCount(shape)));
}

/** Returns bytes that start at offset 0 of their buffer, copied if they are a view, so that typed arrays can be laid over them. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  // `slice` of a Node Buffer does not copy.
  return (whole ? bytes.buffer : Uint8Array.prototype.slice.call(bytes).buffer) as ArrayBuffer;
}
