/** The tensors of a GGUF file by key: plain types as stored, others decoded on demand, a few rows at a time. */

import { FluxionError } from '../../support/errors.ts';
import { dequantize } from '../encodings/dequant.ts';
import type { FileBytes } from './file-bytes.ts';
import { type GgufTensor, readGgufHeader } from './gguf.ts';
import {
  checkedRows,
  type Decoded,
  noSuchTensor,
  type Rows,
  rowLength,
  type StoredTensor,
  type TensorStore,
} from './tensors.ts';

/** The tensors of one GGUF file; disposing closes it. */
export class GgufStore implements TensorStore {
  readonly path: string;
  readonly format = 'GGUF';
  /** Text and numbers of the header; long arrays are described. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #file: FileBytes;
  readonly #tensors: ReadonlyMap<string, GgufTensor>;
  readonly #decoded: Decoded;
  #open = true;

  /** Reads the header of a file, which the store takes over. Block types are decoded to `decoded`. */
  constructor(file: FileBytes, decoded: Decoded) {
    const { metadata, tensors } = readGgufHeader(file);
    this.path = file.path;
    this.metadata = new Map([...metadata].map(([key, value]) => [key, String(value)]));
    this.#file = file;
    this.#tensors = tensors;
    this.#decoded = decoded;
  }

  keys(): string[] {
    return [...this.#tensors.keys()];
  }

  has(key: string): boolean {
    return this.#tensors.has(key);
  }

  info(key: string): StoredTensor {
    const { type, shape } = this.#tensor(key);
    const file = this.path;
    return type.dtype ? { dtype: type.dtype, shape, file } : { dtype: this.#decoded, shape, file, encoding: type.name };
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    const { type, shape } = this.#tensor(key);
    if (!type.dtype && !type.decode) {
      throw new FluxionError('unsupported', `${this.path}: ${key}: tensors of type ${type.name} cannot be decoded`, {
        hint: 'use a file in Q8_0, Q6_K, Q5_K, Q4_K or another common type',
      });
    }
    const stored = this.raw(key, rows);
    if (type.dtype) return stored;
    const [first, last] = checkedRows(key, shape, rows);
    const row = rowLength(shape);
    const count = (stored.length / type.bytes) * type.elements;
    const values = dequantize(type, stored, [count], this.#decoded);
    const size = values.length / (count || 1);
    const skipped = (first * row) % type.elements;
    return values.subarray(skipped * size, (skipped + (last - first) * row) * size);
  }

  /** Returns whole blocks. If rows are not whole blocks (an overridden shape), begins with the block that holds the first row's start. */
  raw(key: string, rows?: Rows): Uint8Array {
    if (!this.#open) throw new FluxionError('disposed', `${this.path}: ${key} read after the weights were closed`);
    const { type, shape, start } = this.#tensor(key);
    const [first, last] = checkedRows(key, shape, rows);
    const row = rowLength(shape);
    const from = Math.floor((first * row) / type.elements);
    const to = Math.ceil((last * row) / type.elements);
    return this.#file.view(start + from * type.bytes, (to - from) * type.bytes);
  }

  [Symbol.dispose](): void {
    this.#open = false;
    this.#file[Symbol.dispose]();
  }

  #tensor(key: string): GgufTensor {
    const tensor = this.#tensors.get(key);
    if (tensor) return tensor;
    throw noSuchTensor(this.path, key, this.#tensors.keys());
  }
}
