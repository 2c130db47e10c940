/**
 * Rotation of the last dimension, block by block, by a Hadamard matrix (QuaRot, https://arxiv.org/abs/2404.00456): it spreads outliers
 * over their whole block, and preserves the product of two tensors that are rotated alike.
 */

import type { Float } from '../../support/dtype.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { dot } from './ops.ts';
import { constant, type Tensor } from './tensor.ts';

/** No wider than matrix units: a wider block costs more and hardly spreads outliers further. */
const BLOCKS = [128, 64, 32, 16, 8];

/** The widest block that divides all of these widths; 1, which rotates nothing, if there is none. */
export function rotationBlock(widths: readonly number[]): number {
  return BLOCKS.find((block) => widths.every((width) => width % block === 0)) ?? 1;
}

const matrices = new Map<string, Tensor<Float>>();

/** The matrix without its factor block^-½: 1 and -1, which every type can hold. All users share one node. */
function hadamard(block: number, dtype: Float): Tensor<Float> {
  const key = `${block} ${dtype}`;
  const signs = () =>
    Float32Array.from({ length: block ** 2 }, (_, at) => {
      let odd = false;
      for (let both = (at % block) & Math.floor(at / block); both > 0; both &= both - 1) odd = !odd;
      return odd ? -1 : 1;
    });
  return getOrMake(matrices, key, () => constant(signs(), dtype, [block, block]));
}

/** Rotates x [..., n] in blocks that divide n. */
export function rotate(x: Tensor<Float>, block: number): Tensor<'f32'> {
  if (block === 1) return x.cast('f32');
  const blocks = x.reshape([...x.shape.slice(0, -1), x.shape.at(-1)! / block, block]);
  const last = blocks.shape.length - 1;
  const turned = dot(blocks, hadamard(block, x.dtype), { batch: [[], []], contract: [[last], [0]] }, 'f32');
  return turned.reshape(x.shape).mul(block ** -0.5);
}
