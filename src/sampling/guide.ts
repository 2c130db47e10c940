/** Classifier-free guidance (https://arxiv.org/abs/2207.12598), which diffusers' Flux pipelines call true CFG: guides away from a negative prompt. */

import type { Shape } from '../xla/graph/shape.ts';
import { shard } from '../xla/graph/sharding.ts';
import { perPictureAxes, spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';

/** Traces velocity, negative `shape` [b, l, c] and scale [b, 1, 1], all f32 → velocity: negative + scale · (velocity - negative). */
export function guideProgram(shape: Shape): Traced<'velocity' | 'negative' | 'scale', 'velocity'> {
  const array = spec('f32', shape, TOKENS);
  const inputs = { velocity: array, negative: array, scale: spec('f32', [shape[0]!, 1, 1], perPictureAxes(3)) };
  return trace('guide_step', new Weights('f32', 'f32'), inputs, ({ velocity, negative, scale }) => ({
    velocity: shard(negative.add(scale.mul(velocity.sub(negative))), TOKENS),
  }));
}
