/** The graph: what shapes are taken and refused, with what words; what every operation prints; rewriting and tracing. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linear } from '../../../src/nn/linear.ts';
import type { DType } from '../../../src/support/dtype.ts';
import { graph, rewrite } from '../../../src/xla/graph/graph.ts';
import {
  attention,
  concatenate,
  convolution,
  dot,
  iota,
  matmulTransposed,
  padZeros,
  select,
  split,
  take,
} from '../../../src/xla/graph/ops.ts';
import { type PrintOptions, print } from '../../../src/xla/graph/print.ts';
import { einsum, rearrange } from '../../../src/xla/graph/rearrange.ts';
import { constant, parameter, type Tensor } from '../../../src/xla/graph/tensor.ts';
import { spec, trace } from '../../../src/xla/graph/trace.ts';
import { Weights } from '../../../src/xla/graph/weights.ts';
import { lower } from '../../../src/xla/lowering/lower.ts';
import { fails } from '../../support/fails.ts';

const f32 = (...shape: number[]): Tensor<'f32'> => parameter('x', 'f32', shape);
const bf16 = (...shape: number[]): Tensor<'bf16'> => parameter('y', 'bf16', shape);
const i32 = (...shape: number[]): Tensor<'i32'> => parameter('i', 'i32', shape);

/** Expects an operation to be refused in these words. */
function refuses(action: () => unknown, ...words: RegExp[]): void {
  fails(action, 'bad_shape', ...words);
}

/** The operations printed for one result, without module and function around them. */
function body(result: Tensor, options: PrintOptions = {}): string[] {
  const parameters: Tensor[] = [];
  const seen = new Set<Tensor>();
  const visit = (t: Tensor): void => {
    if (seen.has(t)) return;
    seen.add(t);
    t.inputs.forEach(visit);
    if (t.op.kind === 'parameter') parameters.push(t);
  };
  visit(result);
  const lines = print(graph('g', parameters, [result]), options).split('\n');
  return lines.slice(2, -4).map((line) => line.trim());
}

