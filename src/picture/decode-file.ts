/**
 * Decodes picture files: PNG, JPEG, WebP, AVIF and the first frame of a GIF, to the pixels that PIL's `convert('RGB')` gives after
 * `exif_transpose`: alpha is dropped, colour profiles are ignored, and of 16 bits the upper 8 remain.
 * Files may be hostile: only these formats reach sharp, and their declared size is checked before a pixel is decoded.
 */

import { SIDE_LIMIT } from '../api/kinds.ts';
import { FluxionError } from '../support/errors.ts';
import type { Pixels } from './image.ts';

/** A format that can be read. */
export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

/** A decoded file. */
export interface DecodedPicture {
  readonly format: PictureFormat;
  /** Upright, as its EXIF says. */
  readonly pixels: Pixels;
  /** Opacity, one byte for each pixel, if the picture has it. */
  readonly alpha?: Uint8Array;
}

/** Most pixels of a picture: a square of the largest side that a request may have. */
export const PIXEL_LIMIT = SIDE_LIMIT ** 2;
/** Seconds after which a file that takes suspiciously long is given up. */
const DECODE_TIME = 120;
/** Bytes of a file that tell its format. */
const HEAD = 512;

/** What files of a format begin with. */
const FORMATS: readonly (readonly [PictureFormat, ...string[]])[] = [
  ['png', '\x89PNG\r\n\x1a\n'],
  ['jpeg', '\xff\xd8\xff'],
  ['gif', 'GIF87a', 'GIF89a'],
];

/** Other files that people pass as pictures, by their first bytes. */
const FOREIGN: readonly (readonly [string, ...string[]])[] = [
  ['a TIFF picture', 'II*\0', 'MM\0*', 'II+\0', 'MM\0+'],
  ['a BMP picture', 'BM'],
  ['a Photoshop document', '8BPS'],
  ['a PDF or PostScript document', '%PDF', '%!PS'],
  ['a JPEG XL picture', '\xff\x0a', '\0\0\0\x0cJXL '],
  ['a JPEG 2000 picture', '\0\0\0\x0cjP  '],
  ['an icon', '\0\0\x01\0', '\0\0\x02\0'],
  ['a ZIP archive', 'PK\x03\x04'],
  ['a pointer of Git LFS', 'version https://git-lfs'],
];
const WEB_PAGE = /^\s*(<!doctype html|<html)/i;
const MARKUP = /^\s*(<svg|<\?xml|<!--|<!doctype svg)/i;

/** Names the format of a file by its first bytes. Throws `bad_file` for one that cannot be read. */
export function pictureFormat(bytes: Uint8Array, where: string): PictureFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(HEAD, bytes.byteLength)).toString('latin1');
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp';
  const brands = brandsOf(head);
  if (brands.includes('avif')) return 'avif';
  const format = among(FORMATS, head);
  if (format) return format;
  const found = bytes.length === 0 ? 'an empty file' : foreign(head, brands);
  throw new FluxionError('bad_file', `${where}: expected a PNG, JPEG, WebP, AVIF or GIF picture, found ${found}`, {
    hint: 'save or export the picture as PNG or JPEG',
  });
}

function among<T extends string>(table: readonly (readonly [T, ...string[]])[], head: string): T | undefined {
  return table.find(([, ...starts]) => starts.some((start) => head.startsWith(start)))?.[0];
}

/** Names a file that cannot be read. */
function foreign(head: string, brands: readonly string[]): string {
  if (brands.some((brand) => /^(he[iv]|mif|msf)/.test(brand))) return 'a HEIC picture';
  if (brands.includes('avis')) return 'an animated AVIF';
  if (brands.length > 0) return 'a video';
  const text = head.replace(/^\xef\xbb\xbf/, '');
  if (WEB_PAGE.test(text)) return 'a web page';
  return MARKUP.test(text) ? 'an SVG or XML document' : (among(FOREIGN, head) ?? 'something else');
}

