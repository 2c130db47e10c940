/**
 * Flash attention for NVIDIA GPUs as Triton's tensor IR, which XLA's CUDA plugin compiles itself. One program computes a
 * block of queries of one head with an online softmax (https://arxiv.org/abs/2205.14135) over blocks of keys; queries and
 * keys beyond the true lengths are neither read nor written.
 */

import { MASKED, type Value } from './attention.ts';

/** The sizes of one kernel. */
export interface TritonAttention {
  /** Heads, which with `c` give the distance between tokens. */
  readonly h: number;
  readonly queries: number;
  readonly keys: number;
  /** Width of a head, a power of 2. */
  readonly c: number;
  /** Queries of one program and keys of one loop iteration, powers of 2. */
  readonly blockM: number;
  readonly blockN: number;
  readonly scale: number;
  readonly element: 'bf16' | 'f16';
}

/** The kernel's name in the module. */
export const TRITON_KERNEL = 'flash_attention';

const tensor = (shape: readonly number[], element: string): string => `tensor<${[...shape, element].join('x')}>`;

/** Writes the module: q, k, v and the result are [b, tokens, h · c]; the grid is [blocks of queries, heads, batch]. */
export function tritonAttention(kernel: TritonAttention): string {
  const w = new TritonWriter();
  writeBody(w, kernel);
  const pointer = `!tt.ptr<${kernel.element}>`;
  const parameters = ['q', 'k', 'v', 'o'].map((name) => `%${name}: ${pointer} {tt.divisibility = 16 : i32}`);
  return [
    'module {',
    `  tt.func public @${TRITON_KERNEL}(${parameters.join(', ')}) attributes {noinline = false} {`,
    ...w.lines,
    '    tt.return',
    '  }',
    '}',
    '',
  ].join('\n');
}

const STATE = ['values', 'sum', 'highest', 'keys', 'vectors'] as const;
/** The running softmax of a block of queries, and where the next keys and values lie. */
type State = Readonly<Record<(typeof STATE)[number], Value>>;

/** Writes the body of the kernel: one program. */
function writeBody(w: TritonWriter, kernel: TritonAttention): void {
  const { h, queries, keys, c, blockM, blockN, scale, element } = kernel;
  const [block, head, batch] = (['x', 'y', 'z'] as const).map((axis) => w.op(`tt.get_program_id ${axis}`, 'i32'));
  const row = w.arith('muli', block!, w.i32(blockM));
  const columns = w.arith('muli', head!, w.i32(c));
  const start = (tokens: number, first: Value | undefined): Value => {
    const base = w.arith('muli', batch!, w.i32(tokens));
    const token = first ? w.arith('addi', base, first) : base;
    return w.arith('addi', w.arith('muli', token, w.i32(h * c)), columns);
  };
  const rows = w.range(blockM);
  const turn = w.range(blockN);
  const lanes = w.expand(w.range(c), 0);
  /** Pointers to `tokens` rows of a head from `offset` on. */
  const pointers = (name: string, offset: Value, tokens: Value, count: number): Value => {
    const down = w.arith('muli', w.expand(tokens, 1), w.dense(h * c, [count, 1], 'i32'));
    const at = w.arith('addi', w.broadcast(down, [count, c]), w.broadcast(lanes, [count, c]));
    const scalar = w.op(`tt.addptr %${name}, ${offset.name} : !tt.ptr<${element}>, i32`, `!tt.ptr<${element}>`);
    return w.advance(w.splat(scalar, [count, c]), at);
  };
  /** Which of the tokens exist, for each of a head's columns. */
  const existing = (tokens: Value, count: number): Value => {
    const [size] = shapeOf(tokens);
    const exists = w.lessThan(tokens, w.dense(count, [size!], 'i32'));
    return w.broadcast(w.expand(exists, 1), [size!, c]);
  };
  const across = (x: Value, width: number): Value => w.broadcast(w.expand(x, 1), [blockM, width]);

  /** Adds one block of keys to the running softmax; in the last block only `rest` keys exist. */
  const add = (state: State, rest?: number): State => {
    const inside = rest === undefined ? undefined : existing(turn, rest);
    const loaded = w.load(state.keys, inside);
    const type = tensor([c, blockN], element);
    const turned = w.op(`tt.trans ${loaded.name} {order = array<i32: 1, 0>} : ${loaded.type} -> ${type}`, type);
    const products = w.dot(query, turned, w.dense(0, [blockM, blockN], 'f32'));
    let scores = w.arith('mulf', products, w.dense(scale * Math.LOG2E, [blockM, blockN], 'f32'));
    if (rest !== undefined) {
      const exists = w.lessThan(turn, w.dense(rest, [blockN], 'i32'));
      const valid = w.broadcast(w.expand(exists, 0), [blockM, blockN]);
      scores = w.select(valid, scores, w.dense(MASKED, [blockM, blockN], 'f32'));
    }
    const highest = w.arith('maxnumf', state.highest, w.reduce('maxnumf', scores));
    const weights = w.exp2(w.arith('subf', scores, across(highest, blockN)));
    const kept = w.exp2(w.arith('subf', state.highest, highest));
    const sum = w.arith('addf', w.arith('mulf', state.sum, kept), w.reduce('addf', weights));
    const scaled = w.arith('mulf', state.values, across(kept, c));
    const vectors = w.load(state.vectors, inside);
    const values = w.dot(w.truncate(weights, element), vectors, scaled);
    const step = w.dense(blockN * h * c, [blockN, c], 'i32');
    return { values, sum, highest, keys: w.advance(state.keys, step), vectors: w.advance(state.vectors, step) };
  };

  const queryStart = start(queries, row);
  const keyStart = start(keys, undefined);
  const q = pointers('q', queryStart, rows, blockM);
  const o = pointers('o', queryStart, rows, blockM);
  const isWhole = queries % blockM === 0;
  const inside = isWhole ? undefined : existing(w.arith('addi', w.splat(row, [blockM]), rows), queries);
  const query = w.load(q, inside);
  const first: State = {
    values: w.dense(0, [blockM, c], 'f32'),
    sum: w.dense(0, [blockM], 'f32'),
    highest: w.dense(MASKED, [blockM], 'f32'),
    keys: pointers('k', keyStart, turn, blockN),
    vectors: pointers('v', keyStart, turn, blockN),
  };
  const rest = keys % blockN;
  const scanned = keys < blockN ? first : loop(w, { until: keys - rest, by: blockN }, first, add);
  const last = rest === 0 ? scanned : add(scanned, rest);
  w.store(o, w.truncate(w.arith('divf', last.values, across(last.sum, c)), element), inside);
}

