/**
 * Runs the text of a Mosaic kernel without a TPU: only the operations our kernels use, in the generic form they are written
 * in; anything else is an error, and so are operand types that differ from those of the values. What a TPU leaves undefined
 * is NaN here, a window outside its array is an error.
 */

import {
  broadcast,
  filled,
  type NumberArray,
  type Rounding,
  ravelWindow,
  roundTo,
  unravel,
} from '../../support/array.ts';

interface Operation {
  readonly name: string;
  readonly result: string | undefined;
  readonly operands: readonly string[];
  readonly operandTypes: readonly string[];
  readonly resultType: string;
  readonly attributes: string;
  readonly regions: readonly (readonly Operation[])[];
}

interface Func {
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly body: readonly Operation[];
  readonly attributes: string;
}

type Value = number | NumberArray;

const OPERATION = /^(?:(%\w+) = )?"stable_mosaic\.([\w.]+)"\(([^)]*)\)(?: \{(.*)\})? : \(([^)]*)\) -> (.+)$/;

/** Splits at commas outside of brackets. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === '<' || char === '[' || char === '(' || char === '{') depth++;
    else if (char === '>' || char === ']' || char === ')' || char === '}') depth--;
    else if (char === undefined || (char === ',' && depth === 0)) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter((part) => part !== '');
}

class Parser {
  readonly #lines: string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split('\n').map((line) => line.trim());
  }

  module(): Map<string, Func> {
    this.#expect(/^module attributes \{stable_mosaic\.version = 11 : i64\} \{$/);
    const functions = new Map<string, Func>();
    while (this.#lines[this.#at] !== '}') {
      const func = this.#func();
      functions.set(/sym_name = "(\w+)"/.exec(func.attributes)![1]!, func);
    }
    return functions;
  }

  #expect(pattern: RegExp): RegExpExecArray {
    const line = this.#lines[this.#at++] ?? '';
    const match = pattern.exec(line);
    if (!match) throw new SyntaxError(`line ${this.#at}: expected ${pattern}, found '${line}'`);
    return match;
  }

  #func(): Func {
    this.#expect(/^"stable_mosaic\.func\.func"\(\) \(\{$/);
    const [, list] = this.#expect(/^\^bb0\((.*)\):$/);
    const parameters = splitList(list!).map((text) => {
      const [, name, type] = /^(%\w+): (.+)$/.exec(text)!;
      return { name: name!, type: type! };
    });
    const body = this.#region();
    const [, attributes] = this.#expect(/^\}\) \{(.*)\} : \(\) -> \(\)$/);
    return { parameters, body, attributes: attributes! };
  }

  #region(): Operation[] {
    const operations: Operation[] = [];
    for (;;) {
      const line = this.#lines[this.#at]!;
      if (line.startsWith('}')) return operations;
      const branch = /^"stable_mosaic\.scf\.if"\((%\w+)\) \(\{$/.exec(line);
      if (!branch) {
        const [, result, name, operands, attributes = '', types, resultType] = this.#expect(OPERATION);
        operations.push({
          name: name!,
          result,
          operands: splitList(operands!),
          operandTypes: splitList(types!),
          resultType: resultType!,
          attributes,
          regions: [],
        });
        continue;
      }
      this.#at++;
      const then = this.#region();
      this.#expect(/^\}, \{$/);
      const otherwise = this.#region();
      this.#expect(/^\}\) : \(i1\) -> \(\)$/);
      operations.push({
        name: 'scf.if',
        result: undefined,
        operands: [branch[1]!],
        operandTypes: ['i1'],
        resultType: '()',
        attributes: '',
        regions: [then, otherwise],
      });
    }
  }
}

interface ArrayTypeText {
  readonly shape: readonly number[];
  readonly element: string;
}

function arrayType(type: string): ArrayTypeText {
  const [, dims, element] = /^(?:vector|memref)<((?:\d+x)+)(\w+)(?:, #tpu\.memory_space<vmem>)?>$/.exec(type) ?? [];
  if (!dims) throw new TypeError(`expected a vector or memref, found ${type}`);
  return { shape: dims.split('x').slice(0, -1).map(Number), element: element! };
}

function numbers(text: string | undefined): number[] {
  return text ? text.split(',').map((part) => Number(part)) : [];
}

/** One execution of a function: the values of its names. */
class Frame {
  readonly #values = new Map<string, { readonly value: Value; readonly type: string }>();
  readonly #rounding: Rounding;

