/** LoRA files made small for tests, the model they are for, and what they come to as plain differences of weights. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { type FluxConfig, fluxPrograms } from '../../src/models/flux.ts';
import { type DType, elementCount } from '../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../src/support/floats.ts';
import { toE4m3 } from '../../src/weights/encodings/quantise.ts';
import { type Adapter, LoraModel } from '../../src/weights/lora/adapter.ts';
import { type Matrix, multiply } from '../../src/weights/lora/matrix.ts';
import { type WeightSpec, weightKey } from '../../src/xla/graph/weights.ts';
import { writeSafetensors } from './safetensors.ts';

/** A matrix, or a vector of one column, in f32. */
export interface Values {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** A Flux of two double and two single blocks, 16 wide. */
export const SMALL: FluxConfig = {
  inChannels: 64,
  outChannels: 64,
  layers: 2,
  singleLayers: 2,
  heads: 2,
  headDim: 8,
  jointAttentionDim: 24,
  pooledDim: 12,
  guidanceEmbeds: true,
  axesDimsRope: [2, 2, 4],
};

/** Every weight such a transformer declares, by full name. */
export function declaredWeights(config: FluxConfig = SMALL): WeightSpec[] {
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens: 1,
    textTokens: 1,
    steps: 1,
    compute: 'f32',
    storage: 'f32',
  } as const;
  return Object.entries(fluxPrograms(config, sizes)).flatMap(([name, { weights }]) => {
    const [stem, count] = name.startsWith('double')
      ? ['double_blocks', config.layers]
      : name.startsWith('single')
        ? ['single_blocks', config.singleLayers]
        : ['', 1];
    return Array.from({ length: count }, (_, i) =>
      weights.map((spec: WeightSpec) => (stem === '' ? spec : { ...spec, name: `${stem}.${i}.${spec.name}` })),
    ).flat();
  });
}

export const SMALL_WEIGHTS: readonly WeightSpec[] = declaredWeights();
export const SMALL_MODEL: LoraModel = new LoraModel(FLUX1, SMALL_WEIGHTS);

/** Reproducible draws of about unit size. */
export function drawer(seed: number): (rows: number, columns?: number) => Values {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return (rows, columns = 1) => ({ rows, columns, data: Float32Array.from({ length: rows * columns }, next) });
}

/** The whole weight of each name, drawn anew: what adapters are applied to. */
export function baseWeights(specs: readonly WeightSpec[], seed = 99): Map<string, Values> {
  const draw = drawer(seed);
  const base = new Map<string, Values>();
  for (const { name, rows, shape } of specs)
    if (!base.has(name)) base.set(name, draw(rows?.of ?? shape[0]!, shape[1] ?? 1));
  return base;
}

/** [n, k] times [k, m]. */
export function product(left: Values, right: Values): Values {
  const data = new Float32Array(left.rows * right.columns);
  for (let i = 0; i < left.rows; i++)
    for (let j = 0; j < right.columns; j++) {
      let sum = 0;
      for (let k = 0; k < left.columns; k++)
        sum += left.data[i * left.columns + k]! * right.data[k * right.columns + j]!;
      data[i * right.columns + j] = sum;
    }
  return { rows: left.rows, columns: right.columns, data };
}

/** Stacks matrices of equal width. */
export function stack(parts: readonly Values[]): Values {
  const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
  return { rows: parts.reduce((n, { rows }) => n + rows, 0), columns: parts[0]!.columns, data };
}

/** Puts matrices on the diagonal, zeros elsewhere. */
export function diagonal(parts: readonly Values[]): Values {
  const rows = parts.reduce((n, part) => n + part.rows, 0);
  const columns = parts.reduce((n, part) => n + part.columns, 0);
  const data = new Float32Array(rows * columns);
  let [top, left] = [0, 0];
  for (const part of parts) {
    for (let i = 0; i < part.rows; i++)
      data.set(part.data.subarray(i * part.columns, (i + 1) * part.columns), (top + i) * columns + left);
    top += part.rows;
    left += part.columns;
  }
  return { rows, columns, data };
}

/** Exchanges the halves of the rows. */
export function exchanged({ rows, columns, data }: Values): Values {
  const half = data.length / 2;
  return { rows, columns, data: Float32Array.from([...data.subarray(half), ...data.subarray(0, half)]) };
}

export function map({ rows, columns, data }: Values, change: (value: number, index: number) => number): Values {
  return { rows, columns, data: data.map(change) };
}

/** One number. */
export function scalar(value: number): Values {
  return { rows: 1, columns: 1, data: Float32Array.of(value) };
}

export interface FileOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Shapes other than [rows, columns], by key. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Types other than f32, by key. */
  readonly dtypes?: Readonly<Record<string, DType>>;
  readonly name?: string;
}

let folder: string | undefined;

/** Writes a LoRA file of f32 tensors into a temporary folder and returns its path; vectors are written with one dimension. */
export function loraFile(
  tensors: Readonly<Record<string, Values>>,
  { metadata, shapes, dtypes, name = 'test' }: FileOptions = {},
): string {
  folder ??= mkdtempSync(join(tmpdir(), 'fluxion-lora-'));
  const path = join(mkdtempSync(join(folder, 'f-')), `${name}.safetensors`);
  const list = Object.entries(tensors).map(([key, { rows, columns, data }]) => ({
    name: key,
    dtype: dtypes?.[key] ?? 'f32',
    shape:
      shapes?.[key] ??
      (key.endsWith('alpha') ? [] : columns === 1 && !/\.weight$|hada|lokr/.test(key) ? [rows] : [rows, columns]),
    bytes: bytesOf(dtypes?.[key] ?? 'f32', data),
  }));
  writeSafetensors(path, list, metadata ? { metadata } : {});
  return path;
}

function bytesOf(dtype: DType, values: Float32Array): Uint8Array {
  switch (dtype) {
    case 'f8e4m3':
      return toE4m3(values);
    case 'f8e5m2':
      // The upper half of an f16, for values that have no more bits.
      return Uint8Array.from(fromF32('f16', values).filter((_, i) => i % 2 === 1));
    case 'i64':
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
    default:
      return fromF32(dtype, values);
  }
}

/** What an adapter adds at strength 1 to each whole weight that it changes, over the given base. */
export async function differences(
  { additions }: Adapter,
  specs: readonly WeightSpec[] = SMALL_WEIGHTS,
  base: ReadonlyMap<string, Values> = baseWeights(specs),
): Promise<Map<string, Float32Array>> {
  const out = new Map<string, Float32Array>();
  for (const spec of specs) {
    const whole = base.get(spec.name)!;
    const width = whole.columns;
    for (const addition of additions.get(weightKey(spec)) ?? []) {
      const sum = out.get(spec.name) ?? new Float32Array(whole.data.length);
      out.set(spec.name, sum);
      const values =
        addition.kind === 'difference'
          ? await addition.values({
              rows: (start, end) => whole.data.slice(start * width, end * width),
              multiply: async (left, right) => multiply(left, right),
            })
          : product(matrix(addition.b), matrix(addition.a)).data.map((value) => value * addition.scale);
      if (values.length !== elementCount(spec.shape)) throw new Error(`${weightKey(spec)}: ${values.length} values`);
      const at = (spec.rows?.start ?? 0) * width;
      values.forEach((value, i) => {
        sum[at + i]! += value;
      });
    }
  }
  return out;
}

function matrix({ rows, columns, dtype, bytes }: Matrix): Values {
  return { rows, columns, data: toF32(dtype, bytes, rows * columns) };
}
