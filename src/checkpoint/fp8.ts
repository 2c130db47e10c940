/**
 * 8-bit weights: plain floats, and floats and integers that are stored divided by a scale that lies beside them, for all of a matrix or
 * for each row. There are two spellings of the latter: ComfyUI's older one, a marker `scaled_fp8` and `<layer>.scale_weight`; and its newer one, `<layer>.weight_scale` with
 * the format named in `<layer>.comfy_quant` or in the header's `_quantization_metadata`.
 * Sources: ComfyUI `comfy/utils.py`, `comfy/ops.py`, `QUANTIZATION.md`.
 */

import { byteSize, elementCount } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { fromF32, toF32 } from '../support/floats.ts';
import { decodeUtf8, describeJson, type Json, parseJsonObject } from './json.ts';
import { type Decoded, DerivedStore, type DerivedTensor, type Rows, rowLength, type TensorStore } from './tensors.ts';

const MARKER = /(^|\.)scaled_fp8$/;
/** What stands beside `<layer>.weight`: its scale, and the scale of the layer's input, which only fp8 arithmetic needs. */
const SCALES = ['scale_weight', 'weight_scale'] as const;
const INPUT_SCALES = ['scale_input', 'input_scale'] as const;
const FORMAT = 'comfy_quant';
/** Formats of ComfyUI that are nothing but a value times a scale. */
const KNOWN_FORMATS: readonly unknown[] = ['float8_e4m3fn', 'float8_e5m2', 'int8_tensorwise'];
/** Larger than any description of a layer's format. */
const MAX_FORMAT = 65_536;

type EightBit = 'f8e4m3' | 'f8e5m2' | 'i8';

/** Shows the 8-bit weights of a store, which it takes over, as `decoded` numbers, scales applied; throws `unsupported` for other 8-bit formats. */
export function decodeFp8(store: TensorStore, decoded: Decoded): TensorStore {
  const derived = new Map<string, DerivedTensor>();
  const hidden = new Set<string>();
  checkFormats(store);
  for (const key of store.keys()) {
    const { dtype } = store.info(key);
    if (MARKER.test(key)) hidden.add(key);
    if (dtype !== 'f8e4m3' && dtype !== 'f8e5m2' && dtype !== 'i8') continue;
    if (hidden.has(key)) continue;
    const scaleKey = key.endsWith('.weight') ? besides(key, SCALES).find((name) => store.has(name)) : undefined;
    // Integers without a scale are something else.
    if (dtype === 'i8' && scaleKey === undefined) continue;
    if (scaleKey !== undefined) {
      for (const name of [scaleKey, ...besides(key, [...INPUT_SCALES, FORMAT])]) if (store.has(name)) hidden.add(name);
    }
    derived.set(key, decodedTensor(store, key, dtype, scaleKey, decoded));
  }
  return derived.size === 0 && hidden.size === 0 ? store : new DerivedStore(store, derived, hidden);
}

/** The keys of a weight's companions. */
function besides(weight: string, names: readonly string[]): string[] {
  const layer = weight.slice(0, -'weight'.length);
  return names.map((name) => layer + name);
}

function decodedTensor(
  store: TensorStore,
  key: string,
  dtype: EightBit,
  scaleKey: string | undefined,
  decoded: Decoded,
): DerivedTensor {
  const { shape, file } = store.info(key);
  const rows = shape[0] ?? 1;
  if (scaleKey !== undefined) checkScale(store, scaleKey, key, rows);
  // Read when needed: a file is opened by its header alone.
  let known: Float32Array | undefined;
  const scales = (): Float32Array => {
    if (scaleKey === undefined) return Float32Array.of(1);
    const info = store.info(scaleKey);
    known ??= toF32(info.dtype, store.bytes(scaleKey), elementCount(info.shape));
    return known;
  };
  const raw = (range: Rows): Uint8Array => store.bytes(key, range);
  return {
    info: { dtype: decoded, shape, file, encoding: scaleKey === undefined ? dtype : `scaled ${dtype}` },
    bytes: (range) => expand(raw(range), dtype, range, rowLength(shape), scales(), decoded),
    raw,
    ...(dtype === 'f8e4m3' && { coded: (range) => ({ dtype, codes: raw(range), scales: scalesOf(range, scales()) }) }),
  };
}

