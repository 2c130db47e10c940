/** Writes the bundled model in the spellings and encodings that files in circulation have, for tests of what reads them. */

import { AUTOENCODER } from '../../src/families/flux1/autoencoder.ts';
import { CLIP } from '../../src/families/flux1/clip.ts';
import { FLUX_MODULES } from '../../src/families/flux1/modules.ts';
import { T5 } from '../../src/families/flux1/t5.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../src/support/floats.ts';
import { WeightStore } from '../../src/weights/files/store.ts';
import { repositoryPath } from './fixture.ts';
import { type GgufEntry, ggufBytes } from './gguf-file.ts';
import { spelt } from './parts.ts';
import type { NamedTensor } from './safetensors.ts';

/** Reads all tensors of one component of the bundled model. */
function component(name: string): NamedTensor[] {
  const store = WeightStore.open(repositoryPath(`models/tiny/${name}`));
  return store.keys().map((key) => {
    const { dtype, shape } = store.info(key);
    return { name: key, dtype, shape, bytes: store.bytes(key) };
  });
}

/** The BFL tensor that a diffusers tensor belongs to, and which of its fused parts it is; undefined for a name not in the table. */
export function diffusersToBfl(name: string) {
  const [, module = '', parameter = ''] = /^(.*)\.(\w+)$/.exec(name) ?? [];
  const [, block = ''] = /^(?:single_)?transformer_blocks\.(\d+)/.exec(name) ?? [];
  const known = module.replace(`_blocks.${block}.`, '_blocks.#.');
  const row = FLUX_MODULES.find(({ diffusers }) => diffusers.includes(known));
  if (!row) return undefined;
  const { bfl, diffusers, swapped = false } = row;
  const suffix = bfl.endsWith('_norm') && parameter === 'weight' ? 'scale' : parameter;
  const part = diffusers.indexOf(known);
  return { name: `${bfl.replace('#', block)}.${suffix}`, part, parts: diffusers.length, swapped };
}

export function renamed(tensors: readonly NamedTensor[], rename: (name: string) => string): NamedTensor[] {
  return tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) }));
}

/** The transformer as Black Forest Labs spell it: fused projections, shift before scale in the last modulation. */
export function bflTransformer(): NamedTensor[] {
  const whole = new Map<string, NamedTensor[]>();
  for (const tensor of component('transformer')) {
    const { name, part, swapped } = diffusersToBfl(tensor.name)!;
    const parts = whole.get(name) ?? [];
    whole.set(name, parts);
    const half = tensor.bytes.length / 2;
    const bytes = swapped ? Buffer.concat([tensor.bytes.subarray(half), tensor.bytes.subarray(0, half)]) : tensor.bytes;
    parts[part] = { ...tensor, bytes };
  }
  return [...whole].map(([name, parts]) => {
    const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const [{ dtype, shape }] = parts as [NamedTensor];
    return { name, dtype, shape: [rows, ...shape.slice(1)], bytes: Buffer.concat(parts.map(({ bytes }) => bytes)) };
  });
}

/** The autoencoder as latent-diffusion programs spell it: attention as 1×1 convolutions. */
export function ldmVae(): NamedTensor[] {
  return component('vae').map((tensor) => ({
    ...tensor,
    name: spelt(AUTOENCODER, 'latent diffusion', tensor.name, 4),
    shape: tensor.shape.length === 2 ? [...tensor.shape, 1, 1] : tensor.shape,
  }));
}

/** CLIP as OpenAI spells it: query, key and value in one tensor, and what no text encoder uses beside. */
export function openAiClip(): NamedTensor[] {
  const fused = Map.groupBy(clip(), ({ name }) => spelt(CLIP, 'OpenAI', name));
  const tensors = [...fused].map(([name, parts]): NamedTensor => {
    const [{ dtype, shape }] = parts as [NamedTensor];
    // The file has q, k, v in that order, whatever the order of names.
    const order = ['q_proj', 'k_proj', 'v_proj'];
    const place = (part: NamedTensor): number => order.findIndex((role) => part.name.includes(role));
    const bytes = Buffer.concat(parts.toSorted((a, b) => place(a) - place(b)).map((part) => part.bytes));
    return { name, dtype, shape: [shape[0]! * parts.length, ...shape.slice(1)], bytes };
  });
  const rest = { dtype: 'f32', shape: [], bytes: new Uint8Array(4) } as const;
  return [
    ...tensors,
    { name: 'text_projection', ...rest },
    { name: 'logit_scale', ...rest },
    { name: 'visual.proj', ...rest },
  ];
}