describe('shapes', () => {
  test('dimensions of 1 stretch, ranks must agree', () => {
    assert.deepEqual(f32(2, 1, 3).add(f32(1, 4, 3)).shape, [2, 4, 3]);
    assert.deepEqual(f32(2, 3).mul(2).shape, [2, 3]);
    refuses(() => f32(2, 3).add(f32(3)), /^add: shapes do not broadcast .*; got f32\[2, 3\] and f32\[3\]$/m);
    refuses(() => f32(2, 3).sub(f32(2, 4)), /^subtract: .*f32\[2, 3\] and f32\[2, 4\]$/m);
    refuses(() => f32(2).compare('LT', f32(3)), /^compare LT: /);
  });

  test('element types do not mix, at compile time and at run time', () => {
    // @ts-expect-error bf16 and f32 do not mix
    refuses(() => bf16(2).add(f32(2)), /^add: element types differ \(cast one\); got bf16\[2\] and f32\[2\]$/m);
    // @ts-expect-error the other way round
    refuses(() => f32(2).mul(bf16(2)), /^multiply: element types differ/);
    // @ts-expect-error dot
    refuses(() => matmulTransposed(bf16(2, 3), f32(4, 3)), /^dot: element types differ/);
    // @ts-expect-error einsum
    refuses(() => einsum('a b, b c -> a c', bf16(2, 3), f32(3, 4)), /^dot: element types differ/);
    // @ts-expect-error select
    refuses(() => select(f32(2).compare('LT', 0), f32(2), bf16(2)), /^select: /);
    // @ts-expect-error convolution
    refuses(() => convolution(bf16(1, 4, 4, 2), f32(3, 2, 1, 1), WINDOW), /^convolution: /);
    // @ts-expect-error attention
    refuses(() => attention(bf16(1, 1, 2, 4), f32(1, 1, 2, 4), f32(1, 1, 2, 4), { scale: 1 }), /^attention: element/);
    // @ts-expect-error an index must be an integer
    take(f32(3, 2), f32(4));
    // @ts-expect-error a Tensor<'f32'> is not what a bf16 forward takes
    const forward: (x: Tensor<'bf16'>) => void = (x: Tensor<'f32'>) => void x;
    forward(bf16(2).cast('bf16'));
    const cast: Tensor<'f32'> = bf16(2).cast('f32').add(f32(2));
    assert.equal(cast.dtype, 'f32');
  });

  test('reshape keeps the count and infers one dimension', () => {
    assert.deepEqual(f32(2, 6).reshape([3, -1]).shape, [3, 4]);
    refuses(() => f32(2, 6).reshape([5, -1]), /^reshape: cannot become \[5, -1\]; got f32\[2, 6\]$/m);
    refuses(() => f32(2, 6).reshape([-1, -1]), /^reshape/);
    refuses(() => f32(2, 6).reshape([-3, -4]), /^reshape/);
    refuses(() => f32(0).reshape([0, -1]), /^reshape/);
  });

  test('transpose takes a permutation', () => {
    assert.deepEqual(f32(2, 3, 4).transpose([2, 0, 1]).shape, [4, 2, 3]);
    assert.deepEqual(body(f32(2, 3).transpose([-1, 0])), body(f32(2, 3).transpose([1, 0])));
    refuses(() => f32(2, 3).transpose([0, 0]), /^transpose: \[0, 0\] is not a permutation/);
    refuses(() => f32(2, 3).transpose([0]), /^transpose/);
    refuses(() => f32(2, 3).transpose([0, 2]), /^transpose: no dimension 2; got f32\[2, 3\]$/m);
  });

  test('what changes nothing is no node', () => {
    const x = f32(2, 3);
    for (const same of [
      x.reshape([2, 3]),
      x.transpose([0, 1]),
      x.broadcastTo([2, 3]),
      x.cast('f32'),
      x.slice(1, 0, 3),
      concatenate([x], 0),
      rearrange(x, 'a b -> a b'),
    ])
      assert.equal(same, x);
  });

  test('slices lie within', () => {
    assert.deepEqual(f32(2, 7).slice(-1, 1, 6, 2).shape, [2, 3]);
    for (const [start, limit, stride] of [
      [3, 3, 1],
      [0, 8, 1],
      [-1, 3, 1],
      [0, 4, 0],
      [0.5, 3, 1],
    ] as const)
      refuses(() => f32(2, 7).slice(1, start, limit, stride), /^slice: \[.*\) by .* is outside dimension 1 of size 7/);
    assert.deepEqual(
      split(f32(2, 7), [3, 4], 1).map((t) => t.shape),
      [
        [2, 3],
        [2, 4],
      ],
    );
    refuses(() => split(f32(2, 7), [3, 3], 1), /^split: pieces of 3 \+ 3 do not fill dimension 1; got f32\[2, 7\]$/m);
  });

  test('reductions keep dimensions of 1', () => {
    assert.deepEqual(f32(2, 3, 4).sum(0, -1).shape, [1, 3, 1]);
    assert.deepEqual(f32(2, 3, 4).mean(1).shape, [2, 1, 4]);
    refuses(() => f32(2, 3).sum(1, -1), /^reduce add: \[1, -1\] names one twice; got f32\[2, 3\]$/m);
    refuses(() => i32(2, 3).maxOver(1), /^reduce maximum: needs a floating-point operand; got i32\[2, 3\]$/m);
    refuses(() => f32(2).maxOver(1), /^reduce maximum: no dimension 1; got f32\[2\]$/m);
    refuses(() => i32(2).exp(), /^exponential: needs a floating-point operand; got i32\[2\]$/m);
  });

  test('dot pairs dimensions of equal size', () => {
    const product = dot(f32(5, 2, 3), f32(5, 4, 3), { batch: [[0], [0]], contract: [[2], [2]] });
    assert.deepEqual(product.shape, [5, 2, 4]);
    assert.equal(dot(bf16(2, 3), bf16(4, 3), { batch: [[], []], contract: [[1], [1]] }, 'f32').dtype, 'f32');
    const bad = (batch: [number[], number[]], contract: [number[], number[]]) => () =>
      dot(f32(2, 3), f32(4, 3), { batch, contract });
    refuses(
      bad([[], []], [[0], [0]]),
      /^dot: dimension 0 of the first and dimension 0 of the second differ in size; got f32\[2, 3\] and f32\[4, 3\]$/m,
    );
    refuses(bad([[], []], [[2], [1]]), /^dot/);
    refuses(bad([[], []], [[1], [1, 0]]), /^dot: dimensions must come in pairs, each at most once/);
    refuses(bad([[1], [1]], [[1], [1]]), /^dot: dimensions must come in pairs, each at most once/);
  });

  test('concatenate, take, pad and select say what they were given', () => {
    assert.deepEqual(concatenate([f32(2, 3), f32(2, 4)], -1).shape, [2, 7]);
    refuses(
      () => concatenate([f32(2, 3), f32(3, 3)], 1),
      /^concatenate along 1: element types and all other dimensions must agree; got f32\[2, 3\] and f32\[3, 3\]$/m,
    );
    assert.deepEqual(take(f32(9, 4), i32(2, 3)).shape, [2, 3, 4]);
    refuses(() => take(f32(9), i32(2)), /^take: the table must be \[rows, width\]; got f32\[9\] and i32\[2\]$/m);
    assert.deepEqual(padZeros(f32(2, 3), [0, 1], [1, 1]).shape, [3, 5]);
    refuses(() => padZeros(f32(2, 3), [0, -1], [0, 0]), /^pad: bad amounts \[0, -1\] and \[0, 0\]; got f32\[2, 3\]$/m);
    assert.deepEqual(select(f32(2, 1).compare('GT', 0), f32(1, 3), f32(2, 3)).shape, [2, 3]);
    refuses(
      () => select(f32(2).compare('GT', 0), f32(3), f32(3)),
      /^select: shapes do not broadcast, or element types differ; got bool\[2\] and f32\[3\]/,
    );
  });

  test('a convolution needs matching channels and a window that fits', () => {
    assert.deepEqual(convolution(f32(1, 5, 8, 2), f32(3, 2, 3, 3), { ...WINDOW, stride: [2, 2] }).shape, [1, 2, 3, 3]);
    refuses(
      () => convolution(f32(1, 5, 5, 2), f32(3, 4, 3, 3), WINDOW),
      /^convolution: expected \[b, height, width, in\] and \[out, in, kh, kw\]; got f32\[1, 5, 5, 2\] and f32\[3, 4, 3, 3\]$/m,
    );
    refuses(() => convolution(f32(1, 2, 2, 2), f32(3, 2, 3, 3), WINDOW), /the window does not fit the picture/);
  });

  test('attention checks heads, keys, mask and bias', () => {
    const q = f32(2, 3, 5, 4);
    const kv = f32(2, 3, 7, 4);
    assert.deepEqual(attention(q, kv, kv, { scale: 1, bias: f32(1, 3, 5, 7) }).shape, q.shape);
    refuses(() => attention(q, f32(2, 3, 7, 8), kv, { scale: 1 }), /^attention: expected q \[b, h, n, c\] and k, v/);
    refuses(() => attention(q, kv, q, { scale: 1 }), /^attention: expected/);
    refuses(
      () => attention(q, kv, kv, { scale: 1, mask: 'causal' }),
      /^attention: a causal mask needs as many queries/,
    );
    refuses(
      () => attention(q, kv, kv, { scale: 1, bias: f32(1, 3, 7, 5) }),
      /^attention bias: expected \[1 or 2, 1 or 3, 5, 7\]/,
    );
  });

  test('constants hold what their type holds', () => {
    refuses(() => constant(0.5, 'i32'), /^constant: cannot hold 0\.5; got i32\[\]$/m);
    refuses(() => constant(-3, 'u8'), /^constant: cannot hold -3; got u8\[\]$/m);
    refuses(() => constant(true, 'f32'), /^constant: cannot hold true/);
    refuses(() => constant(1, 'bool'), /^constant: cannot hold 1/);
    refuses(() => constant(Float32Array.of(1, 2), 'i32', [2]), /^constant: cannot hold a Float32Array/);
    refuses(() => constant(Int32Array.of(1, 2), 'f32', [2]), /^constant: cannot hold a Int32Array/);
    refuses(() => constant(Float32Array.of(1, 2), 'f32', [3]), /^constant: has 2 values; got f32\[3\]$/m);
    refuses(() => i32(4).mean(0), /^constant: cannot hold 0\.25/);
    refuses(() => parameter('p', 'f32', [2, -1]), /^parameter p: bad shape/);
  });
});

