/** Packing, positions and sizes of latents are those of diffusers' FluxPipeline; the Euler functions trace and print. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { imagePositions, latentSize, packLatents, textPositions } from '../../src/sampling/latents.ts';
import { predictClean } from '../../src/sampling/linear-update.ts';
import { eulerStep } from '../../src/sampling/samplers/euler.ts';
import { graph } from '../../src/xla/graph/graph.ts';
import { print } from '../../src/xla/graph/print.ts';
import { parameter } from '../../src/xla/graph/tensor.ts';

interface Case {
  readonly width: number;
  readonly height: number;
  readonly shape: [number, number, number, number];
  readonly tokens: [number, number];
  readonly packOrder: string;
  readonly positions: string;
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/sampling/latents.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

const integers = (base64: string) =>
  Float32Array.from(new Uint16Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer));

describe('latents as diffusers lays them out', () => {
  for (const { width, height, shape, tokens, packOrder, positions } of cases) {
    test(`${width}×${height}, [${shape}]`, () => {
      const size = latentSize(width, height);
      assert.deepEqual([size.height, size.width], shape.slice(2));
      assert.deepEqual([size.tokens, 4 * shape[1]], tokens);

      const counting = Float32Array.from({ length: shape.reduce((n, d) => n * d) }, (_, i) => i);
      assert.deepEqual(packLatents(counting, shape), integers(packOrder));
      assert.deepEqual(imagePositions(size), integers(positions));
    });
  }

  test('text tokens stand at the origin', () => {
    assert.deepEqual(textPositions(2), Float32Array.of(0, 0, 0, 0, 0, 0));
  });

  test('a VAE of another scale', () => {
    assert.deepEqual(latentSize(64, 32, 4), { height: 8, width: 16, rows: 4, columns: 8, tokens: 32 });
  });
});

describe('refused sizes', () => {
  const bad: readonly [number, number, RegExp, RegExp | undefined][] = [
    [100, 128, /^width: .*multiple of 16.*100/, /96 and 112$/],
    [128, 1080, /^height: .*1080/, /1072 and 1088$/],
    [0, 128, /^width/, /16$/],
    [128, -16, /^height/, /16$/],
    [128.5, 128, /^width/, /128 and 144$/],
    [1_600_000, 128, /^width/, /16384$/],
    [Number.NaN, 128, /^width.*NaN/, undefined],
    [128, Number.POSITIVE_INFINITY, /^height.*Infinity/, /16384$/],
  ];
  for (const [width, height, message, hint] of bad) {
    test(`${width}×${height}`, () => {
      assert.throws(() => latentSize(width, height), { code: 'bad_request', message, ...(hint && { hint }) });
    });
  }

  test('values that do not fill the shape', () => {
    assert.throws(() => packLatents(new Float32Array(63), [1, 16, 2, 2]), { code: 'bad_shape', message: /63 values/ });
    assert.throws(() => packLatents(new Float32Array(48), [1, 16, 3, 1]), { code: 'bad_shape' });
  });
});

describe('Euler', () => {
  const x = parameter('x', 'bf16', [2, 4, 64]);
  const velocity = parameter('velocity', 'bf16', [2, 4, 64]);
  const sigma = parameter('sigma', 'f32', []);
  const next = parameter('next', 'f32', []);

  test('a step computes in f32 and returns the latents’ type', () => {
    const stepped = eulerStep(x, velocity, sigma.broadcastTo([2, 4, 64]), next.broadcastTo([2, 4, 64]));
    assert.equal(stepped.dtype, 'bf16');
    const text = print(graph('step', [x, velocity, sigma, next], [stepped]));
    assert.match(text, /stablehlo\.multiply .*tensor<2x4x64xf32>/);
    assert.doesNotMatch(text, /stablehlo\.(add|multiply|subtract) .*bf16/);
  });

  test('the predicted clean latents are f32', () => {
    const clean = predictClean(x, velocity, sigma.broadcastTo([2, 4, 64]));
    assert.equal(clean.dtype, 'f32');
    assert.deepEqual(clean.shape, [2, 4, 64]);
  });
});
