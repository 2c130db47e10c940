/**
 * 8-bit weights: plain floats, or floats and integers divided by a scale for the whole matrix, each row or each square tile. Weights
 * without a description are decoded here: plain ones, and ComfyUI's older spelling, a marker `scaled_fp8` and `<layer>.scale_weight`;
 * comfy-quant.ts finds those with a description.
 * Sources: ComfyUI `comfy/utils.py`, `comfy/ops.py`; for tiles, convert_to_quant and ComfyUI-QuantOps.
 */

import { type DType, elementCount, isFloat } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { toF32 } from '../../support/floats.ts';
import {
  type Decoded,
  type Rows,
  rowLength,
  type TensorReader,
  type TensorStore,
  withDerived,
} from '../files/tensors.ts';
import { beside, describeTensor, misfit, readFloats, requireTensor } from './companions.ts';
import { CODES, products, wordsOf } from './decode-rows.ts';

const MARKER = /(^|\.)scaled_fp8$/;
/** Names beside `<layer>.weight`: its scale, and the scale of the layer's input, which only fp8 arithmetic needs. */
const SCALES = ['scale_weight', 'weight_scale'] as const;
export const INPUT_SCALES = ['scale_input', 'input_scale'] as const;

type EightBit = 'f8e4m3' | 'f8e5m2' | 'i8';

function isEightBit(dtype: DType): dtype is EightBit {
  return dtype === 'f8e4m3' || dtype === 'f8e5m2' || dtype === 'i8';
}

/** Wraps a store, which it takes over, so that 8-bit weights read as `decoded` values, scales applied. */
export function decodeFp8(store: TensorStore, decoded: Decoded): TensorStore {
  const derived = new Map<string, TensorReader>();
  const hidden = new Set<string>();
  for (const key of store.keys()) {
    const { dtype } = store.info(key);
    if (MARKER.test(key)) hidden.add(key);
    if (!isEightBit(dtype) || hidden.has(key)) continue;
    const scaleKey = key.endsWith('.weight') ? scaleBeside(store, key) : undefined;
    // Integers without a scale are not weights.
    if (dtype === 'i8' && scaleKey === undefined) continue;
    if (scaleKey === undefined) {
      derived.set(key, plainWeight(store, key, dtype, decoded));
      continue;
    }
    derived.set(key, scaledWeight(store, key, scaleKey, decoded));
    hidden.add(scaleKey);
    for (const name of INPUT_SCALES) hidden.add(beside(key, name));
  }
  return withDerived(store, derived, hidden);
}

/** The key of a weight's scale, in either spelling. */
export function scaleBeside(store: TensorStore, weight: string): string | undefined {
  return SCALES.map((name) => beside(weight, name)).find((name) => store.has(name));
}

/** Decodes an 8-bit weight without scales. */
export function plainWeight(store: TensorStore, key: string, dtype: EightBit, decoded: Decoded): TensorReader {
  return decodedTensor(store, key, dtype, dtype, wholeRows(store, key, 1), () => Float32Array.of(1), decoded);
}

/**
 * Decodes an 8-bit weight with the scales under `scaleKey`: one for the matrix, one for each row or, with `tile`, one for each square of
 * `tile` rows and columns. Throws for scales that do not fit.
 */
export function scaledWeight(
  store: TensorStore,
  key: string,
  scaleKey: string,
  decoded: Decoded,
  tile?: number,
): TensorReader {
  const { dtype } = store.info(key);
  if (!isEightBit(dtype)) throw misfit(store, key, 'an 8-bit type');
  const size = tile === undefined ? scaledByRows(store, key, scaleKey) : squares(store, key, scaleKey, tile);
  // Read on first use: opening a file reads only its header.
  let known: Float32Array | undefined;
  const scales = (): Float32Array => {
    known ??= readFloats(store, scaleKey);
    return known;
  };
  return decodedTensor(store, key, dtype, `scaled ${dtype}`, size, scales, decoded);
}

