/**
 * Rotary position embedding over several axes (https://arxiv.org/abs/2104.09864): head channels are pairs, and pair j
 * of an axis turns by position · θ^(-2j / d). Flux's axes are (unused, row, column).
 */

import { concatenate } from '../xla/graph/ops.ts';
import type { Tensor } from '../xla/graph/tensor.ts';

const THETA = 10_000;

/** cos and sin [n, c/2] in f32, calculated in f64 as the reference does; ids [n, axes] row-major. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for token positions `ids` [n, axes]; `axes` gives the head channels of each axis. */
export function ropeTables(ids: Float32Array, axes: readonly number[]): RopeTables {
  const n = ids.length / axes.length;
  const pairs = axes.reduce((sum, d) => sum + d / 2, 0);
  const cos = new Float32Array(n * pairs);
  const sin = new Float32Array(n * pairs);
  const frequencies = axes.flatMap((d, axis) =>
    Array.from({ length: d / 2 }, (_, j) => ({ axis, value: 1 / THETA ** ((2 * j) / d) })),
  );
  for (let token = 0; token < n; token++) {
    frequencies.forEach(({ axis, value }, j) => {
      const angle = ids[token * axes.length + axis]! * value;
      cos[token * pairs + j] = Math.cos(angle);
      sin[token * pairs + j] = Math.sin(angle);
    });
  }
  return { cos, sin };
}

/**
 * Turns x [b, n, h, c] by tables [n, c/2]. Pairs are neighbours in x and come back as (all firsts, all seconds):
 * scores are sums over channels, so queries and keys may share any order, and this one needs no interleaving.
 */
export function applyRope(x: Tensor<'f32'>, cos: Tensor<'f32'>, sin: Tensor<'f32'>): Tensor<'f32'> {
  const [, n, , c] = x.shape;
  const first = x.slice(3, 0, c!, 2);
  const second = x.slice(3, 1, c!, 2);
  const table = (t: Tensor<'f32'>) => t.reshape([1, n!, 1, c! / 2]);
  const cosine = table(cos);
  const sine = table(sin);
  return concatenate([first.mul(cosine).sub(second.mul(sine)), second.mul(cosine).add(first.mul(sine))], 3);
}
