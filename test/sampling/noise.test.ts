/** The initial latents are those of torch and JAX bit for bit, and Philox follows its published values. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { NoiseKind } from '../../src/sampling/generator.ts';
import { philox4x32 } from '../../src/sampling/philox.ts';
import type { ModelFloat } from '../../src/sampling/rounding.ts';
import { compare } from '../support/close.ts';
import { noise } from '../support/noise.ts';

interface Case {
  readonly kind: 'torch' | 'jax';
  readonly seed: string;
  readonly shape: [number, number, number, number];
  readonly dtype: ModelFloat;
  /** Base64 of the f32 values, or the SHA-256 of their bytes where there are many. */
  readonly values?: string;
  readonly sha256?: string;
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/sampling/noise.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
  philox: readonly { seed: string; values: string }[];
};

const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** A 1024×1024 picture's latents. */
const FULL = [1, 16, 128, 128] as const;
const KINDS: readonly NoiseKind[] = ['torch', 'jax', 'philox'];

for (const kind of ['torch', 'jax'] as const) {
  describe(`${kind}, bit for bit`, () => {
    for (const { seed, shape, dtype, values, sha256 } of recorded.cases.filter((c) => c.kind === kind)) {
      test(`seed ${seed}, [${shape}] ${dtype}`, () => {
        const actual = noise(kind, { seed: BigInt(seed), shape, dtype });
        if (values === undefined) {
          assert.equal(createHash('sha256').update(actual).digest('hex'), sha256);
        } else {
          assert.deepEqual(actual, floats(values));
        }
      });
    }
  });
}

describe('philox', () => {
  test('the block cipher gives the known answers of its authors', () => {
    // Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, result.
    const known = [
      ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
      ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
      ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
    ] as const;
    for (const [counter, key, result] of known) {
      const [block, [key0, key1], expected] = [counter, key, result].map((words) =>
        Uint32Array.from(words.split(' '), (word) => Number.parseInt(word, 16)),
      ) as [Uint32Array, [number, number], Uint32Array];
      philox4x32(block, key0, key1);
      assert.deepEqual(block, expected);
    }
  });

  for (const { seed, values } of recorded.philox) {
    test(`seed ${seed} gives the values that numpy works out`, () => {
      const expected = floats(values);
      const actual = noise('philox', { seed: BigInt(seed), shape: [1, 1, 6, 8], dtype: 'f32' });
      const stats = compare(actual, expected);
      // Two libraries' f64 logarithms and sines, rounded to f32: at most one last place apart, and seldom that.
      assert.ok(stats.max <= stats.scale * 2 ** -23 && stats.p90 === 0, JSON.stringify(stats));
    });
  }

  test('seed 0 gives the values that AUTOMATIC1111 publishes with its emulation', () => {
    const published = [
      -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709, -1.07454231,
      -0.36314407, -1.67105067, 2.26550497,
    ];
    const actual = noise('philox', { seed: 0, shape: [1, 1, 3, 4], dtype: 'f32' });
    for (const [i, value] of published.entries()) {
      // Half a unit of the eighth decimal, and f32's own rounding.
      assert.ok(Math.abs(actual[i]! - value) <= 5e-9 + Math.abs(value) * 2 ** -24, `value ${i}: ${actual[i]}`);
    }
  });

  test('both words of the seed count', () => {
    const draw = (seed: bigint) => noise('philox', { seed, shape: [1, 1, 2, 2], dtype: 'f32' });
    assert.notDeepEqual(draw(5n), draw(5n + 2n ** 32n));
  });
});

describe('batches', () => {
  for (const kind of ['torch', 'philox'] as const) {
    for (const image of [
      [16, 4, 6],
      [1, 3, 7],
    ] as const) {
      for (const seed of [9n, 2n ** 32n - 2n, 2n ** 64n - 2n, -2n]) {
        test(`${kind}: three images of [${image}] from seed ${seed} equal three single runs`, () => {
          const batch = noise(kind, { seed, shape: [3, ...image], dtype: 'f32' });
          const singles = [0n, 1n, 2n].flatMap((i) => [
            ...noise(kind, { seed: BigInt.asUintN(64, seed + i), shape: [1, ...image], dtype: 'f32' }),
          ]);
          assert.deepEqual([...batch], singles);
        });
      }
    }
  }

  test('jax draws the whole batch from one key, so that an image is not its single run', () => {
    const batch = noise('jax', { seed: 9, shape: [2, 16, 4, 4], dtype: 'bf16' });
    assert.deepEqual(batch.subarray(0, 256), noise('jax', { seed: 9, shape: [1, 16, 4, 4], dtype: 'bf16' }));
    assert.notDeepEqual(batch.subarray(256), noise('jax', { seed: 10, shape: [1, 16, 4, 4], dtype: 'bf16' }));
  });
});

describe('statistics of a picture’s worth', () => {
  for (const kind of KINDS) {
    test(`${kind} is standard normal`, () => {
      const values = noise(kind, { seed: 1234, shape: FULL, dtype: 'f32' });
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
      const within = values.filter((x) => Math.abs(x) < 1).length / values.length;
      // Four standard errors each.
      assert.ok(Math.abs(mean) < 4 / 512, `mean ${mean}`);
      assert.ok(Math.abs(variance - 1) < (4 * Math.SQRT2) / 512, `variance ${variance}`);
      assert.ok(Math.abs(within - 0.6827) < (4 * 0.4654) / 512, `within one sigma ${within}`);
    });

    test(`${kind} in 16 bits holds only values of that type`, () => {
      const bf16 = noise(kind, { seed: 5, shape: [1, 16, 8, 8], dtype: 'bf16' });
      assert.ok(new Uint32Array(bf16.buffer).every((bits) => (bits & 0xffff) === 0));
      const f16 = noise(kind, { seed: 5, shape: [1, 16, 8, 8], dtype: 'f16' });
      assert.deepEqual(f16, f16.map(Math.f16round));
    });
  }
});

test('a 1024×1024 picture’s latents take no time to speak of', (t) => {
  for (const kind of KINDS) {
    // The best of five: other work on the machine only adds.
    const times = Array.from({ length: 5 }, (_, seed) => {
      const start = performance.now();
      noise(kind, { seed, shape: FULL, dtype: 'f32' });
      return performance.now() - start;
    });
    const best = Math.min(...times);
    t.diagnostic(`${kind}: ${best.toFixed(1)} ms`);
    // 10–60 ms on a quiet machine (the log has the figures); the limit only tells a wrong algorithm from a busy machine.
    assert.ok(best < 1000, `${kind} took ${best.toFixed(1)} ms`);
  }
});
