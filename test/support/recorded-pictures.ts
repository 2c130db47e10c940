/**
 * What PIL, diffusers and OpenCV make of pictures, written by tools/reference/record_pictures.py, and the pictures that they were given,
 * by the same rules.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Fit } from '../../src/picture/fit.ts';
import type { Filter, Raster } from '../../src/picture/resample.ts';
import { repositoryPath } from './fixture.ts';

type Quad = readonly [number, number, number, number];

interface Recorded {
  readonly resizes: readonly (readonly [...Quad, number, Filter, string])[];
  readonly fits: readonly (readonly [...Quad, Fit, string])[];
  readonly blurs: readonly (readonly [...Quad, string])[];
  readonly masks: readonly (readonly [number, number, readonly number[], number, number, Fit, number, string])[];
  readonly crops: readonly (readonly [...Quad, number, number, Quad, string, string])[];
  readonly maskLatents: readonly (readonly [number, number, number, string | null, string])[];
  readonly edges: readonly (readonly [number, number, string, number, number, string, string])[];
  readonly sizes: readonly Quad[];
  readonly signed: string;
  readonly files: readonly (readonly [string, number, number, string, string])[];
}

export const recorded = JSON.parse(
  readFileSync(repositoryPath('test/fixtures/picture/pictures.json'), 'utf8'),
) as Recorded;

/** Bytes of a linear congruential generator. */
export function noise(width: number, height: number, channels: number, seed = 1): Raster {
  let state = seed;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

/** Colours that change slowly. */
export function ramp(width: number, height: number): Raster {
  return drawn(width, height, (x, y) => [
    Math.floor((x * 255) / (width - 1)),
    Math.floor((y * 255) / (height - 1)),
    Math.floor(((x + y) * 255) / (width + height - 2)),
  ]);
}

/** A rectangle and an ellipse on black. */
export function shapes(width: number, height: number, colour: readonly number[] = [255, 255, 255]): Raster {
  const part = (whole: number, of: number) => Math.floor(whole / of);
  return drawn(width, height, (x, y) => {
    const isRectangle = x >= part(width, 5) && x < part(width, 2) && y >= part(height, 4) && y < part(height, 2);
    const ellipse = (2 * x - width) ** 2 * height ** 2 + (3 * y - 2 * height) ** 2 * width ** 2;
    return isRectangle || ellipse < part((width * height) ** 2, 9) ? colour : [0, 0, 0];
  });
}

/** A picture of three channels, by its pixels. */
export function drawn(width: number, height: number, pixel: (x: number, y: number) => readonly number[]): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const colour = pixel(x, y);
      for (let c = 0; c < 3; c++) data[at + c] = colour[c]!;
    }
  }
  return { width, height, data };
}

/** The hash by which results are recorded. */
export function short(values: Uint8Array | Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Fails with the names of the cases whose results are others than recorded. */
export function assertRecorded<T>(cases: readonly T[], atLeast: number, result: (recorded: T) => boolean): void {
  assert.ok(cases.length >= atLeast, `${cases.length} cases, expected ${atLeast}`);
  const wrong = cases.filter((recorded) => !result(recorded)).map((recorded) => JSON.stringify(recorded));
  assert.deepEqual(wrong, []);
}
