/**
 * Reads and adds the text chunks of PNG files. sharp handles the pixels.
 * Files may be hostile, so every length is checked against the bytes left, and inflated text is bounded.
 */

import { crc32, inflateSync } from 'node:zlib';
import { attempt } from '../support/attempt.ts';
import { FluxionError } from '../support/errors.ts';

/** One chunk: where it starts in the file, and how many bytes of data it holds. */
export interface PngChunk {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
}

/** The description of a PNG, without its pixels. */
export interface PngInfo {
  readonly width: number;
  readonly height: number;
  readonly chunks: readonly PngChunk[];
  /** Text chunks by keyword; the first of equal keywords counts. */
  readonly texts: ReadonlyMap<string, string>;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bytes before a chunk's data (length and type) and after it (CRC). */
const HEAD = 8;
const TAIL = 4;
const IHDR_LENGTH = 13;
/** The largest length and side that the format allows. */
const MAX_INT = 2 ** 31 - 1;
/** Most parts of a picture file. */
export const CHUNK_LIMIT = 100_000;
/** Most bytes of one inflated text, and of all texts together. */
const TEXT_LIMIT = 1 << 20;
const ALL_TEXTS = 4 * TEXT_LIMIT;

type Encoding = 'latin1' | 'utf8';

/**
 * Reads a PNG's size, chunks and texts; `where` names the file in messages. Throws `bad_file` for a file that is not a PNG, is truncated
 * or fails a checksum. Pixel data is checked only by its checksum.
 */
export function readPng(bytes: Uint8Array, where: string): PngInfo {
  const bad = (message: string) => new FluxionError('bad_file', `${where}: ${message}`);
  if (!isPng(bytes)) throw bad('expected a PNG, found something else');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: PngChunk[] = [];
  const texts = new Map<string, string>();
  let roomForTexts = ALL_TEXTS;
  for (let offset = SIGNATURE.length; ; ) {
    const left = bytes.length - offset;
    if (left < HEAD + TAIL) throw bad(`cut off at byte ${bytes.length}, before its IEND chunk`);
    const length = view.getUint32(offset);
    const type = decode('latin1', bytes.subarray(offset + 4, offset + HEAD));
    if (!/^[A-Za-z]{4}$/.test(type))
      throw bad(`expected a chunk at byte ${offset}, found ${JSON.stringify(type)} as its type`);
    if (length > MAX_INT || length > left - HEAD - TAIL) {
      throw bad(`chunk ${type} at byte ${offset} says ${length} bytes, and ${left - HEAD - TAIL} are left`);
    }
    const end = offset + HEAD + length;
    const data = bytes.subarray(offset + HEAD, end);
    if (crc32(bytes.subarray(offset + 4, end)) !== view.getUint32(end))
      throw bad(`chunk ${type} at byte ${offset} fails its CRC`);
    if ((chunks.length === 0) !== (type === 'IHDR') || (type === 'IHDR' && length !== IHDR_LENGTH)) {
      throw bad(
        `expected IHDR of ${IHDR_LENGTH} bytes as the first chunk and nowhere else, found ${type} at byte ${offset}`,
      );
    }
    chunks.push({ type, offset, length });
    if (chunks.length > CHUNK_LIMIT) throw bad(`expected at most ${CHUNK_LIMIT} chunks`);
    const room = Math.min(TEXT_LIMIT, roomForTexts);
    const text = room > 0 ? readText(type, data, room) : undefined;
    // A text over the limit takes the reader no longer than one within it.
    roomForTexts -= text
      ? text.text.length
      : type === 'zTXt' || type === 'iTXt'
        ? Math.min(room, data.length * 1032)
        : 0;
    if (text && !texts.has(text.keyword)) texts.set(text.keyword, text.text);
    if (type === 'IEND') break;
    offset = end + TAIL;
  }
  const width = view.getUint32(SIGNATURE.length + HEAD);
  const height = view.getUint32(SIGNATURE.length + HEAD + 4);
  if (width === 0 || height === 0 || width > MAX_INT || height > MAX_INT)
    throw bad(`impossible size ${width}×${height}`);
  return { width, height, chunks, texts };
}

/** Tells whether bytes begin with PNG's signature. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length));
}

/** Adds texts right after a PNG's header: as tEXt if Latin-1 can express them, else as iTXt (UTF-8). */
export function addTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const at = SIGNATURE.length + HEAD + IHDR_LENGTH + TAIL;
  const added = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([png.subarray(0, at), ...added, png.subarray(at)]);
}

function textChunk(keyword: string, text: string): Uint8Array {
  // NUL ends a field, so a text cannot contain one.
  const clean = text.replaceAll('\0', '\ufffd');
  const isLatin1 = /^[\t\n\r\x20-\x7e\xa0-\xff]*$/.test(clean);
  return isLatin1
    ? chunk('tEXt', Buffer.from(`${keyword}\0${clean}`, 'latin1'))
    : // No compression, no language, no translated keyword.
      chunk('iTXt', Buffer.from(`${keyword}\0\0\0\0\0${clean}`, 'utf8'));
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEAD + data.length + TAIL);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, HEAD);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, HEAD + data.length)), HEAD + data.length);
  return bytes;
}

/** Reads one text chunk; undefined for other chunks and for texts that are broken or too long. */
function readText(type: string, data: Uint8Array, room: number): { keyword: string; text: string } | undefined {
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt') return undefined;
  const [keywordBytes, rest] = splitAtNul(data);
  if (rest === undefined || keywordBytes.length === 0 || keywordBytes.length > 79) return undefined;
  const keyword = decode('latin1', keywordBytes);
  if (type === 'tEXt') return bounded(keyword, rest, 'latin1', room);
  const [first, second] = rest;
  if (type === 'zTXt')
    return first === 0 ? bounded(keyword, inflated(rest.subarray(1), room), 'latin1', room) : undefined;
  const [, afterLanguage] = splitAtNul(rest.subarray(2));
  const [, text] = splitAtNul(afterLanguage ?? new Uint8Array());
  // The first byte tells whether it is compressed, the second by which method.
  if (text === undefined || (first === 1 && second !== 0)) return undefined;
  return bounded(keyword, first === 1 ? inflated(text, room) : text, 'utf8', room);
}

function bounded(keyword: string, bytes: Uint8Array | undefined, encoding: Encoding, room: number) {
  return bytes && bytes.length <= room ? { keyword, text: decode(encoding, bytes) } : undefined;
}

/** The inflated bytes; undefined if they are broken or more than `room`. */
function inflated(bytes: Uint8Array, room: number): Uint8Array | undefined {
  return attempt(() => inflateSync(bytes, { maxOutputLength: room }), undefined);
}

function decode(encoding: Encoding, bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}

function splitAtNul(bytes: Uint8Array): [before: Uint8Array, after: Uint8Array | undefined] {
  const at = bytes.indexOf(0);
  return at === -1 ? [bytes, undefined] : [bytes.subarray(0, at), bytes.subarray(at + 1)];
}
