/**
 * The interface of a weight file, whatever its format: named tensors whose bytes are read by rows, on demand. Stores wrap stores: one that
 * dequantises another's tensors, or shows one group of them, is again a store.
 */

import { type DType, elementCount } from '../../support/dtype.ts';
import { FluxionError, nearest } from '../../support/errors.ts';

/** What is known about a stored tensor without reading its bytes. */
export interface StoredTensor {
  /** Element type of the bytes that the store gives. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Path of the file it lies in. */
  readonly file: string;
  /** How the file stores it where that is not `dtype`, such as `Q4_K` or `scaled f8e4m3`. */
  readonly encoding?: string;
}

/** Rows of a tensor's first dimension, the end excluded. */
export type Rows = readonly [start: number, end: number];

/** Rows of a matrix as the 8-bit floats that their file holds: a value is its code times its row's scale. */
export interface CodedRows {
  readonly dtype: 'f8e4m3';
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
}

/** Named tensors; disposing closes their files and ends the views into them. */
export interface TensorStore extends Disposable {
  /** What was opened. */
  readonly path: string;
  readonly format: 'safetensors' | 'GGUF';
  /** The metadata in the file's header. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The metadata of each of several files. */
  readonly headers?: readonly ReadonlyMap<string, string>[];
  /** Lists every key, in file order. */
  keys(): string[];
  has(key: string): boolean;
  /** Returns a tensor's dtype, shape and file; throws `not_found` with the nearest keys. */
  info(key: string): StoredTensor;
  /** Returns a tensor's bytes, or those of some rows: a view if the file is mapped and stores them as they are, otherwise a copy. */
  bytes(key: string, rows?: Rows): Uint8Array;
  /** Returns the file's bytes that `bytes` decodes, without companions such as scales; a view if the file is mapped. */
  raw?(key: string, rows?: Rows): Uint8Array;
  /** Returns undecoded rows if the file holds 8-bit floats whose scales cover whole rows; otherwise undefined. */
  coded?(key: string, rows?: Rows): CodedRows | undefined;
}

/** The type that encoded tensors are decoded to. */
export type Decoded = 'f32' | 'bf16' | 'f16';

/** Reads the rows of one tensor: as its file stores them, or computed from stored ones. */
export interface TensorReader {
  readonly info: StoredTensor;
  bytes(rows: Rows): Uint8Array;
  /** Reads what `bytes` decodes, if it decodes. */
  raw?(rows: Rows): Uint8Array;
  coded?(rows: Rows): CodedRows | undefined;
}

/** What a store tells about its files. */
interface Opened extends Pick<TensorStore, 'path' | 'format'> {
  readonly headers: readonly ReadonlyMap<string, string>[];
}

/** Tensors by key, over files that are the store's. */
export class TensorTable implements TensorStore {
  readonly path: string;
  readonly format: TensorStore['format'];
  /** Header metadata of all files; for equal keys, the first file wins. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly headers: readonly ReadonlyMap<string, string>[];
  readonly #tensors: ReadonlyMap<string, TensorReader>;
  readonly #files: DisposableStack;

  constructor({ path, format, headers }: Opened, tensors: ReadonlyMap<string, TensorReader>, files: DisposableStack) {
    this.path = path;
    this.format = format;
    this.metadata = new Map(headers.toReversed().flatMap((header) => [...header]));
    this.headers = headers;
    this.#tensors = tensors;
    this.#files = files;
  }

  keys(): string[] {
    return [...this.#tensors.keys()];
  }

  has(key: string): boolean {
    return this.#tensors.has(key);
  }

  info(key: string): StoredTensor {
    const tensor = this.#tensors.get(key);
    if (tensor) return tensor.info;
    const near = nearest(key, this.#tensors.keys());
    throw new FluxionError('not_found', `${this.path}: no tensor '${key}'`, {
      hint: near.length > 0 ? `nearest: ${near.join(', ')}` : undefined,
    });
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    const [tensor, range] = this.#rows(key, rows);
    return tensor.bytes(range);
  }

  raw(key: string, rows?: Rows): Uint8Array {
    const [tensor, range] = this.#rows(key, rows);
    return tensor.raw?.(range) ?? tensor.bytes(range);
  }

  coded(key: string, rows?: Rows): CodedRows | undefined {
    const [tensor, range] = this.#rows(key, rows);
    return tensor.coded?.(range);
  }

  [Symbol.dispose](): void {
    this.#files.dispose();
  }

  #rows(key: string, rows: Rows | undefined): [TensorReader, Rows] {
    const range = checkedRows(key, this.info(key).shape, rows);
    if (!this.#files.disposed) return [this.#tensors.get(key)!, range];
    throw new FluxionError('disposed', `${this.path}: ${key} read after the weights were closed`);
  }
}

/** Shows a store's tensors under these names: each is a key of the store, or derived from it. Takes the store over. */
export function shownAs(store: TensorStore, names: ReadonlyMap<string, string | TensorReader>): TensorStore {
  const { path, format, headers = [store.metadata] } = store;
  const tensors = [...names].map(([name, of]) => [name, typeof of === 'string' ? readerOf(store, of) : of] as const);
  const files = new DisposableStack();
  files.use(store);
  return new TensorTable({ path, format, headers }, new Map(tensors), files);
}

function readerOf(store: TensorStore, key: string): TensorReader {
  return {
    info: store.info(key),
    bytes: (rows) => store.bytes(key, rows),
    raw: (rows) => store.raw?.(key, rows) ?? store.bytes(key, rows),
    coded: (rows) => store.coded?.(key, rows),
  };
}

/** Shows a store, which it takes over, with some tensors derived and some hidden. */
export function withDerived(
  store: TensorStore,
  derived: ReadonlyMap<string, TensorReader>,
  hidden: ReadonlySet<string>,
): TensorStore {
  if (derived.size + hidden.size === 0) return store;
  const keys = store.keys().filter((key) => !hidden.has(key));
  return shownAs(store, new Map(keys.map((key) => [key, derived.get(key) ?? key])));
}

/** Returns the requested rows, by default all; a scalar counts as one row. Throws `bad_shape` outside the tensor. */
export function checkedRows(key: string, shape: readonly number[], rows?: Rows): Rows {
  const count = shape[0] ?? 1;
  if (!rows) return [0, count];
  const [start, end] = rows;
  if (Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= count) return rows;
  throw new FluxionError('bad_shape', `${key}: rows ${start} to ${end} are outside [${shape.join(', ')}]`);
}

/** Number of elements in one row of a shape. */
export function rowLength(shape: readonly number[]): number {
  return elementCount(shape.slice(1));
}
