/**
 * Initial latents from a seed, on the host, equal to those of the reference implementations.
 *
 * `torch`: diffusers with a CPU generator, and ComfyUI. `philox`: torch on CUDA, as AUTOMATIC1111 emulates it. With
 * both, image i of a batch is drawn alone from seed + i, so that a batch equals single runs.
 * `jax`: MaxDiffusion, which draws the whole batch at once from one key, and always in bf16.
 */

import { elementCount } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { generatorOf, type NoiseKind } from './generator.ts';
import type { ModelFloat } from './rounding.ts';

export type { NoiseKind };

export interface NoiseRequest {
  /** An integer in [-2⁶³, 2⁶⁴); a negative one stands for 2⁶⁴ more. `torch` and `jax` use only its low 32 bits. */
  readonly seed: number | bigint;
  /** Batch, channels, latent height, latent width. */
  readonly shape: readonly [batch: number, channels: number, height: number, width: number];
  /** Element type the values are drawn in, and all of them exact in. */
  readonly dtype: ModelFloat;
}

/** More would be 8 GiB of f32. */
const MAX_VALUES = 2 ** 31;

/** Draws standard normal latents [batch, channels, height, width], row-major; throws `bad_request` for a bad seed or shape. */
export function noise(kind: NoiseKind, { seed, shape, dtype }: NoiseRequest): Float32Array {
  const first = seedBits(seed);
  const count = elementCount(shape);
  if (!shape.every((d) => Number.isInteger(d) && d > 0) || count > MAX_VALUES) {
    throw new FluxionError('bad_request', `noise: expected positive sizes of at most 2^31 values, found [${shape}]`);
  }
  if (kind === 'jax') return generatorOf(kind, first).normal(count, dtype);

  const [batch, ...image] = shape;
  const size = elementCount(image);
  const out = new Float32Array(count);
  for (let i = 0; i < batch; i++) out.set(generatorOf(kind, first + BigInt(i)).normal(size, dtype), i * size);
  return out;
}

/** Two's complement bits of a seed. */
function seedBits(seed: number | bigint): bigint {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new FluxionError('bad_request', `seed: expected an integer, found ${seed}`, {
      hint: Number.isInteger(seed) ? 'pass a seed beyond 2^53 as a bigint' : 'use a whole number, such as 42',
    });
  }
  const value = BigInt(seed);
  if (value < -(2n ** 63n) || value >= 2n ** 64n) {
    throw new FluxionError('bad_request', `seed: expected an integer from -2^63 to 2^64 - 1, found ${value}`);
  }
  return BigInt.asUintN(64, value);
}
