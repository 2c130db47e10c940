/**
 * The GGUF format, versions 2 and 3: metadata, a table of tensors, then their data, aligned. Reading trusts nothing: counts,
 * lengths, types and offsets are bounded by the file's size before anything is allocated.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

import { elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { GGML_TYPES, type GgmlType } from '../encodings/dequant.ts';
import type { FileBytes } from './file-bytes.ts';
import { decodeUtf8, isCount, quote } from './json.ts';

const MAGIC = 'GGUF';
const MAX_TENSORS = 100_000;
const MAX_KEYS = 100_000;
const MAX_NAME = 1024;
const MAX_RANK = 4;
const MAX_TEXT = 16 * 2 ** 20;
const MAX_NESTING = 4;
/** Number arrays up to this length, such as shapes, are kept; longer ones, such as vocabularies, are skipped. */
const MAX_KEPT = 16;
const DEFAULT_ALIGNMENT = 32;

/** A metadata value; an array of text or of many values is described rather than kept. */
export type GgufValue = number | bigint | boolean | string | readonly number[];

/** Where one tensor lies in its file. */
export interface GgufTensor {
  readonly type: GgmlType;
  /** Outermost dimension first, as everywhere here; the file lists dimensions in reverse. */
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** A validated header: every tensor in bounds and none overlapping. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Tells whether a file begins as GGUF files do. */
export function isGguf(file: FileBytes): boolean {
  return file.size >= 4 && Buffer.from(file.view(0, 4)).toString('latin1') === MAGIC;
}

/** Reads and validates the header of a GGUF file; throws `bad_file` or `unsupported` naming the path and the field. */
export function readGgufHeader(file: FileBytes): GgufHeader {
  const at = new Cursor(file);
  if (!isGguf(file)) throw at.bad('this is not a GGUF file');
  at.skip(4);
  const version = at.u32('version');
  if (version !== 2 && version !== 3) {
    const reversed = version % 2 ** 24 === 0;
    const what = reversed ? 'big-endian GGUF files are not read' : `unknown GGUF version ${version}`;
    throw new FluxionError('unsupported', `${file.path}: ${what}`, {
      hint: 'versions 2 and 3, little-endian, are read',
    });
  }
  // A tensor's entry takes at least 24 bytes, a key's 13.
  const tensorCount = at.count('number of tensors', 24, MAX_TENSORS);
  const keyCount = at.count('number of metadata keys', 13, MAX_KEYS);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = at.name(`metadata key ${i}`);
    if (metadata.has(key)) throw at.bad(`duplicate metadata key ${quote(key)}`);
    metadata.set(key, at.value(at.u32(`${key}: type`), key, 0));
  }
  const entries = new Map<string, { type: GgmlType; shape: readonly number[]; offset: number }>();
  for (let i = 0; i < tensorCount; i++) {
    const name = at.name(`tensor ${i}`);
    if (entries.has(name)) throw at.bad(`duplicate tensor ${quote(name)}`);
    entries.set(name, readEntry(name, at));
  }
  const alignment = readAlignment(metadata, at);
  const dataStart = Math.ceil(at.position / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const [name, { type, shape, offset }] of entries) {
    const start = dataStart + offset;
    const end = start + (elementCount(shape) / type.elements) * type.bytes;
    if (offset % alignment !== 0) throw at.bad(`${name}: offset ${offset} is not aligned to ${alignment}`);
    if (end > file.size) {
      throw at.bad(
        `${name}: ends at byte ${end}, beyond the file's ${file.size}`,
        'the file is cut short: download it again',
      );
    }
    tensors.set(name, { type, shape: overridden(name, shape, metadata, at), start, end });
  }
  checkOverlaps(tensors, at);
  return { metadata, tensors };
}

function readEntry(name: string, at: Cursor): { type: GgmlType; shape: readonly number[]; offset: number } {
  const rank = at.u32(`${name}: rank`);
  if (rank > MAX_RANK) throw at.bad(`${name}: rank ${rank} is more than ${MAX_RANK}`);
  const shape = Array.from({ length: rank }, (_, i) => at.u64(`${name}: dimension ${i}`)).reverse();
  const code = at.u32(`${name}: type`);
  const type = GGML_TYPES.get(code);
  if (!type) throw new FluxionError('unsupported', `${at.path}: ${name}: unknown tensor type ${code}`);
  const bytes = (elementCount(shape) / type.elements) * type.bytes;
  if (!Number.isSafeInteger(elementCount(shape)) || !Number.isSafeInteger(Math.ceil(bytes))) {
    throw at.bad(`${name}: [${shape.join(', ')}] overflows`);
  }
  if ((shape.at(-1) ?? 1) % type.elements !== 0) {
    throw at.bad(`${name}: rows of ${shape.at(-1) ?? 1} are not whole blocks of ${type.name}, ${type.elements} each`);
  }
  return { type, shape, offset: at.u64(`${name}: offset`) };
}

function readAlignment(metadata: ReadonlyMap<string, GgufValue>, at: Cursor): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && alignment >= 8 && alignment <= 2 ** 20 && alignment % 8 === 0) return alignment;
  throw at.bad(`general.alignment: expected a multiple of 8, at most ${2 ** 20}, found ${String(alignment)}`);
}

