/** Masks, the part of a picture around them, and its way back, as diffusers computes them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gaussianBlur } from '../../src/picture/blur.ts';
import { crop, fit, toSigned } from '../../src/picture/fit.ts';
import { applyOverlay, cropRegion, masked, readMask } from '../../src/picture/mask.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { assertRecorded, drawn, noise, recorded, shapes, short } from '../support/recorded-pictures.ts';

describe('readMask', () => {
  test('gives the values of the mask processor, in black and white, in colour and blurred', () => {
    assertRecorded(recorded.masks, 100, ([width, height, colour, toWidth, toHeight, how, blur, hash]) => {
      // Those with greys were recorded before they are made black and white.
      const soft = blur > 0 || colour.some((value) => value < 255);
      const mask = readMask(shapes(width, height, colour), { width: toWidth, height: toHeight, fit: how, blur, soft });
      return short(mask.values) === hash;
    });
  });

  test('keeps greys where it is soft, and has black and white alone otherwise', () => {
    const ramp = drawn(64, 64, (x) => [x * 4, x * 4, x * 4]);
    const greys = Float32Array.from({ length: 4096 }, (_, i) => ((i % 64) * 4) / 255);
    assert.deepEqual(readMask(ramp, { width: 64, height: 64, soft: true }).values, greys);
    assert.deepEqual(
      readMask(ramp, { width: 64, height: 64 }).values,
      greys.map((grey) => Number(grey >= 0.5)),
    );
    const blurred = { width: 96, height: 32, blur: 2 };
    assert.deepEqual([...new Set(readMask(shapes(64, 64), blurred).values)].sort(), [0, 1]);
    assert.ok(new Set(readMask(shapes(64, 64), { ...blurred, soft: true }).values).size > 20);
  });
});

describe('a part around the mask', () => {
  test("is that of get_crop_region, its values are the processor's, and it returns as by apply_overlay", () => {
    assertRecorded(recorded.crops, 100, ([width, height, toWidth, toHeight, pad, blur, box, start, whole]) => {
      const mask = gaussianBlur(shapes(width, height), blur);
      const region = cropRegion(mask, toWidth, toHeight, pad);
      const original = noise(width, height, 3);
      const values = toSigned(fit(crop(original, region), toWidth, toHeight, 'contain'));
      const back = applyOverlay(mask, original, noise(toWidth, toHeight, 3, 7), region);
      assert.deepEqual([region.x1, region.y1, region.x2, region.y2], box);
      return short(values) === start && short(back.data) === whole;
    });
  });

  test('a black mask has none', () => {
    assert.throws(
      () => cropRegion({ width: 8, height: 8, data: new Uint8Array(64) }, 16, 16, 4),
      (error) =>
        error instanceof FluxionError &&
        error.code === 'bad_request' &&
        /mask_image: expected white/.test(error.message),
    );
  });
});

describe('a mask beside its picture', () => {
  const mask = { width: 2, height: 1, values: Float32Array.of(1, 0.25) };

  test('takes what it shows out of the values, in f32', () => {
    const values = Float32Array.of(-1, 0.5, 1, 0.1, -0.3, 0.7);
    const left = masked(values, mask);
    assert.deepEqual([...left], [-0, 0, 0, ...Float32Array.of(0.1, -0.3, 0.7).map((value) => value * 0.75)]);
  });

  test('of another size is refused', () => {
    const wrong = { code: 'bad_shape', message: 'mask: expected the 4 pixels of the values, found 2×1' };
    assert.throws(() => masked(new Float32Array(12), mask), wrong);
    const [small, picture] = [shapes(8, 8), shapes(16, 16)];
    assert.throws(() => applyOverlay(small, picture, picture, { x1: 0, y1: 0, x2: 8, y2: 8 }), { code: 'bad_shape' });
  });
});
