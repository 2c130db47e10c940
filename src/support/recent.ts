/** A map that makes its values on demand and keeps the most recently used. */

/** Default number of values: enough for several picture sizes, with and without adapters. */
const MOST = 16;

export class Recent<K, V> {
  readonly #values = new Map<K, V>();
  readonly #most: number;

  /** Keeps at most `most` values. */
  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Returns the value of `key`, made by `make` if absent; forgets the least recently used value if there are too many. */
  get(key: K, make: () => V): V {
    const value = this.#values.has(key) ? this.#values.get(key)! : make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }
}
