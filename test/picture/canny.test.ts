/** Edges are OpenCV's, pixel for pixel. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gaussianBlur } from '../../src/picture/blur.ts';
import { canny } from '../../src/picture/canny.ts';
import { grey } from '../../src/picture/mask.ts';
import type { Raster } from '../../src/picture/resample.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { assertRecorded, noise, ramp, recorded, shapes, short } from '../support/recorded-pictures.ts';

const PICTURES: Readonly<Record<string, (width: number, height: number) => Raster>> = {
  noise: (width, height) => noise(width, height, 3),
  ramp,
  shapes,
  blurred: (width, height) => gaussianBlur(noise(width, height, 3), 2),
};

describe('canny', () => {
  test('finds the edges of cv2.Canny, in colour and in grey', () => {
    assertRecorded(recorded.edges, 100, ([width, height, name, low, high, colour, luma]) => {
      const picture = PICTURES[name]!(width, height);
      const found = (of: Raster) => short(canny(of, { low, high }).data.filter((_, i) => i % 3 === 0));
      return found(picture) === colour && found(grey(picture)) === luma;
    });
  });

  test('draws them white on black in all three channels', () => {
    const { data } = canny(shapes(40, 40), { low: 100, high: 200 });
    assert.deepEqual([...new Set(data)].sort(), [0, 255]);
    for (let i = 0; i < data.length; i += 3) assert.ok(data[i] === data[i + 1] && data[i] === data[i + 2]);
  });

  test('refuses thresholds in the wrong order', () => {
    assert.throws(
      () => canny(shapes(8, 8), { low: 200, high: 100 }),
      (error) =>
        error instanceof FluxionError &&
        error.code === 'bad_request' &&
        /canny_high, 100, found 200/.test(error.message),
    );
  });
});
