/** Reads collectives and matrix products out of an optimised program: the few fields of XLA's hlo.proto and xla_data.proto that name them. */

import type { CompiledExecutable } from '../../src/xla/pjrt/executable.ts';

/** One instruction that moves data between devices. */
export interface Collective {
  readonly kind: string;
  /** Elements of its result on one device, all operands of a combined one together. */
  readonly elements: number;
  /** Shape of each part of its result. */
  readonly shapes: readonly (readonly number[])[];
}

const KINDS = ['all-gather', 'all-reduce', 'all-to-all', 'reduce-scatter', 'collective-permute'];

/** Lists the collectives of a compiled program, each once where it is split in start and done. */
export function collectives(executable: CompiledExecutable): Collective[] {
  const program = executable.optimizedProgram();
  if (program === undefined) throw new TypeError('the plugin does not show optimised programs');
  return collectivesOf(program.bytes, program.format);
}

/** Reads a serialized HloModuleProto, or the HloModuleProtoWithConfig around one. */
export function collectivesOf(bytes: Uint8Array, format: string): Collective[] {
  const module = format === 'hlo_with_config' ? field(bytes, 1)[0]! : bytes;
  const found: Collective[] = [];
  for (const computation of field(module, 3)) {
    for (const instruction of field(computation, 2)) {
      const opcode = new TextDecoder().decode(field(instruction, 2)[0]);
      const kind = KINDS.find((name) => opcode === name || opcode === `${name}-start`);
      if (kind === undefined) continue;
      const shape = field(instruction, 3)[0]!;
      const parts = field(shape, 4);
      const shapes = (parts.length > 0 ? parts : [shape]).map(dimensions);
      found.push({
        kind,
        shapes,
        elements: shapes.flatMap((s) => s.reduce((n, d) => n * d, 1)).reduce((a, b) => a + b, 0),
      });
    }
  }
  return found;
}

const PRODUCTS = ['dot', 'convolution'];
const LIBRARY = /^__cublas/;
/** Element types by their numbers in xla_data.proto. */
const TYPES = new Map([[2, 's8'], [4, 's32'], [11, 'f32'], [16, 'bf16'], [20, 'f8e4m3fn'], [21, 's4']]); // biome-ignore format: a table

/** Types of every matrix product of a serialized HloModuleProtoWithConfig, such as `dot s8 × s8 → s32`, each once and in order. */
export function productsOf(bytes: Uint8Array): string[] {
  const found = new Set<string>();
  for (const computation of field(field(bytes, 1)[0]!, 3)) {
    const instructions = field(computation, 2);
    const byId = new Map(instructions.map((instruction) => [numbers(instruction, 35)[0], instruction]));
    for (const instruction of instructions) {
      const opcode = new TextDecoder().decode(field(instruction, 2)[0]);
      const target = new TextDecoder().decode(field(instruction, 28)[0]);
      if (!PRODUCTS.includes(opcode) && !LIBRARY.test(target)) continue;
      const operands = numbers(instruction, 36).slice(0, 2);
      const [left, right] = operands.map((id) => elementType(field(byId.get(id)!, 3)[0]!));
      const shape = field(instruction, 3)[0]!;
      const result = elementType(field(shape, 4)[0] ?? shape);
      found.add(`${target || opcode} ${left} × ${right} → ${result}`);
    }
  }
  return [...found].sort();
}

function elementType(shape: Uint8Array): string {
  const [number] = numbers(shape, 2);
  return TYPES.get(number!) ?? `type ${number}`;
}

function dimensions(shape: Uint8Array): number[] {
  return numbers(shape, 3);
}

/** Every number of a field, those that are packed included. */
function numbers(message: Uint8Array, wanted: number): number[] {
  const values: number[] = [];
  for (const [number, value] of fields(message)) {
    if (number !== wanted) continue;
    if (typeof value === 'number') values.push(value);
    else
      for (let at = 0; at < value.length; ) {
        const [entry, next] = varint(value, at);
        values.push(entry);
        at = next;
      }
  }
  return values;
}

/** Every length-delimited value of a field. */
function field(message: Uint8Array, wanted: number): Uint8Array[] {
  return [...fields(message)].flatMap(([number, value]) =>
    number === wanted && typeof value !== 'number' ? [value] : [],
  );
}

/** The fields of a message that are numbers or bytes. */
function* fields(message: Uint8Array): Generator<[number: number, value: number | Uint8Array]> {
  for (let at = 0; at < message.length; ) {
    const [tag, begin] = varint(message, at);
    const wire = tag & 7;
    if (wire === 2) {
      const [length, start] = varint(message, begin);
      yield [tag >>> 3, message.subarray(start, start + length)];
      at = start + length;
    } else if (wire === 0) {
      const [value, next] = varint(message, begin);
      yield [tag >>> 3, value];
      at = next;
    } else if (wire === 1) at = begin + 8;
    else if (wire === 5) at = begin + 4;
    else throw new TypeError(`wire type ${wire} is not of this format`);
  }
}

function varint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return [value, at + 1];
  }
}
