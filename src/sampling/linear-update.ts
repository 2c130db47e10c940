/**
 * Updates that are linear in the latents x, the velocity v and one array more, with factors that the host computes in
 * f64. The predicted clean latents are x - σ v, so an update that is linear in these is linear in x and v too.
 */

import type { ModelFloat } from '../support/dtype.ts';
import type { Shape } from '../xla/graph/shape.ts';
import { shard } from '../xla/graph/sharding.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import { spec, TOKENS, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { UpdateProgram } from './sampler.ts';

/**
 * Predicts the clean latents from a noisy step, x - σ v, in f32: previews show them, and samplers aim at them. `x` and `velocity` have one
 * shape, and `sigma` broadcasts to it.
 */
export function predictClean<F extends ModelFloat>(
  x: Tensor<F>,
  velocity: Tensor<F>,
  sigma: Tensor<'f32'>,
): Tensor<'f32'> {
  return x.cast('f32').sub(velocity.cast('f32').mul(sigma));
}

const scalar = spec('f32', [1, 1, 1]);

const CARRIED = {
  sigma: scalar,
  latentsFactor: scalar,
  velocityFactor: scalar,
  carriedFactor: scalar,
  keptLatents: scalar,
  keptVelocity: scalar,
};
const NOISY = { sigma: scalar, latentsFactor: scalar, velocityFactor: scalar, noiseFactor: scalar };

/** Scalars of `carriedUpdate`. */
export type CarriedFactors = Readonly<Record<keyof typeof CARRIED, number>>;

/** Scalars of `noisyUpdate`. */
export type NoisyFactors = Readonly<Record<keyof typeof NOISY, number>>;

/** Traces x' = latentsFactor · x + velocityFactor · v + carriedFactor · c and c' = keptLatents · x + keptVelocity · v. */
export function carriedUpdate(shape: Shape): UpdateProgram {
  const array = spec('f32', shape, TOKENS);
  const inputs = { latents: array, velocity: array, carried: array, ...CARRIED };
  return trace('carried_update', new Weights('f32', 'f32'), inputs, ({ latents: x, velocity: v, carried, ...by }) => {
    const next = x.mul(by.latentsFactor).add(v.mul(by.velocityFactor)).add(carried.mul(by.carriedFactor));
    const kept = x.mul(by.keptLatents).add(v.mul(by.keptVelocity));
    const clean = predictClean(x, v, by.sigma);
    return { latents: shard(next, TOKENS), clean: shard(clean, TOKENS), carried: shard(kept, TOKENS) };
  });
}

/** Traces x' = latentsFactor · x + velocityFactor · v + noiseFactor · ε, with new standard normal noise ε. */
export function noisyUpdate(shape: Shape): UpdateProgram {
  const array = spec('f32', shape, TOKENS);
  const inputs = { latents: array, velocity: array, noise: array, ...NOISY };
  return trace('noisy_update', new Weights('f32', 'f32'), inputs, ({ latents: x, velocity: v, noise, ...by }) => {
    const next = x.mul(by.latentsFactor).add(v.mul(by.velocityFactor)).add(noise.mul(by.noiseFactor));
    return { latents: shard(next, TOKENS), clean: shard(predictClean(x, v, by.sigma), TOKENS) };
  });
}
