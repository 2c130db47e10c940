/** Removes the words that torch puts into names of compiled, sharded or checkpointed modules, such as `_orig_mod.`. */

import type { CodedRows, Rows, StoredTensor, TensorStore } from '../files/tensors.ts';
import { WRAPPERS } from './layout.ts';

/** Shows a store under its modules' own names; takes it over. */
export function unwrapped(store: TensorStore): TensorStore {
  const keys = store.keys();
  const names = new Map(keys.map((key) => [key.replaceAll(WRAPPERS, '$1').replace(/^\.|(?<=\.)\.+/g, ''), key]));
  // If two keys would get the same name, neither is renamed, so that a message can name them.
  return names.size < keys.length || keys.every((key) => names.has(key)) ? store : new RenamedStore(store, names);
}

class RenamedStore implements TensorStore {
  readonly path: string;
  readonly format: TensorStore['format'];
  readonly metadata: ReadonlyMap<string, string>;
  readonly headers: readonly ReadonlyMap<string, string>[];
  readonly #store: TensorStore;
  /** Keys in the file, by the names they are shown under. */
  readonly #names: ReadonlyMap<string, string>;

  constructor(store: TensorStore, names: ReadonlyMap<string, string>) {
    this.path = store.path;
    this.format = store.format;
    this.metadata = store.metadata;
    this.headers = store.headers ?? [store.metadata];
    this.#store = store;
    this.#names = names;
  }

  keys(): string[] {
    return [...this.#names.keys()];
  }

  has(key: string): boolean {
    return this.#names.has(key);
  }

  info(key: string): StoredTensor {
    return this.#store.info(this.#stored(key));
  }

  bytes(key: string, rows?: Rows): Uint8Array {
    return this.#store.bytes(this.#stored(key), rows);
  }

  raw(key: string, rows?: Rows): Uint8Array {
    const stored = this.#stored(key);
    return this.#store.raw?.(stored, rows) ?? this.#store.bytes(stored, rows);
  }

  coded(key: string, rows?: Rows): CodedRows | undefined {
    return this.#store.coded?.(this.#stored(key), rows);
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }

  /** The key in the file; of an unknown name itself, which the store then refuses. */
  #stored(name: string): string {
    return this.#names.get(name) ?? name;
  }
}
