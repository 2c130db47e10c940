/** What benchmarks of full-size parts share: values for their arrays. */

/** bf16 bits of numbers about ±0.02, from a small generator: their values do not matter, but must not be denormal. */
export function randomBf16(count: number): Uint8Array {
  const bits = new Uint16Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bits[i] = ((state >>> 16) & 0x8000) | 0x3c80 | ((state >>> 9) & 0x7f);
  }
  return new Uint8Array(bits.buffer);
}
