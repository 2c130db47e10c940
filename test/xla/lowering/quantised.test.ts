/** Quantised matrices as graphs: what a linear layer declares of one, and in which numbers a platform multiplies it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linear } from '../../../src/nn/linear.ts';
import { byteLength } from '../../../src/support/dtype.ts';
import { graph } from '../../../src/xla/graph/graph.ts';
import { quantisedMatmul } from '../../../src/xla/graph/ops.ts';
import { print } from '../../../src/xla/graph/print.ts';
import { rotationBlock } from '../../../src/xla/graph/rotation.ts';
import { type Activations, parameter, type Tensor } from '../../../src/xla/graph/tensor.ts';
import { spec, trace } from '../../../src/xla/graph/trace.ts';
import { type QuantisedForm, Weights, weightKey } from '../../../src/xla/graph/weights.ts';
import { arithmeticChoices, lower, type Target } from '../../../src/xla/lowering/lower.ts';
import { fails } from '../../support/fails.ts';

const H200: Target = { platform: 'cuda', computeCapability: 9 };

function layer(form: QuantisedForm, activations: Activations = 'rounded', inputs: number | readonly number[] = 64) {
  const width = typeof inputs === 'number' ? inputs : inputs.reduce((a, b) => a + b);
  return trace(
    'part',
    new Weights('bf16', 'bf16', { form, activations }),
    { x: spec('bf16', [2, width]) },
    ({ x }, w) => ({
      y: linear(w.at('a'), { in: inputs, out: 12, axes: ['heads', 'embed'], rows: { start: 12, end: 24, of: 36 } })(x),
    }),
  );
}

describe('a declared matrix', () => {
  test('is values with the name and shape of the weight, and scales and multipliers beside them', () => {
    const rows = { start: 12, end: 24, of: 36 };
    const of = (form: QuantisedForm) => layer(form).weights.filter(({ component }) => component);
    assert.deepEqual(of('int4'), [
      {
        name: 'a.weight',
        component: 'values',
        dtype: 'i4',
        shape: [12, 64],
        axes: ['embed', 'heads'],
        rows,
        rotation: 64,
      },
      { name: 'a.weight', component: 'scales', dtype: 'f32', shape: [12], axes: ['embed'], rows },
      { name: 'a.weight', component: 'multipliers', dtype: 'i8', shape: [12, 2], axes: ['embed', 'heads'], rows },
    ]);
    assert.deepEqual(of('int4').map(weightKey), [
      'a.weight[12:24]',
      'a.weight[12:24].scales',
      'a.weight[12:24].multipliers',
    ]);
    assert.deepEqual(
      (['int8', 'fp8'] as const).map((form) => of(form).map(({ dtype }) => dtype)),
      [
        ['i8', 'f32'],
        ['f8e4m3', 'f32'],
      ],
    );
  });

  test('has groups that divide everything that is side by side', () => {
    const groups = (inputs: number | readonly number[]) => {
      const { shape, segments } = layer('int4', 'rounded', inputs).weights.find((w) => w.component === 'multipliers')!;
      return [shape[1], segments];
    };
    assert.deepEqual(groups(96), [3, undefined]);
    assert.deepEqual(groups([48, 192]), [15, [3, 12]]);
    assert.deepEqual(groups([8, 96]), [13, [1, 12]]);
    assert.deepEqual(groups(50), [1, undefined]);
    assert.deepEqual(groups([3, 5]), [1, undefined]);
  });

  test('of 4-bit values takes half a byte each, the last byte whole', () => {
    assert.deepEqual([byteLength('i4', [3, 4]), byteLength('i4', [3, 5]), byteLength('i8', [3, 5])], [6, 8, 15]);
  });
});

describe('the arithmetic of a product', () => {
  const choice = (form: QuantisedForm, target: Target, activations?: Activations) =>
    arithmeticChoices(layer(form, activations).graph, target).map(({ arithmetic }) => arithmetic);

  test('is that of integers, of 8-bit floats where a device has them, and otherwise that of the activations', () => {
    for (const platform of ['cpu', 'tpu', 'cuda'] as const)
      for (const form of ['int8', 'int4'] as const) assert.deepEqual(choice(form, { platform }), ['int8'], platform);
    assert.deepEqual(choice('fp8', H200), ['fp8']);
    assert.deepEqual(choice('fp8', { platform: 'cuda', computeCapability: 8 }), ['widened']);
    assert.deepEqual(choice('fp8', { platform: 'cpu' }), ['widened']);
    assert.deepEqual(choice('int8', { platform: 'metal' }), ['widened']);
    for (const form of ['int8', 'fp8', 'int4'] as const) assert.deepEqual(choice(form, H200, 'kept'), ['widened']);
  });

  test('is written as one product of the types that libraries take, scaled afterwards', () => {
    const dots = (form: QuantisedForm, target: Target, activations?: Activations): string[] =>
      print(lower(layer(form, activations).graph, target))
        .match(/stablehlo\.dot_general.*/g)!
        .map((line) => line.replace(/.* : /, ''));
    // What is rounded to integers is rotated before.
    const integers = [
      '(tensor<2x1x64xbf16>, tensor<64x64xbf16>) -> tensor<2x1x64xf32>',
      '(tensor<2x64xi8>, tensor<12x64xi8>) -> tensor<2x12xi32>',
    ];
    assert.deepEqual(dots('int8', H200), integers);
    assert.deepEqual(dots('int4', H200), integers);
    // The pattern that XLA hands to cuBLASLt: operands as they are, the result in the activations' type.
    assert.deepEqual(dots('fp8', H200), ['(tensor<2x64xf8E4M3FN>, tensor<12x64xf8E4M3FN>) -> tensor<2x12xbf16>']);
    assert.deepEqual(dots('fp8', { platform: 'tpu' }), ['(tensor<2x64xbf16>, tensor<12x64xbf16>) -> tensor<2x12xf32>']);
    assert.deepEqual(dots('int8', H200, 'kept'), ['(tensor<2x64xbf16>, tensor<12x64xbf16>) -> tensor<2x12xf32>']);
  });

  test('must be chosen before a graph is printed', () => {
    fails(() => print(layer('int8').graph), 'unsupported', /quantisedMatmul must be lowered/);
  });
});

