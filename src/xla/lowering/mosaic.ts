/**
 * Flash attention for TPUs as MLIR text: a Mosaic kernel in the stable, versioned spelling that libtpu reads back through
 * its upgrade rules (the serialized form of `jax.experimental.pallas` kernels; version 11). Online softmax after
 * https://arxiv.org/abs/2205.14135: the grid walks over blocks of keys innermost, and the running maximum, sum and
 * weighted values of a block of queries stay in vector memory until its last block.
 */

import { MASKED, type Value } from './attention.ts';

/** The sizes of one kernel; tokens are padded to whole blocks already. */
export interface MosaicAttention {
  readonly b: number;
  readonly h: number;
  /** Width of a head, a multiple of 128 lanes. */
  readonly c: number;
  /** Blocks of queries and their length. */
  readonly blocksQ: number;
  readonly blockQ: number;
  /** Blocks of keys, their length, and the length of the pieces that a block is computed in. */
  readonly blocksKv: number;
  readonly blockKv: number;
  readonly blockKvCompute: number;
  /** Real keys in the last block; the padding is masked. */
  readonly validInLast: number;
  readonly scale: number;
  readonly exponential: 'exp' | 'exp2';
}

const VERSION = 11;
const LANES = 128;
const NO_FASTMATH = 'fastmath = #arith.fastmath<none>';
const QK = '#tpu.dot_dimension_numbers<[1], [1], [0], [0], [0, 0, 1, 0], [], []>';
const PV = '#tpu.dot_dimension_numbers<[1], [0], [0], [1], [0, 0, 1, 1], [], []>';

const memref = (shape: readonly number[], element: string): string =>
  `memref<${[...shape, element].join('x')}, #tpu.memory_space<vmem>>`;
const vector = (shape: readonly number[], element: string): string => `vector<${[...shape, element].join('x')}>`;

/** Writes the module: operands q, k, v and the result are bf16 [b, tokens, h · c]. */
export function mosaicAttention(kernel: MosaicAttention): string {
  const { b, h, c, blocksQ, blockQ, blocksKv, blockKv } = kernel;
  const queries = [1, blockQ, c];
  const keys = [1, blockKv, c];
  const windows = [
    { name: 'q', shape: queries, index: ['%b', '%i', '%n'] },
    { name: 'k', shape: keys, index: ['%b', '%j', '%n'] },
    { name: 'v', shape: keys, index: ['%b', '%j', '%n'] },
    { name: 'o', shape: queries, index: ['%b', '%i', '%n'] },
  ];
  const scratch = [
    { name: 'm', shape: [blockQ, LANES] },
    { name: 'l', shape: [blockQ, LANES] },
    { name: 'acc', shape: [blockQ, c] },
  ];
  const memory = [
    ...windows.map(({ name, shape }) => ({ name: `%${name}`, type: memref(shape, 'bf16') })),
    ...scratch.map(({ name, shape }) => ({ name: `%${name}`, type: memref(shape, 'f32') })),
  ];
  const grid = ['%b', '%n', '%i', '%j'].map((name) => ({ name, type: 'i32' }));
  const declared = (values: readonly Value[]): string => values.map(({ name, type }) => `${name}: ${type}`).join(', ');
  const bounds = windows.map(
    ({ name, shape }) => `{transform_indices = @t${name}, window_bounds = array<i64: ${shape.join(', ')}>}`,
  );
  const semantics = ['parallel', 'parallel', 'parallel', 'arbitrary'].map((s) => `#tpu.dimension_semantics<${s}>`);
  const attributes = [
    `dimension_semantics = [${semantics.join(', ')}]`,
    `iteration_bounds = array<i64: ${[b, h, blocksQ, blocksKv].join(', ')}>`,
    'scalar_prefetch = 0 : i64',
    `scratch_operands = ${scratch.length} : i64`,
    'tpu.core_type = #tpu.core_type<tc>',
    `window_params = [${bounds.join(', ')}]`,
    `function_type = (${[...grid, ...memory].map(({ type }) => type).join(', ')}) -> ()`,
    'sym_name = "flash_attention"',
  ];
  const writer = new MosaicWriter();
  writeBody(writer, kernel, memory);
  const transforms = windows.flatMap(({ name, index }) => [
    ' "stable_mosaic.func.func"() ({',
    ` ^bb0(${declared(grid)}):`,
    `  "stable_mosaic.func.return"(${index.join(', ')}) : (i32, i32, i32) -> ()`,
    ` }) {function_type = (i32, i32, i32, i32) -> (i32, i32, i32), sym_name = "t${name}"} : () -> ()`,
  ]);
  return [
    `module attributes {stable_mosaic.version = ${VERSION} : i64} {`,
    ' "stable_mosaic.func.func"() ({',
    ` ^bb0(${declared([...grid, ...memory])}):`,
    ...writer.lines,
    ` }) {${attributes.join(', ')}} : () -> ()`,
    ...transforms,
    '}',
    '',
  ].join('\n');
}

