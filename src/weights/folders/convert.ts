/**
 * Converts weights to other names, numbers or containers, one tensor in memory at a time. Every tensor goes through its declared name, so
 * that any known spelling can become any other.
 */

import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { byteText } from '../../support/byte-text.ts';
import { elementCount, type ModelFloat } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { convertFloats, fromF32, toF32 } from '../../support/floats.ts';
import { someOf } from '../../support/quote.ts';
import { explaining } from '../../support/system-error.ts';
import { GGML_TYPES } from '../encodings/dequant.ts';
import { BLOCK, e4m3Scale, int8Scales, toE4m3, toInt8, toQ4_0, toQ8_0 } from '../encodings/quantise.ts';
import { kindOf } from '../files/file-bytes.ts';
import { type GgufOutput, sizeInGguf, streamGguf } from '../files/gguf-write.ts';
import { type LazyTensor, sizeOfAll, streamSafetensors } from '../files/safetensors.ts';
import type { TensorStore } from '../files/tensors.ts';
import { declaredNames } from './declared-names.ts';
import { fileContents, requireGroup, type TensorGroup } from './detect.ts';
import { type Component, componentNamed, type Family, type Layout, type SourcePart } from './family.ts';
import { cut, type RowRun, runOf, storedParts, unusedKeys } from './layout.ts';
import { type OpenTensorsOptions, openTensors } from './open.ts';
import { openPipelineParts } from './pipeline-folder.ts';
import { writeFolder } from './write-folder.ts';

/** Encodings of matrices; vectors, and small sensitive matrices, stay bf16 or wider. */
export const ENCODINGS = ['f32', 'bf16', 'f16', 'fp8', 'fp8_scaled', 'int8', 'q8_0', 'q4_0'] as const;

/** How `convert` writes the numbers of matrices. */
export type Encoding = (typeof ENCODINGS)[number];
/** Which names are written: those of diffusers and transformers, or those of single files (BFL, latent diffusion). */
export const NAMES = ['diffusers', 'single'] as const;

/** Whose names `convert` gives the tensors. */
export type Names = (typeof NAMES)[number];

/** What `convert` writes: numbers, names and container. */
export interface ConvertOptions {
  readonly encoding: Encoding;
  readonly names: Names;
  /** A file of either format, or a folder in the diffusers layout. */
  readonly container: 'safetensors' | 'gguf' | 'folder';
  /** The one component to take; all by default. */
  readonly only?: string | undefined;
  /** For a pipeline folder: the folder whose `tokenizer`, `tokenizer_2` and, if present, `scheduler` are copied. */
  readonly base?: string | undefined;
  /** For a folder: bytes of weights in one file; 10 GB by default, as in diffusers. */
  readonly shardSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each tensor with bytes done and bytes in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

const SHARD = 10e9;

/** A tensor under its new name. */
interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether it is a matrix that may be quantised. */
  readonly quantisable: boolean;
  /** Reads it in a plain type. */
  read(dtype: ModelFloat): Uint8Array;
}

/** Opens what `convert` takes: files with weights, component folders, and whole model folders with all their components. */
export function openForConversion(
  family: Family,
  paths: readonly string[],
  options: OpenTensorsOptions = {},
): TensorStore[] & Disposable {
  using opening = new DisposableStack();
  const stores = paths.flatMap((path) => {
    const isModel = kindOf(join(path, 'model_index.json')) === 'file';
    const open = isModel ? openPipelineParts(family, path, options) : undefined;
    const all = open ? family.components.map((component) => open.openWeights(component)) : [openTensors(path, options)];
    return all.map((store) => opening.use(store));
  });
  const owned = opening.move();
  return Object.assign(stores, { [Symbol.dispose]: () => owned.dispose() });
}

/**
 * Writes the components in `stores` to one file; several make an all-in-one file with a prefix for each, or a pipeline folder. Throws
 * `bad_weights` for unknown keys, `unsupported` for combinations that no program reads, `io` if the disk is too small.
 */
