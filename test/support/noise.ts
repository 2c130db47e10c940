/** The initial latents of whole batches, as the reference implementations draw them. */

import { generatorOf, type NoiseKind } from '../../src/sampling/generator.ts';
import type { ModelFloat } from '../../src/sampling/rounding.ts';
import { elementCount } from '../../src/support/dtype.ts';

export interface NoiseRequest {
  readonly seed: number | bigint;
  /** Batch, channels, latent height, latent width. */
  readonly shape: readonly [batch: number, channels: number, height: number, width: number];
  readonly dtype: ModelFloat;
}

/** Standard normal latents, row-major: image i of a batch alone from seed + i, but with `jax` the whole batch from one key. */
export function noise(kind: NoiseKind, { seed, shape, dtype }: NoiseRequest): Float32Array {
  const count = elementCount(shape);
  if (kind === 'jax') return generatorOf(kind, BigInt(seed)).normal(count, dtype);
  const [batch] = shape;
  const all = new Float32Array(count);
  for (let i = 0; i < batch; i++) {
    const generator = generatorOf(kind, BigInt.asUintN(64, BigInt(seed) + BigInt(i)));
    all.set(generator.normal(count / batch, dtype), (i * count) / batch);
  }
  return all;
}
