/**
 * Euler's method with new noise in every step, in the form for flows that ComfyUI publishes (`sample_euler_ancestral_RF`,
 * with `eta` and `s_noise` 1): each step goes below the next level; scaling and new noise then bring it up to that
 * level, where signal and noise have the weights of the flow's path.
 */

import { type NoisyFactors, noisyUpdate } from '../linear-update.ts';
import { onceAStep, type Sampler } from '../sampler.ts';

export const EULER_ANCESTRAL: Sampler = {
  levels: 'flow-match',
  evaluationsPerStep: 1,
  evaluations: onceAStep(({ sigma, sigmaNext }): NoisyFactors => {
    const down = (sigmaNext * sigmaNext) / sigma;
    const scale = (1 - sigmaNext) / (1 - down);
    return {
      sigma,
      latentsFactor: scale,
      velocityFactor: scale * (down - sigma),
      noiseFactor: Math.sqrt(Math.max(0, sigmaNext ** 2 - (down * scale) ** 2)),
    };
  }),
  update: noisyUpdate,
};
