/** Element types as PJRT numbers them. */

import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { ENUMS } from './header.gen.ts';

const TYPES = ENUMS.PJRT_Buffer_Type;

const CODES: Record<DType, number> = {
  f64: TYPES.F64,
  f32: TYPES.F32,
  f16: TYPES.F16,
  bf16: TYPES.BF16,
  f8e4m3: TYPES.F8E4M3FN,
  f8e5m2: TYPES.F8E5M2,
  i64: TYPES.S64,
  i32: TYPES.S32,
  i16: TYPES.S16,
  i8: TYPES.S8,
  i4: TYPES.S4,
  u64: TYPES.U64,
  u32: TYPES.U32,
  u16: TYPES.U16,
  u8: TYPES.U8,
  bool: TYPES.PRED,
};

const DTYPES = new Map(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));

/** The PJRT_Buffer_Type of an element type. */
export function bufferType(dtype: DType): number {
  return CODES[dtype];
}

/** The element type of a PJRT_Buffer_Type; throws `unsupported` if there is none (complex numbers, tokens, …). */
export function elementType(code: number): DType {
  const dtype = DTYPES.get(code);
  if (dtype !== undefined) return dtype;
  const name = Object.entries(TYPES).find(([, value]) => value === code)?.[0] ?? `number ${code}`;
  throw new FluxionError(
    'unsupported',
    `the program produces an array of element type ${name}, which has no host equivalent`,
    { hint: 'convert it inside the program' },
  );
}
