/** The texts of the fused kernels, run by small evaluators against attention in f64: odd sizes, padding, extreme values. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttentionInputs } from '../../../src/xla/lowering/attention.ts';
import { type SplashOptions, splashAttention } from '../../../src/xla/lowering/splash.ts';
import { tritonFlashAttention } from '../../../src/xla/lowering/triton.ts';
import { parameter, type Tensor } from '../../../src/xla.ts';
import {
  filled,
  type NumberArray,
  type Rounding,
  referenceAttention,
  seededValues,
  toBf16,
} from '../../support/array.ts';
import { evaluateGraph, type RunCall } from './graph-evaluator.ts';
import { runMosaic } from './mosaic-evaluator.ts';
import { runTriton } from './ttir-evaluator.ts';

interface Sizes {
  readonly b?: number;
  readonly h?: number;
  readonly n: number;
  readonly m: number;
  readonly c: number;
}

/** What the values are: ordinary, or such that a softmax without care overflows or loses everything. */
type Values = 'ordinary' | 'large' | 'one key wins' | 'all equal' | 'zero' | 'some keys at -∞';

interface Operands {
  readonly q: NumberArray;
  readonly k: NumberArray;
  readonly v: NumberArray;
}

/** Seeded operands, rounded to bf16. */
function operands({ b = 1, h = 1, n, m, c }: Sizes, values: Values, seed: number): Operands {
  const next = seededValues(seed);
  const magnitude = { ordinary: 1, large: 1e4, 'one key wins': 30, 'all equal': 0, zero: 0, 'some keys at -∞': 0.5 }[
    values
  ];
  const array = (tokens: number, factor: number, constant = 0): NumberArray =>
    filled([b, h, tokens, c], () => toBf16(factor * next() + constant));
  const q = array(n, magnitude, { 'all equal': 3, 'some keys at -∞': 1 }[values as string]);
  const k = array(m, magnitude, values === 'all equal' ? 100 : 0);
  // Queries are positive there, so that every third score is -∞ and none is NaN.
  if (values === 'some keys at -∞')
    k.data.set(k.data.map((x, i) => (Math.floor(i / c) % 3 === 0 ? Number.NEGATIVE_INFINITY : x)));
  return { q, k, v: array(m, 1) };
}

const runMosaicCall =
  (rounding: Rounding): RunCall =>
  (call, inputs, shape) => {
    assert.equal(call.target, 'tpu_custom_call');
    const { custom_call_config: config } = JSON.parse(call.backendConfig as string) as {
      custom_call_config: { body: string };
    };
    return runMosaic(atob(config.body), inputs, shape, rounding);
  };

const runTritonCall =
  (rounding: Rounding): RunCall =>
  (call, inputs, shape) => {
    assert.equal(call.target, '__gpu$xla.gpu.triton');
    const config = call.backendConfig as Record<'grid_x' | 'grid_y' | 'grid_z', number> & { readonly ir: string };
    return runTriton(config.ir, [config.grid_x, config.grid_y, config.grid_z], inputs, shape, rounding);
  };

/** Lowers an attention of these sizes, runs it, and returns the largest error relative to the largest result. */
function largestError(
  sizes: Sizes,
  arrays: Operands,
  kernel: (inputs: AttentionInputs<'bf16'>) => Tensor,
  runCall: RunCall,
): number {
  const { b = 1, h = 1, n, m, c } = sizes;
  const scale = c ** -0.5;
  const q = parameter('q', 'bf16', [b, h, n, c]);
  const k = parameter('k', 'bf16', [b, h, m, c]);
  const v = parameter('v', 'bf16', [b, h, m, c]);
  const given = new Map<Tensor, NumberArray>([
    [q, arrays.q],
    [k, arrays.k],
    [v, arrays.v],
  ]);
  const actual = evaluateGraph(kernel({ q, k, v, bias: undefined, scale, mask: 'none' }), given, runCall);
  const expected = referenceAttention(arrays.q, arrays.k, arrays.v, scale);
  assert.deepEqual(actual.shape, expected.shape);
  const highest = expected.data.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
  return (
    actual.data.reduce((worst, x, i) => {
      const error = Math.abs(x - expected.data[i]!);
      return Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
    }, 0) / (highest || 1)
  );
}

const ALL_VALUES: readonly Values[] = ['ordinary', 'large', 'one key wins', 'all equal', 'zero', 'some keys at -∞'];
/** Nothing is rounded but the scale, to f32. */
const EXACT = 1e-6;
/** With scores of millions, that much moves weight from one key to another. */
const EXACT_LARGE = 1e-1;
const BF16 = 2e-2;

