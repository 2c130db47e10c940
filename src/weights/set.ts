/**
 * The weights of one component: bound to a file when the model is opened, placed on the device when first used.
 * Notable: binding checks every key before a byte is read; a mapped file is used in place where the device allows it.
 */

import { byteLength, byteSize, elementCount, isFloat } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { convertFloats, fromF32, toF32 } from '../support/floats.ts';
import type { Traced } from '../xla/graph/trace.ts';
import { isStored, type QuantisedForm, type WeightSpec, weightKey } from '../xla/graph/weights.ts';
import {
  type Advice,
  advise,
  isMapped,
  type MemoryKind,
  type Runtime,
  type ShardedArray,
} from '../xla/runtime/runtime.ts';
import type { CodedRows, TensorStore } from './files/tensors.ts';
import { bindWeights, type WeightOrigin, type WeightSource } from './folders/bind.ts';
import { placeGenerated } from './generate.ts';
import { type HostMatrix, multiplied, type Product, placeMerged } from './merge.ts';
import { quantise } from './quantise.ts';
import { generateWeights } from './random.ts';
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

/** What of a file a weight is read from. */
function fileBytes(source: WeightSource): Uint8Array {
  return source.raw?.() ?? source.bytes();
}

/** The full name of each weight of a use. */
function weightsOf({ traced, scope }: Use): WeightSpec[] {
  return traced.weights.map((spec) => (scope === '' ? spec : { ...spec, name: `${scope}.${spec.name}` }));
}

/** Those of a use that a checkpoint holds. */
function storedOf(use: Use): WeightSpec[] {
  return weightsOf(use).filter(isStored);
}

/** The key of the weight of a checkpoint that an array is a component of. */
function storedKey({ name, rows }: WeightSpec): string {
  return weightKey({ name, ...(rows && { rows }) });
}

function copiesKey({ traced, scope }: Use): string {
  return `${traced.name} ${scope}`;
}

/** The use of the same part by the first of its blocks. */
function first({ traced, scope }: Use): Use {
  return { traced, scope: scope.replace(/\d+$/, '0') };
}

/** What adapters make of the weights of a component. */
export interface WeightOverlay {
  /** Names what becomes of a weight, or stands as a factor beside one: equal names, equal values. Undefined: it is as in the file, or zeros. */
  tag(spec: WeightSpec): string | undefined;
  /** The values of a factor, in its type and shape; undefined for zeros. */
  factor(spec: WeightSpec): Uint8Array | undefined;
  /** What is added to a weight before it is placed; `base` is the whole weight as in the file. */
  change(
    spec: WeightSpec,
    base: WeightBase,
  ): Promise<{ readonly difference: Float32Array | undefined; readonly product: Product | undefined } | undefined>;
}

/** What differences of a weight are calculated from. */
export interface WeightBase {
  /** Rows in f32, fresh. */
  rows(start: number, end: number): Float32Array;
  /** The product of two matrices in f32, calculated on the device. */
  multiply(left: HostMatrix, right: HostMatrix): Promise<Float32Array>;
}

/**
 * How weights of some uses come and go, where there is no room for all. `file`: read ahead and placed before each use, let go of after it.
 * `pinned_host`: placed once in the host's page-locked memory, and copied from there for each use.
 */
export interface Streaming {
  /** Names of the traced parts, such as `flux_double_block`: those that come round with every step, and those used once a picture. */
  readonly again: readonly string[];
  readonly once: readonly string[];
  /** How many uses of the former, from the first, stay where they are after all. */
  readonly held: number;
  readonly from: 'file' | 'pinned_host';
  /** Bytes that the system's page cache may hold of files. */
  readonly room: number;
}

/** How the weights of a component lie on the devices while it runs. */
export interface Arrangement {
  /** What adapters make of them; as in the file by default. */
  readonly overlay?: WeightOverlay | undefined;
  /** Ranks of the factors that programs take beside them; 0, the default, for none. */
  readonly rank?: number | undefined;
  /** Which of them are streamed; none by default. */
  readonly streaming?: Streaming | undefined;
}

