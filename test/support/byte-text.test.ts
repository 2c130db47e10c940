/** Sizes in the one form they have everywhere. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteText } from '../../src/support/byte-text.ts';

test('sizes have at most three digits and the unit that keeps them below 1000', () => {
  const cases: readonly [bytes: number, text: string][] = [
    [0, '0 B'], [999, '999 B'], [1000, '0.977 KiB'], [1024, '1 KiB'], [1536, '1.5 KiB'], [1023 * 1024, '0.999 MiB'],
    [63 * 2 ** 20, '63 MiB'], [31.4 * 2 ** 30, '31.4 GiB'], [2 ** 50, '1 PiB'],
  ]; // biome-ignore format: pairs
  for (const [bytes, text] of cases) assert.equal(byteText(bytes), text);
});
