/**
 * Generators of normal values that can be drawn from repeatedly: besides the initial noise, pipelines draw the noise of
 * ancestral steps and of encoded pictures.
 *
 * `torch`: `torch.randn` called again and again with one CPU generator. `philox`: AUTOMATIC1111's emulation of torch on
 * CUDA, whose offset grows by one a call. `jax`: draw n > 0 is that of `jax.random.fold_in(key, n)`; the first is that
 * of the key itself.
 */

import { jaxNormal } from './jax-normal.ts';
import { philoxNormal } from './philox.ts';
import { type ModelFloat, rounding } from './rounding.ts';
import { threefryFold } from './threefry.ts';
import { TorchNormal } from './torch-normal.ts';

/** Whose random numbers a generator repeats. */
export type NoiseKind = 'torch' | 'jax' | 'philox';

/** A stream of standard normal values. */
export interface Generator {
  /** Draws the next `count` values in `dtype`, which holds all of them exactly. */
  normal(count: number, dtype: ModelFloat): Float32Array;
}

/** Returns the generator of a 64-bit seed, of which `torch` and `jax` use only the lower 32 bits. */
export function generatorOf(kind: NoiseKind, seed: bigint): Generator {
  const low = Number(seed & 0xffffffffn);
  const high = Number((seed >> 32n) & 0xffffffffn);
  let draw = 0;
  switch (kind) {
    case 'torch':
      return new TorchNormal(low);
    case 'philox':
      return { normal: (count, dtype) => philoxNormal(high, low, count, draw++).map(rounding(dtype)) };
    case 'jax':
      return {
        normal(count, dtype) {
          const key = draw === 0 ? ([0, low] as const) : threefryFold([0, low], draw);
          draw++;
          return jaxNormal(key, count, dtype);
        },
      };
    default:
      return kind satisfies never;
  }
}
