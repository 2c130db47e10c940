/** Element types: their names, their sizes, and the spellings of other formats. */

import { FluxionError, nearest } from './errors.ts';

/** Every element type a tensor, a weight file or a device array can have. */
export const DTYPES = [
  'f64', 'f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2',
  'i64', 'i32', 'i16', 'i8', 'i4', 'u64', 'u32', 'u16', 'u8', 'bool',
] as const; // biome-ignore format: one line a family

/** The element type of a tensor or an array. */
export type DType = (typeof DTYPES)[number];
/** Floating-point types that arithmetic can use. */
export type Float = 'f64' | 'f32' | 'f16' | 'bf16';
/** The floating-point types models are run in. */
export type ModelFloat = Exclude<Float, 'f64'>;

/** Integer element types. */
export type Integer = 'i64' | 'i32' | 'i16' | 'i8' | 'u64' | 'u32' | 'u16' | 'u8';

const BYTES: Record<DType, number> = {
  f64: 8, f32: 4, f16: 2, bf16: 2, f8e4m3: 1, f8e5m2: 1,
  i64: 8, i32: 4, i16: 2, i8: 1, i4: 0.5, u64: 8, u32: 4, u16: 2, u8: 1, bool: 1,
}; // biome-ignore format: one line a family

/** Size of one element in bytes; a half for 4-bit types. */
export function byteSize(dtype: DType): number {
  return BYTES[dtype];
}

export function isFloat(dtype: DType): dtype is Float {
  return dtype === 'f64' || dtype === 'f32' || dtype === 'f16' || dtype === 'bf16';
}

/** Size in bytes of an array of this shape; 4-bit elements are packed, and the last byte may be half empty. */
export function byteLength(dtype: DType, shape: readonly number[]): number {
  return Math.ceil(elementCount(shape) * BYTES[dtype]);
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1);
}

const FLOAT_NAMES: Record<string, ModelFloat> = {
  float32: 'f32', f32: 'f32', fp32: 'f32', float: 'f32',
  bfloat16: 'bf16', bf16: 'bf16',
  float16: 'f16', f16: 'f16', fp16: 'f16', half: 'f16',
}; // biome-ignore format: one line a type

/** Reads a floating-point type as configs spell it (`bfloat16`, `bf16`, `float32`, …). */
export function parseFloatName(name: string): ModelFloat {
  const dtype = FLOAT_NAMES[name.toLowerCase()];
  if (dtype) return dtype;
  const near = nearest(name, Object.keys(FLOAT_NAMES), 1)[0];
  throw new FluxionError('bad_config', `unknown floating-point type '${name}'`, {
    hint: `use ${near ? `'${near}', or one of ` : ''}bfloat16, float32, float16`,
  });
}
