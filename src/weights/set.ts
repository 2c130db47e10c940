/**
 * The weights of one component on the devices: which are placed, resident, streamed or freed while its programs run.
 * bound-weights.ts reads their values.
 */

import { byteLength, isFloat } from '../support/dtype.ts';
import { fromF32 } from '../support/floats.ts';
import type { Traced } from '../xla/graph/trace.ts';
import { isStored, type QuantisedForm, type WeightSpec, weightKey } from '../xla/graph/weights.ts';
import { advise, type MemoryKind, type Runtime, type ShardedArray } from '../xla/runtime/runtime.ts';
import { BoundWeights, storedKey, type WeightOverlay } from './bound-weights.ts';
import type { CodedRows } from './files/tensors.ts';
import type { WeightOrigin } from './folders/bind.ts';
import { quantise } from './quantise.ts';
import { ReadAhead } from './read-ahead.ts';

export type { QuantisedForm, Traced, WeightSpec };

/** One use of a traced part: `scope` is where in the checkpoint its weights are, such as `double_blocks.3`. */
export interface Use {
  readonly traced: Traced;
  readonly scope: string;
}

/** The use of a part whose weights have full names. */
export function whole(traced: Traced): Use {
  return { traced, scope: '' };
}

/** The uses of a part that every one of `count` blocks shares: `prefix.0`, `prefix.1`, … */
export function blocks(traced: Traced, prefix: string, count: number): Use[] {
  return Array.from({ length: count }, (_, i) => ({ traced, scope: `${prefix}.${i}` }));
}

function weightsOf({ traced, scope }: Use): WeightSpec[] {
  return traced.weights.map((spec) => (scope === '' ? spec : { ...spec, name: `${scope}.${spec.name}` }));
}

/** The weights of a use that a checkpoint holds. */
function storedOf(use: Use): WeightSpec[] {
  return weightsOf(use).filter(isStored);
}

function copiesKey({ traced, scope }: Use): string {
  return `${traced.name} ${scope}`;
}

/** The use of the same part by its first block. */
function first({ traced, scope }: Use): Use {
  return { traced, scope: scope.replace(/\d+$/, '0') };
}

/** Factors of different ranks are separate arrays; without a tag, they are zeros. */
function placedKey(spec: WeightSpec, tag: string | undefined): string {
  const { factor, dtype, shape, axes } = spec;
  if (!factor) return weightKey(spec);
  return tag === undefined ? `${dtype} [${shape}] ${axes}` : `${weightKey(spec)} [${shape}]`;
}

/**
 * How weights that do not all fit are streamed. `file`: read ahead and placed before each use, freed after it. `pinned_host`: placed once
 * in the host's page-locked memory, and copied from there for each use.
 */
export interface Streaming {
  /** Names of streamed parts, such as `flux_double_block`: those used in every step (`again`) and `once` a picture. */
  readonly again: readonly string[];
  readonly once: readonly string[];
  /** How many uses of `again` parts, from the first, stay resident. */
  readonly held: number;
  readonly from: 'file' | 'pinned_host';
  /** Bytes of files that the page cache may hold. */
  readonly room: number;
}

/** How the weights of a component are placed while it runs. */
export interface Arrangement {
  /** How adapters change them; unchanged by default. */
  readonly overlay?: WeightOverlay | undefined;
  /** Ranks of the adapter factors that programs take; 0 by default. */
  readonly rank?: number | undefined;
  /** Which of them are streamed; none by default. */
  readonly streaming?: Streaming | undefined;
}

interface Placed {
  readonly array: ShardedArray;
  readonly spec: WeightSpec;
  /** The overlay's tag when it was placed. */
  readonly tag: string | undefined;
}

export class WeightSet implements Disposable {
  readonly #bound: BoundWeights;
  /** The uses that the weights were bound for, in the order of a run. */
  readonly #uses: readonly Use[];
  /** By the weight's key; factors that add nothing share zeros, by type, shape and axes. */
  readonly #placed = new Map<string, Placed>();
  /** The arrays of each quantised weight, by the weight's key. */
  readonly #components: ReadonlyMap<string, readonly WeightSpec[]>;
  /** Settles when the last requested matrix is quantised; only one matrix at a time has its floats on the device. */
  #quantising: Promise<void> = Promise.resolve();
  #arrangement: Arrangement | undefined;
  #overlay: WeightOverlay | undefined;
  #streaming: Streaming | undefined;
  /** Uses of `again` parts that stay resident. */
  #held: ReadonlySet<string> = new Set();
  #readAhead: ReadAhead = new ReadAhead([], 0);
  /** Copies for uses that are starting or running. */
  readonly #copies = new Map<string, ShardedArray[]>();

