/** The Euler method on the flow-matching ODE, as graph functions: v is the velocity the transformer predicts at (x, σ). */

import { type Graph, graph } from '../xla/graph/graph.ts';
import type { Shape } from '../xla/graph/shape.ts';
import { type Axes, shard } from '../xla/graph/sharding.ts';
import { parameter, type Tensor } from '../xla/graph/tensor.ts';
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

/** The step as a program: latents, velocity [b, l, c] and the sigmas [1, 1, 1] → the next latents and the clean ones, all f32. */
export interface EulerProgram {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly ['latents', 'velocity', 'sigma', 'sigmaNext'];
  readonly weights: readonly [];
  readonly outputs: readonly ['latents', 'clean'];
}

const LATENTS: Axes = ['activation_batch', 'activation_length', null];

/** Traces the step for latents of `shape` [b, l, c]. */
export function eulerProgram(shape: Shape): EulerProgram {
  const latents = parameter('latents', 'f32', shape, { axes: LATENTS });
  const velocity = parameter('velocity', 'f32', shape, { axes: LATENTS });
  const sigma = parameter('sigma', 'f32', [1, 1, 1]);
  const sigmaNext = parameter('sigmaNext', 'f32', [1, 1, 1]);
  const outputs = [eulerStep(latents, velocity, sigma, sigmaNext), predictClean(latents, velocity, sigma)].map((t) =>
    shard(t, LATENTS),
  );
  const name = 'euler_step';
  return {
    name,
    graph: graph(name, [latents, velocity, sigma, sigmaNext], outputs),
    inputs: ['latents', 'velocity', 'sigma', 'sigmaNext'],
    weights: [],
    outputs: ['latents', 'clean'],
  };
}