/** The autoencoder without its encoder, as files for text-to-image have it. */
export function decoderAlone(): NamedTensor[] {
  return ldmVae().filter(({ name }) => name.startsWith('decoder.'));
}

/** CLIP with the prefix that `clip_l` files have. */
export function clip(): NamedTensor[] {
  return renamed(component('text_encoder'), (name) => `text_model.${name}`);
}

export function t5(): NamedTensor[] {
  return component('text_encoder_2');
}

export function llamaT5(): NamedTensor[] {
  return renamed(t5(), (name) => spelt(T5, 'llama.cpp', name));
}

/** Everything in one file, as ComfyUI keeps it. */
export function allInOne(): NamedTensor[] {
  return [
    ...renamed(bflTransformer(), (name) => `model.diffusion_model.${name}`),
    ...renamed(clip(), (name) => `text_encoders.clip_l.transformer.${name}`),
    ...renamed(t5(), (name) => `text_encoders.t5xxl.transformer.${name}`),
    ...renamed(ldmVae(), (name) => `vae.${name}`),
    { name: 'text_encoders.clip_l.logit_scale', dtype: 'f32', shape: [], bytes: new Uint8Array(4) },
  ];
}

function values({ dtype, bytes, shape }: NamedTensor): Float32Array {
  return toF32(dtype, bytes, elementCount(shape));
}

/** The code of the nearest value of an 8-bit type. */
function toFp8(dtype: 'f8e4m3' | 'f8e5m2', numbers: Float32Array): Uint8Array {
  const table = toF32(dtype, Uint8Array.from({ length: 128 }, (_, code) => code), 128); // biome-ignore format: one line
  const magnitudes = table.filter(Number.isFinite);
  const codes = new Uint8Array(numbers.length);
  for (let i = 0; i < codes.length; i++) {
    const magnitude = Math.abs(numbers[i]!);
    let low = 0;
    let high = magnitudes.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((magnitudes[middle]! + magnitudes[middle + 1]!) / 2 < magnitude) low = middle + 1;
      else high = middle;
    }
    codes[i] = low | (numbers[i]! < 0 ? 0x80 : 0);
  }
  return codes;
}

/** All tensors cast to an 8-bit type, biases and norms included. */
export function plainFp8(tensors: readonly NamedTensor[], dtype: 'f8e4m3' | 'f8e5m2'): NamedTensor[] {
  return tensors.map((tensor) => ({ ...tensor, dtype, bytes: toFp8(dtype, values(tensor)) }));
}

/** Matrices in e4m3 divided by a scale that is kept beside them, in ComfyUI's older or newer spelling. */
export function scaledFp8(tensors: readonly NamedTensor[], spelling: 'older' | 'newer', prefix = ''): NamedTensor[] {
  const scaled = tensors.flatMap((tensor): NamedTensor[] => {
    if (tensor.shape.length !== 2 || !tensor.name.endsWith('.weight')) return [tensor];
    const numbers = values(tensor);
    const scale = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 448;
    const layer = tensor.name.slice(0, -'.weight'.length);
    const codes = toFp8('f8e4m3', numbers.map((value) => value / scale)); // biome-ignore format: one line
    const quantised = { ...tensor, dtype: 'f8e4m3', bytes: codes } as const;
    const factor = { dtype: 'f32', shape: [], bytes: fromF32('f32', Float32Array.of(scale)) } as const;
    if (spelling === 'older') return [quantised, { name: `${layer}.scale_weight`, ...factor }];
    const format = Buffer.from(JSON.stringify({ format: 'float8_e4m3fn' }));
    return [
      quantised,
      { name: `${layer}.weight_scale`, ...factor },
      { name: `${layer}.comfy_quant`, dtype: 'u8', shape: [format.length], bytes: format },
    ];
  });
  const marker = { name: `${prefix}scaled_fp8`, dtype: 'f8e4m3', shape: [0], bytes: new Uint8Array(0) } as const;
  return spelling === 'older' ? [...scaled, marker] : scaled;
}

