/** Masks by transparency, as in OpenAI's images API: transparent pixels are repainted. */

import type { PictureSource, RawPicture } from '../api/kinds.ts';
import { inColours } from './mask.ts';
import { type ReadOptions, readPicture } from './read-picture.ts';

/**
 * A mask from a picture's transparency, white where it is transparent; `undefined` for an opaque picture, whose brightness is the mask.
 * Throws what `readPicture` throws.
 */
export async function alphaMask(source: PictureSource, options: ReadOptions): Promise<RawPicture | undefined> {
  const { pixels, alpha } = await readPicture(source, options);
  if (!alpha?.some((opacity) => opacity < 255)) return undefined;
  return inColours({ ...pixels, data: alpha.map((opacity) => 255 - opacity) });
}
