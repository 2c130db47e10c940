/** Samplers and schedules by the names that A1111 and Forge, and the programs that speak to them, have for them. */

import type { REQUEST_KNOBS } from '../../api/request.ts';
import { Refusal } from '../refusal.ts';

type Sampler = (typeof REQUEST_KNOBS.sampler.kind.words)[number];
type Schedule = (typeof REQUEST_KNOBS.schedule.kind.words)[number];

export const SAMPLERS: readonly {
  readonly name: string;
  readonly sampler: Sampler;
  readonly aliases: readonly string[];
}[] = [
  { name: 'Euler', sampler: 'euler', aliases: ['k_euler', 'euler'] },
  { name: 'Euler a', sampler: 'euler_ancestral', aliases: ['k_euler_a', 'euler_ancestral'] },
  { name: 'Heun', sampler: 'heun', aliases: ['k_heun', 'heun'] },
  { name: 'DPM++ 2M', sampler: 'dpmpp_2m', aliases: ['k_dpmpp_2m', 'dpmpp_2m'] },
  { name: 'LCM', sampler: 'lcm', aliases: ['k_lcm', 'lcm'] },
];

export const SCHEDULES: readonly {
  readonly name: string;
  readonly label: string;
  readonly schedule: Schedule;
  readonly aliases: readonly string[];
}[] = [
  {
    name: 'simple',
    label: 'Simple',
    schedule: 'default',
    aliases: ['automatic', 'normal', 'default', 'use same scheduler'],
  },
  { name: 'karras', label: 'Karras', schedule: 'karras', aliases: [] },
  { name: 'exponential', label: 'Exponential', schedule: 'exponential', aliases: [] },
  { name: 'beta', label: 'Beta', schedule: 'beta', aliases: [] },
];

/** The sampler and schedule that names mean: `DPM++ 2M Karras` names both, as programs before A1111's 1.9 do. Throws where there is none. */
export function samplerNamed(
  sampler: string | undefined,
  scheduler: string | undefined,
): { sampler?: Sampler; schedule?: Schedule } {
  const schedule = scheduler === undefined ? undefined : scheduleNamed(scheduler);
  if (scheduler !== undefined && !schedule)
    throw unknown(
      'scheduler',
      scheduler,
      SCHEDULES.map(({ label }) => label),
    );
  if (sampler === undefined) return schedule ? { schedule } : {};
  const words = sampler.split(' ');
  const last = words.length > 1 ? scheduleNamed(words.at(-1)!) : undefined;
  const found = named(sampler) ?? (last && named(words.slice(0, -1).join(' ')));
  if (!found)
    throw unknown(
      'sampler_name',
      sampler,
      SAMPLERS.map(({ name }) => name),
    );
  const both = schedule ?? (named(sampler) ? undefined : last);
  return { sampler: found, ...(both && { schedule: both }) };
}

function named(name: string): Sampler | undefined {
  const wanted = name.toLowerCase();
  return SAMPLERS.find((one) => [one.name.toLowerCase(), ...one.aliases].includes(wanted))?.sampler;
}

function scheduleNamed(name: string): Schedule | undefined {
  const wanted = name.toLowerCase();
  return SCHEDULES.find((one) => [one.name, ...one.aliases].includes(wanted))?.schedule;
}

function unknown(field: string, found: string, names: readonly string[]): Refusal {
  return new Refusal(404, `${field}: expected one of ${names.join(', ')}, found '${found.slice(0, 200)}'`, {
    code: 'not_found',
  });
}
