/** Pictures at the size and in the values that models take, as diffusers' `VaeImageProcessor` makes them. */

import type { Pixels } from './image.ts';
import { type Box, channelsOf, type Raster, resample } from './resample.ts';

/**
 * How a picture is brought to another shape: `stretch` ignores its proportions, `cover` crops to the centre, `contain` shows all of it and
 * repeats its edges around it. diffusers calls them `default`, `crop` and `fill`.
 */
export type Fit = 'stretch' | 'cover' | 'contain';

/** Sizes that Kontext was trained on, [width, height]; the list of `FluxKontextPipeline`. */
const KONTEXT_SIZES: readonly (readonly [number, number])[] = [
  [672, 1568], [688, 1504], [720, 1456], [752, 1392], [800, 1328], [832, 1248], [880, 1184], [944, 1104], [1024, 1024],
  [1104, 944], [1184, 880], [1248, 832], [1328, 800], [1392, 752], [1456, 720], [1504, 688], [1568, 672],
]; // biome-ignore format: one list

/** Pixels of a side that make one token. */
const STEP = 16;

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the picture at a size, by Lanczos resampling. */
export function fit(picture: Raster, width: number, height: number, how: Fit = 'stretch'): Raster {
  if (how === 'stretch') return resample(picture, width, height);
  const proportions = width / height;
  const own = picture.width / picture.height;
  const keepsWidth = how === 'contain' ? proportions < own : proportions > own;
  // The other side is rounded down, as diffusers does; a sliver keeps a pixel.
  const across = keepsWidth ? width : Math.max(1, Math.floor((picture.width * height) / picture.height));
  const down = keepsWidth ? Math.max(1, Math.floor((picture.height * width) / picture.width)) : height;
  const resized = resample(picture, across, down);
  const placed = blank(width, height, channelsOf(picture));
  paste(placed, resized, (width >> 1) - (across >> 1), (height >> 1) - (down >> 1));
  if (how === 'contain') repeatEdges(placed, resized, keepsWidth);
  return placed;
}

/** Fills the area around a picture by repeating its edges: above and below a picture of the full width, else at the sides. */
function repeatEdges(placed: Raster, picture: Raster, isFullWidth: boolean): void {
  const { width, height } = picture;
  // A part without height or width is extended from the two rows or columns at it, which PIL's default filter weighs.
  const whole = { x1: 0, y1: 0, x2: width, y2: height };
  if (isFullWidth) {
    const rows = (placed.height >> 1) - (height >> 1);
    if (rows === 0) return;
    paste(placed, resample(picture, width, rows, 'bicubic', { ...whole, y2: 0 }), 0, 0);
    paste(placed, resample(picture, width, rows, 'bicubic', { ...whole, y1: height }), 0, rows + height);
  } else {
    const columns = (placed.width >> 1) - (width >> 1);
    if (columns === 0) return;
    paste(placed, resample(picture, columns, height, 'bicubic', { ...whole, x2: 0 }), 0, 0);
    paste(placed, resample(picture, columns, height, 'bicubic', { ...whole, x1: width }), columns + width, 0);
  }
}

/** A black picture. */
export function blank(width: number, height: number, channels: number): Raster {
  return { width, height, data: new Uint8Array(width * height * channels) };
}

/** Draws a picture onto another of the same channels, with its upper left pixel at (x, y), which may be outside. */
export function paste(onto: Raster, picture: Raster, x: number, y: number): void {
  const channels = channelsOf(picture);
  const left = Math.max(0, -x);
  const right = Math.min(picture.width, onto.width - x);
  if (right <= left) return;
  for (let row = Math.max(0, -y); row < Math.min(picture.height, onto.height - y); row++) {
    const from = row * picture.width;
    const to = ((row + y) * onto.width + x + left) * channels;
    onto.data.set(picture.data.subarray((from + left) * channels, (from + right) * channels), to);
  }
}

/** Returns a part of a picture; what lies outside is black. */
export function crop(picture: Raster, { x1, y1, x2, y2 }: Box): Raster {
  const part = blank(x2 - x1, y2 - y1, channelsOf(picture));
  paste(part, picture, -x1, -y1);
  return part;
}

/** The values that the autoencoder takes, [height, width, channels] in -1 to 1, each operation in f32. */
export function toSigned({ data }: Pixels): Float32Array {
  const values = Float32Array.from({ length: 256 }, (_, byte) => 2 * Math.fround(byte / 255) - 1);
  const signed = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) signed[i] = values[data[i]!]!;
  return signed;
}

/** The largest size within another that a model takes: both sides are multiples of `step`, at least one. */
export function modelSize({ width, height }: Size, step: number = STEP): Size {
  const floor = (side: number) => Math.max(step, side - (side % step));
  return { width: floor(width), height: floor(height) };
}

/** The size that Kontext was trained on whose proportions are nearest to a reference picture's. */
export function preferredSize(picture: Size): Size {
  const { width, height } = modelSize(picture);
  const off = ([w, h]: readonly [number, number]) => Math.abs(width / height - w / h);
  // Of equally near sizes, the first and narrowest, as in diffusers.
  const [w, h] = KONTEXT_SIZES.reduce((best, size) => (off(size) < off(best) ? size : best));
  return { width: w, height: h };
}