  constructor(rounding: Rounding) {
    this.#rounding = rounding;
  }

  define(name: string, value: Value, type: string): void {
    this.#values.set(name, { value, type });
  }

  run(operations: readonly Operation[]): readonly Value[] {
    for (const operation of operations) {
      const inputs = operation.operands.map((name, i) => {
        const known = this.#values.get(name);
        if (!known) throw new SyntaxError(`${operation.name} uses ${name} before it is defined`);
        if (known.type !== operation.operandTypes[i])
          throw new TypeError(`${operation.name}: ${name} is ${known.type}, not ${operation.operandTypes[i]}`);
        return known.value;
      });
      if (operation.name === 'func.return') return inputs;
      if (operation.name === 'scf.if') this.run(operation.regions[inputs[0] ? 0 : 1]!);
      else {
        const value = this.#evaluate(operation, inputs);
        if (operation.result) this.define(operation.result, value!, operation.resultType);
      }
    }
    return [];
  }

  #round(value: NumberArray, element: string): NumberArray {
    if (this.#rounding === 'exact' && element !== 'i32' && element !== 'i1') return value;
    return { shape: value.shape, data: value.data.map((x) => roundTo(element, x)) };
  }

  #evaluate({ name, attributes, resultType }: Operation, inputs: readonly Value[]): Value | undefined {
    const [a, b, c] = inputs as NumberArray[];
    const type = (): ArrayTypeText => arrayType(resultType);
    const elementwise = (fn: (...args: number[]) => number): Value => {
      if (typeof inputs[0] === 'number') return fn(...(inputs as number[]));
      const arrays = inputs as NumberArray[];
      const { shape, element } = type();
      if (arrays.some((x) => x.shape.join() !== shape.join())) throw new TypeError(`${name}: shapes differ`);
      const [x, y, z] = arrays.map(({ data }) => data);
      const one = [
        (i: number) => fn(x![i]!),
        (i: number) => fn(x![i]!, y![i]!),
        (i: number) => fn(x![i]!, y![i]!, z![i]!),
      ][arrays.length - 1]!;
      return this.#round(filled(shape, one), element);
    };
    switch (name) {
      case 'arith.constant':
        return this.#constant(attributes, resultType);
      case 'arith.cmpi': {
        const predicate = Number(/predicate = (\d) : i64/.exec(attributes)![1]);
        if (predicate !== 0 && predicate !== 2) throw new TypeError(`arith.cmpi: predicate ${predicate}`);
        return elementwise((x, y) => Number(predicate === 0 ? x === y : x! < y!));
      }
      case 'arith.select':
        return elementwise((condition, x, y) => (condition ? x! : y!));
      case 'arith.addf':
        return elementwise((x, y) => x! + y!);
      case 'arith.subf':
        return elementwise((x, y) => x! - y!);
      case 'arith.mulf':
        return elementwise((x, y) => x! * y!);
      case 'arith.divf':
        return elementwise((x, y) => x! / y!);
      case 'arith.maximumf':
        return elementwise(Math.max);
      case 'arith.truncf':
        return elementwise((x) => x!);
      case 'math.exp2':
        return elementwise((x) => 2 ** x!);
      case 'math.exp':
        return elementwise((x) => Math.exp(x!));
      case 'tpu.iota': {
        const dim = Number(/dimensions = array<i32: (\d+)>/.exec(attributes)![1]);
        const { shape } = type();
        return filled(shape, (i) => unravel(i, shape)[dim]!);
      }
      case 'vector.shape_cast': {
        const { shape } = type();
        if (shape.reduce((n, d) => n * d, 1) !== a!.data.length) throw new TypeError('vector.shape_cast: sizes differ');
        return { shape, data: a!.data };
      }
      case 'vector.broadcast':
        return broadcast(a!, type().shape);
      case 'vector.load': {
        const { shape } = type();
        const start = inputs.slice(1) as number[];
        this.#within(name, a!, start, shape);
        return filled(shape, (i) => a!.data[ravelWindow(i, shape, start, a!.shape)]!);
      }
      case 'tpu.vector_store': {
        const start = inputs.slice(2) as number[];
        this.#within(name, b!, start, a!.shape);
        for (let i = 0; i < a!.data.length; i++) {
          b!.data[ravelWindow(i, a!.shape, start, b!.shape)] = a!.data[i]!;
        }
        return undefined;
      }
      case 'vector.multi_reduction': {
        if (!attributes.includes('reduction_dims = array<i64: 1>')) throw new TypeError(`${name}: other dimensions`);
        const [rows, columns] = a!.shape as [number, number];
        const add = attributes.includes('#vector.kind<add>');
        if (!add && !attributes.includes('#vector.kind<maximumf>')) throw new TypeError(`${name}: ${attributes}`);
        const reduced = filled([rows], (row) => {
          let result = b!.data[row]!;
          for (let column = 0; column < columns; column++) {
            const x = a!.data[row * columns + column]!;
            result = add ? result + x : Math.max(result, x);
          }
          return result;
        });
        return this.#round(reduced, type().element);
      }
      case 'tpu.matmul':
        return this.#round(matmul(a!, b!, c!, attributes), type().element);
      case 'scf.yield':
        return undefined;
      default:
        throw new TypeError(`no operation ${name}`);
    }
  }

  #within(name: string, memory: NumberArray, start: readonly number[], shape: readonly number[]): void {
    if (memory.shape.length !== shape.length || start.length !== shape.length)
      throw new TypeError(`${name}: ranks differ`);
    if (memory.shape.some((size, d) => start[d]! < 0 || start[d]! + shape[d]! > size))
      throw new RangeError(`${name}: [${start}] + [${shape}] is outside of [${memory.shape}]`);
  }

  #constant(attributes: string, type: string): Value {
    const [, text, written] = /^value = (.+) : ([^:]+)$/.exec(attributes)!;
    if (written !== type) throw new TypeError(`arith.constant: ${written} is not ${type}`);
    const dense = /^dense<(.+)>$/.exec(text!);
    if (!dense) return Number(text);
    const value = dense[1] === '0xFF800000' ? Number.NEGATIVE_INFINITY : Number(dense[1]);
    if (Number.isNaN(value)) throw new SyntaxError(`arith.constant: ${text}`);
    return filled(arrayType(type).shape, value);
  }
}

