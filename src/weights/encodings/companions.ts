/**
 * The tensors that an encoded weight needs, such as its scales: `<layer>.weight_scale` beside `<layer>.weight`. They are checked when a
 * file is opened, and read with the weight.
 */

import { type DType, elementCount, isFloat } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { toF32 } from '../../support/floats.ts';
import { decodeUtf8, type JsonObject, parseJsonObject } from '../files/json.ts';
import type { TensorStore } from '../files/tensors.ts';

/** Most elements in a tensor that describes another; real ones have about a hundred. */
const MAX_DESCRIPTION = 65_536;

/** The key of a tensor beside `<layer>.weight`. */
export function beside(weight: string, name: string): string {
  return weight.slice(0, -'weight'.length) + name;
}

/** The error for a tensor that is not what its weight needs. */
export function misfit(store: TensorStore, key: string, expected: string): FluxionError {
  const found = store.has(key) ? describeTensor(store, key) : 'nothing';
  return new FluxionError('bad_file', `${store.path}: ${key}: expected ${expected}, found ${found}`);
}

/** A tensor's dtype and shape for a message. */
export function describeTensor(store: TensorStore, key: string): string {
  const { dtype, shape } = store.info(key);
  return `${dtype} [${shape.join(', ')}]`;
}

/** Throws `bad_file` unless `key` has one of the dtypes and exactly this shape; `purpose` is for the message, such as `the scales of a.weight`. */
export function requireTensor(
  store: TensorStore,
  key: string,
  dtypes: readonly DType[],
  shape: readonly number[],
  purpose: string,
): void {
  const fits = store.has(key) && dtypes.includes(store.info(key).dtype) && sameShape(store.info(key).shape, shape);
  if (!fits) throw misfit(store, key, `${dtypes.join(' or ')} [${shape.join(', ')}], ${purpose}`);
}

/** Throws `bad_file` unless `key` holds `count` floating-point numbers, whatever their shape. */
export function requireFloats(store: TensorStore, key: string, count: number, purpose: string): void {
  const { dtype, shape } = store.has(key) ? store.info(key) : { dtype: undefined, shape: [] };
  if (dtype !== undefined && isFloat(dtype) && elementCount(shape) === count) return;
  throw misfit(store, key, `${count === 1 ? 'one number' : `${count} numbers`}, ${purpose}`);
}

/** Reads a tensor of floating-point numbers. */
export function readFloats(store: TensorStore, key: string): Float32Array {
  const { dtype, shape } = store.info(key);
  return toF32(dtype, store.bytes(key), elementCount(shape));
}

/** Reads a tensor whose bytes are a JSON object; throws `bad_file` for other bytes, or too many. */
export function readDescription(store: TensorStore, key: string): JsonObject {
  const where = `${store.path}: ${key}`;
  if (elementCount(store.info(key).shape) > MAX_DESCRIPTION)
    throw new FluxionError('bad_file', `${where}: longer than any valid value`);
  return parseJsonObject(decodeUtf8(store.bytes(key), where), where);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}
