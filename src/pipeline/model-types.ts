/** The element types a model is run with. */

import type { DType, ModelFloat } from '../support/dtype.ts';

export interface ModelTypes {
  /** Element type of activations. */
  readonly compute: ModelFloat;
  /** Element type weights are held in; they are converted where they are used. */
  readonly storage: DType;
}
