/** The comparisons that the parity tests stand on: they must fail when they should, and say why. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertClose, assertImagesClose, compare, psnr } from './close.ts';

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);

/** 0, 1, … n-1: errors of ramp(n) against zeros are the ramp itself. */
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

describe('compare', () => {
  test('gives nearest-rank quantiles of the absolute error', () => {
    const expected = new Float32Array(1000).fill(2000);
    const stats = compare(
      expected.map((value, i) => value - i),
      expected,
    );
    assert.deepEqual(stats, {
      max: 999,
      p50: 499,
      p90: 899,
      p99: 989,
      p999: 998,
      scale: 2000,
      relMax: 999 / 2000,
      worstIndex: 999,
      nonFinite: 0,
    });
  });

  test('is relative to the largest expected magnitude, whatever its sign', () => {
    assert.equal(compare(f32(1, -8), f32(0, -8)).relMax, 1 / 8);
    assert.equal(compare(f32(0, 0), f32(0, 0)).relMax, 0);
    assert.equal(compare(f32(1, 0), f32(0, 0)).relMax, Number.POSITIVE_INFINITY);
  });

  test('counts what is not finite on either side as infinitely wrong', () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    for (const [actual, expected] of [
      [nan, 1],
      [1, nan],
      [nan, nan],
      [infinity, 1],
      [infinity, infinity],
    ] as const) {
      const stats = compare(f32(0, actual, 5), f32(0, expected, 5));
      assert.deepEqual([stats.max, stats.worstIndex, stats.nonFinite], [infinity, 1, 1], `${actual} for ${expected}`);
      assert.throws(() => assertClose('x', f32(0, actual, 5), f32(0, expected, 5), { maxRelative: infinity }));
    }
  });

  test('refuses arrays of different or no length', () => {
    assert.throws(() => compare(f32(1), f32(1, 2)), /compared 1 values with 2/);
    assert.throws(() => compare(f32(), f32()), /empty/);
  });
});

describe('assertClose', () => {
  test('accepts errors at the limit', () => {
    assertClose('x', f32(0.5, 4), f32(0, 4), { maxRelative: 0.125, p99: 0.125 });
  });

  test('says by how much, and where', () => {
    const expected = ramp(6);
    const actual = expected.map((value, i) => (i === 4 ? value + 1 : value));
    assert.throws(() => assertClose('latents', actual, expected, { maxRelative: 0.1, shape: [2, 3] }), {
      message:
        'latents: largest error 0.200 exceeds 0.100\n' +
        '  errors relative to the largest expected magnitude 5.00: p50 0.00, p90 0.200, p99 0.200, p999 0.200, max 0.200\n' +
        '  worst of 6 at [1, 1]: found 5, expected 4',
    });
  });

  test('judges the 99th percentile by itself', () => {
    const expected = new Float32Array(200).fill(1);
    const outliers = (count: number): Float32Array => expected.map((value, i) => (i < count ? value + 0.5 : value));
    assertClose('x', outliers(2), expected, { maxRelative: 0.5, p99: 0.01 });
    assert.throws(() => assertClose('x', outliers(3), expected, { maxRelative: 0.5, p99: 0.01 }), /99th percentile/);
  });
});

describe('pictures', () => {
  test('PSNR follows its definition', () => {
    assert.equal(psnr(Uint8Array.of(0, 255), Uint8Array.of(255, 0)), 0);
    assert.equal(psnr(Uint8Array.of(7, 7), Uint8Array.of(7, 7)), Number.POSITIVE_INFINITY);
    assert.ok(Math.abs(psnr(new Uint8Array(10).fill(1), new Uint8Array(10)) - 48.1308) < 1e-4);
  });

  test('one byte in a thousand may be off by more than 1', () => {
    const expected = new Uint8Array(2000).fill(100);
    const off = (count: number): Uint8Array => expected.map((value, i) => (i < count ? 110 : value - (i % 2)));
    assertImagesClose('x', off(2), expected);
    assert.throws(
      () => assertImagesClose('x', off(3), expected),
      /99\.85 % .*\n.*0: 998, 1: 999, 10: 3\n.*at 0: found 110/,
    );
  });
});
