/** The Euler method on the flow-matching ODE, as graph functions: v is the velocity the transformer predicts at (x, σ). */

import type { Tensor } from '../graph/tensor.ts';
import type { ModelFloat } from './rounding.ts';

/**
 * Steps the latents from `sigma` to `sigmaNext`: x + (σ' - σ) v, computed in f32 and cast back to the latents' type.
 * `x` and `velocity` have one shape; the sigmas are scalars or broadcast to it. In f32 this is diffusers' step; with
 * 16-bit latents diffusers also rounds σ' - σ and its product with v to 16 bits, which only loses precision.
 */
export function eulerStep<F extends ModelFloat>(
  x: Tensor<F>,
  velocity: Tensor<F>,
  sigma: Tensor<'f32'>,
  sigmaNext: Tensor<'f32'>,
): Tensor<F> {
  const change = velocity.cast('f32').mul(sigmaNext.sub(sigma));
  return x.cast('f32').add(change).cast(x.dtype);
}

/** Predicts the clean latents from a noisy step, x - σ v, in f32: what a preview shows. */
export function predictClean<F extends ModelFloat>(
  x: Tensor<F>,
  velocity: Tensor<F>,
  sigma: Tensor<'f32'>,
): Tensor<'f32'> {
  return x.cast('f32').sub(velocity.cast('f32').mul(sigma));
}
