/**
 * Adapters with their strengths, over the weights of a model: `merged` into a weight on its way to the device, or `beside` it as
 * factors that linear layers take as inputs. Low-rank additions beside a weight cost little where layers are wide, and any
 * of them can be exchanged at once; other additions are merged in either mode. Tags name contents, so that only changes are placed again.
 */

import { byteSize, elementCount } from '../../support/dtype.ts';
import { convertFloats, fromF32 } from '../../support/floats.ts';
import { resizeRows } from '../../support/rows.ts';
import { type WeightSpec, weightKey } from '../../xla/graph/weights.ts';
import type { Adapter, Addition } from './adapter.ts';
import { type Base, type Change, type Product, valuesOf } from './matrix.ts';
import { addTo, type LowRank } from './terms.ts';

/** An adapter in use. */
export interface Applied {
  readonly adapter: Adapter;
  /** Multiplies everything it adds; may be zero or negative. */
  readonly scale: number;
}

/** How adapters are applied. */
export type ApplyMode = 'merged' | 'beside';

/** Factors are padded to one of these ranks, so that one program serves many adapters. */
const BUCKETS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/** The padded rank for adapters that need `rank` in total; 0 for none. */
export function rankBucket(rank: number): number {
  return rank === 0 ? 0 : (BUCKETS.find((bucket) => bucket >= rank) ?? Math.ceil(rank / 4096) * 4096);
}

/** Names what a picture's adapters merge into weights; pictures of equal names may share a batch. */
export function mergedKey(applied: readonly Applied[], mode: ApplyMode): string {
  const merged = applied.filter(
    ({ adapter, scale }) =>
      scale !== 0 &&
      (mode === 'merged' || ![...adapter.additions.values()].flat().every(({ kind }) => kind === 'low-rank')),
  );
  return JSON.stringify(merged.map(({ adapter, scale }) => [adapter.hash, scale]));
}

/** Every adapter that pictures use, with its strength for each picture; one that a picture uses twice counts as two. */
function usesOf(pictures: readonly (readonly Applied[])[]) {
  const uses = new Map<string, { readonly adapter: Adapter; readonly scales: number[] }>();
  for (const [picture, applied] of pictures.entries()) {
    const times = new Map<string, number>();
    for (const { adapter, scale } of applied) {
      const time = times.get(adapter.hash) ?? 0;
      times.set(adapter.hash, time + 1);
      const key = `${adapter.hash} ${time}`;
      const use = uses.get(key) ?? { adapter, scales: pictures.map(() => 0) };
      use.scales[picture] = scale;
      uses.set(key, use);
    }
  }
  return uses.values();
}

interface Scaled<A extends Addition = Addition> {
  readonly addition: A;
  /** Strengths: one for every picture, or one for each. */
  readonly scales: readonly number[];
  /** Names the adapter's content. */
  readonly id: string;
}

export class Overlay {
  /** Largest sum of ranks beside one weight. */
  readonly rank: number;
  readonly mode: ApplyMode;
  readonly #additions = new Map<string, Scaled[]>();

  /**
   * Takes the adapters of each picture of a batch, or one list for all. Merged adapters must be the same for all pictures (`mergedKey`);
   * the others are placed side by side along the rank, with strength 0 for pictures that do not use them.
   */
  constructor(pictures: readonly (readonly Applied[])[], mode: ApplyMode) {
    this.mode = mode;
    if (new Set(pictures.map((applied) => mergedKey(applied, mode))).size > 1)
      throw new Error('pictures with different merged adapters cannot share a batch');
    for (const { adapter, scales } of usesOf(pictures)) {
      for (const [key, list] of adapter.additions) {
        const scaled = list.map((addition, i) => ({ addition, scales, id: `${adapter.hash}.${i}` }));
        this.#additions.set(key, [...(this.#additions.get(key) ?? []), ...scaled]);
      }
    }
    const ranks = [...this.#additions.values()].map((list) =>
      sum(list.filter(isLowRank).map(({ addition }) => addition.a.rows)),
    );
    this.rank = mode === 'beside' ? Math.max(0, ...ranks) : 0;
  }

  /** Names the overlay's change to a weight, or to a factor beside one; `undefined` if there is none. */
  tag(spec: WeightSpec): string | undefined {
    const list = spec.factor ? this.#beside(spec) : this.#merged(spec);
    if (list.length === 0) return undefined;
    const strengths = spec.factor === 'A' || spec.factor === 'B' ? [] : list.flatMap(({ scales }) => scales);
    return [...list.map(({ id }) => id), ...strengths].join(' ');
  }

