/**
 * ComfyUI's quantised layers: finds the format of each weight in the file's descriptions, and reads it. A layer is described beside
 * its weight in `<layer>.comfy_quant`, or in the header's `_quantization_metadata`, whose names may lack the model's prefix. The description
 * beside the weight takes precedence.
 * Sources: ComfyUI `comfy/ops.py`, `comfy/quant_ops.py`, `QUANTIZATION.md`; for tiles, rows and hybrids, convert_to_quant.
 */

import { FluxionError } from '../../support/errors.ts';
import { describeJson, isCount, type Json, type JsonObject, parseJsonObject, unexpected } from '../files/json.ts';
import { type Decoded, type TensorReader, type TensorStore, withDerived } from '../files/tensors.ts';
import { blockScaledWeight, withColumnFactors } from './block-scaled.ts';
import { beside, describeTensor, misfit, readDescription, requireFloats } from './companions.ts';
import { rotatedWeight } from './convrot.ts';
import { eightBitWeight, INPUT_SCALES, scaleBeside } from './fp8.ts';

const HEADER = '_quantization_metadata';
const DESCRIPTION = 'comfy_quant';

/** A weight and its description. */
interface Layer {
  readonly store: TensorStore;
  /** Key of the codes. */
  readonly weight: string;
  readonly format: string;
  /** The other fields of the description. */
  readonly fields: JsonObject;
  /** Where the description is, for messages. */
  readonly where: string;
}

/** A layer's weight, and the other keys that it is decoded with. */
interface ReadWeight {
  readonly tensor: TensorReader;
  readonly used: readonly string[];
}

/** Reads a layer's weight; throws `bad_file` if the tensors beside it do not fit. */
type ReadLayer = (layer: Layer, decoded: Decoded) => ReadWeight;

const FORMATS = new Map<string, ReadLayer>(
  Object.entries({
    float8_e4m3fn: floats('f8e4m3'),
    float8_e5m2: floats('f8e5m2'),
    float8_e4m3fn_rowwise: floats('f8e4m3'),
    float8_e4m3fn_blockwise: tiled('f8e4m3', 64),
    int8_tensorwise: integers,
    int8_blockwise: tiled('i8', 128),
    convrot_w4a4: rotated(4),
    mxfp8: mxfp8([]),
    // Has one scale for the whole matrix too, for devices without block scaling.
    hybrid_mxfp8: mxfp8(['weight_scalar']),
    nvfp4,
  }),
);

/** Wraps a store, which it takes over, so that described weights read as `decoded` values; throws `unsupported` for unknown formats. */
export function decodeComfyQuant(store: TensorStore, decoded: Decoded): TensorStore {
  const derived = new Map<string, TensorReader>();
  const hidden = new Set<string>();
  for (const layer of [...describedInHeaders(store), ...describedBeside(store)]) {
    const { tensor, used } = reader(layer)(layer, decoded);
    derived.set(layer.weight, tensor);
    for (const key of used) hidden.add(key);
    for (const name of [...INPUT_SCALES, DESCRIPTION]) hidden.add(beside(layer.weight, name));
  }
  for (const key of store.keys()) if (!derived.has(key)) refuseUndescribed(store, key);
  return withDerived(store, derived, hidden);
}

function reader(layer: Layer): ReadLayer {
  const read = FORMATS.get(layer.format);
  if (read) return read;
  throw unsupported(layer);
}

function unsupported({ where, format, fields }: Layer): FluxionError {
  const rotation = isRotated(fields) ? ', rotated,' : '';
  return new FluxionError(
    'unsupported',
    `${where}: weights in the format ${describeJson(format)}${rotation} cannot be decoded`,
    { hint: `use a file in bf16, fp16, GGUF or one of ${[...FORMATS.keys()].join(', ')}` },
  );
}

/** Refuses 4-bit floats without a description: programs order codes and scales differently, and the shapes do not show it. */
function refuseUndescribed(store: TensorStore, key: string): void {
  if (!key.endsWith('.weight') || store.info(key).dtype !== 'u8' || !store.has(beside(key, 'weight_scale_2'))) return;
  throw new FluxionError(
    'unsupported',
    `${store.path}: ${key}: 4-bit weights, ${describeTensor(store, key)}, whose layout is not described in the file`,
    { hint: "use a file made for ComfyUI, which has a 'comfy_quant' tensor for each layer" },
  );
}

function* describedInHeaders(store: TensorStore): Generator<Layer> {
  const headers = (store.headers ?? [store.metadata]).map((header) => header.get(HEADER));
  for (const header of new Set(headers)) if (header !== undefined) yield* describedInHeader(store, header);
}

function* describedInHeader(store: TensorStore, header: string): Generator<Layer> {
  const where = `${store.path}: ${HEADER}`;
  const layers = parseJsonObject(header, where).get('layers');
  if (!(layers instanceof Map)) throw new FluxionError('bad_file', `${where}: expected an object of layers`);
  const weights = store.keys().filter((key) => key.endsWith('.weight'));
  for (const [name, description] of layers) {
    const layer = described(store, `${name}.weight`, description, `${where}: ${name}`);
    // Unknown formats are refused even for layers that the file lacks.
    reader(layer);
    const found = store.has(layer.weight) ? [layer.weight] : weights.filter((key) => key.endsWith(`.${layer.weight}`));
    if (found.length > 1) {
      throw new FluxionError('bad_file', `${layer.where}: names several weights: ${found.slice(0, 3).join(', ')}`);
    }
    // A layer that the file lacks is reported where it is needed.
    const [weight] = found;
    if (weight !== undefined && !store.has(beside(weight, DESCRIPTION))) yield { ...layer, weight };
  }
}

