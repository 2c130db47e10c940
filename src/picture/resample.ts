/**
 * Resizing as PIL's `Image.resize` computes it, byte for byte: a pass along each side, with weights in fixed point and a rounding to
 * bytes after each pass.
 * Notable: rows are filtered as they are needed. Beside the result, only a few rows are in memory when a picture shrinks, and four
 * bytes for each byte of the result when it grows.
 */

import { FluxionError } from '../support/errors.ts';

/** A picture of any number of channels: bytes [height, width, channels], whose number tells the channels. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** PIL's filters: diffusers resizes with `lanczos`, SigLIP's processor with `bicubic`. */
export type Filter = 'lanczos' | 'bicubic' | 'bilinear';

/** A part of a picture: from x1, y1 up to, not including, x2, y2, in pixels. */
export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Fractional bits of a weight: 32 less 8 of a byte, and 2 for sums beyond a byte's range. */
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Weights by distance in pixels, and the distance from which on they are 0. */
const FILTERS: Readonly<Record<Filter, { readonly support: number; weight(x: number): number }>> = {
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
};

/** Keys' cubic with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** The number of channels of a raster. */
export function channelsOf({ width, height, data }: Raster): number {
  return data.length / (width * height);
}

/**
 * Resamples `picture`, or a part of it, to `width` × `height` pixels of the same channels; a part without height or width repeats the
 * pixels there. Throws `bad_shape` for a size below 1.
 */
export function resample(
  picture: Raster,
  width: number,
  height: number,
  filter: Filter = 'lanczos',
  box: Box = { x1: 0, y1: 0, x2: picture.width, y2: picture.height },
): Raster {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new FluxionError('bad_shape', `resample: expected whole sides from 1, found ${width}×${height}`);
  }
  const across = isWhole(box.x1, box.x2, picture.width, width)
    ? undefined
    : windows(picture.width, box.x1, box.x2, width, filter);
  const down = windows(picture.height, box.y1, box.y2, height, filter);
  // Pillow 13's order of passes, inferred from its results: columns first if the height shrinks by more than twice as much as the width.
  const shrinks = picture.height - height;
  if (!across || shrinks <= 0 || shrinks <= 2 * (picture.width - width)) return filtered(picture, across, down);
  return filtered(filtered(picture, undefined, down), across, windows(height, 0, height, height, filter));
}

/** Whether a side keeps all its pixels as they are. */
const isWhole = (begin: number, end: number, from: number, to: number) => begin === 0 && end === from && from === to;

/** Filters rows, unless they are unchanged, and then columns. */
function filtered(picture: Raster, across: readonly Window[] | undefined, down: readonly Window[]): Raster {
  const channels = channelsOf(picture);
  const width = across?.length ?? picture.width;
  const height = down.length;
  const data = new Uint8Array(width * height * channels);
  const own = new Uint8Array(width * channels);
  const stride = picture.width * channels;
  /** Partial sums of the unfinished rows of the result, from row `first` on. */
  const sums: Int32Array[] = [];
  const free: Int32Array[] = [];
  for (let y = down[0]!.start, first = 0; first < height; y++) {
    const from = picture.data.subarray(y * stride, (y + 1) * stride);
    const row = across ? filterRow(from, across, channels, own) : from;
    while (first + sums.length < height && down[first + sums.length]!.start <= y) {
      sums.push((free.pop() ?? new Int32Array(own.length)).fill(HALF));
    }
    for (const [i, sum] of sums.entries()) {
      const { start, weights } = down[first + i]!;
      const weight = weights[y - start];
      if (weight) for (let k = 0; k < sum.length; k++) sum[k]! += weight * row[k]!;
    }
    while (sums.length > 0 && down[first]!.start + down[first]!.weights.length <= y + 1) {
      const sum = sums.shift()!;
      for (let i = 0, to = first * sum.length; i < sum.length; i++, to++) data[to] = clamped(sum[i]! >> PRECISION);
      free.push(sum);
      first++;
    }
  }
  return { width, height, data };
}

/** The source pixels of one result pixel, from `start` on, and their weights. */
interface Window {
  readonly start: number;
  readonly weights: Int32Array;
}

/** The windows of one side: `to` pixels, made of the pixels from `begin` to `end` of a side of `from`. */
function windows(from: number, begin: number, end: number, to: number, filter: Filter): Window[] {
  const { support, weight } = FILTERS[filter];
  const scale = (end - begin) / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = begin + (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const length = Math.min(from, Math.trunc(centre + reach + 0.5)) - start;
    const exact = Float64Array.from({ length }, (_, x) => weight((x + start - centre + 0.5) * (1 / stretch)));
    const total = exact.reduce((sum, value) => sum + value, 0);
    const weights = Int32Array.from(exact, (value) => {
      const scaled = (total === 0 ? value : value / total) * (1 << PRECISION);
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { start, weights };
  });
}

function filterRow(from: Uint8Array, across: readonly Window[], channels: number, to: Uint8Array): Uint8Array {
  let at = 0;
  for (const { start, weights } of across) {
    for (let c = 0; c < channels; c++) {
      let sum = HALF;
      for (let k = 0, i = start * channels + c; k < weights.length; k++, i += channels) sum += from[i]! * weights[k]!;
      to[at++] = clamped(sum >> PRECISION);
    }
  }
  return to;
}

function clamped(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
