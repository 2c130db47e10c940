/** Previews as picture files, at the size of the picture that they show. */

import type { Pixels } from './image.ts';
import type { ImageFormat } from './picture-file.ts';

/** Pixels of the picture for each pixel of a preview, along each side. */
const SCALE = 8;
/** Quick rather than of high quality: there is little to see yet. */
const OPTIONS = { png: { compressionLevel: 3 }, jpeg: { quality: 80 }, webp: { quality: 80 } } as const;

/** Encodes a preview, enlarged by `scale`, which smooths it. */
export async function previewFile(
  { width, height, data }: Pixels,
  format: ImageFormat,
  scale: number = SCALE,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const enlarged = scale === 1 ? picture : picture.resize(width * scale, height * scale, { kernel: 'cubic' });
  return enlarged.toFormat(format, OPTIONS[format]).toBuffer();
}
