/** Resizing is PIL's, byte for byte. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resample } from '../../src/picture/resample.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { assertRecorded, noise, recorded, short } from '../support/recorded-pictures.ts';

describe('resample', () => {
  test('gives the bytes of Image.resize: three filters, up and down, one and three channels', () => {
    assertRecorded(recorded.resizes, 300, ([width, height, channels, toWidth, toHeight, filter, hash]) => {
      const result = resample(noise(width, height, channels), toWidth, toHeight, filter);
      return result.width === toWidth && result.height === toHeight && short(result.data) === hash;
    });
  });

  test('keeps a picture of the same size, and a single colour at any size', () => {
    const picture = noise(31, 17, 3);
    assert.deepEqual(resample(picture, 31, 17), picture);
    const grey = resample({ width: 9, height: 4, data: new Uint8Array(36).fill(200) }, 50, 1, 'bicubic');
    assert.ok(grey.data.every((byte) => byte === 200));
  });

  test('refuses a size below one pixel', () => {
    assert.throws(
      () => resample(noise(4, 4, 1), 0, 8),
      (error) => error instanceof FluxionError && error.code === 'bad_shape' && /found 0×8/.test(error.message),
    );
  });
});