/** Writes the body of the kernel, run once for every point of the grid, over its `memory`: q, k, v, the result, and scratch. */
function writeBody(w: MosaicWriter, kernel: MosaicAttention, memory: readonly Value[]): void {
  const { c, blockQ, blocksKv, blockKv, blockKvCompute, validInLast, exponential } = kernel;
  const [q, k, v, o, m, l, acc] = memory as [Value, Value, Value, Value, Value, Value, Value];
  const zero = w.constant('0', 'index');
  const origin = [zero, zero];
  const column = [blockQ, 1];
  const result = [blockQ, c];
  // exp(x) = 2^(x log2 e), and the factor joins the scale.
  const scale = exponential === 'exp2' ? kernel.scale * Math.LOG2E : kernel.scale;
  const exp = (x: Value): Value => w.op(`math.${exponential}`, [x], x.type, NO_FASTMATH);

  const initialise = (): void => {
    w.store(w.splat(MASKED, [blockQ, LANES]), m, origin);
    w.store(w.splat(0, [blockQ, LANES]), l, origin);
    w.store(w.splat(0, result), acc, origin);
  };
  /** Adds the first `valid` keys of a block to the running softmax, piece by piece; skips pieces without valid keys. */
  const accumulate = (valid: number): void => {
    for (let start = 0; start < valid; start += blockKvCompute) piece(start, Math.min(blockKvCompute, valid - start));
  };
  const piece = (start: number, valid: number): void => {
    const offset = start === 0 ? zero : w.constant(`${start}`, 'index');
    const rows = (source: Value, at: Value, count: number): Value =>
      w.shapeCast(w.load(source, [zero, at, zero], [1, count, c], 'bf16'), [count, c], 'bf16');
    const scoreShape = [blockQ, blockKvCompute];
    const products = w.matmul(rows(q, zero, blockQ), rows(k, offset, blockKvCompute), scoreShape, QK);
    let scores = w.float('mulf', products, w.splat(scale, scoreShape));
    if (valid < blockKvCompute) {
      const index = w.op('tpu.iota', [], vector(scoreShape, 'i32'), 'dimensions = array<i32: 1>');
      const limit = w.constant(`dense<${valid}>`, vector(scoreShape, 'i32'));
      const inside = w.compare('slt', index, limit, vector(scoreShape, 'i1'));
      scores = w.op('arith.select', [inside, scores, w.splat(MASKED, scoreShape)], scores.type);
    }
    const before = w.load(m, origin, column, 'f32');
    const highest = w.float('maximumf', before, w.reduce('maximumf', '0xFF800000', scores, scoreShape));
    const weights = exp(w.float('subf', scores, w.broadcast(highest, scoreShape)));
    const kept = exp(w.float('subf', before, highest));
    const keptSum = w.float('mulf', w.load(l, origin, column, 'f32'), kept);
    const sum = w.float('addf', keptSum, w.reduce('add', '0.0', weights, scoreShape));
    w.store(w.broadcast(sum, [blockQ, LANES]), l, origin);
    w.store(w.broadcast(highest, [blockQ, LANES]), m, origin);
    const values = rows(v, offset, blockKvCompute);
    const added = w.matmul(w.op('arith.truncf', [weights], vector(scoreShape, 'bf16')), values, result, PV);
    const keptValues = w.float('mulf', w.load(acc, origin, result, 'f32'), w.broadcast(kept, result));
    w.store(w.float('addf', keptValues, added), acc, origin);
  };
  /** Divides by the sum of the weights and writes the block of results. */
  const finish = (): void => {
    const values = w.load(acc, origin, result, 'f32');
    const sum = w.load(l, origin, column, 'f32');
    const divided = w.float('divf', values, w.broadcast(sum, result));
    const rounded = w.op('arith.truncf', [divided], vector(result, 'bf16'));
    w.store(w.shapeCast(rounded, [1, blockQ, c], 'bf16'), o, [zero, zero, zero]);
  };

  const isBlock = (block: number): Value => w.compare('eq', { name: '%j', type: 'i32' }, w.constant(`${block}`, 'i32'));
  w.when(isBlock(0), initialise);
  if (validInLast === blockKv) accumulate(blockKv);
  else if (blocksKv === 1) accumulate(validInLast);
  else {
    const isLast = isBlock(blocksKv - 1);
    w.when(
      isLast,
      () => accumulate(validInLast),
      () => accumulate(blockKv),
    );
  }
  w.when(isBlock(blocksKv - 1), finish);
  w.op('func.return', [], undefined);
}