export async function convert(
  family: Family,
  stores: readonly TensorStore[],
  path: string,
  options: ConvertOptions,
): Promise<void> {
  const only = options.only === undefined ? undefined : componentNamed(family, options.only);
  const found = stores.flatMap((store): Group[] => {
    const contents = fileContents(store, family);
    requireGroup(contents, only ?? contents.groups[0]?.component ?? family.components[0]);
    return contents.groups.map((group) => ({ ...group, store }));
  });
  const groups = found.filter(({ component }) => only === undefined || component === only);
  if (groups.length === 0) {
    const there = found.map(({ component }) => component.title).join(', ');
    const { title } = only ?? family.components[0];
    throw new FluxionError('not_found', `${path}: there is nothing to write: expected ${title}, found ${there}`);
  }
  const twice = groups.find(({ component }, i) => groups.findIndex((other) => other.component === component) !== i);
  if (twice)
    throw new FluxionError('bad_weights', `${twice.store.path}: ${twice.component.title} is there twice`, {
      hint: 'give each model once, or choose one of them with --part',
    });
  checkOptions(family, groups, options);
  if (options.container === 'folder') {
    await writeParts(family, path, groups, options);
    return;
  }
  const outputs = groups.flatMap((group) => {
    const prefix = groups.length > 1 ? group.component.written.prefix : '';
    return respelt(group, options).map((output) => ({ ...output, name: prefix + output.name }));
  });
  if (options.container === 'gguf') await writeGguf(path, outputs, groups[0]!.component, options);
  else await writeSafe(path, outputs, options);
}

/** The weights of a component, and the store that they are read from. */
interface Group extends TensorGroup {
  readonly store: TensorStore;
}

function checkOptions(
  { components }: Family,
  groups: readonly Group[],
  { container, encoding, names }: ConvertOptions,
): void {
  const inGguf = components.filter(({ written }) => written.gguf).map(({ title }) => title);
  const bad = {
    gguf: () =>
      ['fp8', 'fp8_scaled', 'int8'].includes(encoding)
        ? `GGUF files do not hold ${encoding}`
        : groups.length > 1 || groups[0]!.component.written.gguf === undefined
          ? `GGUF files can hold only ${inGguf.join(' or ')}`
          : undefined,
    safetensors: () =>
      encoding === 'q8_0' || encoding === 'q4_0'
        ? `safetensors files do not hold ${encoding}; name the output .gguf`
        : undefined,
    folder: () =>
      !['f32', 'bf16', 'f16', 'fp8'].includes(encoding)
        ? `diffusers' folders do not hold ${encoding}; name the output .safetensors or .gguf`
        : names === 'single'
          ? "folders are in diffusers' names"
          : undefined,
  }[container]();
  if (bad) throw new FluxionError('unsupported', bad);
}

function layoutFor({ layouts, written }: Component, { names, container }: ConvertOptions): Layout {
  const name = container === 'gguf' ? written.gguf!.layout : written.layouts[names];
  return layouts.find((layout) => layout.name === name)!;
}

/** The tensors of a component under the names of another layout; every stored key must be used. */
function respelt(group: Group, options: ConvertOptions): Output[] {
  const { store, component, layout, prefix } = group;
  const to = layoutFor(component, options);
  const names = declaredNames(component, layout, (key) => store.has(prefix + key));
  const isDeclared = (name: string): boolean => names.includes(name);

  const used = new Set<string>();
  const outputs = names.flatMap((name) => {
    const runs = storedParts(group, name, store).map((part) => runOf(part, store));
    for (const { key } of runs) used.add(key);
    const rows = runs.reduce((sum, { start, end }) => sum + end - start, 0);
    return [...placed(to.parts(name, isDeclared), rows)].map(([key, ranges]) => {
      const taken = ranges.flatMap(({ range: [from, to] }) => cut(runs, from, to));
      return output(store, component, key, taken, to);
    });
  });
  const left = unusedKeys(group, store, used).map((key) => key.slice(prefix.length));
  if (left.length > 0)
    throw new FluxionError('bad_weights', `${store.path}: ${left.length} unknown keys: ${someOf(left)}`);
  return outputs;
}

