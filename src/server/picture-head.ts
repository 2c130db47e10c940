/** Checks the head of a picture from the network: refuses other files, and pictures of too many pixels, before decoding anything. */

import { type PictureFormat, pictureFormat } from '../picture/decode-file.ts';
import { ofField } from '../support/errors.ts';
import { Refusal } from './refusal.ts';

/** Reads a picture's size; `field` is the one that has it. Throws `bad_file` if it is not a picture, `bad_request` if it has over `limit` pixels. */
export async function pictureSize(
  bytes: Uint8Array,
  field: string,
  limit: number,
): Promise<{ readonly width: number; readonly height: number }> {
  const format = formatOf(bytes, field);
  const { default: sharp } = await import('sharp');
  const { width, height } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => {
      throw new Refusal(400, `this ${format.toUpperCase()} cannot be decoded`, { code: 'bad_file', field });
    });
  if (width * height <= limit) return { width, height };
  throw new Refusal(400, `expected at most ${limit} pixels on this server, found ${width}×${height}`, {
    field,
    hint: 'scale the picture down first',
  });
}

function formatOf(bytes: Uint8Array, field: string): PictureFormat {
  try {
    return pictureFormat(bytes, field);
  } catch (error) {
    throw ofField(field, error);
  }
}
