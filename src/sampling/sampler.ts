/** What a sampler is: when it asks the model, and how it moves the latents after each answer. */

import type { Shape } from '../xla/graph/shape.ts';
import type { Traced } from '../xla/graph/trace.ts';
import type { Levels, Schedule } from './schedule.ts';

/** One evaluation of the model, and the update of the latents after it. */
export interface Evaluation {
  /** The timestep that the model is given. */
  readonly timestep: number;
  /** Scalars of the update, by the names of its inputs. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Noise level of the latents after the update. */
  readonly level: number;
  /** Whether the update ends a step. */
  readonly ends: boolean;
}

/**
 * The update after an evaluation: `latents`, `velocity` and perhaps one array more [b, l, c], and scalars [1, 1, 1] → the
 * next latents, the predicted clean latents and, if it carries something, the array for the next update. All f32.
 *
 * The further array is `noise`, standard normal and new each time, or `carried`, the last update's: the first update gets anything.
 */
export type UpdateProgram = Traced<string, 'latents' | 'clean' | 'carried'>;

/** A way from noise to a picture. */
export interface Sampler {
  /** The noise levels if a request gives none. */
  readonly levels: Levels;
  /** How often a step evaluates the model; the last one, down to no noise, does it once. */
  readonly evaluationsPerStep: number;
  /** The evaluations of all steps, in order. */
  evaluations(schedule: Schedule): readonly Evaluation[];
  /** Traces the update, the same after every evaluation, for latents of `shape` [b, l, c]. */
  update(shape: Shape): UpdateProgram;
}

/** A step from one noise level to the next. */
export interface Step {
  readonly timestep: number;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** The step before; undefined for the first. */
  readonly before: Step | undefined;
  /** The timestep of the next step; undefined for the last, whose `sigmaNext` is 0. */
  readonly timestepNext: number | undefined;
}

/** Lists the steps of a schedule. */
export function stepsOf({ sigmas, timesteps }: Schedule): readonly Step[] {
  let before: Step | undefined;
  return Array.from(timesteps, (timestep, i) => {
    before = { timestep, sigma: sigmas[i]!, sigmaNext: sigmas[i + 1]!, before, timestepNext: timesteps[i + 1] };
    return before;
  });
}

/** Evaluates the model once a step, at its beginning. */
export function onceAStep(scalarsOf: (step: Step) => Evaluation['scalars']): Sampler['evaluations'] {
  return (schedule) =>
    stepsOf(schedule).map((step) => ({
      timestep: step.timestep,
      scalars: scalarsOf(step),
      level: step.sigmaNext,
      ends: true,
    }));
}
