/** Gaussian blur as PIL's `ImageFilter.GaussianBlur` computes it, byte for byte: three box blurs with fractional edges a side. */

import { channelsOf, type Raster } from './resample.ts';

const PASSES = 3;
/** Fractional bits of a weight. */
const ONE = 1 << 24;
const HALF = 1 << 23;

/** Returns the picture blurred by a standard deviation of `radius` pixels; beyond its edges they are repeated. */
export function gaussianBlur(picture: Raster, radius: number): Raster {
  const box = boxRadius(radius);
  const { width, height } = picture;
  const channels = channelsOf(picture);
  const data = picture.data.slice();
  if (box > 0) {
    blurLines(data, box, { lines: height, step: width * channels, length: width, stride: channels, channels });
    blurLines(data, box, { lines: width, step: channels, length: height, stride: width * channels, channels });
  }
  return { width, height, data };
}

/** The radius of a box whose three passes have the variance of a Gaussian; the fraction weighs the outermost pixels. */
function boxRadius(radius: number): number {
  const f = Math.fround;
  const deviation = f(radius);
  const variance = f(f(deviation * deviation) / PASSES);
  const side = f(Math.sqrt(12 * variance + 1));
  const whole = f(Math.floor((side - 1) / 2));
  const above = f(f(2 * whole + 1) * f(f(whole * f(whole + 1)) - f(3 * variance)));
  return f(whole + f(above / f(6 * f(variance - f(f(whole + 1) * f(whole + 1))))));
}

/** Lines of pixels: where each begins, and how far apart its values are. */
interface Lines {
  readonly lines: number;
  readonly step: number;
  readonly length: number;
  readonly stride: number;
  readonly channels: number;
}

function blurLines(data: Uint8Array, box: number, { lines, step, length, stride, channels }: Lines): void {
  const reach = Math.trunc(box);
  const inner = Math.trunc(Math.fround(ONE / Math.fround(Math.fround(box * 2) + 1)));
  const outer = Math.trunc((ONE - (2 * reach + 1) * inner) / 2);
  let from = new Uint8Array(length);
  let to = new Uint8Array(length);
  const last = length - 1;
  for (let line = 0; line < lines; line++) {
    for (let c = 0; c < channels; c++) {
      const start = line * step + c;
      for (let i = 0, at = start; i < length; i++, at += stride) from[i] = data[at]!;
      for (let pass = 0; pass < PASSES; pass++) {
        // The sum over the window around pixel -1.
        let sum = from[0]! * (reach + 1);
        for (let i = 0; i < reach; i++) sum += from[Math.min(i, last)]!;
        for (let i = 0; i < length; i++) {
          const before = from[Math.max(0, i - reach - 1)]!;
          sum += from[Math.min(last, i + reach)]! - before;
          const after = from[Math.min(last, i + reach + 1)]!;
          to[i] = (sum * inner + (before + after) * outer + HALF) / ONE;
        }
        [from, to] = [to, from];
      }
      for (let i = 0, at = start; i < length; i++, at += stride) data[at] = from[i]!;
    }
  }
}
