/**
 * Heun's method, of second order: an Euler step, and then the same step again along the mean of the velocities at both
 * ends. The last step, down to no noise, is Euler's alone. The arithmetic of diffusers' FlowMatchHeunDiscreteScheduler.
 */

import { type CarriedFactors, carriedUpdate } from '../linear-update.ts';
import { type Sampler, stepsOf } from '../sampler.ts';

export const HEUN: Sampler = {
  levels: 'flow-match',
  evaluationsPerStep: 2,
  evaluations: (schedule) =>
    stepsOf(schedule).flatMap(({ timestep, sigma, sigmaNext, timestepNext }) => {
      const change = sigmaNext - sigma;
      // Carries the step with half of its velocity; the other half is the velocity at its end.
      const predict: CarriedFactors = {
        sigma,
        latentsFactor: 1,
        velocityFactor: change,
        carriedFactor: 0,
        keptLatents: 1,
        keptVelocity: change / 2,
      };
      const correct: CarriedFactors = {
        sigma: sigmaNext,
        latentsFactor: 0,
        velocityFactor: change / 2,
        carriedFactor: 1,
        keptLatents: 0,
        keptVelocity: 0,
      };
      const first = { timestep, scalars: predict, level: sigmaNext, ends: timestepNext === undefined };
      return timestepNext === undefined
        ? [first]
        : [first, { timestep: timestepNext, scalars: correct, level: sigmaNext, ends: true }];
    }),
  update: carriedUpdate,
};