const PREDICATES = { eq: 0, slt: 2 } as const;

/** Writes operations in MLIR's generic form, in the names of the stable dialect. */
class MosaicWriter {
  readonly lines: string[] = [];
  #indent = '  ';
  #next = 1;

  op(name: string, operands: readonly Value[], result: undefined, attributes?: string): undefined;
  op(name: string, operands: readonly Value[], result: string, attributes?: string): Value;
  op(name: string, operands: readonly Value[], result: string | undefined, attributes = ''): Value | undefined {
    const value = result === undefined ? undefined : { name: `%v${this.#next++}`, type: result };
    const call = `"stable_mosaic.${name}"(${operands.map((o) => o.name).join(', ')})`;
    const types = `(${operands.map((o) => o.type).join(', ')}) -> ${result ?? '()'}`;
    const extra = attributes === '' ? '' : ` {${attributes}}`;
    this.lines.push(`${this.#indent}${value ? `${value.name} = ` : ''}${call}${extra} : ${types}`);
    return value;
  }

  constant(value: string, type: string): Value {
    return this.op('arith.constant', [], type, `value = ${value} : ${type}`);
  }

  splat(value: number, shape: readonly number[]): Value {
    return this.constant(`dense<${Math.fround(value).toExponential(9)}>`, vector(shape, 'f32'));
  }

  float(fn: 'addf' | 'subf' | 'mulf' | 'divf' | 'maximumf', a: Value, b: Value): Value {
    return this.op(`arith.${fn}`, [a, b], a.type, NO_FASTMATH);
  }

  compare(predicate: keyof typeof PREDICATES, a: Value, b: Value, type = 'i1'): Value {
    return this.op('arith.cmpi', [a, b], type, `predicate = ${PREDICATES[predicate]} : i64`);
  }

  load(from: Value, at: readonly Value[], shape: readonly number[], element: string): Value {
    return this.op('vector.load', [from, ...at], vector(shape, element));
  }

  store(value: Value, to: Value, at: readonly Value[]): void {
    const attributes = `add = false, operandSegmentSizes = array<i32: 1, 1, ${at.length}, 0>, strides = array<i32>`;
    this.op('tpu.vector_store', [value, to, ...at], undefined, attributes);
  }

  shapeCast(value: Value, shape: readonly number[], element: string): Value {
    return this.op('vector.shape_cast', [value], vector(shape, element));
  }

  broadcast(value: Value, shape: readonly number[]): Value {
    return this.op('vector.broadcast', [value], vector(shape, 'f32'));
  }

  /** Reduces the columns of [rows, columns], giving [rows, 1]. */
  reduce(kind: 'add' | 'maximumf', start: string, value: Value, [rows]: readonly number[]): Value {
    const type = vector([rows!], 'f32');
    const attributes = `kind = #vector.kind<${kind}>, reduction_dims = array<i64: 1>`;
    const reduced = this.op(
      'vector.multi_reduction',
      [value, this.constant(`dense<${start}>`, type)],
      type,
      attributes,
    );
    return this.shapeCast(reduced, [rows!, 1], 'f32');
  }

  matmul(a: Value, b: Value, shape: readonly number[], dimensions: string): Value {
    const attributes = `dimension_numbers = ${dimensions}, transpose_lhs = false, transpose_rhs = false`;
    return this.op('tpu.matmul', [a, b, this.splat(0, shape)], vector(shape, 'f32'), attributes);
  }

  when(condition: Value, then: () => void, otherwise: () => void = () => {}): void {
    const outer = this.#indent;
    const branch = (body: () => void): void => {
      this.#indent = `${outer} `;
      body();
      this.op('scf.yield', [], undefined);
      this.#indent = outer;
    };
    this.lines.push(`${outer}"stable_mosaic.scf.if"(${condition.name}) ({`);
    branch(then);
    this.lines.push(`${outer}}, {`);
    branch(otherwise);
    this.lines.push(`${outer}}) : (i1) -> ()`);
  }
}
