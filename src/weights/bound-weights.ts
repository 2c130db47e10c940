/**
 * The weights of one component in their files: bound when the model is opened, read, adapted and converted when a weight is placed.
 * Binding checks every key before a byte is read; a mapped file is used in place where the device allows it.
 */

import { byteSize, elementCount, isFloat } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { convertFloats, fromF32, toF32 } from '../support/floats.ts';
import { resizeRows } from '../support/rows.ts';
import { type WeightSpec, weightKey } from '../xla/graph/weights.ts';
import {
  type Advice,
  advise,
  isMapped,
  type MemoryKind,
  type Runtime,
  type ShardedArray,
} from '../xla/runtime/runtime.ts';
import type { TensorStore } from './files/tensors.ts';
import { bindWeights, type WeightOrigin, type WeightSource } from './folders/bind.ts';
import { placeGenerated } from './generate.ts';
import type { Base, Change } from './lora/matrix.ts';
import { multiplied, placeMerged } from './merge.ts';
import { generateWeights } from './random.ts';

/** How adapters change the weights of a component. */
export interface WeightOverlay {
  /** Names the changed values of a weight or factor; equal names mean equal values. Undefined for an unchanged weight or a zero factor. */
  tag(spec: WeightSpec): string | undefined;
  /** The values of a factor, in its type and shape; undefined for zeros. */
  factor(spec: WeightSpec): Uint8Array | undefined;
  /** The sum to add to a weight before it is placed; `base` is the whole weight as in the file. */
  change(spec: WeightSpec, base: Base): Promise<Change | undefined>;
}

function fileBytes(source: WeightSource): Uint8Array {
  return source.raw?.() ?? source.bytes();
}

/** The key of the checkpoint's weight that an array is made from. */
export function storedKey({ name, rows }: WeightSpec): string {
  return weightKey({ name, ...(rows && { rows }) });
}

export class BoundWeights implements Disposable {
  readonly declared: readonly WeightSpec[];
  readonly #store: TensorStore | undefined;
  readonly #sources: ReadonlyMap<string, WeightSource>;
  #mapped: boolean | undefined;

  /** Binds weights to their origin, and takes over its store. Throws `bad_weights` with missing, unexpected and ill-shaped keys. */
  constructor(origin: WeightOrigin, declared: readonly WeightSpec[]) {
    this.declared = declared;
    this.#store = 'store' in origin ? origin.store : undefined;
    try {
      const bound =
        'store' in origin ? bindWeights(declared, origin.store, origin.group) : generateWeights(declared, origin.seed);
      this.#sources = new Map([...bound].map(([spec, source]) => [weightKey(spec), source]));
    } catch (error) {
      this.#store?.[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether a rule generates the values, instead of a file. */
  get isRandom(): boolean {
    return this.#store === undefined;
  }

  /** Whether the files are mapped, so that advice applies. Views the smallest weight, because a view of an unmapped file reads it. */
  get isMapped(): boolean {
    if (this.#mapped === undefined) {
      const [smallest] = this.declared.toSorted((a, b) => elementCount(a.shape) - elementCount(b.shape));
      this.#mapped = this.#store !== undefined && smallest !== undefined && isMapped(fileBytes(this.source(smallest)));
    }
    return this.#mapped;
  }

  /** Bytes of these weights in their files. */
  bytesOf(specs: readonly WeightSpec[]): number {
    return specs.reduce((sum, spec) => sum + fileBytes(this.source(spec)).length, 0);
  }

  /** Places a weight, with adapters added: straight from the file if possible. */
  async place(
    runtime: Runtime,
    spec: WeightSpec,
    overlay: WeightOverlay | undefined,
    memory?: MemoryKind,
  ): Promise<ShardedArray> {
    const change = await overlay?.change(spec, {
      rows: (start, end) => this.#rows(spec.name, start, end),
      multiply: (left, right) => multiplied(runtime, left, right),
    });
    const { product, difference } = change ?? {};
    if (!product) return this.#placeValues(runtime, spec, { difference, memory });
    // Not every compiler takes the small types.
    const { dtype } = this.source(spec);
    const from = isFloat(dtype) && !difference ? dtype : 'f32';
    using base = await this.#placeValues(runtime, { ...spec, dtype: from }, { difference });
    const merged = await placeMerged(runtime, spec, base, product);
    if (!memory) return merged;
    using _merged = merged;
    return merged.copyTo(memory);
  }

  /** Places a weight's values in the type of `spec`, with `difference` added in f32. */
  async #placeValues(
    runtime: Runtime,
    spec: WeightSpec,
    { difference, memory }: { difference?: Float32Array | undefined; memory?: MemoryKind | undefined },
  ): Promise<ShardedArray> {
    const source = this.source(spec);
    const { dtype, shape, zeros = 0 } = spec;
    if (source.generated && !difference && !zeros) return placeGenerated(runtime, spec, source.generated);
    this.advise(spec, 'soon');
    let weight = { bytes: source.bytes(), dtype: source.dtype };
    if (zeros > 0) {
      const [columns, size] = [shape[1]!, byteSize(source.dtype)];
      weight.bytes = resizeRows(weight.bytes, (columns - zeros) * size, columns * size);
    }
    if (difference) {
      const sum = toF32(source.dtype, weight.bytes, elementCount(shape)).map((value, i) => value + difference[i]!);
      weight = { bytes: fromF32('f32', sum), dtype: 'f32' };
    }
    const array = await runtime.place(
      spec,
      (part) => convertFloats(weight.dtype, dtype, part.take(weight.bytes, weight.dtype), part.shape),
      memory,
    );
    if (source.raw) this.advise(spec, 'done');
    return array;
  }

  advise(spec: WeightSpec, use: Advice): void {
    if (this.isMapped) advise(fileBytes(this.source(spec)), use);
  }

  /** Unchanged rows of a whole weight, in f32, joined from the parts that it is declared in. */
  #rows(name: string, start: number, end: number): Float32Array {
    const parts = this.declared.filter((spec) => spec.name === name);
    const width = elementCount(parts[0]!.shape.slice(1));
    const values = new Float32Array((end - start) * width);
    for (const spec of parts) {
      const first = spec.rows?.start ?? 0;
      const [from, to] = [Math.max(start, first), Math.min(end, first + (spec.shape[0] ?? 1))];
      if (from >= to) continue;
      const { dtype, bytes } = this.source(spec);
      const row = width * byteSize(dtype);
      const slice = bytes().subarray((from - first) * row, (to - first) * row);
      values.set(toF32(dtype, slice, (to - from) * width), (from - start) * width);
    }
    return values;
  }

  /** Where the values of a weight are; throws `bad_weights` for a weight that is not bound. */
  source(spec: WeightSpec): WeightSource {
    const source = this.#sources.get(storedKey(spec));
    if (source) return source;
    throw new FluxionError('bad_weights', `${weightKey(spec)} was not among the weights bound for this model`);
  }

  [Symbol.dispose](): void {
    this.#store?.[Symbol.dispose]();
  }
}
