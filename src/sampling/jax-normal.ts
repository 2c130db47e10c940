/**
 * The normal distribution of `jax.random.normal`: a uniform on (-1, 1) through the inverse error function.
 *
 * The 16-bit types are drawn in their own precision: bf16 has 7 random bits and so only 128 distinct values, f16 has
 * 1,024. f32 repeats each rounding of XLA's CPU backend, down to its fused multiply-adds; other backends differ from it
 * in the last places.
 */

import { horner, log } from './cephes.ts';
import { type ModelFloat, rounding } from './rounding.ts';
import { type ThreefryKey, threefryBits } from './threefry.ts';

const { fround } = Math;

/**
 * Draws `count` values, row-major, as `jax.random.normal(key, shape, dtype)` does in jax 0.10. The key of a seed is 0
 * and its low 32 bits: with JAX's default 32-bit integers, its other bits do not count.
 */
export function jaxNormal(key: ThreefryKey, count: number, dtype: ModelFloat): Float32Array {
  const words = threefryBits(key, count);
  const out = new Float32Array(count);
  if (dtype === 'f32') {
    for (let i = 0; i < count; i++) out[i] = quantile((words[i]! >>> 9) * 2 ** -23, 2 ** -24, dtype);
    return out;
  }
  // bf16 takes the upper 7 of a word's low 8 bits, f16 the upper 10 of its low 16.
  const { low, bits } = { bf16: { low: 8, bits: 7 }, f16: { low: 16, bits: 10 } }[dtype];
  const mask = 2 ** low - 1;
  const values = Array.from({ length: 2 ** bits }, (_, n) => quantile(n * 2 ** -bits, 2 ** -(bits + 1), dtype));
  for (let i = 0; i < count; i++) out[i] = values[(words[i]! & mask) >>> (low - bits)]!;
  return out;
}

/**
 * Maps a uniform on [0, 1) to a normal value. The interval it is first stretched to begins at the element type's
 * neighbour of -1, `gap` above it; its width, 2 - gap, rounds to 2 in every type.
 */
function quantile(uniform: number, gap: number, dtype: ModelFloat): number {
  const round = rounding(dtype);
  const lowest = gap - 1;
  const u = Math.max(lowest, round(2 * uniform + lowest));
  return round(round(Math.SQRT2) * round(erfInv(u)));
}

// M. Giles, "Approximating the erfinv function" (2010), single precision.
const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  2.46640727e-1, 1.50140941,
].map(fround);
const TAIL = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
].map(fround);

/** Inverse error function of an f32 value in (-1, 1). */
function erfInv(x: number): number {
  const w = -log1p(fround(-x * x));
  const y = w < 5 ? horner(CENTRE, fround(w - 2.5)) : horner(TAIL, fround(fround(Math.sqrt(w)) - 3));
  return fround(y * x);
}

// Cephes' double-precision log1p near 0, its coefficients rounded to f32.
const NUMERATOR = [4.52700009e-5, 4.98541028e-1, 6.57873259, 29.9119193, 60.949668, 57.1129636, 20.0395535].map(fround);
const DENOMINATOR = [1, 15.0629091, 83.047566, 221.762398, 309.098722, 216.427886, 60.1186605].map(fround);
const NEAR_ZERO = fround(Math.SQRT2 - 1);

/** Natural logarithm of 1 + x, for an f32 value in (-1, 0]. */
function log1p(x: number): number {
  if (-x >= NEAR_ZERO) return log(fround(1 + x), 'xla');
  const square = fround(x * x);
  const quotient = fround(horner(NUMERATOR, x) / horner(DENOMINATOR, x));
  return fround(x + fround(fround(fround(x * square) * quotient) - 0.5 * square));
}
