/** What benchmarks of full-size parts share: values for their arrays, and how much arithmetic a part is. */

import type { Traced } from '../src/models.ts';

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

/** Operations of the matrix products, attention's included. */
export function dotFlops({ graph }: Traced): number {
  let total = 0;
  for (const { op, inputs, shape } of graph.nodes) {
    const out = shape.reduce((n, d) => n * d, 1);
    if (op.kind === 'dot') total += 2 * out * inputs[0]!.shape[op.dims.contract[0][0]!]!;
    if (op.kind === 'attention') total += 4 * out * inputs[1]!.shape[2]!;
  }
  return total;
}