const WINDOW = {
  stride: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
} as const;

describe('patterns', () => {
  test('rearrange splits, reorders and merges', () => {
    const x = f32(2, 5, 12);
    assert.deepEqual(rearrange(x, 'b n (k h c) -> k b h n c', { k: 3, h: 2 }).shape, [3, 2, 2, 5, 2]);
    assert.deepEqual(rearrange(x, 'b n c -> (b n) 1 c').shape, [10, 1, 12]);
    assert.deepEqual(rearrange(f32(1, 6), '1 (a b) -> b a', { a: 2 }).shape, [3, 2]);
    assert.deepEqual(
      body(rearrange(f32(1, 6), '1 (a b) -> b a', { a: 2 })),
      body(f32(1, 6).reshape([2, 3]).transpose([1, 0])),
    );
  });

  test('rearrange refuses what does not fit, naming pattern and shape', () => {
    const bad = (pattern: string, sizes?: Record<string, number>) => () => rearrange(f32(2, 6), pattern, sizes);
    refuses(bad('a -> a'), /^rearrange 'a -> a': expected 1 dimensions; got f32\[2, 6\]$/m);
    refuses(bad('a (b c) -> a b c'), /give the size of one of b, c/);
    refuses(bad('a (b c) -> a b c', { b: 4 }), /\(b c\) with b = 4, c = 1\.5 is not dimension 1/);
    refuses(bad('a (b c) -> a b c', { b: 2, c: 2 }), /\(b c\) with b = 2, c = 2 is not dimension 1/);
    refuses(bad('a b -> a'), /both sides must use the same names/);
    refuses(bad('a b -> a c'), /both sides must use the same names/);
    refuses(bad('a b -> b a', { n: 3 }), /no dimension is called n/);
    refuses(bad('1 b -> b'), /is not dimension 0/);
    for (const pattern of ['a b', 'a b -> b a -> a', 'a (b -> a b', 'a b) -> a b', 'a a -> a', 'a - -> a'])
      assert.throws(bad(pattern), SyntaxError, pattern);
  });

  test('einsum contracts by name and orders its result', () => {
    const scores = einsum('b h n c, b h m c -> b h n m', bf16(2, 3, 5, 4), bf16(2, 3, 7, 4), 'f32');
    assert.deepEqual([scores.dtype, ...scores.shape], ['f32', 2, 3, 5, 7]);
    assert.deepEqual(einsum('i j, j k -> k i', f32(2, 3), f32(3, 4)).shape, [4, 2]);
    refuses(() => einsum('i j, j k -> i k', f32(2, 3), f32(4, 5)), /^dot: .*f32\[2, 3\] and f32\[4, 5\]$/m);
    refuses(
      () => einsum('i j, j -> i', f32(2, 3), f32(3, 4)),
      /^einsum 'i j, j -> i': the pattern and the operands have different ranks/,
    );
    const bad = [
      'i j -> i',
      'i j, j k',
      'i j, j k -> i',
      'i j, j k -> i k -> i',
      'i j, (j k) -> i',
      'i j, j k, k -> i',
    ];
    for (const pattern of bad) assert.throws(() => einsum(pattern, f32(2, 3), f32(3, 4)), SyntaxError, pattern);
  });
});

