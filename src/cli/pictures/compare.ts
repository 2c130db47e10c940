/** Compares two picture files. */

import sharp, { type OutputInfo } from 'sharp';

/** The result of a comparison. */
export interface PictureComparison {
  readonly identical: boolean;
  /** Peak signal-to-noise ratio in dB; null if all pixels are equal, absent if the pictures cannot be compared. */
  readonly psnr?: number | null;
  /** The reason they cannot be compared. */
  readonly reason?: string;
}

/** Compares two picture files byte by byte and, if they differ, pixel by pixel. */
export async function comparePictures(a: Uint8Array, b: Uint8Array): Promise<PictureComparison> {
  if (Buffer.from(a.buffer, a.byteOffset, a.length).equals(b)) return { identical: true, psnr: null };
  const [left, right] = await Promise.all([pixels(a), pixels(b)]);
  if (typeof left === 'string' || typeof right === 'string') {
    return { identical: false, reason: `its pixels cannot be read: ${typeof left === 'string' ? left : right}` };
  }
  if (left.info.width !== right.info.width || left.info.height !== right.info.height) {
    const size = ({ info }: typeof left) => `${info.width}×${info.height}`;
    return { identical: false, reason: `it is ${size(left)}, and the new picture is ${size(right)}` };
  }
  let squares = 0;
  for (let i = 0; i < left.data.length; i++) squares += (left.data[i]! - right.data[i]!) ** 2;
  const psnr = squares === 0 ? null : 10 * Math.log10((255 ** 2 * left.data.length) / squares);
  return { identical: false, psnr };
}

/** The RGB pixels of a file, or the reason they cannot be read. */
async function pixels(file: Uint8Array): Promise<{ data: Buffer; info: OutputInfo } | string> {
  try {
    return await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  } catch (error) {
    return (error as Error).message;
  }
}
