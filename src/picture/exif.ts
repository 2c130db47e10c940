/**
 * Texts in the EXIF block of a JPEG or WebP: `parameters` in UserComment, as A1111 and Forge write them, and the recipe in a private tag.
 * A block is a TIFF file without pixels: a header, then directories of 12-byte entries. Blocks may be hostile, so offsets are checked.
 */

/** Texts by keyword, as in a PNG. */
export type Texts = Readonly<Record<string, string>>;

/** Tags: the recipe (in TIFF's private range), the directory of EXIF's own tags, and its comment. */
const RECIPE = 0xfef1;
const EXIF_DIRECTORY = 0x8769;
const USER_COMMENT = 0x9286;

const [ASCII, LONG, UNDEFINED] = [2, 4, 7];
const HEADER = 8;
const ENTRY = 12;
/** Bytes at the start of a comment that name its encoding. */
const ENCODING = 8;
/** Most bytes of one text, and most entries of one directory. */
const TEXT_LIMIT = 1 << 20;
const MOST_ENTRIES = 1000;

/** Builds a block with these texts, big-endian like A1111's comments. */
export function exifBlock({ fluxion, parameters }: Texts): Buffer {
  const outer: Entry[] = [];
  if (parameters !== undefined) {
    const data = Buffer.concat([Buffer.from('UNICODE\0', 'latin1'), Buffer.from(parameters, 'utf16le').swap16()]);
    outer.push({ tag: EXIF_DIRECTORY, inner: [{ tag: USER_COMMENT, type: UNDEFINED!, data }] });
  }
  if (fluxion !== undefined) {
    const ascii = fluxion.replaceAll(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    outer.push({ tag: RECIPE, type: ASCII!, data: Buffer.from(`${ascii}\0`, 'latin1') });
  }
  const header = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, HEADER]);
  return Buffer.concat([header, directory(outer, HEADER)]);
}

type Entry =
  | { readonly tag: number; readonly type: number; readonly data: Buffer }
  | { readonly tag: number; readonly inner: readonly Entry[] };

/** Builds a directory at byte `at` of the block, followed by the data of its entries. */
function directory(entries: readonly Entry[], at: number): Buffer {
  const table = Buffer.alloc(2 + ENTRY * entries.length + 4);
  table.writeUInt16BE(entries.length, 0);
  const parts: Buffer[] = [table];
  let end = at + table.length;
  for (const [i, entry] of entries.entries()) {
    const data = 'inner' in entry ? directory(entry.inner, end) : entry.data;
    const from = 2 + ENTRY * i;
    table.writeUInt16BE(entry.tag, from);
    table.writeUInt16BE('inner' in entry ? LONG! : entry.type, from + 2);
    table.writeUInt32BE('inner' in entry ? 1 : data.length, from + 4);
    table.writeUInt32BE(end, from + 8);
    // Offsets are even.
    const padded = data.length % 2 === 0 ? data : Buffer.concat([data, Buffer.alloc(1)]);
    parts.push(padded);
    end += padded.length;
  }
  return Buffer.concat(parts);
}

/** Reads the texts of a block; skips texts that are broken or longer than 1 MiB. */
export function exifTexts(block: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (block.length < HEADER) return texts;
  const mark = view.getUint16(0);
  if (mark !== 0x4d4d && mark !== 0x4949) return texts;
  const little = mark === 0x4949;
  const outer = entriesAt(view, view.getUint32(4, little), little);
  const recipe = outer.get(RECIPE);
  const comment = entriesAt(view, outer.get(EXIF_DIRECTORY)?.value ?? 0, little).get(USER_COMMENT);
  const bytesOf = ({ value, count }: Found): Buffer<ArrayBuffer> | undefined =>
    // Values of up to four bytes lie in the entry itself, but no text is so short.
    count > 4 && count <= TEXT_LIMIT && value + count <= block.length
      ? Buffer.from(block.subarray(value, value + count))
      : undefined;
  const json = recipe && bytesOf(recipe)?.toString('latin1').replace(/\0+$/, '');
  if (json?.startsWith('{')) texts.set('fluxion', json);
  const text = comment && commentText(bytesOf(comment), little);
  if (text) texts.set('parameters', text);
  return texts;
}

interface Found {
  readonly count: number;
  /** The value, or its offset in the block. */
  readonly value: number;
}

function entriesAt(view: DataView, at: number, little: boolean): Map<number, Found> {
  const found = new Map<number, Found>();
  if (at < HEADER || at + 2 > view.byteLength) return found;
  const count = Math.min(view.getUint16(at, little), MOST_ENTRIES);
  for (let from = at + 2, i = 0; i < count && from + ENTRY <= view.byteLength; i++, from += ENTRY) {
    const tag = view.getUint16(from, little);
    if (!found.has(tag))
      found.set(tag, { count: view.getUint32(from + 4, little), value: view.getUint32(from + 8, little) });
  }
  return found;
}

/** Decodes a comment: UTF-16 or ASCII, as its first bytes say. */
function commentText(bytes: Buffer<ArrayBuffer> | undefined, little: boolean): string | undefined {
  if (bytes === undefined || bytes.length < ENCODING) return undefined;
  const encoding = bytes.toString('latin1', 0, ENCODING).replace(/\0+$/, '');
  const text = bytes.subarray(ENCODING);
  if (encoding !== 'UNICODE')
    return encoding === 'ASCII' || encoding === '' ? text.toString('utf8').replace(/\0+$/, '') : undefined;
  const whole = text.subarray(0, text.length & ~1);
  // Some programs write big-endian text into a little-endian block: Latin letters then have their zero byte first.
  const bigEndian = !little || (whole.length > 1 && whole[0] === 0 && whole[1] !== 0);
  return (bigEndian ? whole.swap16() : whole).toString('utf16le').replace(/\0+$/, '');
}
