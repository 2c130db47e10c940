/** What `fluxion bench` makes of the times it measured. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Picture, summarise } from '../../src/cli/measure/measure.ts';

/** A picture as it is measured, of the figures that count here. */
function picture(steps: readonly number[], firstStep: number, cached = 0): Picture {
  const timings = { load: 0, compile: 0, encode: 2, denoise: 0, secondsPerStep: 0, decode: 3, inference: 0 };
  const report = {
    timings,
    peakMemory: 1,
    programs: { compiled: 0, fromCache: 0 },
    device: 'cpu',
    images: 1,
    steps: { all: steps.length + 1, cached },
  };
  const recipe = { width: 16, height: 16, steps: 1, maxSequenceLength: 1, weights: 'f32', activations: 'f32' } as const;
  return { recipe, report, memory: {} as Picture['memory'], warnings: [], steps, firstStep, seconds: 10 };
}

test('the first step tells what comes before the steps, and is no step of the median', () => {
  const figures = summarise([picture([4, 5, 6], 9), picture([5, 5], 8), picture([5, 7], 9)]);
  assert.deepEqual(figures.median, { encode: 2, step: 5, decode: 3 });
  assert.equal(figures.prepare, 4);
  assert.equal(figures.picture, 10);
});

test('the only step includes what comes before it', () => {
  const figures = summarise([picture([9], 9), picture([8], 8), picture([10], 10)]);
  assert.equal(figures.prepare, undefined);
  assert.equal(figures.median.step, 9);
});

test('a first step that was faster than the others leaves nothing before it', () => {
  assert.equal(summarise([picture([5, 5], 4, 1)]).prepare, 0);
  assert.equal(summarise([picture([5, 5], 4, 1)]).cachedSteps, 1);
});
