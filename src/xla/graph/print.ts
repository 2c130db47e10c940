/**
 * Prints a graph as StableHLO text: deterministic, so that the text is golden file, cache key and program at once.
 * Syntax: https://openxla.org/stablehlo/spec in the pretty form PJRT plugins parse.
 */

import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { fromF32 } from '../../support/floats.ts';
import type { MeshAxis, Split } from './axes.ts';
import type { ArrayType, CustomCall } from './custom-call.ts';
import type { Graph } from './graph.ts';
import type { Op, Tensor } from './tensor.ts';

/** What a printed program depends on besides its graph. */
export interface PrintOptions {
  /** Precision of dots and convolutions on f32 operands; `HIGHEST` forbids shortened mantissas on GPU and TPU. */
  readonly precision?: 'DEFAULT' | 'HIGH' | 'HIGHEST' | undefined;
  /** Result i may be written into the memory of parameter `aliases.get(i)`, which the call then consumes. */
  readonly aliases?: ReadonlyMap<number, number>;
  /** The mesh of devices that run the program, and how its parameters and results are split over it. */
  readonly partition?: PartitionOptions | undefined;
}

export interface PartitionOptions {
  readonly mesh: readonly MeshAxis[];
  readonly parameters: readonly Split[];
  readonly results: readonly Split[];
}

const MLIR_TYPES: Record<DType, string> = {
  f64: 'f64', f32: 'f32', f16: 'f16', bf16: 'bf16', f8e4m3: 'f8E4M3FN', f8e5m2: 'f8E5M2',
  i64: 'i64', i32: 'i32', i16: 'i16', i8: 'i8', i4: 'i4', u64: 'ui64', u32: 'ui32', u16: 'ui16', u8: 'ui8', bool: 'i1',
}; // biome-ignore format: one line a family

/** The type of loop counters and of starts. */
const COUNTER = 'tensor<i32>';

/** Writes a tensor type, such as `tensor<1x512x3072xbf16>`. */
function mlirType({ dtype, shape }: ArrayType): string {
  return `tensor<${[...shape, MLIR_TYPES[dtype]].join('x')}>`;
}

