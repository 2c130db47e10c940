/** Chooses the use of pictures that come without a stated purpose, as in image APIs. */

import { z } from 'zod';
import { count, type PictureSource } from './kinds.ts';
import type { Immutable } from './knobs.ts';
import type { Request } from './request.ts';

export const PICTURE_USE = z.enum(['start', 'reference', 'fill', 'control']);

/** How a model uses one picture without a mask: starts from it, looks at it (Kontext), repaints its masked part (Fill), or follows it (Canny, Depth). */
export type PictureUse = z.output<typeof PICTURE_USE>;

export const NETWORKS_BESIDE = z.object({
  /** In the order of control pictures; `modes` counts the kinds of control of a union. */
  controlnets: z.array(z.object({ name: z.string(), modes: count.exactOptional() })),
  /** Whether a prompt can contain pictures. */
  redux: z.boolean(),
});
/** Networks beside a model that steer it by a picture. */
export type NetworksBeside = Immutable<z.output<typeof NETWORKS_BESIDE>>;

/**
 * The request fields for these pictures. With a mask, the first picture is repainted and the others are references. Several without a mask
 * are references. A single picture goes where the model makes best use of it.
 */
export function pictureFields(
  use: PictureUse,
  pictures: readonly PictureSource[],
  mask?: PictureSource,
): Pick<Request, 'image' | 'maskImage' | 'referenceImage' | 'controlImage'> {
  const [first, ...others] = pictures;
  if (first === undefined) return mask === undefined ? {} : { maskImage: mask };
  if (mask !== undefined)
    return { image: first, maskImage: mask, ...(others.length > 0 && { referenceImage: others }) };
  if (use === 'control') return { controlImage: pictures };
  return use === 'reference' || others.length > 0 ? { referenceImage: pictures } : { image: first };
}
