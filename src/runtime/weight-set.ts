/**
 * The weights of one component: bound to a file when the model is opened, placed on the device when first used.
 * Notable: binding checks every key before a byte is read; a mapped file is used in place where the device allows it.
 */

import { bindWeights, type WeightSource } from '../checkpoint/bind.ts';
import type { ModelFamily } from '../checkpoint/keymap.ts';
import type { WeightStore } from '../checkpoint/store.ts';
import type { Traced } from '../nn/trace.ts';
import type { WeightSpec } from '../nn/weights.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import { FluxionError } from '../support/errors.ts';
import { convertFloats } from '../support/floats.ts';
import type { Runtime } from './runtime.ts';

export type { Traced };

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

/** The full name of each weight of a use. */
function weightsOf({ traced, scope }: Use): WeightSpec[] {
  return traced.weights.map((spec) => (scope === '' ? spec : { ...spec, name: `${scope}.${spec.name}` }));
}

function keyOf({ name, rows }: WeightSpec): string {
  return rows ? `${name}[${rows.start}:${rows.end}]` : name;
}

export class WeightSet implements Disposable {
  readonly #store: WeightStore;
  readonly #sources: ReadonlyMap<string, WeightSource>;
  readonly #placed = new Map<string, DeviceArray>();

  /**
   * Binds all weights that `uses` declare to the tensors of `store`, which it takes over. Throws `bad_weights` with
   * missing, unexpected and ill-shaped keys.
   */
  constructor(store: WeightStore, family: ModelFamily, uses: readonly Use[]) {
    const declared = new Map(uses.flatMap(weightsOf).map((spec) => [keyOf(spec), spec]));
    this.#store = store;
    try {
      const bound = bindWeights([...declared.values()], store, family);
      this.#sources = new Map([...bound].map(([spec, source]) => [keyOf(spec), source]));
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  /** Bytes of all weights as the file stores them. */
  get storedBytes(): number {
    return [...this.#sources.values()].reduce((sum, source) => sum + source.bytes().byteLength, 0);
  }

  /** The weights of one use on the device, in the order its program takes them; placed now where they are not yet. */
  async arrays(runtime: Runtime, use: Use): Promise<DeviceArray[]> {
    return Promise.all(weightsOf(use).map((spec) => this.#array(runtime, spec)));
  }

  async #array(runtime: Runtime, spec: WeightSpec): Promise<DeviceArray> {
    const key = keyOf(spec);
    const known = this.#placed.get(key);
    if (known) return known;
    const source = this.#sources.get(key);
    if (!source) throw new FluxionError('bad_weights', `${key} was not among the weights bound for this model`);
    const bytes = convertFloats(source.dtype, spec.dtype, source.bytes(), spec.shape);
    const array = await runtime.upload(bytes, spec.dtype, spec.shape);
    // Another use may have placed the same weight in the meantime.
    const raced = this.#placed.get(key);
    if (raced) {
      array.dispose();
      return raced;
    }
    this.#placed.set(key, array);
    return array;
  }

  /** Frees the device memory of the weights of these uses, or of all; they are placed again when next used. */
  release(uses?: readonly Use[]): void {
    const keys = uses ? uses.flatMap(weightsOf).map(keyOf) : [...this.#placed.keys()];
    for (const key of keys) {
      this.#placed.get(key)?.dispose();
      this.#placed.delete(key);
    }
  }

  [Symbol.dispose](): void {
    this.release();
    this.#store[Symbol.dispose]();
  }
}
