/**
 * Flash attention for TPUs as MLIR text: a Mosaic kernel in the stable, versioned spelling that libtpu reads back through
 * its upgrade rules (the serialized form of `jax.experimental.pallas` kernels; version 11). Online softmax after
 * https://arxiv.org/abs/2205.14135: the grid walks over blocks of keys innermost, and the running maximum, sum and
 * weighted values of a block of queries stay in vector memory until its last block.
 */

import { MASKED } from './attention.ts';

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

interface Value {
  readonly name: string;
  readonly type: string;
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
    { name: 'm', type: memref([blockQ, LANES], 'f32') },
    { name: 'l', type: memref([blockQ, LANES], 'f32') },
    { name: 'acc', type: memref([blockQ, c], 'f32') },
  ];
  const memory = [...windows.map(({ name, shape }) => ({ name, type: memref(shape, 'bf16') })), ...scratch];
  const grid = ['%b', '%n', '%i', '%j'];
  const gridArguments = grid.map((name) => `${name}: i32`).join(', ');
  const memoryArguments = memory.map(({ name, type }) => `%${name}: ${type}`).join(', ');
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
    `function_type = (${[...grid.map(() => 'i32'), ...memory.map(({ type }) => type)].join(', ')}) -> ()`,
    'sym_name = "flash_attention"',
  ];
  const writer = new MosaicWriter();
  new FlashBody(kernel, writer).write();
  const transforms = windows.flatMap(({ name, index }) => [
    ' "stable_mosaic.func.func"() ({',
    ` ^bb0(${gridArguments}):`,
    `  "stable_mosaic.func.return"(${index.join(', ')}) : (i32, i32, i32) -> ()`,
    ` }) {function_type = (i32, i32, i32, i32) -> (i32, i32, i32), sym_name = "t${name}"} : () -> ()`,
  ]);
  return [
    `module attributes {stable_mosaic.version = ${VERSION} : i64} {`,
    ' "stable_mosaic.func.func"() ({',
    ` ^bb0(${gridArguments}, ${memoryArguments}):`,
    ...writer.lines,
    ` }) {${attributes.join(', ')}} : () -> ()`,
    ...transforms,
    '}',
    '',
  ].join('\n');
}

/** The body of the kernel, run once for every point of the grid. */
class FlashBody {
  readonly #kernel: MosaicAttention;
  readonly #w: MosaicWriter;
  readonly #zero: Value;
  readonly #scale: number;
  readonly #m: Value;
  readonly #l: Value;
  readonly #acc: Value;

  constructor(kernel: MosaicAttention, writer: MosaicWriter) {
    const { blockQ, c, scale, exponential } = kernel;
    this.#kernel = kernel;
    this.#w = writer;
    this.#zero = writer.constant('0', 'index');
    // exp(x) = 2^(x log2 e), and the factor joins the scale.
    this.#scale = exponential === 'exp2' ? scale * Math.LOG2E : scale;
    this.#m = { name: '%m', type: memref([blockQ, LANES], 'f32') };
    this.#l = { name: '%l', type: memref([blockQ, LANES], 'f32') };
    this.#acc = { name: '%acc', type: memref([blockQ, c], 'f32') };
  }