/** The brands that the first box of an ISO media file names; none for another file. */
function brandsOf(head: string): string[] {
  if (!head.startsWith('ftyp', 4)) return [];
  const end = Buffer.from(head, 'latin1').readUInt32BE();
  // The minor version stands after the first brand.
  const brands = head.slice(8, 12) + head.slice(16, Math.max(16, end));
  return brands.match(/.{4}/gs) ?? [];
}

/** Throws `bad_file` for a picture of more than `most` pixels. */
export function checkPixels({ width, height }: Pick<Pixels, 'width' | 'height'>, where: string, most: number): void {
  if (width * height <= most) return;
  throw new FluxionError(
    'bad_file',
    `${where}: expected at most ${most} pixels, found ${width}×${height} = ${width * height}`,
    { hint: 'scale the picture down first' },
  );
}

/**
 * Decodes a picture file of at most `most` pixels; `where` names it in messages. Throws `bad_file` for another format, a file that is
 * broken or cut off, and a larger picture.
 */
export async function decodeFile(bytes: Uint8Array, where: string, most = PIXEL_LIMIT): Promise<DecodedPicture> {
  const format = pictureFormat(bytes, where);
  const refuse = (cause: unknown): never => {
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    throw new FluxionError('bad_file', `${where}: this ${format.toUpperCase()} cannot be decoded: ${reason}`, {
      cause,
      hint: 'the file is broken or incomplete: open it in another program and save it again',
    });
  };
  const { default: sharp } = await import('sharp');
  const options = { failOn: 'error', ignoreIcc: true } as const;
  const header = await sharp(bytes, { ...options, limitInputPixels: false })
    .metadata()
    .catch(refuse);
  const { space } = header;
  checkPixels(header, where, most);
  // sharp chooses its decoder by itself.
  const chosen = header.format === 'heif' && header.compression === 'av1' ? 'avif' : header.format;
  if (chosen !== format) refuse(new Error(`it looks like ${format}, and is ${chosen}`));

  const picture = sharp(bytes, { ...options, limitInputPixels: PIXEL_LIMIT, autoOrient: true }).timeout({
    seconds: DECODE_TIME,
  });
  const converted =
    space === 'cmyk' ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture.toColourspace('srgb');
  const { data, info } = await converted.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }).catch(refuse);
  const size = { width: info.width, height: info.height };
  const count = size.width * size.height;
  if (space === 'cmyk') return { format, pixels: { ...size, data: rgbOfCmyk(data, info.channels, count) } };
  const { rgb, alpha } = splitAlpha(data, info.channels, count);
  return { format, pixels: { ...size, data: rgb }, ...(alpha && { alpha }) };
}

/** Splits pixels of 1 to 4 bytes (grey, grey and alpha, RGB, RGB and alpha) into RGB and alpha. */
export function splitAlpha(
  data: Uint8Array | Uint8ClampedArray,
  channels: number,
  count: number,
): { readonly rgb: Uint8Array; readonly alpha?: Uint8Array } {
  if (channels === 3) return { rgb: new Uint8Array(data.buffer, data.byteOffset, count * 3) };
  const rgb = new Uint8Array(count * 3);
  const step = channels < 3 ? 0 : 1;
  for (let i = 0, from = 0, to = 0; i < count; i++, from += channels) {
    rgb[to++] = data[from]!;
    rgb[to++] = data[from + step]!;
    rgb[to++] = data[from + 2 * step]!;
  }
  if (channels % 2 === 1) return { rgb };
  const alpha = new Uint8Array(count);
  for (let i = 0, from = channels - 1; i < count; i++, from += channels) alpha[i] = data[from]!;
  return { rgb, alpha };
}

/** Inks to light as PIL converts them, without a profile: (1 - ink) · (1 - black), each product rounded to a byte. */
function rgbOfCmyk(data: Uint8Array, channels: number, count: number): Uint8Array {
  const rgb = new Uint8Array(count * 3);
  for (let i = 0, from = 0, to = 0; i < count; i++, from += channels) {
    const light = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) rgb[to++] = light - product(data[from + c]!, light);
  }
  return rgb;
}

/** a · b / 255, rounded to the nearest whole number. */
function product(a: number, b: number): number {
  const scaled = a * b + 128;
  return (scaled + (scaled >> 8)) >> 8;
}