test('what does not fit is refused', () => {
  const x = parameter('x', 'bf16', [2, 6]);
  const values = parameter('v', 'i8', [4, 6]);
  const scales = parameter('s', 'f32', [4]);
  const refused = (matrix: Parameters<typeof quantisedMatmul>[1], why: RegExp, given: Tensor<'bf16'> = x) =>
    fails(() => quantisedMatmul(given, matrix, 'rounded'), 'bad_shape', why);
  refused({ values, scales }, /expected x \[\.\.\., in\].*bf16\[2, 5\]/, parameter('x', 'bf16', [2, 5]));
  refused({ values, scales: parameter('s', 'f32', [6]) }, /expected x/);
  refused({ values, scales, multipliers: parameter('m', 'i8', [4, 4]) }, /groups divide the columns/);
  refused({ values, scales, multipliers: parameter('m', 'i8', [2, 3]) }, /groups divide the columns/);
  refused({ values, scales, rotation: 4 }, /blocks of 4 do not divide the columns/);
  assert.deepEqual(quantisedMatmul(x, { values, scales }, 'kept').shape, [2, 4]);
  assert.equal(graph('g', [x, values, scales], [quantisedMatmul(x, { values, scales }, 'kept')]).nodes.length, 4);
});

describe('a rotation', () => {
  test('is in blocks that divide all that is side by side', () => {
    assert.deepEqual(
      [[3072, 12288], [192], [192, 768], [48], [7], [8, 96]].map(rotationBlock),
      [128, 64, 64, 16, 1, 8],
    );
  });

  test('of the weight and of what it meets is declared by layers whose activations become integers', () => {
    const rotation = (form: QuantisedForm, activations: Activations) => layer(form, activations).weights[0]!.rotation;
    assert.deepEqual([rotation('int8', 'rounded'), rotation('int4', 'rounded')], [64, 64]);
    assert.deepEqual([rotation('int8', 'kept'), rotation('fp8', 'rounded')], [undefined, undefined]);
  });
});
