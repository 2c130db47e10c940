/** The element types a model is run with. */

import type { CheckedLoad } from '../api/load.ts';
import type { DType, ModelFloat } from '../support/dtype.ts';
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

/** Reads the element types that a model is to be run with; bf16 where nothing is said. */
export function modelTypes({
  dtype = 'bf16',
  weightsDtype: storage = dtype,
  activationsDtype: compute = dtype,
  quantization = 'none',
}: CheckedLoad): ModelTypes & { readonly storage: ModelFloat } {
  return { compute, storage, ...(quantization !== 'none' && { form: quantization }) };
}

/**
 * The types of the autoencoder: XLA:CPU convolves in f32 alone; asked for bf16 it would convert back and forth around each one. In f16
 * its activations overflow (diffusers has `force_upcast` for that), so f32 stands for it everywhere.
 */
export function autoencoderTypes(types: ModelTypes, { convolvesInF32 }: Pick<Platform, 'convolvesInF32'>): ModelTypes {
  return convolvesInF32 || types.compute === 'f16' ? { ...types, compute: 'f32' } : types;
}