/** Repeats `body` for the keys up to `until`, a block of `by` at a time. */
function loop(
  w: TritonWriter,
  { until, by }: { readonly until: number; readonly by: number },
  first: State,
  body: (state: State) => State,
): State {
  const [from, to, step] = [w.i32(0), w.i32(until), w.i32(by)];
  const types = STATE.map((field) => first[field].type).join(', ');
  const result = w.fresh();
  const initial = STATE.map((field) => `%${field}_ = ${first[field].name}`).join(', ');
  const bounds = `${from.name} to ${to.name} step ${step.name}`;
  w.line(`${result}:${STATE.length} = scf.for %turn_ = ${bounds} iter_args(${initial}) -> (${types}) : i32 {`);
  const named = (name: (field: string, i: number) => string): State =>
    Object.fromEntries(STATE.map((field, i) => [field, { name: name(field, i), type: first[field].type }])) as State;
  w.indented(() => {
    const state = body(named((field) => `%${field}_`));
    w.line(`scf.yield ${STATE.map((field) => state[field].name).join(', ')} : ${types}`);
  });
  w.line('}');
  return named((_, i) => `${result}#${i}`);
}

function shapeOf({ type }: Value): number[] {
  return [...type.matchAll(/(\d+)x/g)].map(([, size]) => Number(size));
}

/** The type of a tensor of the same shape with another element type. */
const withElement = (x: Value, element: string): string => tensor(shapeOf(x), element);

/** Writes operations in the pretty form of the Triton, arith, math and scf dialects. */
class TritonWriter {
  readonly lines: string[] = [];
  #indent = '    ';
  #next = 0;

  fresh(): string {
    return `%${this.#next++}`;
  }