/** Prints `g` as a module whose public function `main` takes its parameters in order. */
export function print(g: Graph, options: PrintOptions = {}): string {
  const names = new Map(g.parameters.map((p, i) => [p, `%arg${i}`]));
  const printer = new Printer(options);
  printer.nodes(g, names);
  const consumed = new Map([...(options.aliases ?? [])].map(([result, parameter]) => [parameter, result]));
  const { partition } = options;
  const mesh = partition?.mesh ?? [];
  const args = g.parameters.map((p, i) => {
    const alias = consumed.has(i) ? [`tf.aliasing_output = ${consumed.get(i)} : i32`] : [];
    return `%arg${i}: ${mlirType(p)}${attributes([...alias, ...shardingAttribute(partition?.parameters[i])])}`;
  });
  const types = g.outputs.map(mlirType);
  const results = types.map((type, i) => `${type}${attributes(shardingAttribute(partition?.results[i]))}`);
  const returned = g.outputs.map((t) => names.get(t)!);
  const devices = mesh.reduce((count, { size }) => count * size, 1);
  return [
    `module @${g.name.replaceAll(/[^A-Za-z0-9_]/g, '_')} ${partition ? `attributes {mhlo.num_partitions = ${devices} : i32, mhlo.num_replicas = 1 : i32} ` : ''}{`,
    ...(partition ? [`  sdy.mesh @mesh = <[${mesh.map(({ name, size }) => `"${name}"=${size}`).join(', ')}]>`] : []),
    `  func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
    ...printer.lines.map((line) => `    ${line}`),
    `    return ${returned.join(', ')} : ${types.join(', ')}`,
    '  }',
    '}',
    '',
  ].join('\n');
}

function attributes(list: readonly string[]): string {
  return list.length === 0 ? '' : ` {${list.join(', ')}}`;
}

function shardingAttribute(split: Split | undefined): string[] {
  return split ? [`sdy.sharding = #sdy.sharding${meshSharding(split)}`] : [];
}

/** A sharding over the module's mesh, such as `<@mesh, [{"data"}, {}]>`. */
function meshSharding(split: Split): string {
  return `<@mesh, [${split.map((names) => `{${names.map((name) => `"${name}"`).join(', ')}}`).join(', ')}]>`;
}

/** Writes the nodes of a graph, and of the bodies in it, line by line; the names of values are unique in the module. */
class Printer {
  readonly lines: string[] = [];
  readonly #options: PrintOptions;
  #count = 0;

  constructor(options: PrintOptions) {
    this.#options = options;
  }

  /** Appends the lines of all nodes except parameters, which have names already, and adds the names of their values to `names`. */
  nodes(g: Graph, names: Map<Tensor, string>): void {
    for (const node of g.nodes) {
      if (node.op.kind === 'parameter') continue;
      const operands = node.inputs.map((input) => names.get(input)!);
      names.set(node, this.#node(node, operands));
    }
  }

  #fresh(): string {
    return `%${this.#count++}`;
  }

  #emit(text: string): string {
    const name = this.#fresh();
    this.lines.push(`${name} = ${text}`);
    return name;
  }

  #number(value: number): string {
    return this.#emit(`stablehlo.constant dense<${value}> : ${COUNTER}`);
  }

  /** Cuts a piece out of a tensor, from starts that are known only at run time. */
  #cut(name: string, whole: Tensor, starts: readonly string[], piece: ArrayType): string {
    const types = [mlirType(whole), ...starts.map(() => COUNTER)];
    return this.#emit(
      `stablehlo.dynamic_slice ${name}, ${starts.join(', ')}, sizes = [${piece.shape.join(', ')}] : (${types.join(', ')}) -> ${mlirType(piece)}`,
    );
  }

  /** Appends the lines of one node and returns the name of its value. */
  #node(node: Tensor, operands: readonly string[]): string {
    const { precision } = this.#options;
    const exact = precision === 'DEFAULT' ? undefined : precision;
    const type = mlirType(node);
    const types = node.inputs.map(mlirType);
    const [a, b] = operands;
    const signature = `(${types.join(', ')}) -> ${type}`;
    const op: Op = node.op;
    switch (op.kind) {
      case 'parameter':
        throw new FluxionError('bad_shape', `parameter '${op.name}' is not in the program's signature`);
      case 'constant':
        return this.#emit(`stablehlo.constant dense<${literal(op.value, node.dtype)}> : ${type}`);
      case 'iota':
        return this.#emit(`stablehlo.iota dim = ${op.dim} : ${type}`);
      case 'unary':
        // StableHLO's companion dialect has the error function; plugins parse both dialects.
        if (op.fn === 'erf') return this.#emit(`chlo.erf ${a} : ${type} -> ${type}`);
        return this.#emit(`stablehlo.${op.fn} ${a} : ${type}`);
      case 'binary':
        return this.#emit(`stablehlo.${op.fn} ${a}, ${b} : ${type}`);
      case 'compare': {
        const order = comparisonType(node.inputs[0]!.dtype);
        return this.#emit(`stablehlo.compare ${op.direction}, ${a}, ${b}, ${order} : ${signature}`);
      }
      case 'select':
        return this.#emit(`stablehlo.select ${operands.join(', ')} : ${types[0]}, ${type}`);
      case 'convert':
      case 'reshape':
        return this.#emit(`stablehlo.${op.kind} ${a} : ${signature}`);
      case 'transpose':
        return this.#emit(`stablehlo.transpose ${a}, dims = [${op.permutation.join(', ')}] : ${signature}`);
      case 'broadcast':
        return this.#emit(`stablehlo.broadcast_in_dim ${a}, dims = [${op.dims.join(', ')}] : ${signature}`);
      case 'slice': {
        const ranges = op.start.map((start, i) =>
          [start, op.limit[i], ...(op.stride[i] === 1 ? [] : [op.stride[i]])].join(':'),
        );
        return this.#emit(`stablehlo.slice ${a} [${ranges.join(', ')}] : ${signature}`);
      }
      case 'cut': {
        const zero = this.#number(0);
        return this.#cut(
          a!,
          node.inputs[0]!,
          node.shape.map((_, dim) => (dim === op.dim ? b! : zero)),
          node,
        );
      }
      case 'concatenate':
        return this.#emit(`stablehlo.concatenate ${operands.join(', ')}, dim = ${op.dim} : ${signature}`);
      case 'pad': {
        const scalar = `tensor<${MLIR_TYPES[node.dtype]}>`;
        const zero = this.#emit(`stablehlo.constant dense<${literal(0, node.dtype)}> : ${scalar}`);
        const interior = op.low.map(() => 0);
        const amounts = `low = [${op.low.join(', ')}], high = [${op.high.join(', ')}], interior = [${interior.join(', ')}]`;
        return this.#emit(`stablehlo.pad ${a}, ${zero}, ${amounts} : (${types[0]}, ${scalar}) -> ${type}`);
      }
      case 'reduce': {
        const scalar = `tensor<${MLIR_TYPES[node.dtype]}>`;
        const start = literal(op.fn === 'add' ? 0 : Number.NEGATIVE_INFINITY, node.dtype);
        const init = this.#emit(`stablehlo.constant dense<${start}> : ${scalar}`);
        const dims = op.dims.join(', ');
        return this.#emit(
          `stablehlo.reduce(${a} init: ${init}) applies stablehlo.${op.fn} across dimensions = [${dims}] : (${types[0]}, ${scalar}) -> ${type}`,
        );
      }
      case 'dot': {
        const side = ([left, right]: readonly [readonly number[], readonly number[]]): string =>
          `[${left.join(', ')}] x [${right.join(', ')}]`;
        const batching = op.dims.batch[0].length > 0 ? `batching_dims = ${side(op.dims.batch)}, ` : '';
        const asked = exact ? `, precision = [${exact}, ${exact}]` : '';
        return this.#emit(
          `stablehlo.dot_general ${a}, ${b}, ${batching}contracting_dims = ${side(op.dims.contract)}${asked} : ${signature}`,
        );
      }
      case 'barrier':
        return this.#emit(`stablehlo.optimization_barrier ${a} : ${type}`);
      case 'take': {
        const rank = node.inputs[1]!.shape.length;
        const width = node.shape.at(-1)!;
        const numbers = `#stablehlo.gather<offset_dims = [${rank}], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = ${rank}>`;
        return this.#emit(
          `"stablehlo.gather"(${a}, ${b}) <{dimension_numbers = ${numbers}, indices_are_sorted = false, slice_sizes = array<i64: 1, ${width}>}> : ${signature}`,
        );
      }
      case 'convolution': {
        const [top, side] = op.window.padding;
        const window = `stride = [${op.window.stride.join(', ')}], pad = [[${top.join(', ')}], [${side.join(', ')}]]`;
        const each = `#stablehlo<precision ${exact}>`;
        const asked = exact ? `, precision_config = [${each}, ${each}]` : '';
        return this.#emit(
          `stablehlo.convolution(${a}, ${b}) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {${window}} {batch_group_count = 1 : i64, feature_group_count = 1 : i64${asked}} : ${signature}`,
        );
      }
      case 'attention':
      case 'quantisedMatmul':
        throw new FluxionError('unsupported', `${op.kind} must be lowered to a kernel before the graph is printed`);
      case 'map':
        return this.#map(op, node, operands);
      case 'shard':
        return a!;
      case 'constrain':
        return this.#emit(`sdy.sharding_constraint ${a} ${meshSharding(op.split)} : ${type}`);
      case 'manual':
        return this.#manual(op, node, operands);
      case 'customCall': {
        const name = this.#fresh();
        const results = [node, ...(op.call.scratch ?? [])];
        const several = results.length > 1;
        const attributes = callAttributes(op.call, node.inputs, results);
        const resultTypes = several ? `(${results.map(mlirType).join(', ')})` : type;
        this.lines.push(
          `${name}${several ? `:${results.length}` : ''} = stablehlo.custom_call @${op.call.target}(${operands.join(', ')}) {${attributes}} : (${types.join(', ')}) -> ${resultTypes}`,
        );
        return several ? `${name}#0` : name;
      }
      default:
        return op satisfies never;
    }
  }

  /** A counted loop that carries the counter, the results so far, and every input. */
  #map(op: Extract<Op, { kind: 'map' }>, node: Tensor, operands: readonly string[]): string {
    const [count, ...entry] = node.shape;
    const type = mlirType(node);

    const start = this.#number(0);
    const empty = this.#emit(
      `stablehlo.constant dense<${literal(node.dtype === 'bool' ? false : 0, node.dtype)}> : ${type}`,
    );
    const result = this.#fresh();
    const carried = [start, empty, ...operands].map((initial) => ({ name: this.#fresh(), initial }));
    const types = [COUNTER, type, ...node.inputs.map(mlirType)];
    const [counter, results, ...inputs] = carried.map(({ name }) => name);
    const bindings = carried.map(({ name, initial }) => `${name} = ${initial}`);
    this.lines.push(`${result}:${carried.length} = stablehlo.while(${bindings.join(', ')}) : ${types.join(', ')}`);
    this.lines.push('cond {');
    const limit = this.#number(count!);
    const more = this.#emit(
      `stablehlo.compare LT, ${counter}, ${limit}, SIGNED : (${COUNTER}, ${COUNTER}) -> tensor<i1>`,
    );
    this.lines.push(`stablehlo.return ${more} : tensor<i1>`, '} do {');

    const zero = this.#number(0);
    const one = this.#number(1);
    /** Index of the current iteration's entry in a stacked tensor. */
    const starts = (whole: Tensor): string[] => whole.shape.map((_, dim) => (dim === 0 ? counter! : zero));
    const names = new Map<Tensor, string>();
    for (const [i, inner] of op.body.parameters.entries()) {
      if (i >= op.mapped) {
        names.set(inner, inputs[i]!);
        continue;
      }
      const outer = node.inputs[i]!;
      const piece = { dtype: inner.dtype, shape: [1, ...inner.shape] };
      const cut = this.#cut(inputs[i]!, outer, starts(outer), piece);
      names.set(inner, this.#emit(`stablehlo.reshape ${cut} : (${mlirType(piece)}) -> ${mlirType(inner)}`));
    }
    this.nodes(op.body, names);
    const [output] = op.body.outputs;
    const piece = mlirType({ dtype: node.dtype, shape: [1, ...entry] });
    const stacked = this.#emit(`stablehlo.reshape ${names.get(output!)} : (${mlirType(output!)}) -> ${piece}`);
    const at = starts(node);
    const updated = this.#emit(
      `stablehlo.dynamic_update_slice ${results}, ${stacked}, ${at.join(', ')} : (${type}, ${piece}, ${at.map(() => COUNTER).join(', ')}) -> ${type}`,
    );
    const next = this.#emit(`stablehlo.add ${counter}, ${one} : ${COUNTER}`);
    this.lines.push(`stablehlo.return ${[next, updated, ...inputs].join(', ')} : ${types.join(', ')}`, '}');
    return `${result}#1`;
  }

  /** A region that each device runs on its own parts. */
  #manual(op: Extract<Op, { kind: 'manual' }>, node: Tensor, operands: readonly string[]): string {
    const name = this.#fresh();
    const parts = op.body.parameters.map((p) => [p, this.#fresh()] as const);
    const given = `in_shardings=[${op.operands.map(meshSharding).join(', ')}] out_shardings=[${meshSharding(op.result)}]`;
    const axes = this.#options.partition?.mesh.map((axis) => `"${axis.name}"`).join(', ');
    const signature = parts.map(([p, part]) => `${part}: ${mlirType(p)}`).join(', ');
    this.lines.push(
      `${name} = sdy.manual_computation(${operands.join(', ')}) ${given} manual_axes={${axes}} (${signature}) {`,
    );
    const names = new Map<Tensor, string>(parts);
    this.nodes(op.body, names);
    const [output] = op.body.outputs;
    this.lines.push(`sdy.return ${names.get(output!)} : ${mlirType(output!)}`);
    this.lines.push(`} : (${node.inputs.map(mlirType).join(', ')}) -> ${mlirType(node)}`);
    return name;
  }
}

function callAttributes(call: CustomCall, operands: readonly Tensor[], results: readonly ArrayType[]): string {
  const layouts = (given: CustomCall['operandLayouts'], of: readonly ArrayType[]): string =>
    of.map(({ shape }, i) => layoutText(given?.[i] ?? shape.map((_, dim) => shape.length - 1 - dim))).join(', ');
  const version = call.apiVersion === 1 ? [] : [`api_version = ${call.apiVersion} : i32`];
  const config =
    typeof call.backendConfig === 'string'
      ? stringLiteral(call.backendConfig)
      : `{${Object.entries(call.backendConfig)
          .map(([key, value]) => `${key} = ${typeof value === 'number' ? `${value} : i32` : stringLiteral(value)}`)
          .join(', ')}}`;
  return [
    ...version,
    `backend_config = ${config}`,
    `operand_layouts = [${layouts(call.operandLayouts, operands)}]`,
    `result_layouts = [${layouts(call.resultLayouts, results)}]`,
  ].join(', ');
}

function layoutText(minorToMajor: readonly number[]): string {
  const values = minorToMajor.length === 1 ? `${minorToMajor[0]}` : `[${minorToMajor.join(', ')}]`;
  return `dense<${values}> : tensor<${minorToMajor.length}xindex>`;
}

/** Writes a string as MLIR does: quotes, backslashes and unprintable bytes as two hexadecimal digits. */
function stringLiteral(text: string): string {
  const escaped = text.replaceAll(/["\\]|[^ -~]/gu, (char) =>
    Array.from(new TextEncoder().encode(char), (byte) => `\\${hex([byte])}`).join(''),
  );
  return `"${escaped}"`;
}

function isFloating(dtype: DType): boolean {
  return dtype.startsWith('f') || dtype === 'bf16';
}

function comparisonType(dtype: DType): 'FLOAT' | 'SIGNED' | 'UNSIGNED' {
  if (isFloating(dtype)) return 'FLOAT';
  return dtype.startsWith('i') ? 'SIGNED' : 'UNSIGNED';
}

/** MLIR requires a decimal point, and takes infinities and NaN as bits. */
function literal(value: number | boolean | Float32Array | Int32Array, dtype: DType): string {
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Int32Array)
    return bytesLiteral(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof Float32Array) return bytesLiteral(fromF32(dtype, value));
  if (!isFloating(dtype)) return String(value);
  if (!Number.isFinite(value)) {
    const bits = fromF32(dtype, Float32Array.of(value));
    return `0x${hex(bits.toReversed())}`;
  }
  const text = String(value);
  if (/^-?\d+$/.test(text)) return `${text}.0`;
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
}

function bytesLiteral(bytes: Uint8Array): string {
  return `"0x${hex(bytes)}"`;
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}