/** The rows of a declared tensor that each new tensor holds, in order. */
function placed(
  parts: readonly SourcePart[],
  rows: number,
): Map<string, { readonly range: readonly [start: number, end: number] }[]> {
  const shares = parts.reduce((sum, { share = 1 }) => sum + share, 0);
  let at = 0;
  const ranges = parts.map(({ key, run: [index] = [0], share = 1 }) => {
    const start = at;
    at += (rows * share) / shares;
    return { key, index, range: [start, at] as const };
  });
  return Map.groupBy(
    ranges.sort((a, b) => a.index - b.index),
    ({ key }) => key,
  );
}

function output(
  store: TensorStore,
  { written: { wide } }: Component,
  name: string,
  runs: readonly RowRun[],
  { shape: reshaped = (_, stored) => stored }: Layout,
): Output {
  const rows = runs.reduce((sum, { start, end }) => sum + end - start, 0);
  const stored = store.info(runs[0]!.key).shape;
  const shape = stored.length === 0 ? [] : reshaped(name, [rows, ...stored.slice(1)]);
  return {
    name,
    shape,
    quantisable: wide !== undefined && shape.length === 2 && !wide.test(name),
    read(dtype) {
      const pieces = runs.map(({ key, start, end }) => {
        const info = store.info(key);
        const count = [elementCount(info.shape.slice(1)) * (end - start)];
        return convertFloats(info.dtype, dtype, store.bytes(key, [start, end]), count);
      });
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    },
  };
}

function values({ read, shape }: Output): Float32Array {
  return toF32('f32', read('f32'), elementCount(shape));
}

/** The tensors of safetensors files: each as it is, or with its scales beside it. */
function safeTensors(outputs: readonly Output[], encoding: Encoding): LazyTensor[] {
  const plain = encoding === 'f32' || encoding === 'f16' ? encoding : 'bf16';
  return outputs.flatMap((output): LazyTensor[] => {
    const { name, shape, quantisable } = output;
    if (encoding === plain || !quantisable) return [{ name, dtype: plain, shape, bytes: () => output.read(plain) }];
    if (encoding === 'fp8') return [{ name, dtype: 'f8e4m3', shape, bytes: () => toE4m3(values(output)) }];
    // ComfyUI's spelling: one scale for a matrix, or for int8 one for each row.
    const layer = name.slice(0, -'weight'.length);
    const rows = shape[0]!;
    const of = {
      fp8_scaled: { format: 'float8_e4m3fn', dtype: 'f8e4m3', codes: scaled, scales: e4m3Scale, shape: [] },
      int8: { format: 'int8_tensorwise', dtype: 'i8', codes: toInt8, scales: int8Scales, shape: [rows, 1] },
    } as const;
    const { format, dtype, codes, scales, shape: scaleShape } = of[encoding as keyof typeof of];
    const description = Buffer.from(JSON.stringify({ format }));
    return [
      { name, dtype, shape, bytes: () => codes(values(output), rows) },
      {
        name: `${layer}weight_scale`,
        dtype: 'f32',
        shape: scaleShape,
        bytes: () => fromF32('f32', Float32Array.from([scales(values(output), rows)].flat())),
      },
      { name: `${layer}comfy_quant`, dtype: 'u8', shape: [description.length], bytes: () => description },
    ];
  });
}

async function writeSafe(path: string, outputs: readonly Output[], options: ConvertOptions): Promise<void> {
  const { encoding, onProgress, signal } = options;
  const tensors = safeTensors(outputs, encoding);
  const reported = reporting(path, tensors, sizeOfAll(tensors), onProgress);
  await streamSafetensors(path, reported, { metadata: { format: 'pt' }, signal });
}

