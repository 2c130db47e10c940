/**
 * Short floats with a scale for every few columns of a row, as tensor cores take them. NVIDIA's nvfp4: 4-bit e2m1, two codes a byte, blocks
 * of 16 with e4m3 scales, and one scale for the matrix. OCP's mxfp8: e4m3, blocks of 32 whose scales are powers of two (e8m0). Few scales
 * are possible, so decoding looks codes up in a table of all products of a scale and a code.
 * Block scales are laid out as cuBLAS wants them: padded tiles of 128 rows × 4 blocks, row r of a tile at 16 (r mod 32) + 4 (r div 32).
 * Sources: comfy-kitchen `tensor/nvfp4.py`, `tensor/mxfp8.py`, `float_utils.py`; the cuBLAS manual, "1D block scaling factors layout".
 */

import type { DType } from '../../support/dtype.ts';
import { toF32 } from '../../support/floats.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { roundUp } from '../../support/multiples.ts';
import type { Decoded, Rows, TensorReader, TensorStore } from '../files/tensors.ts';
import { misfit, readFloats, requireFloats, requireTensor } from './companions.ts';
import { type BitWords, CODES, decodeRows, products, wordsOf } from './decode-rows.ts';

export interface BlockScaled {
  readonly format: 'nvfp4' | 'mxfp8';
  /** Key of the blocks' scales. */
  readonly scaleKey: string;
  /** Key of nvfp4's scale for the whole matrix. */
  readonly wholeKey?: string;
  /** Rows and columns without the file's padding; the stored shape if undefined. */
  readonly shape: readonly [rows: number, columns: number] | undefined;
}

interface Format {
  readonly dtypes: readonly DType[];
  readonly scaleDtypes: readonly DType[];
  /** Elements that share a scale. */
  readonly block: 16 | 32;
  /** Codes in a byte. */
  readonly perByte: 1 | 2;
}

const FORMATS: Record<BlockScaled['format'], Format> = {
  nvfp4: { dtypes: ['u8'], scaleDtypes: ['f8e4m3', 'u8'], block: 16, perByte: 2 },
  mxfp8: { dtypes: ['f8e4m3'], scaleDtypes: ['u8'], block: 32, perByte: 1 },
};

const TILE_ROWS = 128;
const TILE_BLOCKS = 4;
const TILE = TILE_ROWS * TILE_BLOCKS;

/** Decodes a block-scaled weight; throws `bad_file` for scales that do not fit. */
export function blockScaledWeight(
  store: TensorStore,
  key: string,
  { format, scaleKey, wholeKey, shape }: BlockScaled,
  decoded: Decoded,
): TensorReader {
  const { dtypes, scaleDtypes, block, perByte } = FORMATS[format];
  const { shape: storedShape, file, dtype } = store.info(key);
  const [storedRows = 0, bytes = 0] = storedShape;
  const stored: Rows = [storedRows, bytes * perByte];
  if (storedShape.length !== 2 || !dtypes.includes(dtype) || stored[1] % block !== 0) {
    throw misfit(store, key, `${dtypes.join(' or ')}, rows of whole blocks of ${block / perByte} bytes, for ${format}`);
  }
  const [rows, columns] = shape ?? stored;
  // Rows and columns are padded to multiples of the block size.
  const padded = (count: number, found: number) => count <= found && found < count + block;
  if (!padded(rows, stored[0]) || !padded(columns, stored[1])) {
    throw misfit(store, key, `[${rows}, ${columns}], as its description says, padded to multiples of ${block}`);
  }
  const blocks = stored[1] / block;
  const scaleShape = [roundUp(stored[0], TILE_ROWS), roundUp(blocks, TILE_BLOCKS)] as const;
  requireTensor(store, scaleKey, scaleDtypes, scaleShape, `the scales of ${key} in tiles of 128 rows × 4 blocks`);
  if (wholeKey !== undefined) requireFloats(store, wholeKey, 1, `the scale of all of ${key}`);
  let table: BitWords | undefined;
  return {
    info: { dtype: decoded, shape: [rows, columns], file, encoding: format },
    bytes([start, end]) {
      table ??=
        wholeKey === undefined ? mxfp8Products(decoded) : nvfp4Products(readFloats(store, wholeKey)[0]!, decoded);
      const codes = store.bytes(key, [start, end]);
      // Scales are read in whole rows of tiles, which cover 128 rows each.
      const first = start - (start % TILE_ROWS);
      const scales = store.bytes(scaleKey, [first, Math.min(scaleShape[0], roundUp(end, TILE_ROWS))]);
      const whole = wordsOf(decoded, (end - start) * stored[1]);
      const expand = perByte === 2 ? expandNibbles : expandBytes;
      for (let row = start, at = 0; row < end; row++, at += stored[1]) {
        const tile = Math.floor((row - first) / TILE_ROWS) * TILE_ROWS * scaleShape[1];
        const scale = tile + (row % 32) * 16 + (Math.floor(row / 32) % 4) * 4;
        expand({ codes, from: at / perByte, scales, scale, blocks, table, out: whole, to: at });
      }
      return columns === stored[1] ? new Uint8Array(whole.buffer) : cropped(whole, stored[1], columns, decoded);
    },
    raw: (range) => store.bytes(key, range),
  };
}

