/** Samplers go where diffusers' schedulers go, on a velocity that both sides compute. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { generatorOf } from '../../src/sampling/generator.ts';
import { SAMPLERS, type SamplerName } from '../../src/sampling/samplers/by-name.ts';
import type { Spacing } from '../../src/sampling/schedule.ts';
import { assertClose } from '../support/close.ts';
import { runOnHost } from '../support/host-graph.ts';

interface Trajectory {
  /** A sampler, or diffusers' stochastic Euler, which is LCM. */
  readonly sampler: SamplerName | 'euler_stochastic';
  readonly steps: number;
  readonly spacing: Spacing;
  readonly levels: string;
  readonly timesteps: string;
  /** Latents after each step. */
  readonly states: readonly string[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/sampling/samplers.json', import.meta.url), 'utf8')) as {
  trajectories: readonly Trajectory[];
};

const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

const SHAPE = [1, 6, 5] as const;
const COUNT = 30;

/** A linear map of the latents and a term that changes with t in [0, 1]; record_samplers.py computes the same. */
function toyVelocity(x: Float32Array, t: number): Float32Array {
  return x.map((value, i) => 0.6 * value - 0.3 * x[(i + 1) % COUNT]! + t * t * ((i % 3) - 1) + 0.5 * t);
}

/** The latents after every step, from the noise that the generator draws first. */
function* walk(name: SamplerName, schedule: { readonly sigmas: Float32Array; readonly timesteps: Float32Array }) {
  const sampler = SAMPLERS[name];
  const program = sampler.update(SHAPE);
  const generator = generatorOf('torch', 7n);
  let latents = generator.normal(COUNT, 'f32');
  let carried = latents;
  for (const { timestep, scalars, ends } of sampler.evaluations({ ...schedule, mu: null })) {
    const velocity = toyVelocity(latents, timestep / 1000);
    const noise = program.inputs.includes('noise') ? generator.normal(COUNT, 'f32') : [];
    const all = Object.fromEntries(Object.entries(scalars).map(([key, value]) => [key, [value]]));
    const out = runOnHost(program, { latents, velocity, carried, noise, ...all });
    latents = out.latents;
    carried = out.carried ?? carried;
    if (ends) yield latents;
  }
}

for (const { sampler, steps, spacing, levels, timesteps, states } of recorded.trajectories) {
  test(`${sampler}, ${steps} steps${spacing === 'default' ? '' : `, ${spacing}`}`, () => {
    const schedule = { sigmas: floats(levels), timesteps: floats(timesteps) };
    const walked = [...walk(sampler === 'euler_stochastic' ? 'lcm' : sampler, schedule)];
    assert.equal(walked.length, states.length);
    for (const [i, state] of states.entries())
      assertClose(`step ${i + 1}`, walked[i]!, floats(state), { maxRelative: 2e-6 });
  });
}

describe('evaluations', () => {
  const schedule = { sigmas: Float32Array.of(1, 0.75, 0.5, 0), timesteps: Float32Array.of(1000, 750, 500), mu: null };

  test('Heun asks twice in every step but the last, at both of its ends', () => {
    const asked = SAMPLERS.heun.evaluations(schedule).map(({ timestep, level, ends }) => [timestep, level, ends]);
    const expected = [
      [1000, 0.75, false],
      [750, 0.75, true],
      [750, 0.5, false],
      [500, 0.5, true],
      [500, 0, true],
    ];
    assert.deepEqual(asked, expected);
  });

  test('the others ask once a step', () => {
    for (const name of ['euler', 'dpmpp_2m', 'lcm', 'euler_ancestral'] as const) {
      const asked = SAMPLERS[name].evaluations(schedule).map(({ timestep, level, ends }) => [timestep, level, ends]);
      assert.deepEqual(
        asked,
        [
          [1000, 0.75, true],
          [750, 0.5, true],
          [500, 0, true],
        ],
        name,
      );
    }
  });

  test('the last step asks once, the others as often as the sampler says', () => {
    for (const [name, { evaluationsPerStep, evaluations }] of Object.entries(SAMPLERS))
      assert.equal(evaluations(schedule).length, 2 * evaluationsPerStep + 1, name);
  });

  test('every factor is finite, from pure noise on too, and each is an input of the update', () => {
    for (const [name, sampler] of Object.entries(SAMPLERS)) {
      const { inputs } = sampler.update(SHAPE);
      for (const { scalars } of sampler.evaluations(schedule)) {
        for (const [key, value] of Object.entries(scalars))
          assert.ok(Number.isFinite(value) && inputs.includes(key), `${name} ${key} ${value}`);
      }
    }
  });
});

test('samplers without noise end where a constant velocity leads, and predict it in every step', () => {
  const schedule = { sigmas: Float32Array.of(1, 0.8, 0.3, 0.1, 0), timesteps: Float32Array.of(1000, 800, 300, 100) };
  for (const name of ['euler', 'heun', 'dpmpp_2m'] as const) {
    const sampler = SAMPLERS[name];
    const program = sampler.update(SHAPE);
    const start = generatorOf('torch', 7n).normal(COUNT, 'f32');
    const velocity = start.map((value, i) => value - i);
    let [latents, carried] = [start, start];
    for (const { scalars } of sampler.evaluations({ ...schedule, mu: null })) {
      const all = Object.fromEntries(Object.entries(scalars).map(([key, value]) => [key, [value]]));
      const out = runOnHost(program, { latents, velocity, carried, ...all });
      latents = out.latents;
      carried = out.carried ?? carried;
      assertClose(
        name,
        out.clean,
        Float32Array.from(start, (_, i) => i),
        { maxRelative: 1e-6 },
      );
    }
    assertClose(
      name,
      latents,
      Float32Array.from(start, (_, i) => i),
      { maxRelative: 1e-6 },
    );
  }
});
