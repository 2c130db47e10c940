/** The element types a model is run with. */

import type { CheckedLoad } from '../api/load.ts';
import type { ProgramTypes } from '../models/element-types.ts';
import type { ModelFloat } from '../support/dtype.ts';
import type { QuantisedForm } from '../weights/set.ts';
import type { Platform } from '../xla/runtime/runtime.ts';

/** Weights are stored on the device as these types say, and converted where they are used. */
export interface ModelTypes extends ProgramTypes {
  readonly compute: ModelFloat;
  readonly form?: QuantisedForm | undefined;
}

/** Reads the element types to run a model with; bf16 by default. */
export function modelTypes({
  dtype = 'bf16',
  weightsDtype: storage = dtype,
  activationsDtype: compute = dtype,
  quantization = 'none',
}: CheckedLoad): ModelTypes & { readonly storage: ModelFloat } {
  return { compute, storage, ...(quantization !== 'none' && { form: quantization }) };
}

/**
 * The types of the autoencoder. XLA:CPU convolves only in f32, and would convert around every bf16 convolution. In f16 its activations
 * overflow (hence diffusers' `force_upcast`), so f32 replaces f16 everywhere.
 */
export function autoencoderTypes(types: ModelTypes, { convolvesInF32 }: Pick<Platform, 'convolvesInF32'>): ModelTypes {
  return convolvesInF32 || types.compute === 'f16' ? { ...types, compute: 'f32' } : types;
}
