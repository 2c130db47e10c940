/**
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), and the stream of
 * 32-bit words JAX draws from it in its partitionable mode, the default since 0.5.
 */

/** Rotations of the rounds: four at a time, the two rows in turn. */
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/**
 * Returns the `count` words `jax.random.bits` draws for the key [`high`, `low`]: word n is both halves of the block of
 * counter n, xored.
 */
export function threefryBits(high: number, low: number, count: number): Uint32Array {
  const keys = [high, low, high ^ low ^ 0x1bd11bda] as const;
  const out = new Uint32Array(count);
  for (let n = 0; n < count; n++) {
    // The counter's high word is 0: an image has fewer than 2³² values.
    let x = keys[0];
    let y = (n + keys[1]) | 0;
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
    out[n] = x ^ y;
  }
  return out;
}
