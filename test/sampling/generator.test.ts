/** Generators go on drawing as torch and JAX do, bit for bit. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { generatorOf, type NoiseKind } from '../../src/sampling/generator.ts';
import type { ModelFloat } from '../../src/sampling/rounding.ts';
import { noise } from '../support/noise.ts';

interface Case {
  readonly kind: 'torch' | 'jax';
  readonly seed: string;
  readonly dtype: ModelFloat;
  /** Values of each draw. */
  readonly counts: readonly number[];
  /** Of all draws, one after the other: base64 of the f32 values, or the SHA-256 of their bytes where there are many. */
  readonly values?: string;
  readonly sha256?: string;
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/sampling/draws.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

describe('successive draws, bit for bit', () => {
  for (const { kind, seed, dtype, counts, values, sha256 } of recorded.cases) {
    test(`${kind} ${dtype}: ${counts.join(', ')} values`, () => {
      const generator = generatorOf(kind, BigInt(seed));
      const actual = Float32Array.from(counts.flatMap((count) => [...generator.normal(count, dtype)]));
      if (values === undefined) assert.equal(createHash('sha256').update(actual).digest('hex'), sha256);
      else assert.deepEqual(actual, floats(values));
    });
  }
});

for (const kind of ['torch', 'jax', 'philox'] satisfies NoiseKind[]) {
  describe(kind, () => {
    test('draws the initial noise first, and then something else', () => {
      const generator = generatorOf(kind, 7n);
      const shape = [1, 16, 4, 4] as const;
      assert.deepEqual(generator.normal(256, 'f32'), noise(kind, { seed: 7, shape, dtype: 'f32' }));
      const [second, third] = [generator.normal(4096, 'f32'), generator.normal(4096, 'f32')];
      const first = generatorOf(kind, 7n).normal(4096, 'f32');
      for (const [a, b] of [
        [first, second],
        [first, third],
        [second, third],
      ] as const) {
        // Independent draws: 4096 products of mean 0 and deviation 1.
        const product = a.reduce((sum, value, i) => sum + value * b[i]!, 0) / 4096;
        assert.ok(Math.abs(product) < 4 / 64, `correlation ${product}`);
      }
    });
  });
}

test('a seed is two’s complement bits', () => {
  for (const kind of ['torch', 'jax', 'philox'] satisfies NoiseKind[]) {
    const [negative, wrapped] = [-3n, 2n ** 64n - 3n].map((seed) => generatorOf(kind, seed).normal(20, 'f32'));
    assert.deepEqual(negative, wrapped);
  }
});
