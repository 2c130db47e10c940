/**
 * Runs the text of a Triton kernel without a GPU: only the operations our kernels use; anything else is an error, and so are
 * operand types that differ from those of the values. Reading or writing outside of an array is an error unless masked.
 */

import { broadcast, filled, type NumberArray, type Rounding, roundTo } from '../../support/array.ts';

/** Addresses in one array. */
interface Pointers {
  readonly array: NumberArray;
  readonly shape: readonly number[];
  readonly offsets: Float64Array;
}

type Value = number | NumberArray | Pointers;

const isPointers = (value: Value): value is Pointers => typeof value === 'object' && 'offsets' in value;

interface Line {
  readonly text: string;
  readonly number: number;
}

interface TensorType {
  readonly shape: readonly number[];
  readonly element: string;
}

function tensorType(type: string): TensorType {
  const [, dims, element] = /^tensor<((?:\d+x)+)(.+)>$/.exec(type) ?? [];
  if (!dims) throw new TypeError(`expected a tensor, found ${type}`);
  return { shape: dims.split('x').slice(0, -1).map(Number), element: element! };
}

/** One program of the grid. */
class Program {
  readonly #values = new Map<string, { readonly value: Value; readonly type: string }>();
  readonly #rounding: Rounding;
  readonly #grid: readonly number[];

  constructor(grid: readonly number[], rounding: Rounding) {
    this.#grid = grid;
    this.#rounding = rounding;
  }

  define(name: string, value: Value, type: string): void {
    this.#values.set(name, { value, type });
  }

  /** Runs lines until the one that closes their block, and returns what that yields. */
  run(lines: readonly Line[]): readonly string[] {
    for (let i = 0; i < lines.length; i++) {
      const { text, number } = lines[i]!;
      if (text === 'tt.return') return [];
      const yielded = /^scf\.yield (.*) : .*$/.exec(text);
      if (yielded) return yielded[1]!.split(', ');
      try {
        const loop =
          /^(%\w+):(\d+) = scf\.for (%\w+) = (%\w+) to (%\w+) step (%\w+) iter_args\((.*)\) -> \((.*)\) : i32 \{$/.exec(
            text,
          );
        const reduction = /^(%\w+) = "tt\.reduce"\((%\w+)\) <\{axis = 1 : i32\}> \(\{$/.exec(text);
        if (loop) {
          const end = lines.findIndex((line, j) => j > i && line.text === '}');
          this.#loop(loop.slice(1) as string[], lines.slice(i + 1, end));
          i = end;
        } else if (reduction) {
          this.#reduce(
            reduction[1]!,
            reduction[2]!,
            lines.slice(i + 1, i + 5).map((line) => line.text),
          );
          i += 4;
        } else if (text.startsWith('tt.store ')) this.#store(text);
        else {
          const [, name, rest] = /^(%\w+) = (.+)$/.exec(text) ?? [];
          if (!name) throw new SyntaxError('expected an operation');
          this.define(name, ...this.#evaluate(rest!));
        }
      } catch (error) {
        throw new Error(`line ${number}: ${text}: ${(error as Error).message}`, { cause: error });
      }
    }
    throw new SyntaxError('a block without an end');
  }

  #get(name: string, type?: string): Value {
    const known = this.#values.get(name);
    if (!known) throw new SyntaxError(`${name} is not defined`);
    if (type !== undefined && known.type !== type) throw new TypeError(`${name} is ${known.type}, not ${type}`);
    return known.value;
  }

  #array(name: string, type?: string): NumberArray {
    const value = this.#get(name, type);
    if (typeof value === 'number' || isPointers(value)) throw new TypeError(`${name} is not a tensor of numbers`);
    return value;
  }

  #pointers(name: string, type?: string): Pointers {
    const value = this.#get(name, type);
    if (typeof value === 'number' || !isPointers(value)) throw new TypeError(`${name} is not a pointer`);
    return value;
  }

