/** Noise levels of the other schedules are diffusers', within the last place of f32. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SCHEDULER } from '../../src/families/flux1/scheduler.ts';
import { betaQuantile, regularisedBeta } from '../../src/sampling/beta-quantile.ts';
import { schedule } from '../../src/sampling/schedule.ts';
import { respace, type Spacing } from '../../src/sampling/spacing.ts';
import { parseJsonObject } from '../../src/weights/files/json.ts';

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokens: number;
  readonly steps: number | null;
  readonly sigmas: readonly number[] | null;
  readonly sampler: 'euler' | 'dpmpp_2m';
  readonly spacing: Spacing;
  readonly expected: { readonly sigmas: string; readonly timesteps: string };
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/sampling/samplers.json', import.meta.url), 'utf8')) as {
  quantiles: readonly { a: number; b: number; p: readonly number[]; x: readonly number[] }[];
  schedules: readonly Case[];
};

/** Holds f32 values to within two of their last places; timesteps of DPM-Solver are whole, whether recorded as integers or not. */
function assertPlaces(actual: Float32Array, base64: string, what: string): void {
  const expected = new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) <= 2 ** -22 * value, `${what} ${i}: ${actual[i]}, not ${value}`);
}

describe('schedules', () => {
  for (const { config, tokens, steps, sigmas, sampler, spacing, expected } of recorded.schedules) {
    const shift = config['use_dynamic_shifting'] ? 'dynamic shift' : `shift ${config['shift']}`;
    test(`${sampler} ${spacing}: ${steps ?? sigmas?.length} steps, ${tokens} tokens, ${shift}`, () => {
      const read = SCHEDULER.config.read(parseJsonObject(JSON.stringify(config), 'test'), 'test');
      const made = schedule(read, {
        imageTokens: tokens,
        spacing,
        levels: sampler === 'dpmpp_2m' ? 'dpm-solver' : 'flow-match',
        ...(steps && { steps }),
        ...(sigmas && { sigmas }),
      });
      assertPlaces(made.sigmas, expected.sigmas, 'sigma');
      assertPlaces(made.timesteps, expected.timesteps, 'timestep');
      if (sampler === 'dpmpp_2m') assert.ok(made.timesteps.every(Number.isInteger));
    });
  }

  test('spacing keeps the ends and the number of given sigmas', () => {
    for (const spacing of ['karras', 'exponential', 'beta'] as const) {
      const spaced = respace([0.9, 0.8, 0.7, 0.1], spacing);
      assert.equal(spaced.length, 4);
      for (const [i, end] of [
        [0, 0.9],
        [3, 0.1],
      ] as const)
        assert.ok(Math.abs(spaced[i]! - end) < 1e-15);
      assert.deepEqual(
        spaced,
        spaced.toSorted((a, b) => b - a),
      );
      assert.deepEqual(respace([0.6], spacing).map(Math.fround), [Math.fround(0.6)]);
    }
  });

  test('DPM-Solver takes given sigmas as they are', () => {
    const config = SCHEDULER.config.read(parseJsonObject('{}', 'test'), 'test');
    const given = { sigmas: [1, 0.55], imageTokens: 64 };
    assert.deepEqual(schedule(config, { ...given, levels: 'dpm-solver' }), schedule(config, given));
  });
});

describe('quantiles of the beta distribution', () => {
  for (const { a, b, p, x } of recorded.quantiles) {
    test(`a ${a}, b ${b}, as scipy has them`, () => {
      for (const [i, expected] of x.entries()) {
        const actual = betaQuantile(p[i]!, a, b);
        assert.ok(Math.abs(actual - expected) <= 1e-12 * expected, `${p[i]}: ${actual}, not ${expected}`);
      }
    });
  }

  test('invert the distribution function', () => {
    for (let i = 1; i < 200; i++) {
      for (const [a, b] of [
        [0.6, 0.6],
        [0.5, 3],
        [20, 1.5],
      ] as const) {
        const p = i / 200;
        assert.ok(Math.abs(regularisedBeta(betaQuantile(p, a, b), a, b) - p) < 1e-13);
      }
    }
  });
});
