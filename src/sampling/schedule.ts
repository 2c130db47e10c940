/**
 * The flow-matching noise schedule of FLUX.1: which noise levels (sigmas) the steps visit, and which timestep the
 * transformer is told at each. Every value equals that of diffusers' FluxPipeline with FlowMatchEulerDiscreteScheduler
 * bit for bit: sigmas start in f64, and are shifted in f32. The other levels and spacings equal diffusers' within f32's
 * last place.
 */

import { FluxionError } from '../support/errors.ts';
import { respace, type Spacing } from './spacing.ts';

export type { Spacing };

const { fround } = Math;

/** The settings of diffusers' FlowMatchEulerDiscreteScheduler that FLUX.1 uses. */
export interface SchedulerConfig {
  readonly numTrainTimesteps: number;
  /** Static shift, for models without dynamic shifting. */
  readonly shift: number;
  /** Whether the shift grows with the number of image tokens. */
  readonly useDynamicShifting: boolean;
  /** Dynamic shift at `baseImageSeqLen` tokens. */
  readonly baseShift: number;
  /** Dynamic shift at `maxImageSeqLen` tokens. */
  readonly maxShift: number;
  readonly baseImageSeqLen: number;
  readonly maxImageSeqLen: number;
  /** Stretches the schedule so that its last sigma before 0 is this; undefined leaves it. */
  readonly shiftTerminal: number | undefined;
  readonly timeShiftType: 'exponential' | 'linear';
}

/** The noise levels of one run. */
export interface Schedule {
  /** One per step, descending, and a final 0. */
  readonly sigmas: Float32Array;
  /** One per step: sigma × numTrainTimesteps, in f32 whatever the model's type (docs/decisions/0003). */
  readonly timesteps: Float32Array;
  /** The dynamic shift for the image's size; null if the shift is static. */
  readonly mu: number | null;
}

/**
 * The source of noise levels if a request lists none. `flow-match`: evenly from 1 down to 1/n, as FluxPipeline gives them to
 * its scheduler. `dpm-solver`: those of DPMSolverMultistepScheduler with `use_flow_sigmas`, a thousandth lower, so that
 * none is pure noise, whose signal has no logarithm; its timesteps are whole numbers.
 */
export type Levels = 'flow-match' | 'dpm-solver';

export interface ScheduleRequest {
  /** Number of steps; `sigmas`, where given, decides instead. */
  readonly steps?: number;
  /** Number of packed image tokens, height / 16 × width / 16. */
  readonly imageTokens: number;
  /** Noise levels before shifting, strictly descending within (0, 1]; the final 0 is not among them. */
  readonly sigmas?: readonly number[] | undefined;
  /** `flow-match` by default; `sigmas`, where given, decide instead. */
  readonly levels?: Levels;
  /** How the shifted levels are respaced; `default` leaves them. */
  readonly spacing?: Spacing;
}

const MAX_STEPS = 10_000;

/**
 * Computes the schedule of a run. Throws `bad_request` for a bad number of steps, custom sigmas out of order or out of
 * range, and a shift that leaves no descending schedule.
 */
export function schedule(config: SchedulerConfig, request: ScheduleRequest): Schedule {
  const mu = config.useDynamicShifting ? dynamicShift(config, request.imageTokens) : null;
  const { spacing = 'default' } = request;
  const whole = request.levels === 'dpm-solver' && !request.sigmas;
  const shifted = whole ? solverLevels(config, mu, request.steps) : flowLevels(config, mu, request);
  const sigmas = Float32Array.from([...respace(shifted, spacing), 0]);
  const rising = sigmas.findIndex((sigma, i) => i > 0 && !(sigma < sigmas[i - 1]!));
  if (rising !== -1 || !Number.isFinite(sigmas[0])) {
    throw new FluxionError('bad_request', `the sigmas do not descend from step ${Math.max(rising, 1)} on`, {
      field: 'schedule',
      hint: 'lower the number of steps, or bring shift, base_shift and max_shift nearer to their defaults',
    });
  }
  const timesteps =
    whole && spacing === 'default'
      ? Float32Array.from(shifted, (sigma) => Math.trunc(sigma * config.numTrainTimesteps))
      : sigmas.subarray(0, -1).map((sigma) => sigma * config.numTrainTimesteps);
  return { sigmas, timesteps, mu };
}

/** Shifted levels of FluxPipeline and its FlowMatchEulerDiscreteScheduler, in f32. */
function flowLevels(config: SchedulerConfig, mu: number | null, request: ScheduleRequest): readonly number[] {
  const levels = request.sigmas ? checkedSigmas(request.sigmas) : evenSigmas(request.steps);
  const shifted = levels.map((sigma) => shift(fround(sigma), mu, config));
  // As in diffusers, 0 counts as unset.
  return config.shiftTerminal ? stretchToTerminal(shifted, config.shiftTerminal) : shifted;
}

/** Shifted levels of DPMSolverMultistepScheduler, in f64: it has one form of shift and no terminal one. */
function solverLevels(config: SchedulerConfig, mu: number | null, steps: number | undefined): readonly number[] {
  const count = checkedSteps(steps);
  const lowest = 1 / config.numTrainTimesteps;
  const by = mu === null ? config.shift : shiftWeight(mu, config);
  return Array.from({ length: count }, (_, i) => {
    const signal = i === 0 ? lowest : 1 + (count - i) * ((lowest - 1) / count);
    const sigma = 1 - signal;
    return (by * sigma) / (1 + (by - 1) * sigma);
  });
}