  line(text: string): void {
    this.lines.push(this.#indent + text);
  }

  indented(body: () => void): void {
    const outer = this.#indent;
    this.#indent += '  ';
    body();
    this.#indent = outer;
  }

  op(text: string, type: string): Value {
    const name = this.fresh();
    this.line(`${name} = ${text}${text.includes(' : ') ? '' : ` : ${type}`}`);
    return { name, type };
  }

  i32(value: number): Value {
    return this.op(`arith.constant ${value} : i32`, 'i32');
  }

  dense(value: number, shape: readonly number[], element: 'i32' | 'f32'): Value {
    const type = tensor(shape, element);
    const text = element === 'i32' ? String(value) : Math.fround(value).toExponential(9);
    return this.op(`arith.constant dense<${text}> : ${type}`, type);
  }

  arith(fn: 'addi' | 'muli' | 'addf' | 'subf' | 'mulf' | 'divf' | 'maxnumf', a: Value, b: Value): Value {
    return this.op(`arith.${fn} ${a.name}, ${b.name} : ${a.type}`, a.type);
  }

  lessThan(a: Value, b: Value): Value {
    return this.op(`arith.cmpi slt, ${a.name}, ${b.name} : ${a.type}`, withElement(a, 'i1'));
  }

  select(condition: Value, a: Value, b: Value): Value {
    return this.op(`arith.select ${condition.name}, ${a.name}, ${b.name} : ${condition.type}, ${a.type}`, a.type);
  }

  exp2(x: Value): Value {
    return this.op(`math.exp2 ${x.name} : ${x.type}`, x.type);
  }

  truncate(x: Value, element: string): Value {
    const type = withElement(x, element);
    return this.op(`arith.truncf ${x.name} : ${x.type} to ${type}`, type);
  }

  range(size: number): Value {
    const type = tensor([size], 'i32');
    return this.op(`tt.make_range {start = 0 : i32, end = ${size} : i32} : ${type}`, type);
  }

  expand(x: Value, axis: 0 | 1): Value {
    const [size] = shapeOf(x);
    const element = x.type.slice(x.type.lastIndexOf('x') + 1, -1);
    const type = tensor(axis === 0 ? [1, size!] : [size!, 1], element);
    return this.op(`tt.expand_dims ${x.name} {axis = ${axis} : i32} : ${x.type} -> ${type}`, type);
  }

  broadcast(x: Value, shape: readonly number[]): Value {
    const type = tensor(shape, x.type.slice(x.type.lastIndexOf('x') + 1, -1));
    return this.op(`tt.broadcast ${x.name} : ${x.type} -> ${type}`, type);
  }

  splat(x: Value, shape: readonly number[]): Value {
    const type = tensor(shape, x.type);
    return this.op(`tt.splat ${x.name} : ${x.type} -> ${type}`, type);
  }

  advance(pointers: Value, by: Value): Value {
    return this.op(`tt.addptr ${pointers.name}, ${by.name} : ${pointers.type}, ${by.type}`, pointers.type);
  }

  load(pointers: Value, mask: Value | undefined): Value {
    const element = /!tt\.ptr<(\w+)>/.exec(pointers.type)![1]!;
    const type = withElement(pointers, element);
    if (!mask) return this.op(`tt.load ${pointers.name} : ${pointers.type}`, type);
    const zero = this.op(`arith.constant dense<0.0> : ${type}`, type);
    return this.op(`tt.load ${pointers.name}, ${mask.name}, ${zero.name} : ${pointers.type}`, type);
  }

  store(pointers: Value, value: Value, mask: Value | undefined): void {
    this.line(`tt.store ${pointers.name}, ${value.name}${mask ? `, ${mask.name}` : ''} : ${pointers.type}`);
  }

  dot(a: Value, b: Value, c: Value): Value {
    const types = `${a.type} * ${b.type} -> ${c.type}`;
    return this.op(`tt.dot ${a.name}, ${b.name}, ${c.name}, inputPrecision = tf32 : ${types}`, c.type);
  }

  /** Reduces the columns of a matrix. */
  reduce(fn: 'addf' | 'maxnumf', x: Value): Value {
    const type = tensor(shapeOf(x).slice(0, 1), 'f32');
    const name = this.fresh();
    const [left, right, joined] = [this.fresh(), this.fresh(), this.fresh()];
    this.line(`${name} = "tt.reduce"(${x.name}) <{axis = 1 : i32}> ({`);
    this.line(`^bb0(${left}: f32, ${right}: f32):`);
    this.line(`  ${joined} = arith.${fn} ${left}, ${right} : f32`);
    this.line(`  tt.reduce.return ${joined} : f32`);
    this.line(`}) : (${x.type}) -> ${type}`);
    return { name, type };
  }
}