describe('printing', () => {
  test('every operation', () => {
    const x = f32(2, 3);
    const type = 'tensor<2x3xf32>';
    const printed: [Tensor, ...string[]][] = [
      [constant(2, 'f32'), '%0 = stablehlo.constant dense<2.0> : tensor<f32>'],
      [constant(true, 'bool'), '%0 = stablehlo.constant dense<true> : tensor<i1>'],
      [constant(3, 'u8'), '%0 = stablehlo.constant dense<3> : tensor<ui8>'],
      [constant(1e-7, 'bf16'), '%0 = stablehlo.constant dense<1.0e-7> : tensor<bf16>'],
      [constant(1.5e30, 'f32'), '%0 = stablehlo.constant dense<1.5e+30> : tensor<f32>'],
      [constant(Number.NEGATIVE_INFINITY, 'bf16'), '%0 = stablehlo.constant dense<0xFF80> : tensor<bf16>'],
      [constant(Float32Array.of(1, -2), 'bf16', [2]), '%0 = stablehlo.constant dense<"0x803F00C0"> : tensor<2xbf16>'],
      [constant(Int32Array.of(1), 'i32', [1]), '%0 = stablehlo.constant dense<"0x01000000"> : tensor<1xi32>'],
      [iota('i32', [2, 3], -1), '%0 = stablehlo.iota dim = 1 : tensor<2x3xi32>'],
      [x.tanh(), `%0 = stablehlo.tanh %arg0 : ${type}`],
      [x.erf(), `%0 = chlo.erf %arg0 : ${type} -> ${type}`],
      [x.max(x), `%0 = stablehlo.maximum %arg0, %arg0 : ${type}`],
      [x.compare('GE', x), `%0 = stablehlo.compare GE, %arg0, %arg0, FLOAT : (${type}, ${type}) -> tensor<2x3xi1>`],
      [
        i32(2).compare('NE', i32(2)),
        '%0 = stablehlo.compare NE, %arg0, %arg1, SIGNED : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi1>',
      ],
      [
        select(parameter('c', 'bool', [2, 3]), x, x),
        `%0 = stablehlo.select %arg0, %arg1, %arg1 : tensor<2x3xi1>, ${type}`,
      ],
      [x.cast('bf16'), `%0 = stablehlo.convert %arg0 : (${type}) -> tensor<2x3xbf16>`],
      [x.reshape([6]), `%0 = stablehlo.reshape %arg0 : (${type}) -> tensor<6xf32>`],
      [x.transpose([1, 0]), `%0 = stablehlo.transpose %arg0, dims = [1, 0] : (${type}) -> tensor<3x2xf32>`],
      [
        f32(2, 1).broadcastTo([2, 3]),
        '%0 = stablehlo.reshape %arg0 : (tensor<2x1xf32>) -> tensor<2xf32>',
        `%1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> ${type}`,
      ],
      [x.slice(1, 1, 3), `%0 = stablehlo.slice %arg0 [0:2, 1:3] : (${type}) -> tensor<2x2xf32>`],
      [x.slice(1, 0, 3, 2), `%0 = stablehlo.slice %arg0 [0:2, 0:3:2] : (${type}) -> tensor<2x2xf32>`],
      [
        concatenate([x, x], 0),
        `%0 = stablehlo.concatenate %arg0, %arg0, dim = 0 : (${type}, ${type}) -> tensor<4x3xf32>`,
      ],
      [
        padZeros(x, [1, 0], [0, 2]),
        '%0 = stablehlo.constant dense<0.0> : tensor<f32>',
        `%1 = stablehlo.pad %arg0, %0, low = [1, 0], high = [0, 2], interior = [0, 0] : (${type}, tensor<f32>) -> tensor<3x5xf32>`,
      ],
      [
        x.maxOver(1),
        '%0 = stablehlo.constant dense<0xFF800000> : tensor<f32>',
        `%1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.maximum across dimensions = [1] : (${type}, tensor<f32>) -> tensor<2xf32>`,
        '%2 = stablehlo.reshape %1 : (tensor<2xf32>) -> tensor<2x1xf32>',
      ],
      [
        dot(f32(5, 2), f32(5, 2), { batch: [[0], [0]], contract: [[1], [1]] }),
        '%0 = stablehlo.dot_general %arg0, %arg1, batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<5x2xf32>, tensor<5x2xf32>) -> tensor<5xf32>',
      ],
      [
        take(x, i32(4)),
        `%0 = "stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 3>}> : (${type}, tensor<4xi32>) -> tensor<4x3xf32>`,
      ],
      [
        convolution(f32(1, 4, 4, 2), f32(3, 2, 3, 3), {
          stride: [2, 2],
          padding: [
            [0, 1],
            [0, 1],
          ],
        }),
        '%0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x4x4x2xf32>, tensor<3x2x3x3xf32>) -> tensor<1x2x2x3xf32>',
      ],
    ];
    for (const [result, ...lines] of printed) assert.deepEqual(body(result), lines);
    const q = f32(1, 1, 2, 4);
    fails(() => body(attention(q, q, q, { scale: 1 })), 'unsupported', /attention must be lowered/);
  });

  test('precision is asked of dots and convolutions', () => {
    const product = matmulTransposed(f32(2, 3), f32(4, 3));
    assert.match(body(product, { precision: 'HIGHEST' })[0]!, /, precision = \[HIGHEST, HIGHEST\] : /);
    assert.deepEqual(body(product, { precision: 'DEFAULT' }), body(product));
    const picture = convolution(f32(1, 4, 4, 2), f32(3, 2, 1, 1), WINDOW);
    assert.match(
      body(picture, { precision: 'HIGH' })[0]!,
      /precision_config = \[#stablehlo<precision HIGH>, #stablehlo<precision HIGH>\]\}/,
    );
  });

  test('a module names its arguments in order and marks those it may overwrite', () => {
    const [a, b] = [parameter('a', 'f32', [2]), parameter('b', 'f32', [2])];
    const g = graph('two-results', [a, b], [b.neg(), a]);
    assert.equal(
      print(g, { aliases: new Map([[0, 1]]) }),
      [
        'module @two_results {',
        '  func.func public @main(%arg0: tensor<2xf32>, %arg1: tensor<2xf32> {tf.aliasing_output = 0 : i32}) -> (tensor<2xf32>, tensor<2xf32>) {',
        '    %0 = stablehlo.negate %arg1 : tensor<2xf32>',
        '    return %0, %arg0 : tensor<2xf32>, tensor<2xf32>',
        '  }',
        '}',
        '',
      ].join('\n'),
    );
    fails(
      () => graph('g', [a], [a.add(b)]),
      'bad_shape',
      /graph g: uses the parameter 'b', which is not in its list of parameters/,
    );
  });

  test('the text does not depend on the order in which nodes were made', () => {
    const [a, b] = [parameter('a', 'f32', [2]), parameter('b', 'f32', [2])];
    const leftFirst = () => {
      const left = a.exp();
      const right = b.tanh();
      return print(graph('g', [a, b], [left.add(right)]));
    };
    const rightFirst = () => {
      const right = b.tanh();
      const left = a.exp();
      return print(graph('g', [a, b], [left.add(right)]));
    };
    assert.equal(leftFirst(), rightFirst());
  });

  test('a shared value is printed once, and deep graphs do not exhaust the stack', () => {
    const e = f32(2).exp();
    assert.equal(body(e.mul(e)).length, 2);
    let deep = f32(2);
    const x = deep;
    for (let i = 0; i < 20_000; i++) deep = deep.neg();
    assert.equal(print(graph('deep', [x], [deep])).split('\n').length, 20_000 + 6);
  });
});

describe('rewriting', () => {
  test('replaces nodes and what depends on them, and nothing else', () => {
    const [a, b] = [parameter('a', 'f32', [2]), parameter('b', 'f32', [2])];
    const kept = b.tanh();
    const before = graph('g', [a, b], [a.exp().neg(), kept]);
    const after = rewrite(before, (node) =>
      node.op.kind === 'unary' && node.op.fn === 'exponential' ? node.inputs[0]!.log() : undefined,
    );
    assert.deepEqual(
      after.nodes.map(({ op }) => ('fn' in op ? op.fn : op.kind)),
      ['parameter', 'log', 'negate', 'parameter', 'tanh'],
    );
    assert.equal(after.outputs[1], kept);
    assert.equal(print(before), print(rewrite(before, () => undefined)));
  });

  test('lowering makes attention two dots, with a mask where one is asked for', () => {
    const q = parameter('q', 'bf16', [1, 2, 3, 4]);
    const lowered = (mask: 'none' | 'causal') =>
      lower(graph('g', [q], [attention(q, q, q, { scale: 0.5, mask })]), { platform: 'tpu' }).nodes.map(
        ({ op }) => op.kind,
      );
    assert.equal(lowered('none').filter((kind) => kind === 'dot').length, 2);
    assert.ok(!lowered('none').includes('select') && lowered('causal').includes('select'));
    assert.ok(!lowered('causal').includes('attention'));
  });
});

describe('tracing', () => {
  const traced = (storage: DType) =>
    trace('part', new Weights('f32', storage), { x: spec('f32', [2, 3]) }, ({ x }, w) => ({
      y: linear(w.at('a'), { in: 3, out: 4, axes: ['embed', 'mlp'] })(x),
    }));

  test('parameters are inputs, then weights in order of declaration', () => {
    const { graph: g, inputs, outputs, weights } = traced('bf16');
    assert.deepEqual([inputs, outputs], [['x'], ['y']]);
    assert.deepEqual(weights, [
      { name: 'a.weight', dtype: 'bf16', shape: [4, 3], axes: ['mlp', 'embed'] },
      { name: 'a.bias', dtype: 'bf16', shape: [4], axes: ['mlp'] },
    ]);
    assert.deepEqual(
      g.parameters.map(({ op, dtype }) => [op.kind === 'parameter' && op.name, dtype]),
      [
        ['x', 'f32'],
        ['a.weight', 'bf16'],
        ['a.bias', 'bf16'],
      ],
    );
    assert.equal(print(g), print(traced('bf16').graph));
    assert.notEqual(print(g), print(traced('f32').graph));
  });

  test('inputs carry their types into the body', () => {
    trace('part', new Weights('bf16', 'bf16'), { x: spec('bf16', [2]), i: spec('i32', [2]) }, ({ x, i }) => {
      const [known, index]: [Tensor<'bf16'>, Tensor<'i32'>] = [x, i];
      // @ts-expect-error x is bf16
      const wrong: Tensor<'f32'> = x;
      return { known, index, wrong };
    });
  });

  test('a weight is declared once; declared with another shape it is refused', () => {
    const w = new Weights('f32', 'f32');
    w.at('a.b').param('weight', [2, 3], [null, null]);
    w.at('a').at('b').param('weight', [2, 3], [null, null]);
    assert.equal(w.declared.length, 1);
    refuses(
      () => w.param('a.b.weight', [3, 2], [null, null]),
      /^a\.b\.weight is declared twice, as f32\[2, 3\] and as \[3,2\]$/m,
    );
  });
});
