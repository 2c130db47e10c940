/**
 * Philox-4x32 with 10 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), and the normal values
 * torch's CUDA generator makes of it when every value has a thread of its own.
 */

const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const FACTOR_0 = 0xd2511f53;
const FACTOR_1 = 0xcd9e8d57;

/** Encrypts the counter block in place: four words, under a key of two. */
export function philox4x32(block: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = block as unknown as [number, number, number, number];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(c0, FACTOR_0);
    const low0 = Math.imul(c0, FACTOR_0);
    const high1 = multiplyHigh(c2, FACTOR_1);
    const low1 = Math.imul(c2, FACTOR_1);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 = (key0 + KEY_STEP_0) | 0;
    key1 = (key1 + KEY_STEP_1) | 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** Upper 32 bits of the product of two 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * Draws `count` values as `torch.randn(count, device='cuda')` does after `torch.manual_seed(seed)` on a GPU with at
 * least `count` resident threads: the form AUTOMATIC1111's "NV" noise source emulates. The arithmetic is f64, where CUDA's
 * is fast f32, good to about 1e-6. `seed` is given as two 32-bit words. GPUs with fewer threads than values use the
 * further values of each block, and so differ. `offset` counts the calls before this one.
 */
export function philoxNormal(seedHigh: number, seedLow: number, count: number, offset = 0): Float32Array {
  const out = new Float32Array(count);
  const block = new Uint32Array(4);
  for (let thread = 0; thread < count; thread++) {
    block[0] = offset;
    block[1] = 0;
    block[2] = thread;
    block[3] = 0;
    philox4x32(block, seedLow, seedHigh);
    const uniform = (block[0]! + 0.5) * 2 ** -32;
    const angle = (block[1]! + 0.5) * 2 ** -32 * 2 * Math.PI;
    out[thread] = Math.sqrt(-2 * Math.log(uniform)) * Math.sin(angle);
  }
  return out;
}