const DIMENSION_NUMBERS =
  /#tpu\.dot_dimension_numbers<\[(\d)\], \[(\d)\], \[(\d)\], \[(\d)\], \[0, (\d), 1, (\d)\], \[\], \[\]>/;

function matmul(a: NumberArray, b: NumberArray, c: NumberArray, attributes: string): NumberArray {
  const dims = numbers(DIMENSION_NUMBERS.exec(attributes)?.slice(1).join());
  const [aContract, bContract, aFree, bFree, first, second] = dims;
  if (first !== aFree || second !== bFree || aContract === aFree || bContract === bFree)
    throw new TypeError(`tpu.matmul: ${attributes}`);
  if (!/transpose_lhs = false, transpose_rhs = false/.test(attributes))
    throw new TypeError(`tpu.matmul: ${attributes}`);
  const [rows, columns, inner] = [a.shape[aFree!]!, b.shape[bFree!]!, a.shape[aContract!]!];
  if (b.shape[bContract!] !== inner || c.shape.join() !== [rows, columns].join())
    throw new TypeError('tpu.matmul: shapes');
  const out = { shape: c.shape, data: c.data.slice() };
  const [aStep, bStep] = [aContract === 1 ? 1 : a.shape[1]!, bContract === 1 ? 1 : b.shape[1]!];
  const [aRow, bColumn] = [aFree === 0 ? a.shape[1]! : 1, bFree === 0 ? b.shape[1]! : 1];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let x = 0; x < inner; x++) sum += a.data[i * aRow + x * aStep]! * b.data[j * bColumn + x * bStep]!;
      out.data[i * columns + j]! += sum;
    }
  }
  return out;
}

