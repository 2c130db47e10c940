/**
 * DPM-Solver++(2M) (Lu et al., "DPM-Solver++", 2022, https://arxiv.org/abs/2211.01095), the midpoint form: second order
 * at one evaluation a step, from the clean latents predicted now and one step before. On the flow's path α = 1 - σ. The
 * first and the last step are of first order. The arithmetic of diffusers' DPMSolverMultistepScheduler with
 * `use_flow_sigmas` and `prediction_type='flow_prediction'`.
 */

import { type CarriedFactors, carriedUpdate } from '../linear-update.ts';
import { onceAStep, type Sampler, type Step } from '../sampler.ts';

export const DPMPP_2M: Sampler = {
  levels: 'dpm-solver',
  evaluationsPerStep: 1,
  evaluations: onceAStep(factorsOf),
  update: carriedUpdate,
};

/** Half the logarithm of the signal-to-noise ratio. */
const halfLogSnr = (sigma: number): number => Math.log((1 - sigma) / sigma);

function factorsOf({ sigma, sigmaNext, before }: Step): CarriedFactors {
  const ratio = sigmaNext / sigma;
  // α' (1 - exp(-h)), with h = λ' - λ, the step in half-log-SNR.
  const toClean = 1 - sigmaNext - (1 - sigma) * ratio;
  // How far the clean latents are extrapolated along their last change: h / (2 · the previous h), which is 0 after an infinite step.
  const h = halfLogSnr(sigmaNext) - halfLogSnr(sigma);
  const extra = before && sigmaNext > 0 ? h / (2 * (halfLogSnr(sigma) - halfLogSnr(before.sigma))) : 0;
  const ofClean = toClean * (1 + extra);
  return {
    sigma,
    latentsFactor: ratio + ofClean,
    velocityFactor: -ofClean * sigma,
    carriedFactor: -toClean * extra,
    keptLatents: 1,
    keptVelocity: -sigma,
  };
}
