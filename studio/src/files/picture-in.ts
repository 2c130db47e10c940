/** Input pictures, from a file, the clipboard or the gallery. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { plainText } from '../text.ts';

/** An input picture. Its address keeps it in memory until `release`. */
export interface PictureIn {
  readonly name: string;
  readonly file: File;
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** Formats that servers read. */
export const FORMATS: readonly string[] = ['image/png', 'image/jpeg', 'image/webp', 'image/avif', 'image/gif'];
/** Most bytes of a picture that a server reads. */
const MOST_BYTES = 256 * 2 ** 20;

/** Reads a picture's size from its head. Throws if the browser cannot show the file, or if it has more than `mostPixels`. */
export async function pictureIn(blob: Blob, given: string, mostPixels = Number.POSITIVE_INFINITY): Promise<PictureIn> {
  const name = plainText(given, 100) || 'picture';
  if (blob.size > MOST_BYTES) throw new Error(`${name} is too large: ${Math.round(blob.size / 1e6)} MB`);
  if (!FORMATS.includes(blob.type)) throw new Error(`${name} is not a PNG, JPEG, WebP, AVIF or GIF`);
  const url = URL.createObjectURL(blob);
  try {
    const { naturalWidth: width, naturalHeight: height } = await loaded(url);
    if (width * height > mostPixels)
      throw new Error(
        `${name} has ${megapixels(width * height)} megapixels; this server takes at most ${megapixels(mostPixels)}`,
      );
    const file = new File([blob], name, { type: blob.type });
    return { name, file, url, width, height };
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error instanceof Error ? error : new Error(`${name} is not a picture that this browser can read`);
  }
}

/** Loads a picture's head; the pixels are decoded when it is shown. */
function loaded(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const element = new Image();
    element.onload = () => resolve(element);
    element.onerror = reject;
    element.src = url;
  });
}

function megapixels(pixels: number): number {
  return Math.round(pixels / 1e5) / 10;
}

export function release({ url }: PictureIn): void {
  URL.revokeObjectURL(url);
}

/** The hash of a picture in recipes. Not from `crypto.subtle`: pages have that only over https or from this machine. */
export async function pictureHash(blob: Blob): Promise<string> {
  return bytesToHex(sha256(new Uint8Array(await blob.arrayBuffer()))).slice(0, 12);
}

/** Files among what was dropped or pasted. */
export function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}