/** ComfyUI's formats with scales of blocks, or with rotated columns. */
export type ComfyFormat = 'nvfp4' | 'mxfp8' | 'int8_tensorwise';

/** Matrices in one of ComfyUI's formats, each described beside itself; those whose columns are not whole blocks stay as they are. */
export function comfyQuant(tensors: readonly NamedTensor[], format: ComfyFormat): NamedTensor[] {
  return tensors.flatMap((tensor): NamedTensor[] => {
    const [rows, columns] = tensor.shape;
    if (tensor.shape.length !== 2 || !tensor.name.endsWith('.weight') || columns! % 32 !== 0) return [tensor];
    const layer = tensor.name.slice(0, -'weight'.length);
    const made = { nvfp4, mxfp8, int8_tensorwise: rotatedInt8 }[format](values(tensor), rows!, columns!);
    const text = Buffer.from(JSON.stringify({ format, ...made.fields }));
    const description = { name: `${layer}comfy_quant`, dtype: 'u8', shape: [text.length], bytes: text } as const;
    return [description, ...made.parts.map((part) => ({ ...part, name: layer + part.name }))];
  });
}

interface Quantised {
  readonly parts: readonly NamedTensor[];
  readonly fields?: Readonly<Record<string, unknown>>;
}

const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

function nvfp4(numbers: Float32Array, rows: number, columns: number): Quantised {
  const whole = Math.fround(largest(numbers) / (448 * 6));
  const scales = toFp8(
    'f8e4m3',
    blockwise(numbers, 16, (block) => largest(block) / 6 / whole),
  );
  const decodedScales = toF32('f8e4m3', scales, scales.length);
  const codes = numbers.map((number, i) => {
    const scale = whole * decodedScales[Math.floor(i / 16)]!;
    const size = scale === 0 ? 0 : Math.abs(number) / scale;
    let nearest = 0;
    while (nearest < 7 && E2M1[nearest + 1]! - size < size - E2M1[nearest]!) nearest++;
    return nearest | (number < 0 ? 8 : 0);
  });
  const packed = new Uint8Array(codes.length / 2).map((_, i) => (codes[2 * i]! << 4) | codes[2 * i + 1]!);
  return {
    parts: [
      { name: 'weight', dtype: 'u8', shape: [rows, columns / 2], bytes: packed },
      { name: 'weight_scale', dtype: 'f8e4m3', ...inTiles(scales, rows, columns / 16) },
      { name: 'weight_scale_2', dtype: 'f32', shape: [], bytes: fromF32('f32', Float32Array.of(whole)) },
    ],
  };
}

function mxfp8(numbers: Float32Array, rows: number, columns: number): Quantised {
  const exponents = blockwise(numbers, 32, (block) => Math.max(-127, Math.ceil(Math.log2(largest(block) / 448))));
  const powers = exponents.map((exponent) => 2 ** exponent);
  const codes = toFp8('f8e4m3', numbers.map((number, i) => number / powers[i >> 5]!)); // biome-ignore format: one line
  const scales = Uint8Array.from(exponents, (exponent) => exponent + 127);
  return {
    parts: [
      { name: 'weight', dtype: 'f8e4m3', shape: [rows, columns], bytes: codes },
      { name: 'weight_scale', dtype: 'u8', ...inTiles(scales, rows, columns / 32) },
    ],
  };
}

