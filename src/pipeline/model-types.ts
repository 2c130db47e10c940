/** The element types a model is run with. */

import { type DType, type ModelFloat, parseFloatName } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import type { QuantisedForm } from '../weights/set.ts';
import type { Platform } from '../xla/runtime/runtime.ts';

export type { QuantisedForm };

export interface ModelTypes {
  /** Element type of activations. */
  readonly compute: ModelFloat;
  /** Element type weights are held in; they are converted where they are used. */
  readonly storage: DType;
  /** How the matrices of blocks and layers are held, where that is not in `storage`. */
  readonly form?: QuantisedForm | undefined;
}

/** In how many bits matrices are held in memory, and computed where that is faster (docs/guide/quantization.md). */
export type Quantization = 'none' | QuantisedForm;
const QUANTIZATIONS: readonly Quantization[] = ['none', 'int8', 'fp8', 'int4'];

/** Element types by name, as configs spell them; bf16 where nothing is said. */
export interface TypeNames {
  readonly dtype?: string | undefined;
  readonly weightsDtype?: string | undefined;
  readonly activationsDtype?: string | undefined;
  readonly quantization?: Quantization | undefined;
}

/** Reads the element types that a model is to be run with. */
export function modelTypes({
  dtype = 'bf16',
  weightsDtype = dtype,
  activationsDtype = dtype,
  quantization = 'none',
}: TypeNames): ModelTypes & {
  readonly storage: ModelFloat;
} {
  if (!QUANTIZATIONS.includes(quantization))
    throw new FluxionError('bad_config', `quantization: there is no form '${quantization}'`, {
      hint: `use ${QUANTIZATIONS.join(', ')}`,
    });
  const types = { compute: parseFloatName(activationsDtype), storage: parseFloatName(weightsDtype) };
  return quantization === 'none' ? types : { ...types, form: quantization };
}

/**
 * The types of the autoencoder: XLA:CPU convolves in f32 alone; asked for bf16 it would convert back and forth around each one. In f16
 * its activations overflow (diffusers has `force_upcast` for that), so f32 stands for it everywhere.
 */
export function autoencoderTypes(types: ModelTypes, { convolvesInF32 }: Pick<Platform, 'convolvesInF32'>): ModelTypes {
  return convolvesInF32 || types.compute === 'f16' ? { ...types, compute: 'f32' } : types;
}
