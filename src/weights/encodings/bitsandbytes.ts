/**
 * bitsandbytes' 4-bit weights (nf4, fp4): two codes a byte, high one first. A value is the table's entry for its code, one of 16,
 * times the largest magnitude of its block. These magnitudes may themselves be 8-bit codes, with a table, magnitudes and an offset of their own.
 * Source: bitsandbytes `functional.py` (`QuantState`, `dequantize_4bit`, `dequantize_blockwise`).
 */

import { elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { isCount, type JsonObject, unexpected } from '../files/json.ts';
import { type Decoded, rowLength, type TensorReader, type TensorStore, withDerived } from '../files/tensors.ts';
import { readDescription, readFloats } from './companions.ts';
import { decodeRows } from './decode-rows.ts';

/** Matches the key of the tensor that describes how `<weight>` is packed. */
const STATE = /^(.+)\.quant_state\.bitsandbytes__([a-z0-9]+)$/;
const PARTS = ['absmax', 'quant_map', 'nested_absmax', 'nested_quant_map'] as const;

interface State {
  readonly kind: 'nf4' | 'fp4';
  readonly shape: readonly number[];
  /** Elements that share a magnitude. */
  readonly blockSize: number;
  readonly nested: { readonly blockSize: number; readonly offset: number } | undefined;
}

/** Wraps a store, which it takes over, so that 4-bit weights read as `decoded` values; throws `unsupported` for other bitsandbytes formats. */
export function decodeBitsAndBytes(store: TensorStore, decoded: Decoded): TensorStore {
  const derived = new Map<string, TensorReader>();
  const hidden = new Set<string>();
  for (const key of store.keys()) {
    if (key.endsWith('.SCB')) throw unsupported(`${store.path}: ${key}`, 'int8');
    const [, weight, kind] = STATE.exec(key) ?? [];
    if (weight === undefined || kind === undefined) continue;
    derived.set(weight, unpacked(store, weight, readState(store, key, kind), decoded));
    for (const name of [key, ...PARTS.map((part) => `${weight}.${part}`)]) if (store.has(name)) hidden.add(name);
  }
  return withDerived(store, derived, hidden);
}

function readState(store: TensorStore, key: string, kind: string): State {
  const where = `${store.path}: ${key}`;
  if (kind !== 'nf4' && kind !== 'fp4') throw unsupported(where, kind);
  const json = readDescription(store, key);
  const shape = json.get('shape');
  const isShape = Array.isArray(shape) && shape.every(isCount) && shape.length <= 8;
  if (!isShape) throw unexpected(`${where}: shape`, 'a list of dimensions', shape);
  const nested = store.has(`${key.slice(0, key.indexOf('.quant_state.'))}.nested_absmax`);
  const offset = json.get('nested_offset');
  if (nested && typeof offset !== 'number') throw unexpected(`${where}: nested_offset`, 'a number', offset);
  return {
    kind,
    shape,
    blockSize: blockSize(json, 'blocksize', where),
    nested: nested ? { blockSize: blockSize(json, 'nested_blocksize', where), offset: offset as number } : undefined,
  };
}

function blockSize(json: JsonObject, field: string, where: string): number {
  const size = json.get(field);
  if (typeof size === 'number' && Number.isInteger(Math.log2(size)) && size >= 2 && size <= 65_536) return size;
  throw unexpected(`${where}: ${field}`, 'a power of two', size);
}

function unsupported(where: string, kind: string): FluxionError {
  return new FluxionError('unsupported', `${where}: weights in bitsandbytes' ${kind} format cannot be decoded`, {
    hint: 'its nf4 and fp4 are read; or use a file in bf16, fp8 or GGUF',
  });
}

function unpacked(store: TensorStore, weight: string, state: State, decoded: Decoded): TensorReader {
  const { kind, shape, blockSize, nested } = state;
  const count = elementCount(shape);
  const blocks = Math.ceil(count / blockSize);
  const expect = (name: string, elements: number): void => {
    const found = store.has(name) ? elementCount(store.info(name).shape) : 0;
    if (found === elements) return;
    throw new FluxionError(
      'bad_file',
      `${store.path}: ${name}: expected ${elements} elements for [${shape.join(', ')}], found ${found}`,
    );
  };
  expect(weight, Math.ceil(count / 2));
  expect(`${weight}.absmax`, blocks);
  expect(`${weight}.quant_map`, 16);
  if (nested) {
    expect(`${weight}.nested_absmax`, Math.ceil(blocks / nested.blockSize));
    expect(`${weight}.nested_quant_map`, 256);
  }
  const floats = (part: string): Float32Array => readFloats(store, `${weight}.${part}`);
  const magnitudes = (): Float32Array => {
    if (!nested) return floats('absmax');
    const [codes, map, outer] = [store.bytes(`${weight}.absmax`), floats('nested_quant_map'), floats('nested_absmax')];
    return Float32Array.from(codes, (code, i) => {
      // Rounded twice, as in bitsandbytes.
      const product = Math.fround(map[code]! * outer[Math.floor(i / nested.blockSize)]!);
      return product + nested.offset;
    });
  };
  let tables: { map: Float32Array; absmax: Float32Array } | undefined;
  const columns = rowLength(shape);
  const shift = Math.log2(blockSize);
  return {
    info: { dtype: decoded, shape, file: store.info(weight).file, encoding: kind },
    bytes(rows) {
      tables ??= { map: floats('quant_map'), absmax: magnitudes() };
      const { map, absmax } = tables;
      const codes = store.bytes(weight);
      return decodeRows(rows, columns, decoded, ([start], values) => {
        for (let i = 0, element = start * columns; i < values.length; i++, element++) {
          const byte = codes[element >>> 1]!;
          const code = element & 1 ? byte & 15 : byte >> 4;
          values[i] = map[code]! * absmax[element >>> shift]!;
        }
      });
    },
    // Rows of codes are not rows of the matrix.
    raw: ([start, end]) =>
      store.bytes(weight).subarray(Math.floor((start * columns) / 2), Math.ceil((end * columns) / 2)),
  };
}
