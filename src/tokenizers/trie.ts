/** A trie of known texts: one walk finds all that begin at one place of a text, however many are known. */

/** Larger than every code point. */
const CODE_POINTS = 2 ** 21;

export class Trie {
  /** Node × 2²¹ + code point → the node after it; 0 is the root. */
  readonly #next = new Map<number, number>();
  /** Node → the number of the text that ends there. */
  readonly #ends = new Map<number, number>();
  #nodes = 1;

  /** Adds a text under a number; adding the same text again replaces its number. */
  add(text: string, value: number): void {
    let node = 0;
    for (const char of text) {
      const key = node * CODE_POINTS + char.codePointAt(0)!;
      let next = this.#next.get(key);
      if (next === undefined) {
        next = this.#nodes++;
        this.#next.set(key, next);
      }
      node = next;
    }
    this.#ends.set(node, value);
  }

  /** Calls `found` for every known text that begins at `start` of a text given as code points, from the shortest to the longest. */
  at(text: ArrayLike<number>, start: number, found: (value: number, end: number) => void): void {
    let node = 0;
    for (let i = start; i < text.length; i++) {
      const next = this.#next.get(node * CODE_POINTS + text[i]!);
      if (next === undefined) return;
      node = next;
      const value = this.#ends.get(node);
      if (value !== undefined) found(value, i + 1);
    }
  }
}

/** The code points of a text. */
export function codePoints(text: string): Uint32Array {
  // Not Uint32Array.from, which is many times as slow over a string.
  const points = new Uint32Array(text.length);
  let count = 0;
  for (const char of text) points[count++] = char.codePointAt(0)!;
  return points.subarray(0, count);
}