  /** The values of a factor beside a weight, in the declared type and shape; `undefined` without adapters there. */
  factor(spec: WeightSpec): Uint8Array | undefined {
    const list = this.#beside(spec);
    if (list.length === 0) return undefined;
    const { dtype, shape, factor } = spec;
    if (factor === 'scale') {
      const [pictures, rank] = shape as [number, number];
      const values = new Float32Array(pictures * rank);
      for (let picture = 0; picture < pictures; picture++) {
        let at = picture * rank;
        for (const { addition, scales } of list) {
          // Slots beyond the last picture are empty.
          const strength = scales.length === 1 ? scales[0]! : (scales[picture] ?? 0);
          values.fill(strength * addition.scale, at, at + addition.a.rows);
          at += addition.a.rows;
        }
      }
      return fromF32(dtype, values);
    }
    const [rows, columns] = shape as [number, number];
    const size = byteSize(dtype);
    const matrices = list.map(({ addition }) => (factor === 'A' ? addition.a : addition.b));
    const bytesOf = (m: LowRank['a']) => {
      const bytes = convertFloats(m.dtype, dtype, m.bytes, [m.rows, m.columns]);
      return factor === 'A' ? resizeRows(bytes, m.columns * size, columns * size) : bytes;
    };
    const [first] = matrices;
    if (matrices.length === 1 && first!.rows === rows && (factor === 'A' || first!.columns === columns))
      return bytesOf(first!);
    const out = new Uint8Array(rows * columns * size);
    let at = 0;
    for (const matrix of matrices) {
      const bytes = bytesOf(matrix);
      if (factor === 'A') out.set(bytes, at * columns * size);
      else {
        const width = matrix.columns * size;
        for (let row = 0; row < rows; row++)
          out.set(bytes.subarray(row * width, (row + 1) * width), (row * columns + at) * size);
      }
      at += factor === 'A' ? matrix.rows : matrix.columns;
    }
    return out;
  }

  /** The change to a weight before it is placed; `undefined` if there is none. `base` is the whole weight. */
  async change(spec: WeightSpec, base: Base): Promise<Change | undefined> {
    const list = this.#merged(spec);
    if (list.length === 0) return undefined;
    let difference: Float32Array | undefined;
    for (const { addition, scales } of list) {
      if (addition.kind !== 'difference') continue;
      difference ??= new Float32Array(elementCount(spec.shape));
      const values = resizeRows(await addition.values(base), addition.columns, spec.shape[1] ?? 1);
      addTo(difference, values, addition.strength === 'replaces' ? 1 : scales[0]!);
    }
    return { difference, product: productOf(list.filter(isLowRank), spec) };
  }

  #of({ name, rows }: WeightSpec): readonly Scaled[] {
    return this.#additions.get(weightKey({ name, ...(rows && { rows }) })) ?? [];
  }

  #beside(spec: WeightSpec): Scaled<LowRank>[] {
    return this.mode === 'beside' ? this.#of(spec).filter(isLowRank) : [];
  }

  /** The additions merged into the weight itself, except those of strength 0. */
  #merged(spec: WeightSpec): Scaled[] {
    const list = this.#of(spec).filter(({ scales }) => scales.some((scale) => scale !== 0));
    return this.mode === 'beside' ? list.filter((scaled) => !isLowRank(scaled)) : list;
  }
}

/** Joins low-rank additions along the rank, padded to a bucket; B includes their strengths. */
function productOf(list: readonly Scaled<LowRank>[], { shape }: WeightSpec): Product | undefined {
  if (list.length === 0) return undefined;
  const [out, inputs] = shape as [number, number];
  const rank = rankBucket(sum(list.map(({ addition }) => addition.a.rows)));
  const a = new Float32Array(rank * inputs);
  const b = new Float32Array(out * rank);
  let at = 0;
  for (const { addition, scales } of list) {
    const r = addition.a.rows;
    const factor = scales[0]! * addition.scale;
    a.set(resizeRows(valuesOf(addition.a), addition.a.columns, inputs), at * inputs);
    const up = valuesOf(addition.b);
    for (let row = 0; row < out; row++) for (let k = 0; k < r; k++) b[row * rank + at + k] = factor * up[row * r + k]!;
    at += r;
  }
  return { rank, a, b };
}

function isLowRank(scaled: Scaled): scaled is Scaled<LowRank> {
  return scaled.addition.kind === 'low-rank';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
