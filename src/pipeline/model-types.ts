/** The element types a model is run with. */

import { type DType, type ModelFloat, parseFloatName } from '../support/dtype.ts';

export interface ModelTypes {
  /** Element type of activations. */
  readonly compute: ModelFloat;
  /** Element type weights are held in; they are converted where they are used. */
  readonly storage: DType;
}

/** Element types by name, as configs spell them; bf16 where nothing is said. */
export interface TypeNames {
  readonly dtype?: string | undefined;
  readonly weightsDtype?: string | undefined;
  readonly activationsDtype?: string | undefined;
}

/** Reads the element types that a model is to be run with. */
export function modelTypes({
  dtype = 'bf16',
  weightsDtype = dtype,
  activationsDtype = dtype,
}: TypeNames): ModelTypes & {
  readonly storage: ModelFloat;
} {
  return { compute: parseFloatName(activationsDtype), storage: parseFloatName(weightsDtype) };
}

/** The types of the autoencoder: XLA:CPU convolves in f32 alone; asked for bf16 it would convert back and forth around each one. */
export function autoencoderTypes(types: ModelTypes, platform: string): ModelTypes {
  return platform === 'cpu' ? { ...types, compute: 'f32' } : types;
}
