/** Reads the pictures that a request gives, from wherever they are: a file, standard input, an address, bytes or pixels. */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PictureSource, RawPicture } from '../api/kinds.ts';
import { attempt } from '../support/attempt.ts';
import { FluxionError, ofField } from '../support/errors.ts';
import { readUpTo } from '../support/read-stream.ts';
import { readRegular } from '../support/regular-file.ts';
import { withoutSecrets } from '../support/shown-url.ts';
import { untilAborted } from '../support/until-aborted.ts';
import { userPath } from '../support/user-path.ts';
import { checkPixels, type DecodedPicture, decodeFile, PIXEL_LIMIT, splitAlpha } from './decode-file.ts';
import { download } from './download.ts';
import { encode } from './image.ts';

/** A picture that a request was given. */
export interface InputPicture extends Omit<DecodedPicture, 'format'> {
  /** A short hash of `bytes`. */
  readonly hash: string;
  /** The file's name without its folder, or one made from its hash. */
  readonly name: string;
  /** The file's bytes; for pixels, a PNG of them. */
  readonly bytes: Uint8Array;
}

/** How a picture is read. */
export interface ReadOptions {
  /** The field or key that gave the picture, for messages: `image`, `mask_image`. */
  readonly where: string;
  /** Whether an address may be downloaded. */
  readonly allowUrl?: boolean | undefined;
  /** Most pixels that it may have; a square of the largest side, by default. */
  readonly mostPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Most bytes of a picture file. */
const FILE_LIMIT = 256 << 20;
/** A picture that is its own address, with a name as recipes write it. */
const DATA = /^data:[\w.+/-]*(?:;name=([\w.%~-]*))?;base64,([A-Za-z0-9+/=]*)$/;
const STANDARD_INPUT = '-';

/** The content of a file, the words for it in messages, and its name. */
interface Content {
  readonly bytes: Uint8Array;
  readonly where: string;
  readonly name?: string | undefined;
}

/**
 * Reads and decodes a picture. Throws `bad_request` for an address that is not allowed and for pixels that do not fill their size,
 * `bad_file` for another format or a picture beyond the limits, `not_found` or `io` for a file or address that cannot be read, and the
 * signal's reason.
 */
export async function readPicture(source: PictureSource, options: ReadOptions): Promise<InputPicture> {
  const { where, mostPixels = PIXEL_LIMIT, signal } = options;
  signal?.throwIfAborted();
  try {
    if (typeof source === 'object' && 'data' in source)
      return await untilAborted(fromPixels(source, where, mostPixels), signal);
    const content = await contentOf(source, options);
    const { format, ...decoded } = await untilAborted(decodeFile(content.bytes, content.where, mostPixels), signal);
    const hash = hashOf(content.bytes);
    return { ...decoded, hash, name: fileName(content.name) ?? `${hash}.${format}`, bytes: content.bytes };
  } catch (error) {
    signal?.throwIfAborted();
    throw ofField(where, error);
  }
}

async function contentOf(source: Exclude<PictureSource, RawPicture>, options: ReadOptions): Promise<Content> {
  const { where, allowUrl, signal } = options;
  if (ArrayBuffer.isView(source)) {
    checkBytes(source.byteLength, where);
    // sharp needs a view of this realm's class.
    return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), where };
  }
  if (typeof source === 'object' && 'arrayBuffer' in source) {
    checkBytes(source.size, where);
    const bytes = new Uint8Array(await untilAborted(source.arrayBuffer(), signal));
    return { bytes, where, name: 'name' in source ? String(source.name) : undefined };
  }
  if (source === STANDARD_INPUT) {
    return { bytes: await untilAborted(standardInput(), signal), where: `${where}: standard input` };
  }
  const text = String(source);
  const embedded = DATA.exec(text);
  if (embedded) {
    const bytes = Buffer.from(embedded[2]!, 'base64');
    checkBytes(bytes.length, where);
    return { bytes, where, name: attempt(() => decodeURIComponent(embedded[1] ?? ''), undefined) };
  }
  if (!/^https?:\/\//i.test(text)) {
    const path = typeof source === 'object' && source.protocol === 'file:' ? fileURLToPath(source) : userPath(text);
    return { bytes: readRegular(path, FILE_LIMIT), where: `${where}: ${path}`, name: basename(path) };
  }
  const shown = withoutSecrets(text);
  if (allowUrl !== true) {
    throw new FluxionError('bad_request', `${where}: expected a path on this machine, found the address ${shown}`, {
      hint: 'allow_url=true lets it be downloaded',
    });
  }
  if (!URL.canParse(text)) throw new FluxionError('bad_request', `${where}: expected an address, found ${shown}`);
  const address = new URL(text);
  const bytes = await download(address, `${where}: ${shown}`, { limit: FILE_LIMIT, signal });
  return { bytes, where: `${where}: ${shown}`, name: basename(address.pathname) };
}

async function fromPixels({ width, height, data }: RawPicture, where: string, most: number): Promise<InputPicture> {
  const count = width * height;
  const channels = data.length / count;
  if (!(count <= PIXEL_LIMIT && (channels === 3 || channels === 4))) {
    throw new FluxionError(
      'bad_request',
      `${where}: expected width × height × 3 or 4 bytes, at most ${PIXEL_LIMIT} pixels, found ${data.length} bytes for ${width}×${height}`,
    );
  }
  checkPixels({ width, height }, where, most);
  // Copied: a caller may draw on its pixels again before they are used.
  const { rgb, alpha } = splitAlpha(data.slice(), channels, count);
  const pixels = { width, height, data: rgb };
  const bytes = await encode(pixels, 'png');
  const hash = hashOf(bytes);
  return { pixels, ...(alpha && { alpha }), hash, name: `${hash}.png`, bytes };
}

function checkBytes(bytes: number, where: string): void {
  if (bytes > FILE_LIMIT) throw tooLarge(bytes, where);
}

function tooLarge(bytes: number, where: string): FluxionError {
  return new FluxionError('bad_file', `${where}: expected at most ${FILE_LIMIT} bytes, found ${bytes}`);
}

let input: Promise<Uint8Array> | undefined;

/** The bytes of standard input, which is read once and shared by all callers. */
function standardInput(): Promise<Uint8Array> {
  input ??= (async () => {
    if (process.stdin.isTTY) {
      throw new FluxionError('bad_request', 'expected a picture on standard input, found a terminal', {
        hint: 'pass a path, or pipe a picture in: fluxion image=- < photo.png',
      });
    }
    return readUpTo(FILE_LIMIT, process.stdin, (bytes) => tooLarge(bytes, 'standard input'));
  })();
  return input;
}

/** The hash of a file that `readPicture` would give; throws what reading a file throws. */
export function pictureHash(path: string): string {
  return hashOf(readRegular(path, FILE_LIMIT));
}

/** Writes a picture that a recipe carries as an address that `readPicture` takes. */
export function dataAddress(name: string, base64: string): string {
  return `data:application/octet-stream;name=${encodeURIComponent(name.toWellFormed()).replaceAll(/[!'()*]/g, '_')};base64,${base64}`;
}

/** The short hash of a file in recipes. */
function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
}

/** A name that a recipe may hold: never a path to another folder, and short enough for file systems. */
function fileName(given: string | undefined): string | undefined {
  const name = given?.split(/[/\\]/).at(-1)?.replaceAll('\0', '') ?? '';
  return name === '' || name.length > 255 || /^[.~]/.test(name) ? undefined : name;
}