function* describedBeside(store: TensorStore): Generator<Layer> {
  for (const key of store.keys()) {
    if (!key.endsWith(`.${DESCRIPTION}`)) continue;
    const where = `${store.path}: ${key}`;
    const description = readDescription(store, key);
    const weight = `${key.slice(0, -DESCRIPTION.length)}weight`;
    const layer = described(store, weight, description, where);
    reader(layer);
    if (!store.has(weight)) throw misfit(store, weight, `the weight that ${key} describes`);
    yield layer;
  }
}

/** Reads a description: an object, or the format's name alone. */
function described(store: TensorStore, weight: string, description: Json, where: string): Layer {
  const fields: JsonObject = description instanceof Map ? description : new Map([['format', description]]);
  const format = fields.get('format');
  if (typeof format === 'string') return { store, weight, format, fields, where };
  throw unexpected(`${where}: format`, 'a name', format);
}

/** A field of a description, or of its `params`, where some programs put it. */
function field(fields: JsonObject, name: string): Json | undefined {
  const params = fields.get('params');
  return fields.get(name) ?? (params instanceof Map ? params.get(name) : undefined);
}

/** Whether columns were rotated; any truthy value counts, as in ComfyUI. */
function isRotated(fields: JsonObject): boolean {
  return Boolean(field(fields, 'convrot'));
}

/** A field that counts rows or columns. */
function size({ fields, where }: Layer, name: string, otherwise: number): number {
  const found = field(fields, name) ?? otherwise;
  if (isCount(found) && found > 0) return found;
  throw unexpected(`${where}: ${name}`, 'a positive integer', found);
}

/** The shape without padding, if a description states it. */
function originalShape({ fields, where }: Layer): readonly [number, number] | undefined {
  const found = field(fields, 'orig_shape');
  if (found === undefined) return undefined;
  const isShape = Array.isArray(found) && found.every((dim) => isCount(dim) && dim > 0);
  if (isShape && found.length === 2) return found as [number, number];
  throw unexpected(`${where}: orig_shape`, 'rows and columns', found);
}

function requireDtype({ store, weight, format }: Layer, dtype: 'f8e4m3' | 'f8e5m2' | 'i8'): void {
  if (store.info(weight).dtype !== dtype) throw misfit(store, weight, `${dtype}, as its format ${format} has`);
}

/** Throws for rotated columns, which ComfyUI itself does not read in this format. */
function requireUnrotated(layer: Layer): void {
  if (isRotated(layer.fields)) throw unsupported(layer);
}

function floats(dtype: 'f8e4m3' | 'f8e5m2'): ReadLayer {
  return (layer, decoded) => {
    const { store, weight } = layer;
    requireUnrotated(layer);
    requireDtype(layer, dtype);
    const scale = scaleBeside(store, weight);
    return { tensor: eightBitWeight(store, weight, scale, decoded), used: scale === undefined ? [] : [scale] };
  };
}

function integers(layer: Layer, decoded: Decoded): ReadWeight {
  if (isRotated(layer.fields)) return rotated(8)(layer, decoded);
  requireDtype(layer, 'i8');
  const { store, weight } = layer;
  const scale = beside(weight, 'weight_scale');
  if (!store.has(scale)) throw misfit(store, scale, `one scale, or one for each row of ${weight}`);
  return { tensor: eightBitWeight(store, weight, scale, decoded), used: [scale] };
}

function tiled(dtype: 'f8e4m3' | 'i8', side: number): ReadLayer {
  return (layer, decoded) => {
    const { store, weight } = layer;
    requireUnrotated(layer);
    requireDtype(layer, dtype);
    const scale = beside(weight, 'weight_scale');
    return { tensor: eightBitWeight(store, weight, scale, decoded, size(layer, 'group_size', side)), used: [scale] };
  };
}

function rotated(bits: 8 | 4): ReadLayer {
  return (layer, decoded) => {
    const scaleKey = beside(layer.weight, 'weight_scale');
    const group = size(layer, 'convrot_groupsize', 256);
    return { tensor: rotatedWeight(layer.store, layer.weight, { bits, group, scaleKey }, decoded), used: [scaleKey] };
  };
}

function mxfp8(unneeded: readonly string[]): ReadLayer {
  return (layer, decoded) => {
    const { store, weight } = layer;
    requireUnrotated(layer);
    const scaleKey = beside(weight, 'weight_scale');
    const scaled = { format: 'mxfp8', scaleKey, shape: originalShape(layer) } as const;
    const used = [scaleKey, ...unneeded.map((name) => beside(weight, name))];
    return { tensor: blockScaledWeight(store, weight, scaled, decoded), used };
  };
}

/**
 * If the layer's input should be multiplied by a factor for each column (`pre_quant_scale`), the weight is multiplied instead, with the
 * same result.
 */
function nvfp4(layer: Layer, decoded: Decoded): ReadWeight {
  const { store, weight } = layer;
  requireUnrotated(layer);
  const [scaleKey, wholeKey] = [beside(weight, 'weight_scale'), beside(weight, 'weight_scale_2')];
  const scaled = { format: 'nvfp4', scaleKey, wholeKey, shape: originalShape(layer) } as const;
  const used = [scaleKey, wholeKey];
  const factorsKey = beside(weight, 'pre_quant_scale');
  if (!store.has(factorsKey)) return { tensor: blockScaledWeight(store, weight, scaled, decoded), used };
  const unsmoothed = blockScaledWeight(store, weight, scaled, 'f32');
  requireFloats(store, factorsKey, unsmoothed.info.shape[1]!, `a factor for each column of ${weight}`);
  return { tensor: withColumnFactors(store, unsmoothed, factorsKey, decoded), used: [...used, factorsKey] };
}