function decodedTensor(
  store: TensorStore,
  key: string,
  dtype: EightBit,
  encoding: string,
  size: TileSize,
  scales: () => Float32Array,
  decoded: Decoded,
): TensorReader {
  const { shape, file } = store.info(key);
  const columns = rowLength(shape);
  const raw = (rows: Rows): Uint8Array => store.bytes(key, rows);
  const byRows = dtype === 'f8e4m3' && size.width === columns && (size.height === 1 || size.height === (shape[0] ?? 1));
  return {
    info: { dtype: decoded, shape, file, encoding },
    bytes: (rows) => expand(raw(rows), dtype, rows, columns, { scales: scales(), ...size }, decoded),
    raw,
    ...(byRows && { coded: (rows) => ({ dtype, codes: raw(rows), scales: scalesOf(rows, scales()) }) }),
  };
}

/** The scales of a range of rows, from a single scale or one for each row. */
function scalesOf([start, end]: Rows, scales: Float32Array): Float32Array {
  return scales.length > 1 ? scales.slice(start, end) : new Float32Array(end - start).fill(scales[0]!);
}

/** The part of a matrix that shares a scale. */
interface TileSize {
  readonly height: number;
  readonly width: number;
}

/** Tiles of whole rows: one tile for a single scale, otherwise one for each row. */
function wholeRows(store: TensorStore, key: string, scales: number): TileSize {
  const { shape } = store.info(key);
  return { height: scales === 1 ? (shape[0] ?? 1) : 1, width: rowLength(shape) };
}

function scaledByRows(store: TensorStore, key: string, scaleKey: string): TileSize {
  const { shape, dtype } = store.info(scaleKey);
  const rows = store.info(key).shape[0] ?? 1;
  const count = elementCount(shape);
  if ((count === 1 || count === rows) && isFloat(dtype)) return wholeRows(store, key, count);
  throw new FluxionError(
    'unsupported',
    `${store.path}: ${scaleKey}: expected one scale, or one for each of the ${rows} rows of ${key}, found ${describeTensor(store, scaleKey)}`,
  );
}

function squares(store: TensorStore, key: string, scaleKey: string, tile: number): TileSize {
  const { shape } = store.info(key);
  const grid = shape.map((dim) => dim / tile);
  if (shape.length !== 2 || !grid.every(Number.isInteger)) {
    throw misfit(store, key, `a matrix of squares of ${tile} × ${tile}, as its description says`);
  }
  requireTensor(store, scaleKey, ['f32', 'bf16', 'f16'], grid, `a scale for each ${tile} × ${tile} of ${key}`);
  return { height: tile, width: tile };
}

/** Scales of a matrix, one row of tiles after another. */
interface Tiles extends TileSize {
  readonly scales: Float32Array;
}

/** Decodes each byte through a table of its scale's 256 products. */
function expand(
  codes: Uint8Array,
  dtype: EightBit,
  [start, end]: Rows,
  columns: number,
  { scales, height, width }: Tiles,
  decoded: Decoded,
): Uint8Array {
  const words = wordsOf(decoded, codes.length);
  const values = valuesOf(dtype);
  for (let row = start, stop: number; row < end; row = stop) {
    const band = Math.floor(row / height);
    stop = Math.min(end, (band + 1) * height);
    for (let left = 0; left < columns; left += width) {
      const tile = (band * columns + left) / width;
      const table = products(scales.subarray(tile, tile + 1), values, decoded);
      for (let each = row; each < stop; each++) {
        const at = (each - start) * columns + left;
        for (let i = at; i < at + width; i++) words[i] = table[codes[i]!]!;
      }
    }
  }
  return new Uint8Array(words.buffer);
}

/** The values of a type's 256 codes. */
function valuesOf(dtype: EightBit): Float32Array {
  return dtype === 'i8' ? Float32Array.from(new Int8Array(CODES.buffer)) : toF32(dtype, CODES, 256);
}