  /**
   * Binds all weights that `uses`, in the order of a run, declare to their origin, and takes over its store. Throws `bad_weights` with
   * missing, unexpected and ill-shaped keys.
   */
  constructor(origin: WeightOrigin, uses: readonly Use[]) {
    const declared = [...new Map(uses.flatMap(weightsOf).map((spec) => [weightKey(spec), spec])).values()];
    this.#uses = uses;
    const components = declared.filter(({ component }) => component);
    this.#components = Map.groupBy(components, storedKey);
    this.#bound = new BoundWeights(origin, declared.filter(isStored));
  }

  /** Arranges the weights for the next run: changed ones are placed again at their next use, and all of them if streaming changes. */
  arrange(arrangement: Arrangement): void {
    if (arrangement === this.#arrangement) return;
    this.#arrangement = arrangement;
    this.#stream(arrangement.streaming);
    this.#adapt(arrangement);
  }

  #stream(streaming: Streaming | undefined): void {
    const text = (s: Streaming | undefined): string => (s ? `${s.from} ${s.again} ${s.once} ${s.held}` : '');
    if (text(streaming) === text(this.#streaming)) return;
    this.release();
    this.#streaming = streaming;
    const { again = [], held = 0 } = streaming ?? {};
    this.#held = new Set(
      this.#uses
        .filter(({ traced }) => again.includes(traced.name))
        .slice(0, held)
        .map(copiesKey),
    );
    const fromFile = streaming?.from === 'file' && this.#bound.isMapped;
    const uses = this.#uses.filter((use) => fromFile && this.streams(use));
    this.#readAhead = new ReadAhead(
      uses.map((use) => ({
        key: copiesKey(use),
        again: again.includes(use.traced.name),
        bytes: this.#bound.bytesOf(storedOf(use)),
      })),
      streaming?.room ?? 0,
    );
  }

  /** Every bound weight. */
  get declared(): readonly WeightSpec[] {
    return this.#bound.declared;
  }

  /** Bytes of all weights in mapped files; 0 if the files are not mapped. */
  get fileBytes(): number {
    return this.#bound.isMapped ? this.#bound.bytesOf(this.declared) : 0;
  }

