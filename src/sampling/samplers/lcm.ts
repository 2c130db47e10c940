/**
 * Sampling of consistency models (Luo et al., "Latent Consistency Models", 2023): each step goes to the predicted clean
 * latents and adds new noise up to the next level. For models and LoRAs distilled for a few steps. The arithmetic of
 * diffusers' FlowMatchLCMScheduler, and of its FlowMatchEulerDiscreteScheduler with `stochastic_sampling`.
 */

import { type NoisyFactors, noisyUpdate } from '../linear-update.ts';
import { onceAStep, type Sampler } from '../sampler.ts';

export const LCM: Sampler = {
  levels: 'flow-match',
  evaluationsPerStep: 1,
  evaluations: onceAStep(
    ({ sigma, sigmaNext }): NoisyFactors => ({
      sigma,
      latentsFactor: 1 - sigmaNext,
      velocityFactor: -(1 - sigmaNext) * sigma,
      noiseFactor: sigmaNext,
    }),
  ),
  update: noisyUpdate,
};
