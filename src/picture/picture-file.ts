/**
 * Texts in picture files: chunks of a PNG, EXIF in a JPEG or WebP. sharp handles the pixels.
 * Files may be hostile, so every length is checked against the bytes left.
 */

import { FluxionError } from '../support/errors.ts';
import { exifBlock, exifTexts, type Texts } from './exif.ts';
import { addTexts as addPngTexts, CHUNK_LIMIT, isPng, type PngChunk, readPng } from './png.ts';

export type ImageFormat = 'png' | 'jpeg' | 'webp';

/** The description of a picture file, without its pixels. */
export interface PictureFile {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Its parts by their names in the format: `IHDR`, `APP1`, `EXIF`. */
  readonly chunks: readonly PngChunk[];
  readonly texts: ReadonlyMap<string, string>;
}

const EXIF_MARK = Buffer.from('Exif\0\0', 'latin1');
/** Largest length of a JPEG segment in bytes; the length field counts itself. */
const SEGMENT = 65_535;

/** Reads a picture's size, parts and texts; `where` names the file in messages. Throws `bad_file` for another format or a truncated file. */
export function readPictureFile(bytes: Uint8Array, where: string): PictureFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isPng(file)) return { format: 'png', ...readPng(file, where) };
  if (file[0] === 0xff && file[1] === 0xd8) return readJpeg(file, where);
  if (file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WEBP')
    return readWebp(file, where);
  const found = file.length === 0 ? 'an empty file' : 'something else';
  throw new FluxionError('bad_file', `${where}: expected a PNG, JPEG or WebP picture, found ${found}`);
}

/** Adds texts to a picture that has none. Throws `bad_request` if they do not fit into a JPEG. */
export function addTexts(picture: Uint8Array, format: ImageFormat, texts: Texts): Uint8Array {
  switch (format) {
    case 'png':
      return addPngTexts(picture, texts);
    case 'jpeg':
      return addToJpeg(Buffer.from(picture), texts);
    case 'webp':
      return addToWebp(Buffer.from(picture), texts);
    default:
      throw format satisfies never;
  }
}

function addToJpeg(jpeg: Buffer, texts: Texts): Uint8Array {
  const { fluxion } = texts;
  const both = exifBlock(texts);
  const room = SEGMENT - 2 - EXIF_MARK.length;
  const block = both.length <= room || fluxion === undefined ? both : exifBlock({ fluxion });
  if (block.length > room) {
    throw new FluxionError('bad_request', `the recipe takes ${block.length} bytes, and a JPEG has room for ${room}`, {
      hint: 'save it as .png or .webp',
    });
  }
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(2 + EXIF_MARK.length + block.length, 2);
  // JFIF's own segment must stay the first.
  const at = jpeg.readUInt16BE(2) === 0xffe0 ? 4 + jpeg.readUInt16BE(4) : 2;
  return Buffer.concat([jpeg.subarray(0, at), head, EXIF_MARK, block, jpeg.subarray(at)]);
}

function addToWebp(webp: Buffer, texts: Texts): Uint8Array {
  const { width, height } = readWebp(webp, 'webp');
  // The extended header announces EXIF by flag 8; width and height minus one follow in 24 bits each.
  const extended = Buffer.alloc(10);
  extended[0] = 0x08;
  extended.writeUIntLE(width - 1, 4, 3);
  extended.writeUIntLE(height - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from('WEBP', 'latin1'),
    riffChunk('VP8X', extended),
    webp.subarray(12),
    riffChunk('EXIF', exifBlock(texts)),
  ]);
  return riffChunk('RIFF', body);
}

function riffChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

/** Walks the segments of a JPEG up to its pixels. */
function readJpeg(file: Buffer, where: string): PictureFile {
  const chunks: PngChunk[] = [];
  let texts = new Map<string, string>();
  let size: { readonly width: number; readonly height: number } | undefined;
  for (let at = 2; ; ) {
    // A marker may be preceded by any number of 0xff.
    while (file[at] === 0xff && file[at + 1] === 0xff) at++;
    const marker = file[at + 1];
    if (at + 4 > file.length || file[at] !== 0xff || marker === undefined) throw cutOff(where, at, 'JPEG');
    const length = file.readUInt16BE(at + 2);
    const data = file.subarray(at + 4, at + 2 + length);
    if (length < 2 || at + 2 + length > file.length) throw cutOff(where, at, 'JPEG');
    chunks.push({ type: segmentName(marker), offset: at, length: data.length });
    if (chunks.length > CHUNK_LIMIT) throw tooMany(where);
    // Frame headers are SOF0 to SOF15, except three markers in that range with other meanings.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker) && data.length >= 5) {
      size = { height: data.readUInt16BE(1), width: data.readUInt16BE(3) };
    }
    const isExif = marker === 0xe1 && data.subarray(0, EXIF_MARK.length).equals(EXIF_MARK);
    if (isExif && texts.size === 0) texts = exifTexts(data.subarray(EXIF_MARK.length));
    if (marker === 0xda) break;
    at += 2 + length;
  }
  if (!size || size.width === 0 || size.height === 0)
    throw new FluxionError('bad_file', `${where}: this JPEG has no frame header, so its size is unknown`);
  return { format: 'jpeg', ...size, chunks, texts };
}

function segmentName(marker: number): string {
  if (marker >= 0xe0 && marker <= 0xef) return `APP${marker - 0xe0}`;
  return { 218: 'SOS', 219: 'DQT', 196: 'DHT', 254: 'COM' }[marker] ?? `0xff${marker.toString(16)}`;
}

function readWebp(file: Buffer, where: string): PictureFile {
  const chunks: PngChunk[] = [];
  let texts = new Map<string, string>();
  let size: { readonly width: number; readonly height: number } | undefined;
  const end = 8 + file.readUInt32LE(4);
  if (end > file.length) throw cutOff(where, file.length, 'WebP');
  for (let at = 12; at + 8 <= end; ) {
    const type = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    if (at + 8 + length > end) throw cutOff(where, at, 'WebP');
    const data = file.subarray(at + 8, at + 8 + length);
    chunks.push({ type, offset: at, length });
    if (chunks.length > CHUNK_LIMIT) throw tooMany(where);
    size ??= webpSize(type, data);
    if (type === 'EXIF' && texts.size === 0) {
      // Some programs repeat JPEG's mark here.
      const marked = data.subarray(0, EXIF_MARK.length).equals(EXIF_MARK);
      texts = exifTexts(marked ? data.subarray(EXIF_MARK.length) : data);
    }
    at += 8 + length + (length % 2);
  }
  if (!size || size.width === 0 || size.height === 0) throw cutOff(where, file.length, 'WebP');
  return { format: 'webp', ...size, chunks, texts };
}

/** Reads the size in the first chunk of a WebP: extended, lossy or lossless. */
function webpSize(type: string, data: Buffer): { width: number; height: number } | undefined {
  if (type === 'VP8X' && data.length >= 10)
    return { width: data.readUIntLE(4, 3) + 1, height: data.readUIntLE(7, 3) + 1 };
  if (type === 'VP8 ' && data.length >= 10)
    return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff };
  if (type !== 'VP8L' || data.length < 5) return undefined;
  const bits = data.readUInt32LE(1);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

function cutOff(where: string, at: number, format: string): FluxionError {
  return new FluxionError('bad_file', `${where}: this ${format} is cut off or broken at byte ${at}`);
}

function tooMany(where: string): FluxionError {
  return new FluxionError('bad_file', `${where}: expected at most ${CHUNK_LIMIT} parts`);
}
