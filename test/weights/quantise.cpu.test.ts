/**
 * Matrices in fewer bits on the CPU plugin: what a linear layer makes of them, against arithmetic written out; the bundled model's
 * pictures in every form, with LoRAs merged and beside, and on meshes; and the memory they take.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLUX_DEV } from '../../src/families/flux1/presets.ts';
import { Flux, type Image, type LoadOptions, readRecipe } from '../../src/index.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { linear } from '../../src/nn/linear.ts';
import { compileRun } from '../../src/pipeline/ahead.ts';
import { byteLength } from '../../src/support/dtype.ts';
import { fromF32, toF32 } from '../../src/support/floats.ts';
import { quantise } from '../../src/weights/quantise.ts';
import type { Activations } from '../../src/xla/graph/tensor.ts';
import { spec, trace } from '../../src/xla/graph/trace.ts';
import { type QuantisedForm, Weights } from '../../src/xla/graph/weights.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose, psnr } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';

const FORMS = ['int8', 'fp8', 'int4'] as const;

after(() => assert.deepEqual(liveCounts(), {}, 'native objects alive after all models were disposed'));

/** Numbers of both signs and of many sizes, from a small generator. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length: count }, () => (uniform() + uniform()) * 2 ** (4 * uniform()));
}

/** Rounds halves to the even neighbour, as XLA does. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

const largest = (row: Float32Array): number => row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
/** The nearest float of 4 bits of exponent and 3 of mantissa. */
function float8(x: number): number {
  const step = 2 ** (Math.max(-6, Math.floor(Math.log2(Math.abs(x)))) - 3);
  return x === 0 ? 0 : roundEven(x / step) * step;
}

/** A row stretched to the range of a type, in f32: numbers half way between two steps are common among those of few bits. */
const stretched = (row: Float32Array, most: number): Float32Array =>
  row.map((x) => x * Math.fround(most / largest(row)));

/** What a row of a matrix becomes, written out. */
const KEPT: Readonly<Record<QuantisedForm, (row: Float32Array, group: number) => Float32Array>> = {
  int8: (row) => stretched(row, 127).map((x) => (roundEven(x) * largest(row)) / 127),
  fp8: (row) => stretched(row, 448).map((x) => (float8(x) * largest(row)) / 448),
  int4: (row, group) => {
    const all = stretched(row, 120);
    return all.map((x, i) => {
      const columns = all.subarray(i - (i % group), i - (i % group) + group);
      const extreme = columns.includes(largest(columns)) ? largest(columns) : -largest(columns);
      const multiplier = roundEven(extreme / -8) || 1;
      const value = Math.max(-8, Math.min(7, roundEven(Math.fround(x / multiplier))));
      return (value * multiplier * largest(row)) / 120;
    });
  },
};

/** Rows turned block by block by a Hadamard matrix, from its definition: H₂ₙ = [H H; H -H]. */
function turned(row: Float32Array, block: number): Float32Array {
  let values = [...row];
  for (let half = 1; half < block; half *= 2) {
    values = values.map((_, i) => {
      const upper = Math.floor(i / half) % 2 === 1;
      return upper ? values[i - half]! - values[i]! : values[i]! + values[i + half]!;
    });
  }
  return Float32Array.from(values, (value) => Math.fround(value) * Math.fround(block ** -0.5));
}

