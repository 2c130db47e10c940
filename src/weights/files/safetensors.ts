/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header `{ name: { dtype, shape, data_offsets } }`, then
 * the tensors' bytes back to back. Reading trusts nothing in the header; writing aligns what the format lets it align.
 * Format: https://github.com/huggingface/safetensors#format
 */

import { byteLength, byteSize, type DType, elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { roundUp } from '../../support/multiples.ts';
import type { FileBytes } from './file-bytes.ts';
import { decodeUtf8, isCount, type Json, type JsonObject, parseJsonObject, quote, unexpected } from './json.ts';
import { exactBytes, type MadeTensor, streamRuns } from './write-file.ts';

/** Largest header accepted, as in the reference implementation. */
const MAX_HEADER = 100_000_000;
const MAX_RANK = 8;
const MAX_NAME = 1024;

// biome-ignore format: one line a family
const DTYPE_NAMES = {
  F64: 'f64', F32: 'f32', F16: 'f16', BF16: 'bf16', F8_E4M3: 'f8e4m3', F8_E5M2: 'f8e5m2',
  I64: 'i64', I32: 'i32', I16: 'i16', I8: 'i8', U64: 'u64', U32: 'u32', U16: 'u16', U8: 'u8', BOOL: 'bool',
} as const satisfies Record<string, DType>;

const SPELLINGS = new Map<DType, string>(Object.entries(DTYPE_NAMES).map(([spelling, dtype]) => [dtype, spelling]));
/** Exponents (e8m0), which only occur as scales of blocks, are read as plain bytes. */
const DTYPES = new Map<string, DType>([...Object.entries(DTYPE_NAMES), ['F8_E8M0', 'u8']]);

/** Where one tensor lies in its file. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** A validated header: every tensor in bounds, none overlapping, no gaps. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Reads and validates the header of a safetensors file; throws `bad_file` naming the path, the tensor and the field. */
export function readSafetensorsHeader(file: FileBytes): SafetensorsHeader {
  const { path, size } = file;
  if (size < 8) throw refuse(file, `${size} bytes are too few for a safetensors file`);
  const prefix = file.view(0, 8);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER) throw refuse(file, `header length ${length} is more than the ${MAX_HEADER} bytes allowed`);
  if (length > size - 8)
    throw refuse(file, `header length ${length} is more than the ${size - 8} bytes that follow it`);
  const where = `${path}: header`;
  const json = parseJsonObject(decodeUtf8(file.view(8, length), where), where);

  const metadata = readMetadata(json.get('__metadata__'), path);
  json.delete('__metadata__');
  const dataStart = 8 + length;
  const tensors = new Map([...json].map(([name, entry]) => [name, readTensor(name, entry, dataStart, size, path)]));
  checkLayout(tensors, dataStart, file);
  return { tensors, metadata };
}

function readMetadata(value: Json | undefined, path: string): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined || value === null) return metadata;
  if (!(value instanceof Map)) throw unexpected(`${path}: __metadata__`, 'an object', value);
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw unexpected(`${path}: __metadata__.${quote(key)}`, 'a string', text);
    metadata.set(key, text);
  }
  return metadata;
}

function readTensor(name: string, entry: Json, dataStart: number, size: number, path: string): TensorInfo {
  // Names end up in messages and on terminals.
  if (name === '' || name.length > MAX_NAME || /\p{Cc}/u.test(name)) {
    throw bad(path, `tensor name ${quote(name)}: expected 1 to ${MAX_NAME} printable characters`);
  }
  if (!(entry instanceof Map)) throw unexpected(`${path}: ${name}`, 'an object', entry);
  for (const key of entry.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets')
      throw bad(path, `${name}: no such field as ${quote(key)}`);
  }
  const dtype = readDtype(name, entry, path);
  const shape = readShape(name, entry, path);
  const [start, end] = readOffsets(name, entry, path);
  if (dataStart + end > size) {
    throw bad(
      path,
      `${name}.data_offsets: end ${end} is beyond the file's ${size - dataStart} bytes of data`,
      'the file is cut short: download it again',
    );
  }
  // Dimensions are safe integers, so a product that is exact in a double is detected by staying within 2^53.
  const bytes = elementCount(shape) * byteSize(dtype);
  if (!Number.isSafeInteger(bytes)) throw bad(path, `${name}.shape: [${shape.join(', ')}] overflows`);
  if (end - start !== bytes) {
    throw bad(
      path,
      `${name}.data_offsets: ${end - start} bytes, but ${entry.get('dtype')} [${shape.join(', ')}] takes ${bytes}`,
    );
  }
  return { dtype, shape, start: dataStart + start, end: dataStart + end };
}

function readDtype(name: string, entry: JsonObject, path: string): DType {
  const spelling = entry.get('dtype');
  const dtype = typeof spelling === 'string' ? DTYPES.get(spelling) : undefined;
  if (dtype) return dtype;
  throw unexpected(`${path}: ${name}.dtype`, `one of ${[...DTYPES.keys()].join(', ')}`, spelling);
}

function readShape(name: string, entry: JsonObject, path: string): number[] {
  const shape = entry.get('shape');
  if (!Array.isArray(shape)) throw unexpected(`${path}: ${name}.shape`, 'an array', shape);
  if (shape.length > MAX_RANK) throw bad(path, `${name}.shape: rank ${shape.length} is more than ${MAX_RANK}`);
  if (shape.every(isCount)) return shape;
  throw unexpected(`${path}: ${name}.shape`, 'non-negative integers', shape);
}