  #rounded(value: NumberArray, element: string): NumberArray {
    if (this.#rounding === 'exact' && element !== 'i32' && element !== 'i1') return value;
    return { shape: value.shape, data: value.data.map((x) => roundTo(element, x)) };
  }

  #loop([result, count, index, from, to, by, bindings, types]: readonly string[], body: readonly Line[]): void {
    const carried = bindings!.split(', ').map((binding) => binding.split(' = ') as [string, string]);
    const carriedTypes = types!.split(/, (?=tensor)/);
    if (carried.length !== Number(count) || carriedTypes.length !== Number(count)) throw new TypeError('counts differ');
    let values = carried.map(([, initial], i) => this.#get(initial, carriedTypes[i]));
    const [start, stop, step] = [from, to, by].map((name) => this.#get(name!, 'i32') as number);
    for (let i = start!; i < stop!; i += step!) {
      this.define(index!, i, 'i32');
      for (const [j, [name]] of carried.entries()) this.define(name, values[j]!, carriedTypes[j]!);
      values = this.run(body).map((name, j) => this.#get(name, carriedTypes[j]));
    }
    for (const [j, value] of values.entries()) this.define(`${result}#${j}`, value, carriedTypes[j]!);
  }

  #reduce(name: string, operand: string, [head, combine, give, end]: readonly string[]): void {
    const [, left, right] = /^\^bb0\((%\w+): f32, (%\w+): f32\):$/.exec(head!)!;
    const [, joined, fn, a, b] = /^(%\w+) = arith\.(addf|maxnumf) (%\w+), (%\w+) : f32$/.exec(combine!)!;
    const [, from, to] = /^\}\) : \((.+)\) -> (.+)$/.exec(end!)!;
    if (a !== left || b !== right || give !== `tt.reduce.return ${joined} : f32`) throw new SyntaxError('tt.reduce');
    const { shape, data } = this.#array(operand, from);
    const [rows, columns] = shape as [number, number];
    const reduced = filled([rows], (row) => {
      const line = data.subarray(row * columns, (row + 1) * columns);
      return fn === 'addf' ? line.reduce((x, y) => x + y) : line.reduce((x, y) => Math.max(x, y));
    });
    if (tensorType(to!).shape.join() !== String(rows)) throw new TypeError(`${to} is not [${rows}]`);
    this.define(name, this.#rounded(reduced, 'f32'), to!);
  }

