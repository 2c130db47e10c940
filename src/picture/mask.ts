/** Masks: white is repainted, black stays. As diffusers' `mask_processor` and `apply_overlay` compute them; greys stay if asked for. */

import { FluxionError } from '../support/errors.ts';
import { gaussianBlur } from './blur.ts';
import { blank, crop, type Fit, fit, type Size } from './fit.ts';
import type { Pixels } from './image.ts';
import { type Box, channelsOf, type Raster } from './resample.ts';

/** A mask at a picture's size: [height, width] in 0 to 1, 1 where the picture is repainted. */
export interface Mask extends Size {
  readonly values: Float32Array;
}

/** How a mask file becomes a mask. */
export interface MaskOptions extends Size {
  /** Standard deviation of its blur, in pixels of the file. */
  readonly blur?: number | undefined;
  /** Whether greys stay as they are; by default they become black or white, as in diffusers. */
  readonly soft?: boolean | undefined;
  readonly fit?: Fit | undefined;
  /** The part of the file to use, from `cropRegion`. */
  readonly box?: Box | undefined;
}

/** The picture as PIL's grey `L`: [height, width], weights of ITU-R 601 in 16 bits. */
export function grey(picture: Raster): Raster {
  const { width, height, data } = picture;
  if (channelsOf(picture) === 1) return picture;
  const luma = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < luma.length; i++, from += 3) {
    luma[i] = (data[from]! * 19595 + data[from + 1]! * 38470 + data[from + 2]! * 7471 + 0x8000) >> 16;
  }
  return { width, height, data: luma };
}

/** A grey picture as RGB. */
export function inColours({ width, height, data }: Raster): Pixels {
  const colours = new Uint8Array(3 * data.length);
  for (let i = 0; i < colours.length; i++) colours[i] = data[Math.trunc(i / 3)]!;
  return { width, height, data: colours };
}

/** Returns the mask at a picture's size. */
export function readMask(file: Raster, options: MaskOptions): Mask {
  const { width, height, blur = 0, soft = false, box } = options;
  const blurred = gaussianBlur(file, blur);
  const part = box ? crop(blurred, box) : blurred;
  const { data } = grey(fit(part, width, height, options.fit));
  const values = Float32Array.from(data, (byte) => (soft ? byte / 255 : Number(byte > 127)));
  return { width, height, values };
}

/**
 * A picture [height, width, 3] without its masked part: each value times 1 - mask, so that the masked part is 0, a middle grey. This is
 * what Fill sees. Throws `bad_shape` for a mask of another size.
 */
export function masked(values: Float32Array, mask: Mask): Float32Array {
  checkSize(mask, values.length / 3, 'the values');
  return values.map((value, i) => value * Math.fround(1 - mask.values[Math.floor(i / 3)]!));
}

function checkSize({ width, height }: Size, pixels: number, of: string): void {
  if (width * height === pixels) return;
  throw new FluxionError('bad_shape', `mask: expected the ${pixels} pixels of ${of}, found ${width}×${height}`);
}

/**
 * The part of a picture to work on if only the masked area is repainted: everything that is not black and `pad` pixels around it, widened
 * to the proportions of `width` × `height` as far as the picture reaches. Throws `bad_request` for a black mask.
 */
export function cropRegion(mask: Raster, width: number, height: number, pad: number): Box {
  const { width: w, height: h } = mask;
  const shown = bounds(grey(mask));
  if (!shown) {
    throw new FluxionError('bad_request', 'expected white where the picture is repainted, found only black', {
      field: 'mask_image',
      hint: 'white is repainted and black stays: invert the mask, or leave out padding_mask_crop',
    });
  }
  const x1 = Math.max(shown.x1 - pad, 0);
  const y1 = Math.max(shown.y1 - pad, 0);
  const x2 = Math.min(shown.x2 + pad, w);
  const y2 = Math.min(shown.y2 + pad, h);
  const proportions = width / height;
  if ((x2 - x1) / (y2 - y1) > proportions) {
    const [top, bottom] = widened(y1, y2, (x2 - x1) / proportions, h);
    return { x1, y1: top, x2, y2: bottom };
  }
  const [left, right] = widened(x1, x2, (y2 - y1) * proportions, w);
  return { x1: left, y1, x2: right, y2 };
}

/** Widens the range `begin` to `end` to a length on both sides, moved to fit within 0 to `limit`, and cut if it is longer. */
function widened(begin: number, end: number, length: number, limit: number): [number, number] {
  const more = Math.trunc(length - (end - begin));
  let from = begin - Math.floor(more / 2);
  let to = end + more - Math.floor(more / 2);
  if (to >= limit) {
    from -= to - limit;
    to = limit;
  }
  if (from < 0) {
    to -= from;
    from = 0;
  }
  return [from, Math.min(to, limit)];
}

/** The smallest part that contains everything that is not black; `undefined` if everything is black. */
function bounds({ width, height, data }: Raster): Box | undefined {
  const box = { x1: width, y1: height, x2: 0, y2: 0 };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (data[i] === 0) continue;
      box.x1 = Math.min(box.x1, x);
      box.x2 = Math.max(box.x2, x + 1);
      box.y1 = Math.min(box.y1, y);
      box.y2 = y + 1;
    }
  }
  return box.y2 > 0 ? box : undefined;
}

/**
 * Puts a repainted part back: `made` is resized to `box`, and the original covers it where the mask is black. Throws `bad_shape` for a mask
 * of another size than the original's.
 */
export function applyOverlay(mask: Raster, original: Pixels, made: Pixels, box: Box): Pixels {
  const { width, height } = original;
  checkSize(mask, width * height, 'the picture');
  const result = blank(width, height, 3);
  const part = fit(made, box.x2 - box.x1, box.y2 - box.y1, 'cover');
  const shown = grey(mask).data;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const opacity = 255 - shown[i]!;
      const inside = x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
      const from = ((y - box.y1) * part.width + x - box.x1) * 3;
      for (let c = 0; c < 3; c++) {
        const below = inside ? part.data[from + c]! : 0;
        result.data[i * 3 + c] = over(original.data[i * 3 + c]!, opacity, below);
      }
    }
  }
  return result;
}

/** Blends one byte over another through premultiplied alpha, with the roundings that diffusers' use of PIL has. */
function over(value: number, opacity: number, below: number): number {
  if (opacity === 0) return below;
  if (opacity === 255) return value;
  const restored = Math.min(255, Math.trunc((255 * divided(value * opacity + 128)) / opacity));
  return divided((restored * opacity + below * (255 - opacity)) * 128 + (128 << 7)) >> 7;
}

/** A sum of two bytes' products divided by 255; the half is added by the caller. */
function divided(sum: number): number {
  return ((sum >> 8) + sum) >> 8;
}
