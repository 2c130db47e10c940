/** Weights whose names torch has wrapped, where a module was compiled, sharded or checkpointed: `_orig_mod.` and its likes left out. */

import type { CodedRows, Rows, StoredTensor, TensorStore } from '../files/tensors.ts';
import { WRAPPERS } from './layout.ts';

/** Shows a store under its modules' own names; takes it over. */
export function unwrapped(store: TensorStore): TensorStore {
  const keys = store.keys();
  const names = new Map(keys.map((key) => [key.replaceAll(WRAPPERS, '$1').replace(/^\.|(?<=\.)\.+/g, ''), key]));
  // Two that would meet under one name are left as they are, for the message about them.
  return names.size < keys.length || keys.every((key) => names.has(key)) ? store : new RenamedStore(store, names);
}

class RenamedStore implements TensorStore {
  readonly #store: TensorStore;
  /** Keys in the file, by the names they are shown under. */
  readonly #names: ReadonlyMap<string, string>;

  constructor(store: TensorStore, names: ReadonlyMap<string, string>) {
    this.#store = store;
    this.#names = names;
  }

  get path(): string {
    return this.#store.path;
  }

  get format(): TensorStore['format'] {
    return this.#store.format;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#store.metadata;
  }

  get headers(): readonly ReadonlyMap<string, string>[] {
    return this.#store.headers ?? [this.#store.metadata];
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