/** Torch's names for the encodings' types. */
const TORCH = { f32: 'float32', bf16: 'bfloat16', f16: 'float16', fp8: 'bfloat16' } as const;

async function writeParts(
  family: Family,
  path: string,
  groups: readonly Group[],
  options: ConvertOptions,
): Promise<void> {
  const { encoding, onProgress, signal, base, shardSize = SHARD } = options;
  const parts = groups.map((group) => {
    const { store, component } = group;
    return { store, component, tensors: safeTensors(respelt(group, options), encoding) };
  });
  const all = parts.flatMap(({ tensors }) => tensors);
  const told = reporting(path, all, sizeOfAll(all), onProgress);
  const reported = parts.map((part) => ({ ...part, tensors: told.splice(0, part.tensors.length) }));
  await writeFolder(family, path, reported, { dtype: TORCH[encoding as keyof typeof TORCH], shardSize, base, signal });
}

function scaled(numbers: Float32Array): Uint8Array {
  const scale = e4m3Scale(numbers);
  // Never in place: the numbers may be a view of a mapped file.
  const divided = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) divided[i] = numbers[i]! / scale;
  return toE4m3(divided);
}

/** GGUF's numbers for the types that are written. */
const CODES = { f32: 0, f16: 1, q4_0: 2, q8_0: 8, bf16: 30 } as const;

async function writeGguf(
  path: string,
  outputs: readonly Output[],
  { written }: Component,
  options: ConvertOptions,
): Promise<void> {
  const { encoding, onProgress, signal } = options;
  const tensors = outputs.map((output): GgufOutput => {
    const { name, shape, quantisable } = output;
    const blocks = encoding === 'q8_0' || encoding === 'q4_0';
    const fits = quantisable && shape[1]! % BLOCK === 0;
    // ggml's arithmetic takes vectors as f32.
    const chosen = shape.length < 2 ? 'f32' : blocks && !fits ? 'bf16' : (encoding as keyof typeof CODES);
    const bytes = (): Uint8Array => {
      if (chosen === 'q8_0') return toQ8_0(values(output));
      if (chosen === 'q4_0') return toQ4_0(values(output));
      return output.read(chosen);
    };
    return { name, shape, code: CODES[chosen], type: GGML_TYPES.get(CODES[chosen])!, bytes };
  });
  const total = tensors.reduce((sum, tensor) => sum + sizeInGguf(tensor), 0);
  const metadata = { 'general.architecture': written.gguf!.architecture };
  await streamGguf(path, reporting(path, tensors, total, onProgress), metadata, signal);
}

/** Wraps tensors so that reading their bytes reports progress; throws first if the disk has no room for all. */
function reporting<T extends { bytes(): Uint8Array }>(
  path: string,
  tensors: readonly T[],
  total: number,
  onProgress: ConvertOptions['onProgress'],
): T[] {
  checkSpace(path, total);
  let done = 0;
  return tensors.map((tensor) => ({
    ...tensor,
    bytes() {
      const bytes = tensor.bytes();
      done += bytes.length;
      onProgress?.(done, total);
      return bytes;
    },
  }));
}

function checkSpace(path: string, needed: number): void {
  const folder = dirname(path);
  if (kindOf(folder) === 'missing') {
    throw new FluxionError('not_found', `${path}: its folder is not there`, {
      hint: `make it first: mkdir -p ${folder}`,
    });
  }
  const { bavail, bsize } = explaining(`${path}: cannot write`, () => statfsSync(folder));
  if (needed <= bavail * bsize) return;
  throw new FluxionError(
    'io',
    `${path}: needs ${byteText(needed)}, and the disk has ${byteText(bavail * bsize)} left`,
    { hint: 'free some space, or choose a path on another disk' },
  );
}
