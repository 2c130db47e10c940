/** Classifier-free guidance (https://arxiv.org/abs/2207.12598), which diffusers' Flux pipelines call true CFG: away from what a negative prompt asks for. */

import type { Axes } from '../xla/graph/axes.ts';
import { type Graph, graph } from '../xla/graph/graph.ts';
import type { Shape } from '../xla/graph/shape.ts';
import { shard } from '../xla/graph/sharding.ts';
import { parameter } from '../xla/graph/tensor.ts';

const LATENTS: Axes = ['activation_batch', 'activation_length', null];

/** velocity and negative [b, l, c] and scale [b, 1, 1], all f32 → velocity: negative + scale · (velocity - negative). */
export interface GuideProgram {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly ['velocity', 'negative', 'scale'];
  readonly weights: readonly [];
  readonly outputs: readonly ['velocity'];
}

/** Traces the program for velocities of `shape` [b, l, c]. */
export function guideProgram(shape: Shape): GuideProgram {
  const velocity = parameter('velocity', 'f32', shape, { axes: LATENTS });
  const negative = parameter('negative', 'f32', shape, { axes: LATENTS });
  const scale = parameter('scale', 'f32', [shape[0]!, 1, 1], { axes: ['activation_batch', null, null] });
  const out = shard(negative.add(scale.mul(velocity.sub(negative))), LATENTS);
  const name = 'guide_step';
  return {
    name,
    graph: graph(name, [velocity, negative, scale], [out]),
    inputs: ['velocity', 'negative', 'scale'],
    weights: [],
    outputs: ['velocity'],
  };
}
