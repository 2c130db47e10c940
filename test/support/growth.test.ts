/** The judge of memory in loops: passes what allocators do, fails what a leak does. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth } from './growth.ts';

/** MiB after every tenth of 200 pictures, where nothing leaked: the last reading is a step of the allocator. */
const STEP_AT_THE_END = [
  313, 314, 322, 341, 341, 342, 342, 342, 346, 346, 348, 348, 348, 348, 348, 348, 348, 351, 352, 380,
];

test('a step at the end, a spike and a warm-up are no growth', () => {
  assert.equal(growth(STEP_AT_THE_END), 7);
  assert.equal(growth(STEP_AT_THE_END.toReversed()), -35, 'memory that is given back');
  for (let i = 6; i < 20; i++) assert.ok(growth(STEP_AT_THE_END.with(i, 600)) <= 10, `a spike at reading ${i}`);
});

test('a leak is growth, whether it shows at once or in the steps of an allocator', () => {
  for (const perPicture of [0.5, 1, 4]) {
    const leaked = STEP_AT_THE_END.map((reading, i) => reading + perPicture * 10 * (i + 1));
    const stepwise = STEP_AT_THE_END.map((reading, i) => reading + 16 * Math.floor((perPicture * 10 * (i + 1)) / 16));
    for (const readings of [leaked, stepwise])
      assert.ok(growth(readings) > 45, `${perPicture} MiB: ${growth(readings)}`);
  }
});

test('few readings tell nothing', () => {
  assert.throws(() => growth([1, 2, 3]), RangeError);
});
