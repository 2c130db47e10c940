/** Schedules that keep only the ends of the noise levels and space the others their own way, as diffusers does. */

import { betaQuantile } from './beta-quantile.ts';

/**
 * How the noise levels between the highest and the lowest are spaced. `default` leaves them; `karras`: Karras et al.,
 * "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), with ρ = 7; `exponential`: evenly in the
 * logarithm; `beta`: Lee et al., "Beta Sampling is All You Need" (2024), with α = β = 0.6.
 */
export type Spacing = 'default' | 'karras' | 'exponential' | 'beta';

const RHO = 7;
const BETA_SHAPE = 0.6;

/** Respaces noise levels between the first and the last, in f64; descending levels stay descending. */
export function respace(levels: readonly number[], spacing: Spacing): readonly number[] {
  const count = levels.length;
  const high = levels[0]!;
  const low = levels[count - 1]!;
  const along = (spaced: (t: number) => number) =>
    Array.from({ length: count }, (_, i) => spaced(count === 1 ? 0 : i / (count - 1)));
  switch (spacing) {
    case 'default':
      return levels;
    case 'karras': {
      const [from, to] = [high ** (1 / RHO), low ** (1 / RHO)];
      return along((t) => (from + t * (to - from)) ** RHO);
    }
    case 'exponential': {
      const [from, to] = [Math.log(high), Math.log(low)];
      return along((t) => Math.exp(from + t * (to - from)));
    }
    case 'beta':
      return along((t) => low + betaQuantile(1 - t, BETA_SHAPE, BETA_SHAPE) * (high - low));
    default:
      return spacing satisfies never;
  }
}