/** Multiplies each column of a weight, decoded to f32, by its factor; the products have the type `decoded`. */
export function withColumnFactors(
  store: TensorStore,
  weight: TensorReader,
  factorsKey: string,
  decoded: Decoded,
): TensorReader {
  const columns = weight.info.shape[1]!;
  let factors: Float32Array | undefined;
  return {
    ...weight,
    info: { ...weight.info, dtype: decoded },
    bytes: (range) =>
      decodeRows(range, columns, decoded, (rows, values) => {
        factors ??= readFloats(store, factorsKey);
        const numbers = new Float32Array(weight.bytes(rows).buffer);
        for (let at = 0; at < values.length; at += columns) {
          for (let i = 0; i < columns; i++) values[at + i] = numbers[at + i]! * factors[i]!;
        }
      }),
  };
}

/** One row: where its codes and scales are, and where its values go. */
interface CodedRow {
  readonly codes: Uint8Array;
  readonly from: number;
  readonly scales: Uint8Array;
  /** Index of the row's first scale. */
  readonly scale: number;
  readonly blocks: number;
  /** All products of a scale and a code. */
  readonly table: BitWords;
  readonly out: BitWords;
  readonly to: number;
}

/** Decodes one row of two codes a byte, the first in its upper half; the table has 16 products a scale. */
function expandNibbles({ codes, from, scales, scale, blocks, table, out, to }: CodedRow): void {
  for (let block = 0, byte = from, at = to; block < blocks; block++) {
    const products = scaleOf(scales, scale, block) << 4;
    for (const stop = byte + 8; byte < stop; byte++, at += 2) {
      const pair = codes[byte]!;
      out[at] = table[products | (pair >> 4)]!;
      out[at + 1] = table[products | (pair & 15)]!;
    }
  }
}

/** Decodes one row of a code a byte; the table has 256 products a scale. */
function expandBytes({ codes, from, scales, scale, blocks, table, out, to }: CodedRow): void {
  for (let block = 0, byte = from, at = to; block < blocks; block++) {
    const products = scaleOf(scales, scale, block) << 8;
    for (const stop = byte + 32; byte < stop; byte++, at++) out[at] = table[products | codes[byte]!]!;
  }
}

/** The code of a block's scale; `first` is the index of the row's first scale, and each tile holds four of them. */
function scaleOf(scales: Uint8Array, first: number, block: number): number {
  return scales[first + (block >> 2) * TILE + (block & 3)]!;
}

/** The first columns of every row. */
function cropped(whole: BitWords, width: number, columns: number, decoded: Decoded): Uint8Array {
  const rows = whole.length / width;
  const out = wordsOf(decoded, rows * columns);
  for (let row = 0; row < rows; row++) {
    out.set(whole.subarray(row * width, row * width + columns), row * columns);
  }
  return new Uint8Array(out.buffer);
}

const E4M3 = toF32('f8e4m3', CODES, 256);
/** Each e8m0 code as the exponent bits of an f32: 0 gives 0, 255 gives infinity. */
const E8M0 = new Float32Array(Uint32Array.from(CODES, (code) => code << 23).buffer);
const MAGNITUDES = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
const E2M1 = Float32Array.from([...MAGNITUDES, ...MAGNITUDES.map((value) => -value)]);

/** The 16 products of each e4m3 scale, times the scale of the matrix; rounded to f32 twice, as in comfy-kitchen. */
function nvfp4Products(whole: number, decoded: Decoded): BitWords {
  const scales = E4M3.map((scale) => whole * scale);
  return products(scales, E2M1, decoded);
}

const MXFP8 = new Map<Decoded, BitWords>();

/** The 256 products of each power of two; the same for every weight. */
function mxfp8Products(decoded: Decoded): BitWords {
  return getOrMake(MXFP8, decoded, () => products(E8M0, E4M3, decoded));
}