/** Runs a kernel over its grid; operands in order, and the shape of its one result. */
export function runMosaic(
  text: string,
  operands: readonly NumberArray[],
  resultShape: readonly number[],
  rounding: Rounding,
): NumberArray {
  const functions = new Parser(text).module();
  const kernel = [...functions.values()].find(({ attributes }) => attributes.includes('tpu.core_type'))!;
  const grid = numbers(/iteration_bounds = array<i64: ([^>]*)>/.exec(kernel.attributes)![1]);
  const scratchCount = Number(/scratch_operands = (\d+)/.exec(kernel.attributes)![1]);
  const windows = [
    ...kernel.attributes.matchAll(/transform_indices = @(\w+), window_bounds = array<i64: ([^>]*)>/g),
  ].map(([, transform, bounds]) => ({ transform: functions.get(transform!)!, bounds: numbers(bounds) }));
  const result = filled(resultShape, Number.NaN);
  const arrays = [...operands, result];
  if (windows.length !== arrays.length) throw new TypeError(`${windows.length} windows for ${arrays.length} arrays`);
  const memory = kernel.parameters.slice(grid.length);
  const scratch = memory.slice(windows.length).map(({ type }) => filled(arrayType(type).shape, Number.NaN));
  if (scratch.length !== scratchCount) throw new TypeError(`${scratch.length} scratch buffers, not ${scratchCount}`);

  let output: { readonly block: readonly number[]; readonly window: NumberArray } | undefined;
  const flush = (): void => {
    if (output) copyWindow(result, output.block, output.window, 'out');
  };
  const points = grid.reduce((n, d) => n * d, 1);
  for (let point = 0; point < points; point++) {
    const indices = unravel(point, grid);
    const frame = new Frame(rounding);
    grid.forEach((_, d) => {
      frame.define(kernel.parameters[d]!.name, indices[d]!, 'i32');
    });
    windows.forEach(({ transform, bounds }, w) => {
      const inner = new Frame(rounding);
      transform.parameters.forEach(({ name }, d) => {
        inner.define(name, indices[d]!, 'i32');
      });
      const block = inner.run(transform.body) as number[];
      const { name, type } = memory[w]!;
      if (arrayType(type).shape.join() !== bounds.join()) throw new TypeError(`${name}: ${type} is not [${bounds}]`);
      if (w < operands.length) {
        const window = filled(bounds, Number.NaN);
        copyWindow(arrays[w]!, block, window, 'in');
        frame.define(name, window, type);
        return;
      }
      if (output?.block.join() !== block.join()) {
        flush();
        output = { block, window: filled(bounds, Number.NaN) };
      }
      frame.define(name, output!.window, type);
    });
    scratch.forEach((buffer, i) => {
      const { name, type } = memory[windows.length + i]!;
      frame.define(name, buffer, type);
    });
    frame.run(kernel.body);
  }
  flush();
  return result;
}

function copyWindow(array: NumberArray, block: readonly number[], window: NumberArray, way: 'in' | 'out'): void {
  const start = block.map((index, d) => index * window.shape[d]!);
  if (start.some((at, d) => at + window.shape[d]! > array.shape[d]!))
    throw new RangeError(`the window at [${start}] of [${window.shape}] leaves the array [${array.shape}]`);
  for (let i = 0; i < window.data.length; i++) {
    const at = ravelWindow(i, window.shape, start, array.shape);
    if (way === 'in') window.data[i] = array.data[at]!;
    else array.data[at] = window.data[i]!;
  }
}
