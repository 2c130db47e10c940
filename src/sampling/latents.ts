/**
 * Latents between the VAE's layout, [batch, channels, height, width], and the transformer's, where every 2×2 patch is
 * one token of 4 × channels features; and the positions that go with the tokens. All on host arrays, row-major.
 */

import { elementCount } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { multiplesNear } from '../support/multiples.ts';

/** Height and width of the latents, and of the grid of tokens they are packed into. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
  /** rows × columns */
  readonly tokens: number;
}

/** Tokens of several pictures together. */
export function totalTokens(sizes: readonly LatentSize[]): number {
  return sizes.reduce((sum, { tokens }) => sum + tokens, 0);
}

const MAX_SIDE = 16_384;

/**
 * Returns the latents' size for an image of `width` × `height` pixels. The VAE shrinks `vaeScale` times and packing
 * needs even sides, so both must be multiples of 2 × `vaeScale`; throws `bad_request` otherwise.
 */
export function latentSize(width: number, height: number, vaeScale = 8): LatentSize {
  const step = 2 * vaeScale;
  for (const [name, side] of Object.entries({ width, height })) {
    if (Number.isInteger(side) && side > 0 && side <= MAX_SIDE && side % step === 0) continue;
    const near = multiplesNear(side, step, step, MAX_SIDE);
    throw new FluxionError('bad_request', `expected a multiple of ${step} up to ${MAX_SIDE}, found ${side}`, {
      field: name,
      hint:
        near.length === 0
          ? undefined
          : `the nearest that ${near.length === 1 ? 'works is' : 'work are'} ${near.join(' and ')}`,
    });
  }
  const rows = height / step;
  const columns = width / step;
  return { height: 2 * rows, width: 2 * columns, rows, columns, tokens: rows * columns };
}

/** Packs latents [batch, channels, height, width] into tokens [batch, height/2 · width/2, 4 · channels], channel-major in a patch. */
export function packLatents(latents: Float32Array, shape: readonly [number, number, number, number]): Float32Array {
  const [batch, channels, height, width] = shape;
  if (height % 2 !== 0 || width % 2 !== 0 || latents.length !== elementCount(shape)) {
    const expected = `${elementCount(shape)} values and even sides`;
    throw new FluxionError('bad_shape', `latents [${shape}]: expected ${expected}, found ${latents.length} values`);
  }
  const out = new Float32Array(latents.length);
  let packed = 0;
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < height; row += 2) {
      for (let column = 0; column < width; column += 2) {
        for (let c = 0; c < channels; c++) {
          const corner = ((b * channels + c) * height + row) * width + column;
          for (const at of [corner, corner + 1, corner + width, corner + width + 1]) out[packed++] = latents[at]!;
        }
      }
    }
  }
  return out;
}

/** Returns the positions of a picture's tokens, [tokens, 3]: its index, row, column. The picture that is made has index 0. */
export function imagePositions({ rows, columns, tokens }: LatentSize, index = 0): Float32Array {
  const out = new Float32Array(tokens * 3);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i += 3) {
      out[i] = index;
      out[i + 1] = row;
      out[i + 2] = column;
    }
  }
  return out;
}

/** Returns the positions of `tokens` text tokens, [tokens, 3]: all at the origin. */
export function textPositions(tokens: number): Float32Array {
  return new Float32Array(tokens * 3);
}