/** The part of a schedule that a strength from 0 to 1 leaves, as diffusers' `get_timesteps` counts it. Throws `bad_request` if that is no step. */
export function cutSchedule({ sigmas, timesteps, mu }: Schedule, strength: number): Schedule {
  const steps = timesteps.length;
  const from = Math.trunc(Math.max(steps - Math.min(steps * strength, steps), 0));
  if (from === steps) {
    throw new FluxionError('bad_request', `of ${steps} steps, ${strength} leaves none`, {
      field: 'strength',
      hint: `a strength of ${Number((1 / steps).toFixed(3))} leaves one`,
    });
  }
  return { sigmas: sigmas.subarray(from), timesteps: timesteps.subarray(from), mu };
}

/** Returns 1, …, 1/n in even steps, as numpy's linspace rounds them in f64. */
function evenSigmas(steps: number | undefined): number[] {
  const n = checkedSteps(steps);
  if (n === 1) return [1];
  const step = (1 / n - 1) / (n - 1);
  return Array.from({ length: n }, (_, i) => (i === n - 1 ? 1 / n : i * step + 1));
}

function checkedSteps(n: number | undefined): number {
  if (n === undefined || !Number.isInteger(n) || n < 1 || n > MAX_STEPS) {
    const message = `expected a whole number from 1 to ${MAX_STEPS}, found ${n}`;
    throw new FluxionError('bad_request', message, { field: 'steps' });
  }
  return n;
}

function checkedSigmas(sigmas: readonly number[]): readonly number[] {
  if (sigmas.length < 1 || sigmas.length > MAX_STEPS) {
    const message = `expected 1 to ${MAX_STEPS} values, found ${sigmas.length}`;
    throw new FluxionError('bad_request', message, { field: 'sigmas' });
  }
  sigmas.forEach((sigma, i) => {
    const above = i === 0 ? 1 : sigmas[i - 1]!;
    if (!(sigma > 0 && (i === 0 ? sigma <= above : sigma < above))) {
      const range = i === 0 ? 'in (0, 1]' : `between 0 and ${above}, the one before`;
      throw new FluxionError('bad_request', `expected a value ${range}, found ${sigma}`, {
        field: `sigmas[${i}]`,
        hint: 'list noise levels from the highest to the lowest; the final 0 is added automatically',
      });
    }
  });
  return sigmas;
}

/** Interpolates the shift linearly in the number of image tokens (BFL's get_lin_function, diffusers' calculate_shift). */
function dynamicShift(config: SchedulerConfig, imageTokens: number): number {
  const slope = (config.maxShift - config.baseShift) / (config.maxImageSeqLen - config.baseImageSeqLen);
  return imageTokens * slope + (config.baseShift - slope * config.baseImageSeqLen);
}

/** Moves one sigma towards 1, in f32. */
function shift(sigma: number, mu: number | null, config: SchedulerConfig): number {
  if (mu === null) {
    const scaled = fround(fround(config.shift) * sigma);
    return fround(scaled / fround(1 + fround(fround(config.shift - 1) * sigma)));
  }
  const weight = fround(shiftWeight(mu, config));
  return fround(weight / fround(weight + fround(fround(1 / sigma) - 1)));
}

function shiftWeight(mu: number, { timeShiftType }: SchedulerConfig): number {
  return timeShiftType === 'exponential' ? Math.exp(mu) : mu;
}

/** Stretches 1 - sigma so that the last sigma becomes `terminal`, in f32. */
function stretchToTerminal(sigmas: readonly number[], terminal: number): number[] {
  if (sigmas.at(-1) === 1) {
    throw new FluxionError('bad_request', `expected at least 2 with the model's shift_terminal=${terminal}, found 1`, {
      field: 'steps',
      hint: 'take 2 steps or more',
    });
  }
  const scale = fround(fround(1 - sigmas.at(-1)!) / fround(1 - terminal));
  return sigmas.map((sigma) => fround(1 - fround(fround(1 - sigma) / scale)));
}

/** What a run may set over the model's own scheduler config, under MaxDiffusion's names. */
export interface ShiftOverrides {
  /** Dynamic shifting on, or no shift at all. */
  readonly timeShift?: boolean | undefined;
  readonly baseShift?: number | undefined;
  readonly maxShift?: number | undefined;
}

/** Applies a run's overrides to the model's scheduler config; throws `bad_config` for shifts that are not finite. */
export function overrideShift(config: SchedulerConfig, overrides: ShiftOverrides): SchedulerConfig {
  const { timeShift = config.useDynamicShifting, baseShift = config.baseShift, maxShift = config.maxShift } = overrides;
  for (const [name, value] of Object.entries({ base_shift: baseShift, max_shift: maxShift })) {
    if (!Number.isFinite(value)) {
      throw new FluxionError('bad_config', `${name}: expected a finite number, found ${value}`);
    }
  }
  const staticShift = overrides.timeShift === false ? 1 : config.shift;
  return { ...config, useDynamicShifting: timeShift, shift: staticShift, baseShift, maxShift };
}