interface Placed {
  readonly array: ShardedArray;
  readonly spec: WeightSpec;
  /** The overlay's name for it when it was placed. */
  readonly tag: string | undefined;
}

export class WeightSet implements Disposable {
  readonly #store: TensorStore | undefined;
  readonly #sources: ReadonlyMap<string, WeightSource>;
  /** Every bound weight. */
  readonly declared: readonly WeightSpec[];
  /** What they were bound for, in the order in which parts of one run are used. */
  readonly #uses: readonly Use[];
  readonly #placed = new Map<string, Placed>();
  /** Zeros that factors share which add nothing, by type, shape and axes. */
  readonly #zeros = new Map<string, ShardedArray>();
  /** What each quantised weight is kept in, by the weight's key. */
  readonly #components: ReadonlyMap<string, readonly WeightSpec[]>;
  /** Ends when the last matrix asked for has been quantised: of one at a time there are floats on the device. */
  #quantising: Promise<void> = Promise.resolve();
  #arrangement: Arrangement | undefined;
  #overlay: WeightOverlay | undefined;
  #streaming: Streaming | undefined;
  /** Those of its uses that are not streamed. */
  #held: ReadonlySet<string> = new Set();
  #readAhead: ReadAhead = new ReadAhead([], 0);
  #mapped: boolean | undefined;
  /** Copies for uses that are on their way or running. */
  readonly #copies = new Map<string, ShardedArray[]>();

  /**
   * Binds all weights that `uses`, in the order of a run, declare to where they come from; a store is taken over. Throws `bad_weights` with missing,
   * unexpected and ill-shaped keys.
   */
  constructor(origin: WeightOrigin, uses: readonly Use[]) {
    const declared = [...new Map(uses.flatMap(weightsOf).map((spec) => [weightKey(spec), spec])).values()];
    this.#uses = uses;
    this.#store = 'store' in origin ? origin.store : undefined;
    this.declared = declared.filter(isStored);
    const components = declared.filter(({ component }) => component);
    this.#components = Map.groupBy(components, storedKey);
    try {
      const bound =
        'store' in origin
          ? bindWeights(this.declared, origin.store, origin.group)
          : generateWeights(this.declared, origin.seed);
      this.#sources = new Map([...bound].map(([spec, source]) => [weightKey(spec), source]));
    } catch (error) {
      this.#store?.[Symbol.dispose]();
      throw error;
    }
  }