describe('a linear layer', () => {
  interface Case {
    readonly form: QuantisedForm;
    readonly dtype: 'bf16' | 'f32';
    readonly activations: Activations;
    readonly out: number;
    readonly in: number | readonly number[];
    /** Columns of a multiplier. */
    readonly group: number;
    /** Columns that are rotated together where activations are rounded. */
    readonly block: number;
  }
  const shape = { out: 33, in: 96, group: 32, block: 32 };
  const odd = { out: 5, in: 7, group: 7, block: 1 };
  const several = { out: 16, in: [16, 48], group: 16, block: 16 };
  const cases: Case[] = FORMS.flatMap((form): Case[] => [
    { form, dtype: 'bf16', activations: 'rounded', ...shape },
    { form, dtype: 'f32', activations: 'rounded', ...odd },
    { form, dtype: 'bf16', activations: 'kept', ...several },
  ]);

  test('is the product with what each row became', async () => {
    await using runtime = await Runtime.open({ device: 'cpu' });
    for (const { form, dtype, activations, out, in: given, group, block } of cases) {
      const name = `${form} ${dtype} ${activations} [${out}, ${given}]`;
      const inputs = typeof given === 'number' ? given : given.reduce((a, b) => a + b, 0);
      const traced = trace(
        'part',
        new Weights(dtype, dtype, { form, activations }),
        { x: spec(dtype, [2, 3, inputs]) },
        ({ x }, w) => ({
          y: linear(w, { in: given, out, axes: ['embed', 'mlp'] })(x),
        }),
      );
      const rounded = (values: Float32Array) => toF32(dtype, fromF32(dtype, values), values.length);
      const x = rounded(numbers(6 * inputs, 3));
      const weight = rounded(numbers(out * inputs, 5));
      // A row and a token of zeros divide by nothing.
      weight.fill(0, inputs, 2 * inputs);
      x.fill(0, inputs, 2 * inputs);
      const bias = rounded(numbers(out, 7));

      using owned = new DisposableStack();
      const upload = async (values: Float32Array, shape: readonly number[]) =>
        owned.use(await runtime.upload(fromF32(dtype, values), dtype, shape));
      const components = traced.weights.filter(({ component }) => component);
      assert.deepEqual(
        components.map(({ component }) => component),
        form === 'int4' ? ['values', 'scales', 'multipliers'] : ['values', 'scales'],
      );
      const matrix = await quantise(runtime, await upload(weight, [out, inputs]), components);
      for (const array of matrix) owned.use(array);
      const program = await runtime.compile(traced);
      const { y } = program.run({ x: await upload(x, [2, 3, inputs]) }, [...matrix, await upload(bias, [out])]);
      owned.use(y!);
      const found = toF32(dtype, await y!.toHost(), 6 * out);

      const integers = activations === 'rounded' && form !== 'fp8';
      const rowOf = (values: Float32Array, i: number) => values.subarray(i * inputs, (i + 1) * inputs);
      const rotated = (row: Float32Array) => (integers ? turned(row, block) : row);
      const kept = (row: Float32Array, as: QuantisedForm) => (largest(row) === 0 ? row : KEPT[as](row, group));
      const matrixRows = Array.from({ length: out }, (_, i) => kept(rotated(rowOf(weight, i)), form));
      const expected = new Float32Array(6 * out);
      for (let token = 0; token < 6; token++) {
        const values = rotated(rowOf(x, token));
        const used = integers ? kept(values, 'int8') : values;
        for (let i = 0; i < out; i++)
          expected[token * out + i] = used.reduce((sum, value, c) => sum + value * matrixRows[i]![c]!, bias[i]!);
      }
      // Two sides may round a number between two steps apart, and bf16 rounds twice; anything else is far beyond.
      assertClose(name, found, expected, { maxRelative: dtype === 'bf16' ? 8e-3 : 2e-3 });
      // The layer is what the plain one is, but for the form's own error.
      const exact = expected.map((_, at) => {
        const [token, i] = [Math.floor(at / out), at % out];
        return rowOf(x, token).reduce((sum, value, c) => sum + value * rowOf(weight, i)[c]!, bias[i]!);
      });
      assertClose(`${name} beside the plain layer`, found, exact, { maxRelative: form === 'int4' ? 0.3 : 0.1 });
    }
  });

  test('with values that are no numbers gives none', async () => {
    await using runtime = await Runtime.open({ device: 'cpu' });
    const traced = trace(
      'part',
      new Weights('f32', 'f32', { form: 'int8' }),
      { x: spec('f32', [2, 8]) },
      ({ x }, w) => ({
        y: linear(w, { in: 8, out: 4, axes: ['embed', 'mlp'], bias: 'none' })(x),
      }),
    );
    using weight = await runtime.upload(numbers(32, 1), 'f32', [4, 8]);
    const matrix = await quantise(runtime, weight, traced.weights);
    const x = numbers(16, 2);
    x[3] = Number.NaN;
    using given = await runtime.upload(x, 'f32', [2, 8]);
    using y = (await runtime.compile(traced)).run({ x: given }, matrix)['y']!;
    const found = toF32('f32', await y.toHost(), 8);
    for (const array of matrix) array.dispose();
    assert.deepEqual([...found].map(Number.isFinite), [false, false, false, false, true, true, true, true]);
  });
});