function readOffsets(name: string, entry: JsonObject, path: string): [start: number, end: number] {
  const offsets = entry.get('data_offsets');
  if (Array.isArray(offsets) && offsets.length === 2) {
    const [start, end] = offsets as [Json, Json];
    if (isCount(start) && isCount(end) && start <= end) return [start, end];
  }
  throw unexpected(`${path}: ${name}.data_offsets`, '[start, end] with 0 ≤ start ≤ end', offsets);
}

/** Tensors must tile the data: the format has neither gaps nor overlaps nor trailing bytes. */
function checkLayout(tensors: Map<string, TensorInfo>, dataStart: number, { path, size }: FileBytes): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = dataStart;
  let previous = 'the header';
  for (const [name, { start, end }] of ordered) {
    if (start < covered) throw bad(path, `${name}.data_offsets: overlaps ${previous}`);
    if (start > covered)
      throw bad(path, `${name}.data_offsets: leaves a gap of ${start - covered} bytes after ${previous}`);
    covered = end;
    previous = name;
  }
  if (covered < size) throw bad(path, `${size - covered} bytes after the last tensor do not belong to any tensor`);
}

function bad(path: string, message: string, hint?: string): FluxionError {
  return new FluxionError('bad_file', `${path}: ${message}`, { hint });
}

/** Other file formats by their first bytes, and what to do with them. */
const PICKLE =
  'convert it, in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), "OUT.safetensors")';
const OTHERS: readonly (readonly [begins: readonly string[] | RegExp, what: string, hint: string])[] = [
  [['version https://git-lfs'], 'a Git LFS pointer', 'run `git lfs pull`, or download the file itself'],
  [['GGUF'], 'a GGUF file', 'it is read where a model is, and not here'],
  [['PK\x03\x04'], 'a PyTorch pickle archive or another zip file', PICKLE],
  [['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'], 'a Python pickle', PICKLE],
  [
    ['ggml', 'lmgg', 'ggjt', 'tjgg', 'ggla'],
    'a GGML file, the format before GGUF',
    'download it as GGUF or safetensors',
  ],
  [['\x89HDF'], 'an HDF5 file, as of Keras', 'download it as safetensors'],
  [['\x89PNG', '\xff\xd8\xff', 'RIFF'], 'a picture', 'fluxion inspect FILE tells what a picture was made with'],
  [['\x1f\x8b', '7z\xbc', 'Rar!', '(\xb5/\xfd'], 'a compressed archive', 'unpack it first'],
  [/^\s*<(?:!|html|\?xml)/i, 'a web page', 'the download failed or needs a login: download it again'],
  [
    /^\s*[{[]/,
    'a text file in JSON',
    'an index of weights ends in .index.json; a config has a folder, which can be given',
  ],
  [/^[\s\x20-\x7e]{16}/, 'a text file', 'download it again'],
];

/** The error for a file that is not safetensors, saying what it is instead. */
function refuse(file: FileBytes, message: string): FluxionError {
  const start = Buffer.from(file.view(0, Math.min(file.size, 40))).toString('latin1');
  const found = OTHERS.find(([begins]) =>
    begins instanceof RegExp ? begins.test(start) : begins.some((sign) => start.startsWith(sign)),
  );
  if (!found) return bad(file.path, message, 'download it again');
  const [, what, hint] = found;
  const expected = what === 'a GGUF file' ? 'a safetensors file' : 'a safetensors or GGUF file';
  return bad(file.path, `expected ${expected}, found ${what}`, hint);
}

/** A tensor to write, without its bytes. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export type LazyTensor = TensorSpec & MadeTensor;

/** The alignment, in bytes, that the CPU plugin needs to use a mapped file in place. */
const ALIGNMENT = 64;

export interface WriteOptions {
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Bytes of a tensor in its file. */
export function sizeOf({ dtype, shape }: TensorSpec): number {
  return byteLength(dtype, shape);
}

/** Bytes of tensors in all. */
export function sizeOfAll(tensors: readonly TensorSpec[]): number {
  return tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
}

/**
 * Plans a safetensors file: its header, and the order of its tensors' bytes. The same tensors give the same file, whatever their
 * input order.
 *
 * The format allows no gap between tensors, so alignment comes from order: tensors whose size is a multiple of 64 come first
 * and start at multiples of 64; the others follow, largest element type first, each at a multiple of its own element size.
 */
export function planSafetensors<T extends TensorSpec>(
  tensors: Iterable<T>,
  { metadata = {} }: WriteOptions = {},
): { header: Uint8Array; ordered: readonly T[] } {
  const rank = (t: T): number => (sizeOf(t) % ALIGNMENT === 0 ? 0 : 1 / byteSize(t.dtype));
  const ordered = [...tensors].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const entries = new Map<string, unknown>();
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) entries.set('__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]])));
  let at = 0;
  for (const tensor of ordered) {
    const { name, dtype, shape } = tensor;
    if (entries.has(name) || name === '__metadata__')
      throw new FluxionError('bad_weights', `${name}: the name is taken`);
    entries.set(name, { dtype: SPELLINGS.get(dtype), shape, data_offsets: [at, at + sizeOf(tensor)] });
    at += sizeOf(tensor);
  }
  // Written entry by entry: an object would move names that look like numbers to the front.
  const json = `{${[...entries].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  const text = Buffer.from(json);
  const header = Buffer.alloc(roundUp(8 + text.length, ALIGNMENT), ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.set(text, 8);
  return { header, ordered };
}

/** Writes a safetensors file from tensors made one at a time; it appears whole or not at all. */
export async function streamSafetensors(
  path: string,
  tensors: Iterable<LazyTensor>,
  { signal, ...options }: WriteOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { header, ordered } = planSafetensors(tensors, options);
  const runs = function* (): Generator<Uint8Array> {
    yield header;
    for (const tensor of ordered) yield exactBytes(tensor, tensor.dtype, sizeOf(tensor));
  };
  await streamRuns(path, runs(), signal);
}
