/**
 * A transformer of FLUX.1's shapes, one double and one single block, whose 2.2 GB of weights are made and not stored; and LoRA files made
 * the same way. The numbers are those of tools/reference/record_lora_wide.py, which says how they come about.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bflToDiffusers } from '../../src/families/flux1/modules.ts';
import type { FluxConfig } from '../../src/models/flux.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { fromF32 } from '../../src/support/floats.ts';
import {
  checkedRows,
  type Rows,
  rowLength,
  type StoredTensor,
  type TensorStore,
} from '../../src/weights/files/tensors.ts';
import { declaredWeights } from './lora.ts';
import { writeSafetensors } from './safetensors.ts';

export const WIDE: FluxConfig = {
  inChannels: 64,
  outChannels: 64,
  layers: 1,
  singleLayers: 1,
  heads: 24,
  headDim: 128,
  jointAttentionDim: 4096,
  pooledDim: 768,
  guidanceEmbeds: true,
  axesDimsRope: [16, 56, 56],
};

const PERIOD = 1_048_573;
const TABLE = Float32Array.from({ length: PERIOD }, (_, i) => {
  let h = Math.imul(i, 0x9e3779b1) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = (h ^ (h >>> 13)) >>> 0;
  return (((h >>> 16) & 0xff) - 128) / 128;
});
/** The table times a power of two, plus a base, by both. */
const scaled = new Map<string, Float32Array>();

/** Values `from` to `to` of base + gain · the table, from the place that the FNV-1a hash of `name` decides. */
export function draw(name: string, gain: number, base: number, from: number, to: number): Float32Array<ArrayBuffer> {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const key = `${gain} ${base}`;
  const values = scaled.get(key) ?? TABLE.map((value) => base + gain * value);
  scaled.set(key, values);
  const out = new Float32Array(to - from);
  for (let at = 0, start = (hash + from) % PERIOD; at < out.length; start = 0) {
    const run = values.subarray(start, Math.min(PERIOD, start + out.length - at));
    out.set(run, at);
    at += run.length;
  }
  return out;
}

/** The nearest power of two, by its logarithm. */
const power = (value: number): number => 2 ** Math.round(Math.log2(value));

/** The transformer's weights in diffusers' names, made when they are asked for. */
export class WideStore implements TensorStore {
  readonly path = 'wide';
  readonly format = 'safetensors';
  readonly metadata: ReadonlyMap<string, string> = new Map();
  readonly #shapes = new Map<string, readonly number[]>();

  constructor() {
    const declared = new Map<string, readonly number[][]>();
    for (const { name, shape } of declaredWeights(WIDE))
      declared.set(name, [...(declared.get(name) ?? []), [...shape]]);
    for (const [name, parts] of declared) {
      const keys = [...new Set(bflToDiffusers(name).map(({ key }) => key))];
      for (const [i, key] of keys.entries()) {
        // The halves of the last modulation are one tensor of diffusers'.
        const rows = keys.length === parts.length ? parts[i]![0]! : parts.reduce((sum, [n]) => sum + n!, 0);
        this.#shapes.set(key, [rows, ...parts[0]!.slice(1)]);
      }
    }
  }

  keys(): string[] {
    return [...this.#shapes.keys()];
  }

  has(key: string): boolean {
    return this.#shapes.has(key);
  }

  info(key: string): StoredTensor {
    return { dtype: 'f32', shape: this.#shapes.get(key)!, file: this.path };
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    const shape = this.#shapes.get(key)!;
    const [start, end] = checkedRows(key, shape, rows);
    const width = rowLength(shape);
    const vector = shape.length === 1;
    const gain = key.endsWith('bias') ? 2 ** -3 : vector ? 2 ** -2 : power(1.7 / Math.sqrt(shape[1]!));
    const base = vector && !key.endsWith('bias') ? 1 : 0;
    return new Uint8Array(draw(key, gain, base, start * width, end * width).buffer);
  }

  [Symbol.dispose](): void {}
}

/** A tensor of a LoRA file as the recording script describes it. */
export interface TensorNote {
  readonly dtype: 'f32' | 'bf16' | 'f16';
  readonly shape: readonly number[];
  readonly gain: number;
  readonly base: number;
  /** Rows and columns of what stands on the diagonal, where the rest is 0. */
  readonly blocks?: readonly (readonly [rows: number, columns: number])[];
}

export interface FileNote {
  readonly dialect: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, TensorNote>>;
}

/** Writes LoRA files into a temporary folder, which is gone when it is disposed. */
export class LoraFolder implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fluxion-wide-'));

  write(name: string, { metadata, tensors }: FileNote): string {
    const path = join(this.#folder, `${name}.safetensors`);
    const list = Object.entries(tensors).map(([key, { dtype, shape, gain, base, blocks }]) => {
      const count = elementCount(shape);
      const values = gain === 0 ? new Float32Array(count).fill(base) : draw(`${name}/${key}`, gain, base, 0, count);
      return {
        name: key,
        dtype,
        shape,
        bytes: fromF32(dtype, blocks ? onDiagonal(values, shape[1]!, blocks) : values),
      };
    });
    writeSafetensors(path, list, { metadata });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

function onDiagonal(values: Float32Array, width: number, blocks: NonNullable<TensorNote['blocks']>): Float32Array {
  const out = new Float32Array(values.length);
  let [top, left] = [0, 0];
  for (const [rows, columns] of blocks) {
    for (let row = top; row < top + rows; row++) {
      const at = row * width + left;
      out.set(values.subarray(at, at + columns), at);
    }
    top += rows;
    left += columns;
  }
  return out;
}