  write(): void {
    const { blocksKv, blockKv, validInLast } = this.#kernel;
    const w = this.#w;
    const j = { name: '%j', type: 'i32' };
    const isBlock = (block: number): Value => w.compare('eq', j, w.constant(`${block}`, 'i32'));
    w.when(isBlock(0), () => this.#initialise());
    if (validInLast === blockKv) this.#accumulate(blockKv);
    else if (blocksKv === 1) this.#accumulate(validInLast);
    else {
      const otherwise = () => this.#accumulate(blockKv);
      w.when(isBlock(blocksKv - 1), () => this.#accumulate(validInLast), otherwise);
    }
    w.when(isBlock(blocksKv - 1), () => this.#finish());
    w.op('func.return', [], undefined);
  }

  #initialise(): void {
    const { blockQ, c } = this.#kernel;
    const w = this.#w;
    w.store(w.splat(MASKED, [blockQ, LANES]), this.#m, [this.#zero, this.#zero]);
    w.store(w.splat(0, [blockQ, LANES]), this.#l, [this.#zero, this.#zero]);
    w.store(w.splat(0, [blockQ, c]), this.#acc, [this.#zero, this.#zero]);
  }

  /** Adds the first `valid` keys of a block to the running softmax, piece by piece; skips pieces without valid keys. */
  #accumulate(valid: number): void {
    const { blockKvCompute: size } = this.#kernel;
    for (let start = 0; start < valid; start += size) this.#piece(start, Math.min(size, valid - start));
  }

  #piece(start: number, valid: number): void {
    const { blockQ, blockKv, blockKvCompute: size, c, exponential } = this.#kernel;
    const w = this.#w;
    const zero = this.#zero;
    const offset = start === 0 ? zero : w.constant(`${start}`, 'index');
    const operand = (name: string, rows: number, block: number, at: Value): Value => {
      const source = { name: `%${name}`, type: memref([1, block, c], 'bf16') };
      return w.shapeCast(w.load(source, [zero, at, zero], [1, rows, c], 'bf16'), [rows, c], 'bf16');
    };
    const exp = (x: Value): Value => w.op(`math.${exponential}`, [x], x.type, NO_FASTMATH);
    const scoreShape = [blockQ, size];
    const column = [blockQ, 1];

    const q = operand('q', blockQ, blockQ, zero);
    const k = operand('k', size, blockKv, offset);
    const products = w.matmul(q, k, scoreShape, QK);
    let scores = w.float('mulf', products, w.splat(this.#scale, scoreShape));
    if (valid < size) {
      const index = w.op('tpu.iota', [], vector(scoreShape, 'i32'), 'dimensions = array<i32: 1>');
      const limit = w.constant(`dense<${valid}>`, vector(scoreShape, 'i32'));
      const inside = w.compare('slt', index, limit, vector(scoreShape, 'i1'));
      scores = w.op('arith.select', [inside, scores, w.splat(MASKED, scoreShape)], scores.type);
    }
    const before = w.load(this.#m, [zero, zero], column, 'f32');
    const highest = w.float('maximumf', before, w.reduce('maximumf', '0xFF800000', scores, scoreShape));
    const weights = exp(w.float('subf', scores, w.broadcast(highest, scoreShape)));
    const kept = exp(w.float('subf', before, highest));
    const sum = w.float(
      'addf',
      w.float('mulf', w.load(this.#l, [zero, zero], column, 'f32'), kept),
      w.reduce('add', '0.0', weights, scoreShape),
    );
    w.store(w.broadcast(sum, [blockQ, LANES]), this.#l, [zero, zero]);
    w.store(w.broadcast(highest, [blockQ, LANES]), this.#m, [zero, zero]);
    const v = operand('v', size, blockKv, offset);
    const added = w.matmul(w.op('arith.truncf', [weights], vector(scoreShape, 'bf16')), v, [blockQ, c], PV);
    const values = w.load(this.#acc, [zero, zero], [blockQ, c], 'f32');
    w.store(w.float('addf', w.float('mulf', values, w.broadcast(kept, [blockQ, c])), added), this.#acc, [zero, zero]);
  }

  /** Divides by the sum of the weights and writes the block of results. */
  #finish(): void {
    const { blockQ, c } = this.#kernel;
    const w = this.#w;
    const zero = this.#zero;
    const values = w.load(this.#acc, [zero, zero], [blockQ, c], 'f32');
    const sum = w.load(this.#l, [zero, zero], [blockQ, 1], 'f32');
    const rounded = w.op(
      'arith.truncf',
      [w.float('divf', values, w.broadcast(sum, [blockQ, c]))],
      vector([blockQ, c], 'bf16'),
    );
    const result = { name: '%o', type: memref([1, blockQ, c], 'bf16') };
    w.store(w.shapeCast(rounded, [1, blockQ, c], 'bf16'), result, [zero, zero, zero]);
  }
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
