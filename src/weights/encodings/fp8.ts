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
    derived.set(key, eightBitWeight(store, key, scaleKey, decoded));
    if (scaleKey === undefined) continue;
    hidden.add(scaleKey);
    for (const name of INPUT_SCALES) hidden.add(beside(key, name));
  }
  return withDerived(store, derived, hidden);
}

/** The key of a weight's scale, in either spelling. */
export function scaleBeside(store: TensorStore, weight: string): string | undefined {
  return SCALES.map((name) => beside(weight, name)).find((name) => store.has(name));
}

/**
 * Decodes an 8-bit weight with the scales under `scaleKey`, if any: one for the matrix, one for each row or, with `tile`, one for each square
 * of `tile` rows and columns. Throws for scales that do not fit.
 */
export function eightBitWeight(
  store: TensorStore,
  key: string,
  scaleKey: string | undefined,
  decoded: Decoded,
  tile?: number,
): TensorReader {
  const { dtype, shape, file } = store.info(key);
  if (!isEightBit(dtype)) throw misfit(store, key, 'an 8-bit type');
  const rows = shape[0] ?? 1;
  const columns = rowLength(shape);
  const size = scaleKey === undefined ? { height: rows, width: columns } : tileSize(store, key, scaleKey, tile);
  // Read on first use: opening a file reads only its header.
  let known: Float32Array | undefined;
  const scales = (): Float32Array => {
    known ??= scaleKey === undefined ? Float32Array.of(1) : readFloats(store, scaleKey);
    return known;
  };
  const raw = (range: Rows): Uint8Array => store.bytes(key, range);
  const byRows = dtype === 'f8e4m3' && size.width === columns && (size.height === 1 || size.height === rows);
  return {
    info: { dtype: decoded, shape, file, encoding: scaleKey === undefined ? dtype : `scaled ${dtype}` },
    bytes: (range) => expand(raw(range), dtype, range, columns, { scales: scales(), ...size }, decoded),
    raw,
    ...(byRows && { coded: (range) => ({ dtype, codes: raw(range), scales: scalesOf(range, scales()) }) }),
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

function tileSize(store: TensorStore, key: string, scaleKey: string, tile: number | undefined): TileSize {
  if (tile !== undefined) return squares(store, key, scaleKey, tile);
  const { shape, dtype } = store.info(scaleKey);
  const { shape: ofWeight } = store.info(key);
  const rows = ofWeight[0] ?? 1;
  const count = elementCount(shape);
  if ((count === 1 || count === rows) && isFloat(dtype))
    return { height: count === 1 ? rows : 1, width: rowLength(ofWeight) };
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
