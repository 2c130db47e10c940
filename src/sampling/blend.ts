/** Keeps a picture outside a mask: after every step of inpainting, that part is put back at the step's noise level. */

import type { Shape } from '../xla/graph/shape.ts';
import { shard } from '../xla/graph/sharding.ts';
import { spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';

/**
 * Traces latents, known (clean), noise and mask `shape` [b, l, c] (1 where the picture is repainted) and the sigma [1, 1, 1] after the step →
 * latents. diffusers' `FluxInpaintPipeline`.
 */
export function blendProgram(shape: Shape): Traced<'latents' | 'known' | 'noise' | 'mask' | 'sigma', 'latents'> {
  const array = spec('f32', shape, TOKENS);
  const inputs = { latents: array, known: array, noise: array, mask: array, sigma: spec('f32', [1, 1, 1]) };
  return trace('blend_step', new Weights('f32', 'f32'), inputs, ({ latents, known, noise, mask, sigma }) => {
    const kept = known.mul(sigma.mul(-1).add(1)).add(noise.mul(sigma));
    return { latents: shard(kept.mul(mask.mul(-1).add(1)).add(latents.mul(mask)), TOKENS) };
  });
}
