/** A finished picture: its pixels, the recipe that makes it again, and its file formats. */

import { extname } from 'node:path';
import { checked } from '../api/check.ts';
import { FORMAT, PATH, QUALITY, type SeedNumber } from '../api/kinds.ts';
import { type Recipe, recipeTexts } from '../api/recipe.ts';
import { FluxionError } from '../support/errors.ts';
import { userPath } from '../support/user-path.ts';
import { addTexts, type ImageFormat } from './picture-file.ts';
import { writeAtomically, writeNew, writeNumbered } from './save.ts';

/** A picture as bytes: RGB, 8 bit, row-major. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const FORMATS: Readonly<Record<string, ImageFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
};

/** One picture of a run. */
export class Image implements Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly recipe: Recipe;

  /** Wraps pixels without copying. Throws `bad_shape` if their number does not match the size. */
  constructor({ width, height, data }: Pixels, recipe: Recipe) {
    if (data.length !== width * height * 3) {
      throw new FluxionError('bad_shape', `image: expected ${width}×${height}×3 bytes, found ${data.length}`);
    }
    this.width = width;
    this.height = height;
    this.data = data;
    this.recipe = recipe;
  }

  /** Makes a picture of the recipe's size from values in 0 to 1, [height, width, 3]. Throws `bad_shape`, and `unsupported` for NaN. */
  static fromUnit(values: Float32Array, recipe: Recipe): Image {
    return new Image({ width: recipe.width, height: recipe.height, data: unitToBytes(values) }, recipe);
  }

  get seed(): SeedNumber {
    return this.recipe.seed;
  }

  get prompt(): string {
    return this.recipe.prompt;
  }

  /** Encodes the picture with its recipe; the same picture gives the same bytes. Quality, 1 to 100, is for JPEG and WebP. */
  async encode(format: ImageFormat, quality?: number): Promise<Uint8Array> {
    return addTexts(await encode(this, format, quality), format, recipeTexts(this.recipe));
  }

  /** Encodes the picture as a PNG that carries its recipe. */
  png(): Promise<Uint8Array> {
    return this.encode('png');
  }

  /** Encodes the picture as a JPEG that carries its recipe; quality is 1 to 100. Throws `bad_request` for a recipe beyond JPEG's 64 KiB. */
  jpeg(quality = 95): Promise<Uint8Array> {
    return this.encode('jpeg', quality);
  }

  /** Encodes the picture as a WebP that carries its recipe; quality is 1 to 100. */
  webp(quality = 95): Promise<Uint8Array> {
    return this.encode('webp', quality);
  }

  /** The file of the picture as a blob of its content type; quality, 1 to 100, is for JPEG and WebP. */
  async blob(format: ImageFormat = 'png', quality?: number): Promise<Blob> {
    return new Blob([new Uint8Array(await this.encode(format, quality))], { type: `image/${format}` });
  }

  /** The file of the picture as the answer to a request for it, with its content type and length; quality, 1 to 100, is for JPEG and WebP. */
  async response(format: ImageFormat = 'png', quality?: number): Promise<Response> {
    const blob = await this.blob(format, quality);
    return new Response(blob, { headers: { 'content-type': blob.type, 'content-length': String(blob.size) } });
  }

  /** The picture as JSON: its size and its recipe, without its pixels. */
  toJSON(): Pick<Image, 'width' | 'height' | 'recipe'> {
    const { width, height, recipe } = this;
    return { width, height, recipe };
  }

  /** Saves the picture in the format of the path's extension, replacing an existing file; it appears whole or not at all. Returns the path. */
  async save(path: string): Promise<string> {
    const target = placeOf(path);
    return writeAtomically(target, await this.encode(formatOf(target)));
  }

  /** Saves the picture in the format of the path's extension, under a name that must be free. Returns the path. Throws `io`. */
  async saveNew(path: string): Promise<string> {
    const target = placeOf(path);
    return writeNew(target, await this.encode(formatOf(target)));
  }

  /**
   * Saves the picture in a folder as `nameOf(n)`, by default `flux_{n}.png`, with the first free number from `first` on; never replaces a
   * file. Returns the path.
   */
  async saveNumbered(
    folder: string,
    first = 0,
    nameOf: (n: number) => string = (n) => `flux_${n}.png`,
  ): Promise<string> {
    return writeNumbered(placeOf(folder, 'folder'), nameOf, first, await this.encode(formatOf(nameOf(first))));
  }
}

/** The picture format that a path's extension names. Throws `bad_request` for any other extension. */
export function formatOf(path: string): ImageFormat {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format) return format;
  throw new FluxionError('bad_request', `cannot save '${path}': expected the extension .png, .jpg, .jpeg or .webp`);
}

function placeOf(path: string, what = 'path'): string {
  return userPath(checked(PATH, path, what));
}

/** Rounds values in 0 to 1 to bytes as diffusers does: × 255 in f32, half to even. Values outside are clamped; NaN is an error. */
export function unitToBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      throw new FluxionError('unsupported', `the decoded picture has a NaN at value ${i} of ${values.length}`, {
        hint: 'a number overflowed during the run: try weights_dtype=float32 activations_dtype=float32',
      });
    }
    const scaled = Math.fround(Math.min(1, Math.max(0, value)) * 255);
    const floor = Math.floor(scaled);
    const half = scaled - floor === 0.5;
    bytes[i] = half ? floor + (floor & 1) : Math.round(scaled);
  }
  return bytes;
}

/** Encodes pixels without any text. Quality, 1 to 100, is for JPEG and WebP. */
export async function encode({ width, height, data }: Pixels, format: ImageFormat, quality = 95): Promise<Uint8Array> {
  checked(FORMAT, format, 'format');
  checked(QUALITY, quality, 'quality');
  // Loaded on first use: sharp takes longer to load than all other imports of the command line.
  const { default: sharp } = await import('sharp');
  const options = {
    png: { compressionLevel: 6, adaptiveFiltering: true },
    jpeg: { quality, chromaSubsampling: '4:4:4' },
    webp: { quality },
  } as const;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format, options[format])
    .toBuffer();
}
