/** Samplers and schedules by the names of A1111, Forge and their clients. */

import { SAMPLER_NAMES, SCHEDULE_NAMES } from '../../api/recipe.ts';
import { Refusal } from '../refusal.ts';

type Sampler = keyof typeof SAMPLER_NAMES;
type Schedule = keyof typeof SCHEDULE_NAMES;

/** Samplers by A1111's names; the names of k-diffusion and our own are aliases. */
export const SAMPLERS = (Object.keys(SAMPLER_NAMES) as Sampler[]).map((sampler) => ({
  name: SAMPLER_NAMES[sampler],
  sampler,
  aliases: [`k_${sampler.replace('ancestral', 'a')}`, sampler],
}));

export const SCHEDULES = (Object.keys(SCHEDULE_NAMES) as Schedule[]).map((schedule) => ({
  name: SCHEDULE_NAMES[schedule].toLowerCase(),
  label: SCHEDULE_NAMES[schedule],
  schedule,
  aliases: schedule === 'default' ? ['automatic', 'normal', 'default', 'use same scheduler'] : [],
}));

/** The sampler and schedule with these names. `DPM++ 2M Karras` names both, as clients of A1111 before 1.9 send it. Throws `not_found`. */
export function samplerNamed(
  sampler: string | undefined,
  scheduler: string | undefined,
): { sampler?: Sampler; schedule?: Schedule } {
  const schedule = scheduler === undefined ? undefined : scheduleOf(scheduler);
  if (scheduler !== undefined && !schedule) throw unknown('scheduler', scheduler, Object.values(SCHEDULE_NAMES));
  const given = schedule && { schedule };
  if (sampler === undefined) return { ...given };
  const whole = samplerOf(sampler);
  if (whole) return { sampler: whole, ...given };
  const [, first = '', last = ''] = /^(.*) (\S+)$/s.exec(sampler) ?? [];
  const [own, its] = [samplerOf(first), scheduleOf(last)];
  if (own && its) return { sampler: own, schedule: its, ...given };
  throw unknown('sampler_name', sampler, Object.values(SAMPLER_NAMES));
}

const samplerOf = (name: string): Sampler | undefined => named(SAMPLERS, name)?.sampler;
const scheduleOf = (name: string): Schedule | undefined => named(SCHEDULES, name)?.schedule;

function named<T extends { readonly name: string; readonly aliases: readonly string[] }>(
  all: readonly T[],
  name: string,
) {
  const wanted = name.toLowerCase();
  return all.find((one) => one.name.toLowerCase() === wanted || one.aliases.includes(wanted));
}

function unknown(field: string, found: string, names: readonly string[]): Refusal {
  return new Refusal(404, `expected one of ${names.join(', ')}, found '${found.slice(0, 200)}'`, {
    code: 'not_found',
    field,
  });
}
