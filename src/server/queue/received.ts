/** Turns messages of a worker into the server's own events: checked against the request, with pictures decoded. */

import { decodeFile } from '../../picture/decode-file.ts';
import { Image } from '../../picture/image.ts';
import type { Preview } from '../../picture/preview.ts';
import type { Event } from '../../pipeline/events.ts';
import { requireRecipe } from '../../pipeline/recipe.ts';
import { type ErrorCode, FluxionError } from '../../support/errors.ts';
import { broken, type QueueEvent } from './protocol.ts';

/** Its name in messages. */
const EVENT = "a worker's event";
/** Bytes of a PNG besides its pixels: chunks and the recipe. */
const BESIDE_PIXELS = 4 * 2 ** 20;
/** A picture's side divided by its preview's side. */
const PREVIEW = 8;

/** Most bytes of a PNG with this many pixels. */
export function pictureBytes(pixels: number): number {
  return pixels * 4 + BESIDE_PIXELS;
}

/** Decodes a PNG. Throws if it is not a picture, is larger than allowed, or lacks its recipe. */
export async function receivedPicture(png: Buffer, pixels: number): Promise<Image> {
  const where = "a worker's picture";
  if (png.length > pictureBytes(pixels))
    throw new FluxionError('bad_file', `${where}: expected at most ${pictureBytes(pixels)} bytes, found more`);
  const recipe = requireRecipe(png, where);
  const { pixels: decoded } = await decodeFile(png, where, pixels);
  if (decoded.width !== recipe.width || decoded.height !== recipe.height)
    throw new FluxionError('bad_file', `${where}: its size differs from the size in its recipe`);
  return new Image(decoded, recipe);
}

/** Checks an event that needs no conversion. Throws `bad_request` if it does not fit the job. */
export function receivedEvent(
  event: Exclude<QueueEvent, { type: 'begun' | 'loading' | 'image' | 'failed' }>,
  { total, pixels }: { readonly total: number; readonly pixels: number },
): Event {
  if ('pictures' in event && (event.total !== total || event.pictures.some((index) => index >= total)))
    throw broken(EVENT, 'it is about pictures that were not requested');
  if (event.type !== 'step') return event as Event;
  const { previews, ...step } = event;
  if (!previews) return step as Event;
  if (previews.length !== event.pictures.length) throw broken(EVENT, 'it has previews of other pictures');
  return { ...step, previews: previews.map((preview) => receivedPreview(preview, pixels)) } as Event;
}

function receivedPreview(
  { width, height, rgb }: { readonly width: number; readonly height: number; readonly rgb: string },
  pixels: number,
): Preview {
  const data = new Uint8Array(Buffer.from(rgb, 'base64'));
  if (data.length !== width * height * 3 || width * height > pixels / PREVIEW ** 2)
    throw broken(EVENT, `a preview of ${width}×${height} has ${data.length} bytes`);
  return { width, height, data, toJSON: () => ({ width, height, rgb }) };
}

/** The error of a job that failed in a worker. */
export function receivedError({ error }: Extract<QueueEvent, { type: 'failed' }>): FluxionError {
  const { code, message, hint, field } = error;
  return new FluxionError((/^[a-z_]{1,40}$/.test(code) ? code : 'io') as ErrorCode, message, { hint, field });
}
