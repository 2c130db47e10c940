/** The clean latents that a predicted velocity implies: previews show them, and samplers aim at them. */

import type { Tensor } from '../xla/graph/tensor.ts';
import type { ModelFloat } from './rounding.ts';

/** Predicts the clean latents from a noisy step, x - σ v, in f32; `x` and `velocity` have one shape, and `sigma` broadcasts to it. */
export function predictClean<F extends ModelFloat>(
  x: Tensor<F>,
  velocity: Tensor<F>,
  sigma: Tensor<'f32'>,
): Tensor<'f32'> {
  return x.cast('f32').sub(velocity.cast('f32').mul(sigma));
}