describe('the Mosaic kernel', () => {
  const error = (sizes: Sizes, values: Values, options: SplashOptions, rounding: Rounding = 'exact'): number =>
    largestError(sizes, operands(sizes, values, 1), (x) => splashAttention(x, options), runMosaicCall(rounding));

  const blocks = { blockQ: 32, blockKv: 256, blockKvCompute: 128 };
  const cases: readonly (readonly [string, Sizes, SplashOptions])[] = [
    ['one block', { n: 16, m: 128, c: 128 }, {}],
    ['one token', { n: 1, m: 1, c: 128 }, {}],
    ['heads and batch', { b: 2, h: 3, n: 16, m: 128, c: 128 }, {}],
    ['blocks of queries and keys', { h: 2, n: 48, m: 512, c: 128 }, { flashBlockSizes: { blockQ: 16, blockKv: 256 } }],
    ['pieces of a block', { n: 32, m: 512, c: 128 }, { flashBlockSizes: blocks }],
    ['ragged queries', { n: 37, m: 256, c: 128 }, { flashBlockSizes: blocks }],
    ['ragged keys, in the first piece of the last block', { n: 16, m: 300, c: 128 }, { flashBlockSizes: blocks }],
    ['ragged keys, in the last piece of the last block', { n: 16, m: 511, c: 128 }, { flashBlockSizes: blocks }],
    ['keys that end with a piece', { n: 16, m: 384, c: 128 }, { flashBlockSizes: blocks }],
    ['fewer keys than a block', { n: 5, m: 77, c: 128 }, { flashBlockSizes: blocks }],
    ['narrow heads, padded', { h: 2, n: 20, m: 130, c: 64 }, {}],
    ['wide heads', { n: 16, m: 140, c: 256 }, {}],
    ['odd heads', { n: 16, m: 140, c: 200 }, {}],
  ];
  for (const [name, sizes, options] of cases) {
    test(`${name}: equals dense attention`, () => {
      for (const useBase2Exp of [true, false]) {
        assert.ok(error(sizes, 'ordinary', { ...options, useBase2Exp }) < EXACT);
      }
    });
  }

  test('extreme values neither overflow nor vanish', () => {
    for (const values of ALL_VALUES) {
      const found = error({ n: 20, m: 300, c: 128 }, values, { flashBlockSizes: blocks });
      assert.ok(found < (values === 'large' ? EXACT_LARGE : EXACT), `${values}: ${found}`);
    }
  });

  test('rounded as on the device, it is as good as bf16 is', () => {
    const found = error({ h: 2, n: 40, m: 700, c: 128 }, 'ordinary', { flashBlockSizes: blocks }, 'as typed');
    assert.ok(found > 1e-4 && found < BF16, `${found}`);
  });

  test('without the mask, padding keys weigh in as scores of 0', () => {
    const sizes = { n: 16, m: 100, c: 128 };
    const { q, k, v } = operands(sizes, 'ordinary', 1);
    const padded = (x: NumberArray): NumberArray => filled([1, 1, 128, 128], (i) => x.data[i] ?? 0);
    const actual = largestError(
      { ...sizes, m: 128 },
      { q, k: padded(k), v: padded(v) },
      (inputs) => {
        const [key, value] = [inputs.k.slice(2, 0, 100), inputs.v.slice(2, 0, 100)];
        return splashAttention({ ...inputs, k: key, v: value }, { maskPaddingTokens: false });
      },
      runMosaicCall('exact'),
    );
    assert.ok(actual < EXACT);
  });
});

describe('the Triton kernel', () => {
  const error = (sizes: Sizes, values: Values, rounding: Rounding = 'exact'): number =>
    largestError(sizes, operands(sizes, values, 2), tritonFlashAttention, runTritonCall(rounding));

  const cases: readonly (readonly [string, Sizes])[] = [
    ['one block', { n: 128, m: 64, c: 16 }],
    ['one token', { n: 1, m: 1, c: 16 }],
    ['heads and batch', { b: 2, h: 3, n: 128, m: 128, c: 16 }],
    ['blocks of queries and keys', { n: 256, m: 192, c: 32 }],
    ['ragged queries', { n: 130, m: 64, c: 32 }],
    ['ragged keys', { n: 128, m: 65, c: 32 }],
    ['fewer keys than a block', { h: 2, n: 77, m: 40, c: 64 }],
    ['both ragged, as wide as in Flux', { h: 2, n: 131, m: 150, c: 128 }],
    ['wide heads', { n: 20, m: 50, c: 256 }],
  ];
  for (const [name, sizes] of cases) {
    test(`${name}: equals dense attention`, () => assert.ok(error(sizes, 'ordinary') < EXACT));
  }

  test('extreme values neither overflow nor vanish', () => {
    for (const values of ALL_VALUES) {
      const found = error({ n: 20, m: 150, c: 64 }, values);
      assert.ok(found < (values === 'large' ? EXACT_LARGE : EXACT), `${values}: ${found}`);
    }
  });

  test('rounded as on the device, it is as good as bf16 is', () => {
    const found = error({ h: 2, n: 140, m: 300, c: 64 }, 'ordinary', 'as typed');
    assert.ok(found > 1e-4 && found < BF16, `${found}`);
  });
});

describe('the evaluators', () => {
  const sizes = { n: 16, m: 100, c: 128 };
  const spoilt = (change: (text: string) => string) => () => {
    const runCall: RunCall = ({ backendConfig }, inputs, shape) => {
      const { custom_call_config: config } = JSON.parse(backendConfig as string) as {
        custom_call_config: { body: string };
      };
      return runMosaic(change(atob(config.body)), inputs, shape, 'exact');
    };
    return largestError(sizes, operands(sizes, 'ordinary', 3), (x) => splashAttention(x), runCall);
  };
  test('refuse operations and types that do not belong', () => {
    assert.throws(
      spoilt((text) => text.replace('math.exp2', 'math.exp3')),
      /no operation math.exp3/,
    );
    assert.throws(
      spoilt((text) => text.replaceAll('vector<1x16x128xbf16>)', 'vector<1x8x128xbf16>)')),
      TypeError,
    );
  });
  test('see a mask that is off by one, a maximum left out and a window that is misplaced', () => {
    assert.ok(spoilt((text) => text.replace('value = dense<100> :', 'value = dense<101> :'))() > 1e-3);
    assert.ok(spoilt((text) => text.replace('dense<-2.3819763', 'dense<2.3819763'))() > 1e-3);
    assert.throws(
      spoilt((text) => text.replaceAll('window_bounds = array<i64: 1, 16,', 'window_bounds = array<i64: 1, 32,')),
      TypeError,
    );
  });
});
