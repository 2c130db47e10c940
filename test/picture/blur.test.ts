/** Blurring is PIL's, byte for byte. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gaussianBlur } from '../../src/picture/blur.ts';
import { assertRecorded, noise, recorded, short } from '../support/recorded-pictures.ts';

test('gives the bytes of ImageFilter.GaussianBlur, for radii from 0 to far beyond the picture', () => {
  assertRecorded(recorded.blurs, 40, ([width, height, channels, radius, hash]) => {
    return short(gaussianBlur(noise(width, height, channels), radius).data) === hash;
  });
});

test('does not change the picture it is given', () => {
  const picture = noise(9, 9, 1);
  const before = picture.data.slice();
  gaussianBlur(picture, 3);
  assert.deepEqual(picture.data, before);
});
