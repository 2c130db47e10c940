/** The element types that programs are traced for. */

import type { DType, Float } from '../support/dtype.ts';
import type { MatrixForm } from '../xla/graph/weights.ts';

/** Element types of a network. */
export interface ElementTypes {
  /** Element type of activations. */
  readonly compute: Float;
  /** Element type weights are stored in. */
  readonly storage: DType;
}

/** Element types of networks whose matrices may be quantised. */
export interface ProgramTypes extends ElementTypes {
  /** The format of the matrices of the blocks or layers; matrices outside them, used once a step or once a picture, stay plain. */
  readonly form?: MatrixForm | undefined;
}

/** Sizes and element types that a network over tokens is traced for. */
export interface TokenSizes extends ProgramTypes {
  readonly batch: number;
  readonly tokens: number;
}