describe('the bundled model', () => {
  const SMALL = { prompt: 'a lighthouse by the sea at noon', width: 64, height: 64, steps: 4, seed: [7, 8] } as const;
  const NIGHT = { path: repositoryPath('models/tiny-lora') };

  async function make(options: LoadOptions, loras: readonly { readonly path: string }[] = []): Promise<Image[]> {
    await using flux = await Flux.load('tiny', { device: 'cpu', ...options });
    return await flux.generate({ ...SMALL, loras });
  }
  /** PSNR of the picture that is farthest from its own. */
  const worst = (found: readonly Image[], expected: readonly Image[]): number =>
    Math.min(...found.map(({ data }, i) => psnr(data, expected[i]!.data)));

  // In dB, some below what was measured: docs/guide/quantization.md.
  const LEAST = { int8: 42, fp8: 38, int4: 30 } as const;
  let plain: Image[];
  let night: Image[];
  before(async () => {
    plain = await make({});
    night = await make({}, [NIGHT]);
  });

  for (const quantization of FORMS) {
    test(`in ${quantization} makes nearly the same pictures, and says so in them`, async () => {
      const found = await make({ quantization });
      const quality = worst(found, plain);
      assert.ok(quality > LEAST[quantization] && quality < 65, `${quality} dB`);
      assert.equal(readRecipe(await found[0]!.png(), 'made').recipe?.quantization, quantization);
      assert.equal(readRecipe(await plain[0]!.png(), 'made').recipe?.quantization, undefined);
    });

    test(`in ${quantization} takes LoRAs, merged and beside`, async () => {
      const [merged, beside] = [
        await make({ quantization, loraMode: 'merged' }, [NIGHT]),
        await make({ quantization, loraMode: 'beside' }, [NIGHT]),
      ];
      const pairs = { merged: worst(merged, night), beside: worst(beside, night), both: worst(merged, beside) };
      assert.ok(Math.min(...Object.values(pairs)) > LEAST[quantization], JSON.stringify(pairs));
      assert.ok(worst(merged, plain) < 20, 'the LoRA changes the picture');
    });
  }

  // Sums in another order round some activation to the next integer. This model is so narrow that shares of devices cut through
  // blocks of columns, which 4 bits then round in other groups.
  for (const [quantization, least] of [
    ['int8', 50],
    ['int4', 38],
  ] as const) {
    test(`in ${quantization} on a mesh makes the pictures of one device`, async () => {
      const one = await make({ quantization, dtype: 'f32' });
      const mesh = { ici: { fsdp: 2, tensor: 2 } };
      const four = await make({ quantization, dtype: 'f32', cpuDevices: 4, mesh });
      assert.ok(worst(four, one) > least, `${worst(four, one)} dB`);
    });
  }

  test('streamed, it makes the same pictures', async () => {
    const [resident, streamed] = [
      await make({ quantization: 'int4', residency: 'resident' }, [NIGHT]),
      await make({ quantization: 'int4', residency: 'streamed' }, [NIGHT]),
    ];
    assert.equal(worst(streamed, resident), Number.POSITIVE_INFINITY);
  });

  test('is told what cannot be', async () => {
    await assert.rejects(Flux.load('tiny', { device: 'cpu', quantization: 'int3' as 'int4' }), {
      code: 'bad_request',
      message: /quantization.*'int3'/,
    });
  });
});

describe('memory', () => {
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens: 256,
    textTokens: 512,
    steps: 1,
    compute: 'bf16',
    storage: 'bf16',
  } as const;
  const block = (form?: QuantisedForm) => fluxPrograms(FLUX_DEV, { ...sizes, form }).singleBlock;

  test('of a block is that of its bits', () => {
    const bytes = (form?: QuantisedForm) =>
      block(form).weights.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0);
    const plain = bytes();
    const share = (form: QuantisedForm) => (16 * bytes(form)) / plain;
    // In bits a weight: what scales, biases and norms take is little.
    for (const [form, bits] of [
      ['int8', 8],
      ['fp8', 8],
      ['int4', 4.25],
    ] as const)
      assert.ok(Math.abs(share(form) - bits) < 0.02, `${form}: ${share(form)} bits`);
  });

  test('holds no widened copy of an int8 matrix, and of int4 its 8 bits', async () => {
    await using runtime = await Runtime.open({ device: 'cpu' });
    const temporaries = async (form?: QuantisedForm) => (await runtime.compile(block(form))).memory.temporaries;
    const [plain, int8, int4] = [await temporaries(), await temporaries('int8'), await temporaries('int4')];
    const matrix = 3072 * 15360;
    const tokens = 768 * 15360;
    // 32 bits of a product and the 8 of what is multiplied stand beside the plain block's own.
    assert.ok(int8 - plain < 5 * tokens, `${int8 - plain} bytes more than the plain block`);
    assert.ok(int4 - int8 < 1.01 * matrix, `${int4 - int8} bytes more than int8`);
  });

  test('is counted ahead of time', async () => {
    const weights = async (quantization?: 'int8' | 'int4') => {
      const request = { prompt: 'a' };
      const options = { target: 'cpu:1', stages: [], ...(quantization && { quantization }) };
      return (await compileRun('FLUX.1-dev', request, options)).transformerWeights.total;
    };
    const [plain, int8, int4] = [await weights(), await weights('int8'), await weights('int4')];
    assert.ok(Math.abs(plain / 23.8e9 - 1) < 0.01, `${plain}`);
    // Modulations and what is outside the blocks, 6.6 GB, stay as they are.
    const blocks = 17.2e9;
    assert.ok(Math.abs(int8 / (plain - blocks + (blocks * 8) / 16) - 1) < 0.01, `${int8}`);
    assert.ok(Math.abs(int4 / (plain - blocks + (blocks * 4.25) / 16) - 1) < 0.01, `${int4}`);
  });
});
