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

/** A tensor whose values are computed from stored ones, a few rows at a time. */
export interface DerivedTensor {
  readonly info: StoredTensor;
  bytes(rows: Rows): Uint8Array;
  raw(rows: Rows): Uint8Array;
  coded?(rows: Rows): CodedRows;
}

/**
 * Shows a store's tensors under these names: each is a key of the store, or derived from it. Takes the store over.
 */
export class ShownStore implements TensorStore {
  readonly path: string;
  readonly format: TensorStore['format'];
  readonly metadata: ReadonlyMap<string, string>;
  readonly headers: readonly ReadonlyMap<string, string>[];
  readonly #store: TensorStore;
  readonly #shown: ReadonlyMap<string, string | DerivedTensor>;

  constructor(store: TensorStore, shown: ReadonlyMap<string, string | DerivedTensor>) {
    this.path = store.path;
    this.format = store.format;
    this.metadata = store.metadata;
    this.headers = store.headers ?? [store.metadata];
    this.#store = store;
    this.#shown = shown;
  }

  keys(): string[] {
    return [...this.#shown.keys()];
  }

  has(key: string): boolean {
    return this.#shown.has(key);
  }

  info(key: string): StoredTensor {
    const shown = this.#of(key);
    return typeof shown === 'string' ? this.#store.info(shown) : shown.info;
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    const shown = this.#of(key);
    if (typeof shown === 'string') return this.#store.bytes(shown, rows);
    return shown.bytes(checkedRows(key, shown.info.shape, rows));
  }

  raw(key: string, rows?: Rows): Uint8Array {
    const shown = this.#of(key);
    if (typeof shown === 'string') return this.#store.raw?.(shown, rows) ?? this.#store.bytes(shown, rows);
    return shown.raw(checkedRows(key, shown.info.shape, rows));
  }

  coded(key: string, rows?: Rows): CodedRows | undefined {
    const shown = this.#of(key);
    if (typeof shown === 'string') return this.#store.coded?.(shown, rows);
    return shown.coded?.(checkedRows(key, shown.info.shape, rows));
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }

  #of(key: string): string | DerivedTensor {
    const shown = this.#shown.get(key);
    if (shown !== undefined) return shown;
    throw noSuchTensor(this.path, key, this.#shown.keys());
  }
}

/** Shows a store, which it takes over, with some tensors derived and some hidden. */
export function withDerived(
  store: TensorStore,
  derived: ReadonlyMap<string, DerivedTensor>,
  hidden: ReadonlySet<string>,
): TensorStore {
  if (derived.size + hidden.size === 0) return store;
  const keys = store.keys().filter((key) => !hidden.has(key));
  return new ShownStore(store, new Map(keys.map((key) => [key, derived.get(key) ?? key])));
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

/** The error for a key that is not there, with the nearest that are. */
export function noSuchTensor(path: string, key: string, known: Iterable<string>): FluxionError {
  const near = nearest(key, known);
  return new FluxionError('not_found', `${path}: no tensor '${key}'`, {
    hint: near.length > 0 ? `nearest: ${near.join(', ')}` : undefined,
  });
}
