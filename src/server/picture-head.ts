/** Checks the head of a picture from the network: refuses other files, and pictures of too many pixels, before decoding anything. */

import { pictureFormat } from '../picture/decode-file.ts';
import { Refusal } from './refusal.ts';

/** Reads a picture's size; `where` names the field. Throws `bad_file` if it is not a picture, `bad_request` if it has over `limit` pixels. */
export async function pictureSize(
  bytes: Uint8Array,
  where: string,
  limit: number,
): Promise<{ readonly width: number; readonly height: number }> {
  const format = pictureFormat(bytes, where);
  const { default: sharp } = await import('sharp');
  const { width, height } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => {
      throw new Refusal(400, `${where}: this ${format.toUpperCase()} cannot be decoded`, { code: 'bad_file' });
    });
  if (width * height <= limit) return { width, height };
  throw new Refusal(400, `${where}: expected at most ${limit} pixels on this server, found ${width}×${height}`, {
    hint: 'scale the picture down first',
  });
}
