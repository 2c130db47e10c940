/** A larger canvas around a picture: its size, what it begins from, and the mask of what is new. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crop } from '../../src/picture/fit.ts';
import { outpaint } from '../../src/picture/outpaint.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { noise, ramp } from '../support/recorded-pictures.ts';

const box = (x: number, y: number, width: number, height: number) => ({ x1: x, y1: y, x2: x + width, y2: y + height });

describe('outpaint', () => {
  test('keeps the picture, marks what is new, and rounds up where the picture grows', () => {
    const picture = noise(50, 40, 3);
    const { pixels, mask } = outpaint(picture, { left: 20, right: 0, top: 8, bottom: 8 }, 16);
    assert.deepEqual([pixels.width, pixels.height, mask.width, mask.height], [80, 64, 80, 64]);
    assert.deepEqual(crop(pixels, box(30, 8, 50, 40)), picture);
    assert.ok(crop(mask, box(30, 8, 50, 40)).data.every((byte) => byte === 0));
    assert.equal(mask.data.filter((byte) => byte === 255).length, 80 * 64 - 50 * 40);
  });

  test('goes on with the colours of the edge', () => {
    const picture = ramp(64, 64);
    const { pixels } = outpaint(picture, { left: 0, right: 32, top: 0, bottom: 0 }, 16);
    for (let y = 8; y < 56; y++) {
      const edge = picture.data.subarray((y * 64 + 63) * 3, (y * 64 + 64) * 3);
      const far = pixels.data.subarray((y * 96 + 90) * 3, (y * 96 + 91) * 3);
      for (let c = 0; c < 3; c++) assert.ok(Math.abs(edge[c]! - far[c]!) < 12, `row ${y}: ${edge} and ${far}`);
    }
  });

  test('has no seam, and no streaks far from it', () => {
    const picture = noise(64, 64, 3);
    const { pixels } = outpaint(picture, { left: 0, right: 64, top: 0, bottom: 0 }, 16);
    const difference = (ax: number, ay: number, bx: number, by: number) =>
      Math.abs(pixels.data[(ay * 128 + ax) * 3]! - pixels.data[(by * 128 + bx) * 3]!);
    for (let y = 0; y < 63; y++) {
      assert.ok(difference(63, y, 64, y) <= 8, `row ${y} at the seam`);
      assert.ok(difference(120, y, 120, y + 1) <= 8, `row ${y} far from it`);
    }
  });

  test('refuses margins that are none, broken or endless', () => {
    const refused = (margins: Partial<Record<'left' | 'right' | 'top' | 'bottom', number>>, reason: RegExp) =>
      assert.throws(
        () => outpaint(noise(16, 16, 3), { left: 0, right: 0, top: 0, bottom: 0, ...margins }, 16),
        (error) => error instanceof FluxionError && error.code === 'bad_request' && reason.test(error.message),
      );
    refused({}, /found 0,0,0,0/);
    refused({ left: -1 }, /left: expected a whole number from 0, found -1/);
    refused({ top: 1.5 }, /top: .* found 1.5/);
    refused({ bottom: 1e9 }, /height of at most 8192 pixels, found 10000000/);
  });
});
