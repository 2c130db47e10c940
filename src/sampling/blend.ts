/** What a mask leaves of a picture: after every step of inpainting, the rest is put back at that step's noise level. */

import type { Axes } from '../xla/graph/axes.ts';
import { type Graph, graph } from '../xla/graph/graph.ts';
import type { Shape } from '../xla/graph/shape.ts';
import { shard } from '../xla/graph/sharding.ts';
import { parameter } from '../xla/graph/tensor.ts';

const LATENTS: Axes = ['activation_batch', 'activation_length', null];

/**
 * latents, known (clean), noise and mask [b, l, c] (1 where the picture is repainted) and the sigma [1, 1, 1] after the step → latents.
 * diffusers' `FluxInpaintPipeline`.
 */
export interface BlendProgram {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly ['latents', 'known', 'noise', 'mask', 'sigma'];
  readonly weights: readonly [];
  readonly outputs: readonly ['latents'];
}

/** Traces the program for latents of `shape` [b, l, c]. */
export function blendProgram(shape: Shape): BlendProgram {
  const input = (name: string) => parameter(name, 'f32', shape, { axes: LATENTS });
  const [latents, known, noise, mask] = [input('latents'), input('known'), input('noise'), input('mask')];
  const sigma = parameter('sigma', 'f32', [1, 1, 1]);
  const kept = known.mul(sigma.mul(-1).add(1)).add(noise.mul(sigma));
  const out = shard(kept.mul(mask.mul(-1).add(1)).add(latents.mul(mask)), LATENTS);
  const name = 'blend_step';
  return {
    name,
    graph: graph(name, [latents, known, noise, mask, sigma], [out]),
    inputs: ['latents', 'known', 'noise', 'mask', 'sigma'],
    weights: [],
    outputs: ['latents'],
  };
}
