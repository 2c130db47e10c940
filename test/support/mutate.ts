/** Seeded damage to files, for the tests that feed loaders hostile input: the same seed gives the same cases everywhere. */

/** mulberry32: a small generator of uniform numbers in [0, 1), enough to choose damage with. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that parsers trip over, put in place of a number, a string or a whole value. */
const HOSTILE = [
  '-1', '0', '1.5', '1e400', '-0', '9007199254740993', '18446744073709551616', 'null', 'true', '""', '"\\u0000"', '[]', '{}',
  '[[[[[[[[]]]]]]]]', '{"__proto__":1}', '"../../etc/passwd"', '"constructor"', 'NaN', '\ud83d', '"\\ud800"', '1'.repeat(400),
]; // biome-ignore format: one list

/** Yields `count` damaged copies of a JSON-like file: bytes flipped, stretches cut, doubled or swapped, values replaced by hostile ones. */
export function* mutations(original: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const random = uniform(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const text = Buffer.from(original).toString('latin1');
  for (let i = 0; i < count; i++) {
    let mutated = text;
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const at = below(mutated.length + 1);
      const length = 1 + below(Math.min(40, mutated.length - at + 1));
      switch (below(6)) {
        case 0:
          mutated = mutated.slice(0, at) + String.fromCharCode(below(256)) + mutated.slice(at + 1);
          break;
        case 1:
          mutated = mutated.slice(0, at) + mutated.slice(at + length);
          break;
        case 2:
          mutated = mutated.slice(0, at + length) + mutated.slice(at);
          break;
        case 3:
          mutated = mutated.slice(0, at);
          break;
        default: {
          // The next JSON value after a random place.
          const value = /-?\d+(?:\.\d+)?(?:e-?\d+)?|"[^"]*"|true|false|null|\[[^[\]{}]*\]|\{[^[\]{}]*\}/g;
          value.lastIndex = at;
          const found = value.exec(mutated);
          const hostile = Buffer.from(HOSTILE[below(HOSTILE.length)]!).toString('latin1');
          if (found) mutated = mutated.slice(0, found.index) + hostile + mutated.slice(found.index + found[0].length);
        }
      }
    }
    yield Buffer.from(mutated, 'latin1');
  }
}
