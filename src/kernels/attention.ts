/** What every attention kernel is given. */

import type { Tensor } from '../graph/tensor.ts';
import type { Float } from '../support/dtype.ts';

/** The operands of an attention node; shapes as `attention` in graph/ops.ts gives them. */
export interface AttentionInputs<F extends Float = Float> {
  readonly q: Tensor<F>;
  readonly k: Tensor<F>;
  readonly v: Tensor<F>;
  readonly bias: Tensor<F> | undefined;
  readonly scale: number;
  readonly mask: 'none' | 'causal';
}