  /** Whether weights of a use are streamed; `done` then frees them. */
  streams(use: Use): boolean {
    const { again = [], once = [] } = this.#streaming ?? {};
    const { name } = use.traced;
    return once.includes(name) || (again.includes(name) && !this.#held.has(copiesKey(use)));
  }

  /** The weights of one use on the device, in its program's order; places missing ones. */
  async arrays(runtime: Runtime, use: Use): Promise<ShardedArray[]> {
    const specs = weightsOf(use);
    if (!this.streams(use)) return Promise.all(specs.map((spec) => this.#array(runtime, spec)));
    // Random weights: all blocks use the values of the first.
    if (this.#bound.isRandom) return Promise.all(weightsOf(first(use)).map((spec) => this.#array(runtime, spec)));
    if (this.#streaming!.from === 'file') {
      const due = new Set(this.#readAhead.due(copiesKey(use)));
      for (const next of this.#uses) {
        if (due.has(copiesKey(next))) for (const spec of storedOf(next)) this.#bound.advise(spec, 'soon');
      }
      return Promise.all(specs.map((spec) => this.#array(runtime, spec)));
    }
    const kept = await Promise.all(
      specs.map((spec) => this.#array(runtime, spec, spec.factor ? undefined : 'pinned_host')),
    );
    const arrays = kept.map((array, i) => (specs[i]!.factor ? array : array.copyTo('device')));
    // Copies from a run that was stopped before it used them.
    this.#disposeCopies(use);
    this.#copies.set(
      copiesKey(use),
      arrays.filter((_, i) => !specs[i]!.factor),
    );
    return arrays;
  }

  #disposeCopies(use: Use): void {
    for (const copy of this.#copies.get(copiesKey(use)) ?? []) copy.dispose();
    this.#copies.delete(copiesKey(use));
  }

  /** Frees the weights of a streamed use, once the devices are done with it. */
  done(use: Use): void {
    if (!this.streams(use) || this.#bound.isRandom) return;
    this.#disposeCopies(use);
    if (this.#streaming!.from === 'pinned_host') return;
    this.release([use]);
    const after = this.#readAhead.done(copiesKey(use)) ? 'done' : 'gone';
    for (const spec of storedOf(use)) this.#bound.advise(spec, after);
  }

  #adapt({ overlay, rank = 0 }: Arrangement): void {
    this.#overlay = overlay;
    for (const [key, { array, spec, tag }] of this.#placed) {
      const current = !spec.factor || spec.shape[spec.factor === 'A' ? 0 : 1] === rank;
      if (current && overlay?.tag(spec) === tag) continue;
      array.dispose();
      this.#placed.delete(key);
    }
  }

  async #array(runtime: Runtime, spec: WeightSpec, memory?: MemoryKind): Promise<ShardedArray> {
    const tag = this.#overlay?.tag(spec);
    const key = placedKey(spec, tag);
    const known = this.#placed.get(key);
    if (known) return known.array;
    if (spec.component) return this.#quantised(runtime, spec, memory);
    const array = await (spec.factor
      ? this.#placeFactor(runtime, spec)
      : this.#bound.place(runtime, spec, this.#overlay, memory));
    return this.#keep(key, { array, spec, tag });
  }

  /** Keeps an array, unless another use has placed the same one meanwhile. */
  #keep(key: string, placed: Placed): ShardedArray {
    const raced = this.#placed.get(key);
    if (raced) {
      placed.array.dispose();
      return raced.array;
    }
    this.#placed.set(key, placed);
    return placed.array;
  }

  /** One array of a quantised weight; all of its arrays are placed together, after adapters are added to the floats. */
  async #quantised(runtime: Runtime, spec: WeightSpec, memory: MemoryKind | undefined): Promise<ShardedArray> {
    const done = this.#quantising.then(async () => {
      if (this.#placed.has(weightKey(spec))) return;
      const components = this.#components.get(storedKey(spec))!;
      const weight = components.find(isStored)!;
      const tag = this.#overlay?.tag(weight);
      const coded = tag === undefined && weight.dtype === 'f8e4m3' ? this.#bound.source(weight).coded?.() : undefined;
      if (coded) return this.#placeCoded(runtime, components, coded, memory);
      const { dtype } = this.#bound.source(weight);
      const from = tag === undefined && isFloat(dtype) ? dtype : 'f32';
      using floats = await this.#bound.place(runtime, { ...weight, dtype: from }, this.#overlay);
      const arrays = await quantise(runtime, floats, components);
      for (const [i, part] of components.entries()) {
        using made = memory && arrays[i]!;
        const array = made ? made.copyTo(memory!) : arrays[i]!;
        this.#keep(weightKey(part), { array, spec: part, tag });
      }
    });
    // A failure must not fail the next in line.
    this.#quantising = done.catch(() => {});
    await done;
    return this.#placed.get(weightKey(spec))!.array;
  }

  /** Places a matrix with the file's own 8-bit codes. */
  async #placeCoded(
    runtime: Runtime,
    components: readonly WeightSpec[],
    { codes, scales }: CodedRows,
    memory: MemoryKind | undefined,
  ): Promise<void> {
    advise(codes, 'soon');
    for (const spec of components) {
      const bytes = spec.component === 'values' ? codes : fromF32('f32', scales);
      const array = await runtime.place(spec, (part) => part.take(bytes, spec.dtype), memory);
      this.#keep(weightKey(spec), { array, spec, tag: undefined });
    }
  }

  #placeFactor(runtime: Runtime, spec: WeightSpec): Promise<ShardedArray> {
    const { dtype } = spec;
    const values = this.#overlay?.factor(spec);
    return runtime.place(spec, (part) =>
      values ? part.take(values, dtype) : new Uint8Array(byteLength(dtype, part.shape)),
    );
  }

  /** Frees the device memory of these uses' weights, or of all; they are placed again on next use. */
  release(uses?: readonly Use[]): void {
    const keys = uses ? uses.flatMap(weightsOf).map(weightKey) : [...this.#placed.keys()];
    for (const key of keys) {
      this.#placed.get(key)?.array.dispose();
      this.#placed.delete(key);
    }
    if (uses) return;
    this.#readAhead.restart();
    for (const copies of this.#copies.values()) for (const copy of copies) copy.dispose();
    this.#copies.clear();
  }

  [Symbol.dispose](): void {
    this.release();
    this.#bound[Symbol.dispose]();
  }
}