/** ComfyUI-GGUF flattens tensors with more than four dimensions or with rows that are not whole blocks, and records their shape. */
function overridden(
  name: string,
  shape: readonly number[],
  metadata: ReadonlyMap<string, GgufValue>,
  at: Cursor,
): readonly number[] {
  const original = metadata.get(`comfy.gguf.orig_shape.${name}`);
  if (original === undefined) return shape;
  const fits = Array.isArray(original) && original.every(isCount) && elementCount(original) === elementCount(shape);
  if (fits) return original;
  throw at.bad(`comfy.gguf.orig_shape.${name}: does not have the elements of [${shape.join(', ')}]`);
}

function checkOverlaps(tensors: ReadonlyMap<string, GgufTensor>, at: Cursor): void {
  let covered = 0;
  let previous = '';
  for (const [name, { start, end }] of [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start < covered) throw at.bad(`${name}: overlaps ${previous}`);
    covered = end;
    previous = name;
  }
}

/** The scalar metadata types by their number: their size in bytes, and how one is read. */
const SCALARS: ReadonlyMap<number, readonly [size: number, read: (view: DataView, at: number) => GgufValue]> = new Map([
  [0, [1, (view, at) => view.getUint8(at)]],
  [1, [1, (view, at) => view.getInt8(at)]],
  [2, [2, (view, at) => view.getUint16(at, true)]],
  [3, [2, (view, at) => view.getInt16(at, true)]],
  [4, [4, (view, at) => view.getUint32(at, true)]],
  [5, [4, (view, at) => view.getInt32(at, true)]],
  [6, [4, (view, at) => view.getFloat32(at, true)]],
  [7, [1, (view, at) => view.getUint8(at) !== 0]],
  [10, [8, (view, at) => view.getBigUint64(at, true)]],
  [11, [8, (view, at) => view.getBigInt64(at, true)]],
  [12, [8, (view, at) => view.getFloat64(at, true)]],
]);
const TEXT = 8;
const ARRAY = 9;

/** Bytes viewed at a time. */
const PIECE = 1 << 20;

/** Reads a file from its start on, never beyond its end. */
class Cursor {
  readonly path: string;
  position = 0;
  readonly #file: FileBytes;
  #piece: DataView = new DataView(new ArrayBuffer(0));
  #pieceStart = 0;

  constructor(file: FileBytes) {
    this.path = file.path;
    this.#file = file;
  }

  u32(what: string): number {
    const at = this.#take(4, what);
    return this.#piece.getUint32(at, true);
  }

  /** A 64-bit number that must be exact in a double. */
  u64(what: string): number {
    const at = this.#take(8, what);
    const value = Number(this.#piece.getBigUint64(at, true));
    if (!Number.isSafeInteger(value)) throw this.bad(`${what}: ${value} is out of range`);
    return value;
  }

  /** Reads a count of items that take at least `each` bytes of the remaining file. */
  count(what: string, each: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.u64(what);
    if (value > most) throw this.bad(`${what}: ${value} is more than ${most}`);
    if (value * each > this.#left) throw this.bad(`${what}: ${value} do not fit the ${this.#left} bytes that follow`);
    return value;
  }

  text(what: string): string {
    const length = this.count(`${what}: length`, 1, MAX_TEXT);
    const at = this.#take(length, what);
    const { buffer, byteOffset } = this.#piece;
    return decodeUtf8(new Uint8Array(buffer, byteOffset + at, length), `${this.path}: ${what}`);
  }

  /** A name, which ends up in messages and on terminals. */
  name(what: string): string {
    const name = this.text(what);
    if (name !== '' && name.length <= MAX_NAME && !/\p{Cc}/u.test(name)) return name;
    throw this.bad(`${what}: ${quote(name)}: expected 1 to ${MAX_NAME} printable characters`);
  }

  value(type: number, key: string, depth: number): GgufValue {
    if (type === TEXT) return this.text(key);
    if (type === ARRAY) return this.#array(key, depth);
    const [size, read] = SCALARS.get(type) ?? [];
    if (!size || !read) throw this.bad(`${key}: unknown value type ${type}`);
    const at = this.#take(size, key);
    return read(this.#piece, at);
  }

  #array(key: string, depth: number): GgufValue {
    if (depth === MAX_NESTING) throw this.bad(`${key}: arrays nested deeper than ${MAX_NESTING}`);
    const type = this.u32(`${key}: type of elements`);
    const size = SCALARS.get(type)?.[0];
    const length = this.count(`${key}: length`, size ?? (type === TEXT ? 8 : 12));
    if (size !== undefined && length <= MAX_KEPT) {
      return Array.from({ length }, () => Number(this.value(type, key, depth + 1)));
    }
    if (size !== undefined) this.skip(size * length);
    else if (type === TEXT) for (let i = 0; i < length; i++) this.skip(this.count(`${key}: length`, 1));
    else for (let i = 0; i < length; i++) this.value(type, key, depth + 1);
    return `${length} values`;
  }

  skip(length: number): void {
    if (length > this.#left) throw this.bad('ends within its header', 'the file is cut short: download it again');
    this.position += length;
  }

  bad(message: string, hint?: string): FluxionError {
    return new FluxionError('bad_file', `${this.path}: ${message}`, { hint });
  }

  get #left(): number {
    return this.#file.size - this.position;
  }

  /** Advances by `length` bytes and returns their offset in the piece. */
  #take(length: number, what: string): number {
    if (length > this.#left) throw this.bad(`ends before ${what}`, 'the file is cut short: download it again');
    if (this.position < this.#pieceStart || this.position + length > this.#pieceStart + this.#piece.byteLength) {
      const bytes = this.#file.view(this.position, Math.max(length, Math.min(PIECE, this.#left)));
      this.#piece = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#pieceStart = this.position;
    }
    const at = this.position - this.#pieceStart;
    this.position += length;
    return at;
  }
}
