/** The processor's best matrix-multiply rate, which every other rate is compared with. */

import { bestMatmul } from '../src/cli/measure/matmul.ts';

/** The best of `runs` multiplications on the CPU plugin, in FLOP/s. */
export async function bestMatmulRate(dtype: 'f32' | 'bf16', runs = 15): Promise<number> {
  return (await bestMatmul({ device: 'cpu' }, dtype, { runs })).rate;
}