  #store(text: string): void {
    const [, pointers, value, mask, type] = /^tt\.store (%\w+), (%\w+)(?:, (%\w+))? : (.+)$/.exec(text)!;
    const { array, offsets } = this.#pointers(pointers!, type);
    const { data } = this.#array(value!);
    const where = mask ? this.#array(mask).data : undefined;
    for (let i = 0; i < offsets.length; i++) {
      if (where && !where[i]) continue;
      this.#check(array, offsets[i]!);
      if (!Number.isNaN(array.data[offsets[i]!]!)) throw new RangeError(`writes element ${offsets[i]} twice`);
      array.data[offsets[i]!] = data[i]!;
    }
  }

  #check({ data }: NumberArray, offset: number): void {
    if (offset < 0 || offset >= data.length) throw new RangeError(`element ${offset} of ${data.length}`);
  }

  #evaluate(text: string): [Value, string] {
    const [, fn] = /^([\w.]+)/.exec(text)!;
    const give = (value: Value, type: string): [Value, string] => [value, type];
    const parts = (pattern: RegExp): string[] => {
      const match = pattern.exec(text);
      if (!match) throw new SyntaxError(`expected ${pattern}`);
      return match.slice(1) as string[];
    };
    switch (fn) {
      case 'tt.get_program_id': {
        const [axis] = parts(/^tt\.get_program_id ([xyz]) : i32$/);
        return give(this.#grid['xyz'.indexOf(axis!)]!, 'i32');
      }
      case 'arith.constant': {
        const [value, type] = parts(/^arith\.constant (?:dense<)?([-+.e\d]+)>? : (.+)$/);
        return give(type === 'i32' ? Number(value) : filled(tensorType(type!).shape, Number(value)), type!);
      }
      case 'tt.make_range': {
        const [end, type] = parts(/^tt\.make_range \{start = 0 : i32, end = (\d+) : i32\} : (.+)$/);
        return give(
          filled([Number(end)], (i) => i),
          type!,
        );
      }
      case 'arith.addi':
      case 'arith.muli':
      case 'arith.addf':
      case 'arith.subf':
      case 'arith.mulf':
      case 'arith.divf':
      case 'arith.maxnumf': {
        const [a, b, type] = parts(/^arith\.\w+ (%[\w#]+), (%[\w#]+) : (.+)$/);
        const apply = BINARY[fn.slice('arith.'.length)]!;
        const [x, y] = [this.#get(a!, type), this.#get(b!, type)];
        if (typeof x === 'number') return give(apply(x, y as number), type!);
        const [left, right] = [this.#array(a!), this.#array(b!)];
        const value = filled(left.shape, (i) => apply(left.data[i]!, right.data[i]!));
        return give(this.#rounded(value, tensorType(type!).element), type!);
      }
      case 'arith.cmpi': {
        const [a, b, type] = parts(/^arith\.cmpi slt, (%\w+), (%\w+) : (.+)$/);
        const [left, right] = [this.#array(a!, type), this.#array(b!, type)];
        const value = filled(left.shape, (i) => Number(left.data[i]! < right.data[i]!));
        return give(value, type!.replace('i32', 'i1'));
      }
      case 'arith.select': {
        const [condition, a, b, conditionType, type] = parts(
          /^arith\.select (%\w+), (%\w+), (%\w+) : (tensor<[^>]+>), (.+)$/,
        );
        const where = this.#array(condition!, conditionType);
        const [left, right] = [this.#array(a!, type), this.#array(b!, type)];
        return give(
          filled(left.shape, (i) => (where.data[i] ? left.data[i]! : right.data[i]!)),
          type!,
        );
      }
      case 'math.exp2': {
        const [a, type] = parts(/^math\.exp2 (%\w+) : (.+)$/);
        const { shape, data } = this.#array(a!, type);
        return give(this.#rounded({ shape, data: data.map((x) => 2 ** x) }, 'f32'), type!);
      }
      case 'arith.truncf': {
        const [a, from, to] = parts(/^arith\.truncf (%\w+) : (.+) to (.+)$/);
        return give(this.#rounded(this.#array(a!, from), tensorType(to!).element), to!);
      }
      case 'tt.expand_dims': {
        const [a, axis, from, to] = parts(/^tt\.expand_dims (%[\w#]+) \{axis = (\d) : i32\} : (.+) -> (.+)$/);
        const { shape, data } = this.#array(a!, from);
        return give({ shape: shape.toSpliced(Number(axis), 0, 1), data }, to!);
      }
      case 'tt.broadcast': {
        const [a, from, to] = parts(/^tt\.broadcast (%\w+) : (.+) -> (.+)$/);
        return give(broadcast(this.#array(a!, from), tensorType(to!).shape), to!);
      }
      case 'tt.trans': {
        const [a, from, to] = parts(/^tt\.trans (%\w+) \{order = array<i32: 1, 0>\} : (.+) -> (.+)$/);
        const { shape, data } = this.#array(a!, from);
        const [rows, columns] = shape as [number, number];
        return give(
          filled([columns, rows], (i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
          to!,
        );
      }
      case 'tt.splat': {
        const [a, from, to] = parts(/^tt\.splat (%\w+) : (.+) -> (.+)$/);
        const value = this.#get(a!, from);
        const { shape } = tensorType(to!);
        if (typeof value === 'number') return give(filled(shape, value), to!);
        const { array, offsets } = this.#pointers(a!);
        return give({ array, shape, offsets: filled(shape, offsets[0]!).data }, to!);
      }
      case 'tt.addptr': {
        const [a, b, pointerType, type] = parts(/^tt\.addptr (%[\w#]+), (%\w+) : (.+), ([^,]+)$/);
        const { array, shape, offsets } = this.#pointers(a!, pointerType);
        const by = this.#get(b!, type);
        const moved = offsets.map((offset, i) => offset + (typeof by === 'number' ? by : (by as NumberArray).data[i]!));
        return give({ array, shape, offsets: moved }, pointerType!);
      }
      case 'tt.load': {
        const [a, mask, other, type] = parts(/^tt\.load (%[\w#]+)(?:, (%\w+), (%\w+))? : (.+)$/);
        const { array, shape, offsets } = this.#pointers(a!, type);
        const where = mask ? this.#array(mask).data : undefined;
        const otherwise = other ? this.#array(other).data : undefined;
        const value = filled(shape, (i) => {
          if (where && !where[i]) return otherwise![i]!;
          this.#check(array, offsets[i]!);
          return array.data[offsets[i]!]!;
        });
        return give(value, type!.replace(/!tt\.ptr<(\w+)>/, '$1'));
      }
      case 'tt.dot': {
        const [a, b, c, aType, bType, type] = parts(
          /^tt\.dot (%\w+), (%\w+), (%\w+), inputPrecision = tf32 : (.+) \* (.+) -> (.+)$/,
        );
        const [left, right, start] = [this.#array(a!, aType), this.#array(b!, bType), this.#array(c!, type)];
        const [inner, columns] = right.shape as [number, number];
        if (left.shape[1] !== inner) throw new TypeError('inner sizes differ');
        const value = filled(start.shape, (i) => {
          const [row, column] = [Math.floor(i / columns), i % columns];
          let sum = start.data[i]!;
          for (let x = 0; x < inner; x++) sum += left.data[row * inner + x]! * right.data[x * columns + column]!;
          return sum;
        });
        return give(this.#rounded(value, 'f32'), type!);
      }
      default:
        throw new TypeError(`no operation ${fn}`);
    }
  }
}

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  addi: (a, b) => (a + b) | 0,
  muli: (a, b) => Math.imul(a, b),
  addf: (a, b) => a + b,
  subf: (a, b) => a - b,
  mulf: (a, b) => a * b,
  divf: (a, b) => a / b,
  maxnumf: (a, b) => Math.max(a, b),
};

/** Runs a kernel over its grid [x, y, z]; one pointer an operand, then one for the result. */
export function runTriton(
  text: string,
  grid: readonly [number, number, number],
  operands: readonly NumberArray[],
  resultShape: readonly number[],
  rounding: Rounding,
): NumberArray {
  const all = text.split('\n').map((line, i) => ({ text: line.trim(), number: i + 1 }));
  const header = all.findIndex((line) => line.text.startsWith('tt.func public @'));
  const parameters = [...all[header]!.text.matchAll(/(%\w+): (!tt\.ptr<\w+>) \{tt\.divisibility = 16 : i32\}/g)];
  const result = filled(resultShape, Number.NaN);
  const arrays = [...operands, result];
  if (parameters.length !== arrays.length)
    throw new TypeError(`${parameters.length} pointers for ${arrays.length} arrays`);
  const body = all.slice(header + 1);
  const [xs, ys, zs] = grid;
  for (let z = 0; z < zs; z++) {
    for (let y = 0; y < ys; y++) {
      for (let x = 0; x < xs; x++) {
        const program = new Program([x, y, z], rounding);
        for (const [i, [, name, type]] of parameters.entries())
          program.define(name!, { array: arrays[i]!, shape: [], offsets: new Float64Array(1) }, type!);
        program.run(body);
      }
    }
  }
  return result;
}
