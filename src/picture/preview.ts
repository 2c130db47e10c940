/**
 * Previews: a linear map turns each latent into one colour, at an eighth of the picture's size and negligible cost.
 * Notable: the map is fitted to the model's own encoder, or to its decoder if the file has no encoder, so it suits any autoencoder.
 */

import type { Pixels } from './image.ts';

/** Colours as weighted sums of latent channels: rows of [channels + 1] for red, green and blue, the offset last. */
export type PreviewMap = readonly (readonly number[])[];

/** A chart of smooth colours [side, side, 3] in -1 to 1: every hue and brightness, nothing finer than 16 pixels. */
export function colourChart(side: number): Float32Array {
  const chart = new Float32Array(side * side * 3);
  const wave = (x: number, y: number, fx: number, fy: number, phase: number) =>
    Math.sin(((x * fx + y * fy) / side + phase) * 2 * Math.PI);
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const light = wave(x, y, 1, 2, 0.1);
      // Mostly brightness, as in real pictures: 2.4 dB better than equal shares.
      chart[i++] = 0.8 * light + 0.2 * wave(x, y, 2, -1, 0.3);
      chart[i++] = 0.8 * light + 0.2 * wave(x, y, -1, 3, 0.55);
      chart[i++] = 0.8 * light + 0.2 * wave(x, y, 3, 1, 0.8);
    }
  }
  return chart;
}

/** Smooth packed latents [rows · columns, 4 c] of unit variance, a different wave in each channel. */
export function latentChart({ rows, columns, channels }: Grid): Float32Array {
  const chart = new Float32Array(rows * columns * 4 * channels);
  for (let c = 0; c < channels; c++) {
    // Multiples of the golden ratio give every channel its own direction and phase.
    const angle = 2 * Math.PI * c * 0.618034;
    const cycles = 1 + (c % 4) * 0.5;
    for (let y = 0; y < 2 * rows; y++) {
      for (let x = 0; x < 2 * columns; x++) {
        const along = (x / (2 * columns)) * Math.cos(angle) + (y / (2 * rows)) * Math.sin(angle);
        const token = (y >> 1) * columns + (x >> 1);
        const corner = (y & 1) * 2 + (x & 1);
        chart[(token * channels + c) * 4 + corner] =
          Math.SQRT2 * Math.sin(2 * Math.PI * (cycles * along + c * 0.381966));
      }
    }
  }
  return chart;
}

/**
 * Fits colours to latents by least squares. `latents` are packed tokens [rows · columns, 4 c] of a picture
 * [16 rows, 16 columns, 3] in -1 to 1, of which each latent covers `scale` × `scale` pixels.
 */
export function fitPreview(latents: Float32Array, picture: Float32Array, grid: Grid, scale: number): PreviewMap {
  const channels = grid.channels;
  const terms = channels + 1;
  const normal = Array.from({ length: terms }, () => new Float64Array(terms + 3));
  const width = grid.columns * 2;
  eachLatent(latents, grid, (y, x, values) => {
    const row = [...values, 1];
    const colour = [0, 1, 2].map((c) => {
      let sum = 0;
      for (let dy = 0; dy < scale; dy++)
        for (let dx = 0; dx < scale; dx++) sum += picture[((y * scale + dy) * width * scale + x * scale + dx) * 3 + c]!;
      return sum / (scale * scale);
    });
    for (let i = 0; i < terms; i++) {
      for (let j = 0; j < terms; j++) normal[i]![j]! += row[i]! * row[j]!;
      for (let c = 0; c < 3; c++) normal[i]![terms + c]! += row[i]! * colour[c]!;
    }
  });
  // A small multiple of the identity bounds the weights of channels that the chart does not use.
  const ridge = 1e-3 * grid.rows * grid.columns * 4;
  for (let i = 0; i < channels; i++) normal[i]![i]! += ridge;
  return solve(normal, terms);
}

/** Packed tokens: rows × columns of patches, `channels` latent channels each. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/** A small picture whose JSON has its bytes in base64. */
export interface Preview extends Pixels {
  toJSON(): { readonly width: number; readonly height: number; readonly rgb: string };
}

/** Turns packed latents [rows · columns, 4 c] into a picture of 2 × 2 pixels per patch. */
export function drawPreview(latents: Float32Array, grid: Grid, map: PreviewMap): Preview {
  const width = grid.columns * 2;
  const height = grid.rows * 2;
  const data = new Uint8Array(width * height * 3);
  eachLatent(latents, grid, (y, x, values) => {
    for (let c = 0; c < 3; c++) {
      const weights = map[c]!;
      let colour = weights[grid.channels]!;
      for (let k = 0; k < grid.channels; k++) colour += weights[k]! * values[k]!;
      data[(y * width + x) * 3 + c] = Math.round(Math.min(1, Math.max(0, colour * 0.5 + 0.5)) * 255);
    }
  });
  return { width, height, data, toJSON: () => ({ width, height, rgb: Buffer.from(data).toString('base64') }) };
}

/** Visits every latent of packed tokens, whose features are (channel, row, column) of a 2 × 2 patch. */
function eachLatent(
  tokens: Float32Array,
  { rows, columns, channels }: Grid,
  visit: (y: number, x: number, values: Float32Array) => void,
): void {
  const values = new Float32Array(channels);
  for (let token = 0; token < rows * columns; token++) {
    for (let corner = 0; corner < 4; corner++) {
      for (let c = 0; c < channels; c++) values[c] = tokens[(token * channels + c) * 4 + corner]!;
      const y = Math.floor(token / columns) * 2 + (corner >> 1);
      visit(y, (token % columns) * 2 + (corner & 1), values);
    }
  }
}

/** Solves the normal equations by elimination with pivoting: `system` is [terms, terms + 3], changed in place. */
function solve(system: Float64Array[], terms: number): PreviewMap {
  for (let i = 0; i < terms; i++) {
    let pivot = i;
    for (let r = i + 1; r < terms; r++) if (Math.abs(system[r]![i]!) > Math.abs(system[pivot]![i]!)) pivot = r;
    [system[i], system[pivot]] = [system[pivot]!, system[i]!];
    for (let r = 0; r < terms; r++) {
      if (r === i) continue;
      const factor = system[r]![i]! / system[i]![i]!;
      for (let c = i; c < terms + 3; c++) system[r]![c]! -= factor * system[i]![c]!;
    }
  }
  return [0, 1, 2].map((colour) => system.map((row, i) => row[terms + colour]! / row[i]!));
}
