/** Writes the bundled model in the spellings and encodings that files in circulation have, for tests of what reads them. */

import { diffusersToBfl } from '../../src/checkpoint/keymap.ts';
import { ldmVaeName, llamaT5Name } from '../../src/checkpoint/respell.ts';
import type { NamedTensor } from '../../src/checkpoint/safetensors.ts';
import { WeightStore } from '../../src/checkpoint/store.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../src/support/floats.ts';
import { repositoryPath } from './fixture.ts';
import { type GgufEntry, ggufBytes } from './gguf-file.ts';

/** Reads all tensors of one component of the bundled model. */
function component(name: string): NamedTensor[] {
  const store = WeightStore.open(repositoryPath(`models/tiny/${name}`));
  return store.keys().map((key) => {
    const { dtype, shape } = store.info(key);
    return { name: key, dtype, shape, bytes: store.bytes(key) };
  });
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
    name: ldmVaeName(tensor.name, 4),
    shape: tensor.shape.length === 2 ? [...tensor.shape, 1, 1] : tensor.shape,
  }));
}

/** CLIP with the prefix that `clip_l` files have. */
export function clip(): NamedTensor[] {
  return renamed(component('text_encoder'), (name) => `text_model.${name}`);
}

export function t5(): NamedTensor[] {
  return component('text_encoder_2');
}

export function llamaT5(): NamedTensor[] {
  return renamed(t5(), llamaT5Name);
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
  return Uint8Array.from(numbers, (number) => {
    let [low, high] = [0, magnitudes.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((magnitudes[middle]! + magnitudes[middle + 1]!) / 2 < Math.abs(number)) low = middle + 1;
      else high = middle;
    }
    return low | (number < 0 ? 0x80 : 0);
  });
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
