/** Outpainting: a picture on a larger canvas, initial content around it, and a mask of the new area. */

import { SIDE_LIMIT } from '../api/kinds.ts';
import { FluxionError } from '../support/errors.ts';
import { gaussianBlur } from './blur.ts';
import { blank, paste, type Size } from './fit.ts';
import type { Pixels } from './image.ts';
import type { Raster } from './resample.ts';

/** Pixels to add at each side. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The larger picture, and its mask: one byte a pixel, 255 where it is new. */
export interface Outpainted {
  readonly pixels: Pixels;
  readonly mask: Raster;
}

/** Standard deviation of the blur far from the picture, as a share of the widest margin. */
const BLUR = 1 / 4;

/**
 * Enlarges a picture by margins, in pixels. Its edges are repeated into them, ever more blurred, so that colours go on without a seam or
 * streaks. Sides are rounded up to multiples of `step`, at the right and the bottom unless only the other side grows. Throws `bad_request`
 * for margins that are no whole numbers from 0, are all 0, or make a side beyond 8192 pixels.
 */
export function outpaint(picture: Pixels, asked: Margins, step: number): Outpainted {
  const margins = checkedMargins(picture, asked, step);
  const { left, top } = margins;
  const pixels = repeated(picture, margins);
  blurOutwards(pixels, picture, margins);

  const mask = blank(pixels.width, pixels.height, 1);
  mask.data.fill(255);
  paste(mask, blank(picture.width, picture.height, 1), left, top);
  return { pixels, mask };
}

function checkedMargins({ width, height }: Size, asked: Margins, step: number): Margins {
  const wrong = Object.entries(asked).find(([, margin]) => !Number.isInteger(margin) || margin < 0);
  if (wrong) {
    throw bad(`${wrong[0]}: expected a whole number from 0, found ${wrong[1]}`);
  }
  if (Math.max(...Object.values(asked)) === 0) {
    throw bad(
      'expected pixels to add at one side at least, found 0,0,0,0',
      'outpaint=LEFT,RIGHT,TOP,BOTTOM, such as outpaint=256,256,0,0',
    );
  }
  const [left, right] = rounded(asked.left, asked.right, width, step);
  const [top, bottom] = rounded(asked.top, asked.bottom, height, step);
  for (const [name, side] of Object.entries({ width: left + width + right, height: top + height + bottom }))
    if (side > SIDE_LIMIT) throw bad(`expected a ${name} of at most ${SIDE_LIMIT} pixels, found ${side}`);
  return { left, right, top, bottom };
}

function bad(message: string, hint?: string): FluxionError {
  return new FluxionError('bad_request', message, { field: 'outpaint', hint });
}

/** Margins that bring a side to a multiple of `step`. */
function rounded(before: number, after: number, side: number, step: number): [number, number] {
  const missing = (step - ((before + side + after) % step)) % step;
  return before > 0 && after === 0 ? [before + missing, 0] : [before, after + missing];
}

function repeated(picture: Pixels, { left, right, top, bottom }: Margins): Raster {
  const canvas = blank(left + picture.width + right, top + picture.height + bottom, 3);
  const { data, width, height } = canvas;
  paste(canvas, picture, left, top);
  const last = left + picture.width - 1;
  for (let y = top; y < height - bottom; y++) {
    const row = data.subarray(y * width * 3, (y + 1) * width * 3);
    for (let x = 0; x < left; x++) row.copyWithin(x * 3, left * 3, left * 3 + 3);
    for (let x = last + 1; x < width; x++) row.copyWithin(x * 3, last * 3, last * 3 + 3);
  }
  const stride = width * 3;
  for (let y = 0; y < top; y++) data.copyWithin(y * stride, top * stride, (top + 1) * stride);
  const bottomRow = height - bottom - 1;
  for (let y = bottomRow + 1; y < height; y++)
    data.copyWithin(y * stride, bottomRow * stride, (bottomRow + 1) * stride);
  return canvas;
}

/** Blurs the area around the picture, fully from two standard deviations away. */
function blurOutwards(canvas: Raster, picture: Size, { left, right, top, bottom }: Margins): void {
  const radius = Math.max(left, right, top, bottom) * BLUR;
  const blurred = gaussianBlur(canvas, radius);
  for (let y = 0, i = 0; y < canvas.height; y++) {
    const down = Math.max(0, top - y, y + 1 - top - picture.height);
    for (let x = 0; x < canvas.width; x++, i += 3) {
      const away = Math.max(down, left - x, x + 1 - left - picture.width);
      if (away <= 0) continue;
      const share = Math.min(1, away / (2 * radius));
      for (let at = i; at < i + 3; at++) canvas.data[at]! += Math.round(share * (blurred.data[at]! - canvas.data[at]!));
    }
  }
}
