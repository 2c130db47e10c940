/**
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), and the stream of
 * 32-bit words JAX draws from it in its partitionable mode, the default since 0.5.
 */

/** Rotations of the rounds: four at a time, the two rows in turn. */
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** A key of two 32-bit words. */
export type ThreefryKey = readonly [high: number, low: number];

/** Encrypts the counter block in place: two words. */
function threefry2x32(block: Uint32Array, [high, low]: ThreefryKey): void {
  const keys = [high, low, high ^ low ^ 0x1bd11bda] as const;
  let x = (block[0]! + high) | 0;
  let y = (block[1]! + low) | 0;
  for (let group = 0; group < 5; group++) {
    const [r0, r1, r2, r3] = ROTATIONS[(group & 1) as 0 | 1];
    x = (x + y) | 0;
    y = ((y << r0) | (y >>> (32 - r0))) ^ x;
    x = (x + y) | 0;
    y = ((y << r1) | (y >>> (32 - r1))) ^ x;
    x = (x + y) | 0;
    y = ((y << r2) | (y >>> (32 - r2))) ^ x;
    x = (x + y) | 0;
    y = ((y << r3) | (y >>> (32 - r3))) ^ x;
    x = (x + keys[(group + 1) % 3]!) | 0;
    y = (y + keys[(group + 2) % 3]! + group + 1) | 0;
  }
  block[0] = x;
  block[1] = y;
}

/**
 * Returns the `count` words `jax.random.bits` draws for a key: word n is both halves of the block of counter n, xored.
 * The counter's high word is 0: an image has fewer than 2³² values.
 */
export function threefryBits(key: ThreefryKey, count: number): Uint32Array {
  const out = new Uint32Array(count);
  const block = new Uint32Array(2);
  for (let n = 0; n < count; n++) {
    block[0] = 0;
    block[1] = n;
    threefry2x32(block, key);
    out[n] = block[0]! ^ block[1]!;
  }
  return out;
}

/** Derives the key of `jax.random.fold_in(key, data)`, for 32 bits of data. */
export function threefryFold(key: ThreefryKey, data: number): ThreefryKey {
  const block = Uint32Array.of(0, data);
  threefry2x32(block, key);
  return [block[0]!, block[1]!];
}