/** Columns rotated in groups of 16, then integers with a scale for each row. */
function rotatedInt8(numbers: Float32Array, rows: number, columns: number): Quantised {
  // The signs of rows i and columns j: minus where digits of theirs in base 4 add up to 3, once for each.
  const signs = Int8Array.from({ length: 256 }, (_, at) => {
    const [i, j] = [at >> 4, at & 15];
    return ((i & 3) + (j & 3) === 3 ? -1 : 1) * ((i >> 2) + (j >> 2) === 3 ? -1 : 1);
  });
  const turned = new Float32Array(numbers.length);
  for (let at = 0; at < turned.length; at++) {
    const [first, row] = [at & ~15, 16 * (at & 15)];
    let sum = 0;
    for (let j = 0; j < 16; j++) sum += signs[row + j]! * numbers[first + j]!;
    turned[at] = sum / 4;
  }
  const scales = blockwise(turned, columns, (row) => largest(row) / 127);
  const codes = new Int8Array(turned.length);
  for (let i = 0; i < codes.length; i++) codes[i] = Math.round(turned[i]! / (scales[Math.floor(i / columns)]! || 1));
  return {
    parts: [
      { name: 'weight', dtype: 'i8', shape: [rows, columns], bytes: new Uint8Array(codes.buffer) },
      { name: 'weight_scale', dtype: 'f32', shape: [rows, 1], bytes: fromF32('f32', scales) },
    ],
    fields: { convrot: true, convrot_groupsize: 16 },
  };
}

function largest(numbers: Float32Array): number {
  let most = 0;
  for (const value of numbers) most = Math.max(most, Math.abs(value));
  return most;
}

/** A number for each block of consecutive ones. */
function blockwise(numbers: Float32Array, size: number, number: (block: Float32Array) => number): Float32Array {
  return new Float32Array(numbers.length / size).map((_, i) => number(numbers.subarray(i * size, (i + 1) * size)));
}

/** Scales by rows in padded tiles of 128 rows × 4 blocks, in which four rows 32 apart lie side by side. */
function inTiles(scales: Uint8Array, rows: number, blocks: number): Pick<NamedTensor, 'shape' | 'bytes'> {
  const [height, width] = [Math.ceil(rows / 128) * 128, Math.ceil(blocks / 4) * 4];
  const bytes = new Uint8Array(height * width);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const tile = Math.floor(row / 128) * (width / 4) + Math.floor(block / 4);
      const [high, low] = [Math.floor((row % 128) / 32), row % 32];
      bytes[tile * 512 + low * 16 + high * 4 + (block % 4)] = scales[row * blocks + block]!;
    }
  }
  return { shape: [height, width], bytes };
}

/** ggml types that are written here, by their number. */
const TYPES = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 8, BF16: 30 } as const;

/** A GGUF file whose matrices are of the given type; vectors stay as they are. */
export function gguf(tensors: readonly NamedTensor[], type: keyof typeof TYPES, architecture: string): Uint8Array {
  const entries = tensors.map((tensor): GgufEntry => {
    const { name, shape } = tensor;
    const kept = shape.length !== 2 || (/^Q/.test(type) && shape[1]! % 32 !== 0);
    const chosen = kept ? 'BF16' : type;
    return { name, shape, type: TYPES[chosen], data: encoded(values(tensor), chosen) };
  });
  return ggufBytes(entries, { text: [['general.architecture', architecture]] });
}

function encoded(numbers: Float32Array, type: keyof typeof TYPES): Uint8Array {
  switch (type) {
    case 'F32':
      return fromF32('f32', numbers);
    case 'F16':
      return fromF32('f16', numbers);
    case 'BF16':
      return fromF32('bf16', numbers);
    case 'Q8_0':
      return blocks(numbers, 127, (quotients) => Uint8Array.from(quotients, (q) => Math.round(q) & 255));
    case 'Q4_0':
      return blocks(numbers, 7, (quotients) => {
        const q = quotients.map((quotient) => Math.min(15, Math.max(0, Math.round(quotient) + 8)));
        return Uint8Array.from({ length: 16 }, (_, i) => q[i]! | (q[i + 16]! << 4));
      });
    default:
      return type satisfies never;
  }
}

/** Blocks of 32: the f16 scale that takes the largest magnitude to `top`, then the packed quotients. */
function blocks(numbers: Float32Array, top: number, pack: (quotients: number[]) => Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  for (let at = 0; at < numbers.length; at += 32) {
    const block = [...numbers.subarray(at, at + 32)];
    const [scale] = Float16Array.of(Math.max(...block.map(Math.abs)) / top);
    out.push(new Uint8Array(Float16Array.of(scale!).buffer), pack(block.map((value) => (scale ? value / scale : 0))));
  }
  return Buffer.concat(out);
}