/** The scale of each of some rows, out of one of all rows or one of each. */
function scalesOf([start, end]: Rows, scales: Float32Array): Float32Array {
  return scales.length > 1 ? scales.slice(start, end) : new Float32Array(end - start).fill(scales[0]!);
}

function checkScale(store: TensorStore, scaleKey: string, key: string, rows: number): void {
  const { shape, dtype } = store.info(scaleKey);
  const count = elementCount(shape);
  if ((count === 1 || count === rows) && /^(f|bf)\d/.test(dtype)) return;
  throw new FluxionError(
    'unsupported',
    `${store.path}: ${scaleKey}: expected one scale, or one for each of the ${rows} rows of ${key}, found ${dtype} [${shape.join(', ')}]`,
  );
}

/** Looks every byte up in a table of the 256 products with its scale. */
function expand(
  codes: Uint8Array,
  dtype: EightBit,
  [start, end]: Rows,
  columns: number,
  scales: Float32Array,
  decoded: Decoded,
): Uint8Array {
  const out = new Uint8Array(codes.length * byteSize(decoded));
  const words = decoded === 'f32' ? new Uint32Array(out.buffer) : new Uint16Array(out.buffer);
  const perRow = scales.length > 1;
  for (let row = start, at = 0; row < end; row = perRow ? row + 1 : end) {
    const count = perRow ? columns : codes.length;
    const table = products(dtype, scales[perRow ? row : 0]!, decoded);
    for (const stop = at + count; at < stop; at++) words[at] = table[codes[at]!]!;
  }
  return out;
}

const CODES = Uint8Array.from({ length: 256 }, (_, code) => code);

function products(dtype: EightBit, scale: number, decoded: Decoded): Uint16Array | Uint32Array {
  const values = dtype === 'i8' ? Float32Array.from(new Int8Array(CODES.buffer)) : toF32(dtype, CODES, 256);
  const bytes = fromF32(
    decoded,
    values.map((value) => value * scale),
  );
  return decoded === 'f32' ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer);
}

/** Refuses a file of which some layer is in a format that is more than a value times a scale. */
function checkFormats(store: TensorStore): void {
  const header = store.metadata.get('_quantization_metadata');
  if (header !== undefined) {
    const where = `${store.path}: _quantization_metadata`;
    const layers = parseJsonObject(header, where).get('layers');
    if (!(layers instanceof Map)) throw new FluxionError('bad_file', `${where}: expected an object of layers`);
    for (const [layer, description] of layers) checkFormat(description, `${where}: ${layer}`);
  }
  for (const key of store.keys()) {
    if (!key.endsWith(`.${FORMAT}`)) continue;
    const where = `${store.path}: ${key}`;
    if (elementCount(store.info(key).shape) > MAX_FORMAT) throw new FluxionError('bad_file', `${where}: absurdly long`);
    checkFormat(parseJsonObject(decodeUtf8(store.bytes(key), where), where), where);
  }
}

function checkFormat(description: Json, where: string): void {
  const format = description instanceof Map ? description.get('format') : description;
  const rotated = description instanceof Map && description.get('convrot') === true;
  if (KNOWN_FORMATS.includes(format) && !rotated) return;
  throw new FluxionError(
    'unsupported',
    `${where}: weights in the format ${describeJson(format)}${rotated ? ', rotated,' : ''} cannot be decoded`,
    {
      hint: 'use a file in bf16, fp16, fp8 (float8_e4m3fn) or GGUF',
    },
  );
}