  /** Arranges the weights for what runs next. What an adapter changes is placed anew when next used, and all where others are streamed. */
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
    const fromFile = streaming?.from === 'file' && this.#isMapped;
    const uses = this.#uses.filter((use) => fromFile && this.streams(use));
    this.#readAhead = new ReadAhead(
      uses.map((use) => ({
        key: copiesKey(use),
        again: again.includes(use.traced.name),
        bytes: this.#bytesOf(storedOf(use)),
      })),
      streaming?.room ?? 0,
    );
  }

  /** Bytes that mapped files hold of all weights. */
  get fileBytes(): number {
    return this.#isMapped ? this.#bytesOf(this.declared) : 0;
  }

  /** Whether the files are mapped. Of those that are not every look is a read, and the system is not advised; the smallest weight tells. */
  get #isMapped(): boolean {
    if (this.#mapped === undefined) {
      const [smallest] = this.declared.toSorted((a, b) => elementCount(a.shape) - elementCount(b.shape));
      this.#mapped = this.#store !== undefined && smallest !== undefined && isMapped(fileBytes(this.#source(smallest)));
    }
    return this.#mapped;
  }

  #bytesOf(specs: readonly WeightSpec[]): number {
    return specs.reduce((sum, spec) => sum + fileBytes(this.#source(spec)).length, 0);
  }

  /** Whether weights of a use are let go of after it; it is then `done` that does so. */
  streams(use: Use): boolean {
    const { again = [], once = [] } = this.#streaming ?? {};
    const { name } = use.traced;
    return once.includes(name) || (again.includes(name) && !this.#held.has(copiesKey(use)));
  }

  /** The weights of one use on the device, in the order its program takes them; placed now where they are not yet. */
  async arrays(runtime: Runtime, use: Use): Promise<ShardedArray[]> {
    const specs = weightsOf(use);
    if (!this.streams(use)) return Promise.all(specs.map((spec) => this.#array(runtime, spec)));
    // What a rule makes is alike in all blocks: the first one's values stand for those of all.
    if (!this.#store) return Promise.all(weightsOf(first(use)).map((spec) => this.#array(runtime, spec)));
    if (this.#streaming!.from === 'file') {
      const due = new Set(this.#readAhead.due(copiesKey(use)));
      for (const next of this.#uses) {
        if (due.has(copiesKey(next))) for (const spec of storedOf(next)) this.#advise(spec, 'soon');
      }
      return Promise.all(specs.map((spec) => this.#array(runtime, spec)));
    }
    const kept = await Promise.all(
      specs.map((spec) => this.#array(runtime, spec, spec.factor ? undefined : 'pinned_host')),
    );
    const arrays = kept.map((array, i) => (specs[i]!.factor ? array : array.copyTo('device')));
    // Those of a run that was stopped before it used them.
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

  /** Lets go of the weights of a use that is streamed, once the devices are done with it. */
  done(use: Use): void {
    if (!this.streams(use) || !this.#store) return;
    this.#disposeCopies(use);
    if (this.#streaming!.from === 'pinned_host') return;
    this.release([use]);
    const after = this.#readAhead.done(copiesKey(use)) ? 'done' : 'gone';
    for (const spec of storedOf(use)) this.#advise(spec, after);
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
    if (spec.factor && tag === undefined) return this.#zerosOf(runtime, spec);
    // Factors of other ranks are other arrays.
    const key = spec.factor ? `${weightKey(spec)} [${spec.shape}]` : weightKey(spec);
    const known = this.#placed.get(key);
    if (known) return known.array;
    if (spec.component) return this.#quantised(runtime, spec, memory);
    const array = await (spec.factor ? this.#placeFactor(runtime, spec) : this.#place(runtime, spec, memory));
    return this.#keep(key, { array, spec, tag });
  }

  /** Keeps an array, unless another use has placed the same in the meantime. */
  #keep(key: string, placed: Placed): ShardedArray {
    const raced = this.#placed.get(key);
    if (raced) {
      placed.array.dispose();
      return raced.array;
    }
    this.#placed.set(key, placed);
    return placed.array;
  }

  /** One component of a quantised weight; all of them are placed together, adapters added to the floats. */
  async #quantised(runtime: Runtime, spec: WeightSpec, memory: MemoryKind | undefined): Promise<ShardedArray> {
    const done = this.#quantising.then(async () => {
      if (this.#placed.has(weightKey(spec))) return;
      const components = this.#components.get(storedKey(spec))!;
      const weight = components.find(isStored)!;
      const tag = this.#overlay?.tag(weight);
      const coded = tag === undefined && weight.dtype === 'f8e4m3' ? this.#source(weight).coded?.() : undefined;
      if (coded) return this.#placeCoded(runtime, components, coded, memory);
      const { dtype } = this.#source(weight);
      const from = tag === undefined && isFloat(dtype) ? dtype : 'f32';
      using floats = await this.#place(runtime, { ...weight, dtype: from });
      const arrays = await quantise(runtime, floats, components);
      for (const [i, part] of components.entries()) {
        using made = memory && arrays[i]!;
        const array = made ? made.copyTo(memory!) : arrays[i]!;
        this.#keep(weightKey(part), { array, spec: part, tag });
      }
    });
    // The next in line does not fail with this one.
    this.#quantising = done.catch(() => {});
    await done;
    return this.#placed.get(weightKey(spec))!.array;
  }

  /** A matrix in the 8 bits that the file has it in. */
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
    const values = this.#overlay!.factor(spec)!;
    return runtime.place(spec, (part) => part.take(values, spec.dtype));
  }

  /** A weight on the devices: as it lies in the file where that is possible, with what adapters add to it. */
  async #place(runtime: Runtime, spec: WeightSpec, memory?: MemoryKind): Promise<ShardedArray> {
    const change = await this.#overlay?.change(spec, {
      rows: (start, end) => this.#rows(spec.name, start, end),
      multiply: (left, right) => multiplied(runtime, left, right),
    });
    const { product, difference } = change ?? {};
    if (!product) return this.#placeValues(runtime, spec, { difference, memory });
    // Not every compiler reads the small types.
    const { dtype } = this.#source(spec);
    const from = isFloat(dtype) && !difference ? dtype : 'f32';
    using base = await this.#placeValues(runtime, { ...spec, dtype: from }, { difference });
    const merged = await placeMerged(runtime, spec, base, product);
    if (!memory) return merged;
    using _merged = merged;
    return merged.copyTo(memory);
  }

  /** A weight's own values on the devices, in the type of `spec`, with `difference` added in f32. */
  async #placeValues(
    runtime: Runtime,
    spec: WeightSpec,
    { difference, memory }: { difference?: Float32Array | undefined; memory?: MemoryKind | undefined },
  ): Promise<ShardedArray> {
    const source = this.#source(spec);
    const { dtype, shape } = spec;
    if (source.generated && !difference) return placeGenerated(runtime, spec, source.generated);
    this.#advise(spec, 'soon');
    let weight = { bytes: source.bytes(), dtype: source.dtype };
    if (difference) {
      const sum = toF32(source.dtype, weight.bytes, elementCount(shape)).map((value, i) => value + difference[i]!);
      weight = { bytes: fromF32('f32', sum), dtype: 'f32' };
    }
    const array = await runtime.place(
      spec,
      (part) => convertFloats(weight.dtype, dtype, part.take(weight.bytes, weight.dtype), part.shape),
      memory,
    );
    if (source.raw) this.#advise(spec, 'done');
    return array;
  }

  /** Tells the system what comes of the bytes of the file that a weight is read from. */
  #advise(spec: WeightSpec, use: Advice): void {
    if (this.#isMapped) advise(fileBytes(this.#source(spec)), use);
  }

  /** Rows of a whole weight as the file has them, in f32, over all the parts it is declared in. */
  #rows(name: string, start: number, end: number): Float32Array {
    const parts = this.declared.filter((spec) => spec.name === name);
    const width = elementCount(parts[0]!.shape.slice(1));
    const values = new Float32Array((end - start) * width);
    for (const spec of parts) {
      const first = spec.rows?.start ?? 0;
      const [from, to] = [Math.max(start, first), Math.min(end, first + (spec.shape[0] ?? 1))];
      if (from >= to) continue;
      const { dtype, bytes } = this.#source(spec);
      const row = width * byteSize(dtype);
      const slice = bytes().subarray((from - first) * row, (to - first) * row);
      values.set(toF32(dtype, slice, (to - from) * width), (from - start) * width);
    }
    return values;
  }

  #source(spec: WeightSpec): WeightSource {
    const source = this.#sources.get(weightKey(spec));
    if (source) return source;
    throw new FluxionError('bad_weights', `${weightKey(spec)} was not among the weights bound for this model`);
  }

  async #zerosOf(runtime: Runtime, spec: WeightSpec): Promise<ShardedArray> {
    const { dtype, shape, axes } = spec;
    const key = `${dtype} [${shape}] ${axes}`;
    const known = this.#zeros.get(key);
    if (known) return known;
    const array = await runtime.place(spec, (part) => new Uint8Array(byteLength(dtype, part.shape)));
    const raced = this.#zeros.get(key);
    if (raced) array.dispose();
    else this.#zeros.set(key, array);
    return raced ?? array;
  }

  /** Frees the device memory of the weights of these uses, or of all; they are placed again when next used. */
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
    for (const array of this.#zeros.values()) array.dispose();
    this.#zeros.clear();
  }

  [Symbol.dispose](): void {
    this.release();
    this.#store?.[Symbol.dispose]();
  }
}
