/** Edges as OpenCV's `Canny` finds them on bytes: Sobel of 3×3, |dx| + |dy|, thinned, and followed from strong edges along weak ones. */

import { FluxionError } from '../support/errors.ts';
import { blank } from './fit.ts';
import type { Pixels } from './image.ts';
import { channelsOf, type Raster } from './resample.ts';

/** Thresholds of the gradient, 0 to 2040: edges begin above `high`, and go on above `low`. */
export interface Thresholds {
  readonly low: number;
  readonly high: number;
}

/** tan(22.5°) in 15 bits. */
const TAN = 13_573;
const SHIFT = 15;
const WEAK = 1;
const EDGE = 2;

/**
 * Returns the edges of a picture, white on black, as RGB of its size: a control picture. For each pixel, the channel with the largest
 * gradient counts.
 */
export function canny(picture: Raster, { low, high }: Thresholds): Pixels {
  if (!(low <= high)) {
    throw new FluxionError('bad_request', `expected at most canny_high, ${high}, found ${low}`, { field: 'canny_low' });
  }
  const { width, height } = picture;
  const { across, down, size, stride } = gradients(picture);
  const kind = new Uint8Array(size.length);
  const found: number[] = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * stride + 1; x < width; x++, i++, at++) {
      const value = size[at]!;
      if (value <= Math.floor(low) || !isCrest(size, at, stride, across[i]!, down[i]!)) continue;
      if (value > Math.floor(high)) {
        kind[at] = EDGE;
        found.push(at);
      } else kind[at] = WEAK;
    }
  }
  while (found.length > 0) {
    const at = found.pop()!;
    for (let dy = -stride; dy <= stride; dy += stride) {
      for (let near = at + dy - 1; near <= at + dy + 1; near++) {
        if (kind[near] !== WEAK) continue;
        kind[near] = EDGE;
        found.push(near);
      }
    }
  }
  const edges = blank(width, height, 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (kind[(y + 1) * stride + x + 1] === EDGE) edges.data.fill(255, (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  }
  return edges;
}

/** Whether a gradient is the largest across its edge; of equal ones in a row or column, the first counts. */
function isCrest(size: Int16Array, at: number, stride: number, dx: number, dy: number): boolean {
  const value = size[at]!;
  const steep = Math.abs(dy) * 2 ** SHIFT;
  const flat = Math.abs(dx) * TAN;
  if (steep < flat) return value > size[at - 1]! && value >= size[at + 1]!;
  if (steep > flat + Math.abs(dx) * 2 ** (SHIFT + 1)) return value > size[at - stride]! && value >= size[at + stride]!;
  const side = (dx ^ dy) < 0 ? -1 : 1;
  return value > size[at - stride - side]! && value > size[at + stride + side]!;
}

/**
 * Sobel derivatives, [height, width] each, of the channel with the largest gradient; the picture's border is repeated. `size` is |dx| + |dy|,
 * with a border of zeros, so that neighbours need no test; its rows are `stride` apart.
 */
function gradients(picture: Raster) {
  const { width, height, data } = picture;
  const channels = channelsOf(picture);
  const across = new Int16Array(width * height);
  const down = new Int16Array(width * height);
  const stride = width + 2;
  const size = new Int16Array(stride * (height + 2));
  for (let y = 0, i = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width;
    const here = y * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++, i++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      let largest = -1;
      for (let c = 0; c < channels; c++) {
        const pixel = (row: number, column: number) => data[(row + column) * channels + c]!;
        const nw = pixel(above, left);
        const ne = pixel(above, right);
        const sw = pixel(below, left);
        const se = pixel(below, right);
        const dx = ne - nw + 2 * (pixel(here, right) - pixel(here, left)) + se - sw;
        const dy = sw - nw + 2 * (pixel(below, x) - pixel(above, x)) + se - ne;
        const gradient = Math.abs(dx) + Math.abs(dy);
        if (gradient <= largest) continue;
        largest = gradient;
        across[i] = dx;
        down[i] = dy;
      }
      size[(y + 1) * stride + x + 1] = largest;
    }
  }
  return { across, down, size, stride };
}
