/** The Euler method on the flow-matching ODE, as graph functions: v is the velocity the transformer predicts at (x, σ). */

import type { Shape } from '../../xla/graph/shape.ts';
import { shard } from '../../xla/graph/sharding.ts';
import type { Tensor } from '../../xla/graph/tensor.ts';
import { spec, TOKENS, trace } from '../../xla/graph/trace.ts';
import { Weights } from '../../xla/graph/weights.ts';
import { predictClean } from '../linear-update.ts';
import type { ModelFloat } from '../rounding.ts';
import { onceAStep, type Sampler, type UpdateProgram } from '../sampler.ts';

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

/** Traces the step: latents, velocity `shape` [b, l, c] and the sigmas [1, 1, 1] → the next latents and the clean ones, all f32. */
function eulerProgram(shape: Shape): UpdateProgram {
  const array = spec('f32', shape, TOKENS);
  const scalar = spec('f32', [1, 1, 1]);
  const inputs = { latents: array, velocity: array, sigma: scalar, sigmaNext: scalar };
  return trace('euler_step', new Weights('f32', 'f32'), inputs, ({ latents, velocity, sigma, sigmaNext }) => ({
    latents: shard(eulerStep(latents, velocity, sigma, sigmaNext), TOKENS),
    clean: shard(predictClean(latents, velocity, sigma), TOKENS),
  }));
}

/** diffusers' FlowMatchEulerDiscreteScheduler. */
export const EULER: Sampler = {
  levels: 'flow-match',
  evaluationsPerStep: 1,
  evaluations: onceAStep(({ sigma, sigmaNext }) => ({ sigma, sigmaNext })),
  update: eulerProgram,
};
