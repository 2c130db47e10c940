/** A map that makes its values and keeps those that were asked for last. */

/** What one process works with at a time, several sizes of picture with and without adapters among it. */
const MOST = 16;

export class Recent<K, V> {
  readonly #values = new Map<K, V>();
  readonly #most: number;

  /** Keeps at most `most` values. */
  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Returns the value of `key`, made by `make` if it is not there; forgets the value that was asked for longest ago if there are too many. */
  get(key: K, make: () => V): V {
    const value = this.#values.has(key) ? this.#values.get(key)! : make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }
}
