/** The samplers, by the names that requests use. */

import type { Evaluation, Sampler } from '../sampler.ts';
import type { Schedule } from '../schedule.ts';
import { DPMPP_2M } from './dpmpp-2m.ts';
import { EULER } from './euler.ts';
import { EULER_ANCESTRAL } from './euler-ancestral.ts';
import { HEUN } from './heun.ts';
import { LCM } from './lcm.ts';

export type SamplerName = 'euler' | 'heun' | 'dpmpp_2m' | 'lcm' | 'euler_ancestral';

export const SAMPLERS: Readonly<Record<SamplerName, Sampler>> = {
  euler: EULER,
  heun: HEUN,
  dpmpp_2m: DPMPP_2M,
  lcm: LCM,
  euler_ancestral: EULER_ANCESTRAL,
};

/** The evaluations of all steps of a run, by Euler's method unless told otherwise. */
export function evaluationsOf({
  sampler = 'euler',
  schedule,
}: {
  readonly sampler?: SamplerName | undefined;
  readonly schedule: Schedule;
}): readonly Evaluation[] {
  return SAMPLERS[sampler].evaluations(schedule);
}
