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
  const [, channels, height, width] = shape;
  if (height % 2 !== 0 || width % 2 !== 0 || latents.length !== elementCount(shape)) {
    const expected = `${elementCount(shape)} values and even sides`;
    throw new FluxionError('bad_shape', `latents [${shape}]: expected ${expected}, found ${latents.length} values`);
  }
  const each = channels * height * width;
  const out = new Float32Array(latents.length);
  for (let start = 0; start < out.length; start += each) {
    const picture = latents.subarray(start, start + each);
    const tokens = packed(
      { height, width },
      channels,
      (row, column, c) => picture[(c * height + row) * width + column]!,
    );
    out.set(tokens, start);
  }
  return out;
}

/** Makes the tokens of a picture, [tokens, 4 · channels], from values of its latents. */
export function packed(
  { height, width }: Pick<LatentSize, 'height' | 'width'>,
  channels: number,
  value: (row: number, column: number, channel: number, at: number) => number,
): Float32Array {
  const out = new Float32Array(height * width * channels);
  let at = 0;
  for (let row = 0; row < height; row += 2)
    for (let column = 0; column < width; column += 2)
      for (let channel = 0; channel < channels; channel++)
        for (let corner = 0; corner < 4; corner++, at++)
          out[at] = value(row + (corner >> 1), column + (corner & 1), channel, at);
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
