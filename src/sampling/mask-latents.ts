/** Masks beside latents: the part of a picture-sized mask that each token gets, in the layout of packed latents. */

import { FluxionError } from '../support/errors.ts';
import { type LatentSize, packed } from './latents.ts';

/** A mask at a picture's size: [height, width]. */
interface PictureMask {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/**
 * The mask for packed latents of `channels` channels, [tokens, 4 · channels]: the upper left pixel of every latent, as torch's nearest
 * interpolation takes it. After diffusers' `FluxInpaintPipeline.prepare_mask_latents`. Throws `bad_shape` for a mask of another size.
 */
export function maskLatents(mask: PictureMask, size: LatentSize, channels: number): Float32Array {
  const scale = pixelsPerLatent(mask, size);
  return packed(size, channels, (row, column) => mask.values[(row * mask.width + column) * scale]!);
}

/**
 * The mask as channels beside the latents, [tokens, 4 · scale²]: all pixels of a latent, row by row, each a channel. After diffusers'
 * `FluxFillPipeline.prepare_mask_latents`. Throws `bad_shape` for a mask of another size.
 */
export function fillMask(mask: PictureMask, size: LatentSize): Float32Array {
  const scale = pixelsPerLatent(mask, size);
  return packed(size, scale * scale, (row, column, pixel) => {
    const y = row * scale + Math.floor(pixel / scale);
    return mask.values[y * mask.width + column * scale + (pixel % scale)]!;
  });
}

function pixelsPerLatent({ width, height, values }: PictureMask, size: LatentSize): number {
  const scale = width / size.width;
  if (Number.isInteger(scale) && height === size.height * scale && values.length === width * height) return scale;
  throw new FluxionError(
    'bad_shape',
    `mask: expected sides that are multiples of the latents' ${size.width}×${size.height}, found ${width}×${height}`,
  );
}
