/**
 * Weights without a file: values by a rule, the same on every machine and device, for full-size runs without a download. A matrix has
 * uniform values of standard deviation 1/√fan-in, so that activations keep their size; scales of norms are 1, biases 0.
 */

import { elementCount } from '../support/dtype.ts';
import { fromF32 } from '../support/floats.ts';
import type { DeclaredWeight, Generated, WeightSource } from './folders/bind.ts';

/**
 * Constants of the hash. Our graphs lack StableHLO's exclusive or, so it adds instead. Then products by constants alone leave neighbours
 * correlated (0.25 at worst); squaring once brings this down to 0.005, the noise of 2¹⁸ values.
 */
export const HASH = { index: 0x9e3779b1, first: 0x85ebca6b, second: 0xc2b2ae35, shifts: [16, 15, 13, 16] } as const;

/** Sources of declared weights whose values follow from `seed` and the weights' names. */
export function generateWeights<W extends DeclaredWeight>(declared: readonly W[], seed: number): Map<W, WeightSource> {
  return new Map(declared.map((weight) => [weight, source(weight, seed)]));
}

function source(weight: DeclaredWeight, seed: number): WeightSource {
  const { name, shape, rows } = weight;
  const width = elementCount(shape.slice(1));
  const generated = {
    seed: hashName(name, seed),
    offset: (rows?.start ?? 0) * width,
    ...(shape.length > 1
      ? { spread: Math.fround(2 * Math.sqrt(3 / width)), centre: 0 }
      : { spread: 0, centre: name.endsWith('bias') ? 0 : 1 }),
  };
  return {
    rows: rows && [rows.start, rows.end],
    dtype: 'f32',
    generated,
    bytes: () => fromF32('f32', generateValues(generated, elementCount(shape))),
  };
}

/** The first `count` values, computed in f32 as on devices. */
export function generateValues({ seed, offset, spread, centre }: Generated, count: number): Float32Array {
  const values = new Float32Array(count);
  const [first, second, third, last] = HASH.shifts;
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(offset + i, HASH.index) + seed) >>> 0;
    h = (Math.imul(h, h) + (h >>> first)) >>> 0;
    h = Math.imul(h + (h >>> second), HASH.first) >>> 0;
    h = Math.imul(h + (h >>> third), HASH.second) >>> 0;
    h = (h + (h >>> last)) >>> 0;
    values[i] = Math.fround(Math.fround(Math.fround(h) * 2 ** -32) - 0.5) * spread + centre;
  }
  return values;
}

/** FNV-1a of a name, begun from a seed. */
function hashName(name: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
