/** Reads the collectives out of an optimised program: the few fields of XLA's hlo.proto and xla_data.proto that name them. */

import type { CompiledExecutable } from '../../src/pjrt/executable.ts';

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

function dimensions(shape: Uint8Array): number[] {
  return field(shape, 3).flatMap((packed) => {
    const values: number[] = [];
    for (let at = 0; at < packed.length; ) {
      const [value, next] = varint(packed, at);
      values.push(value);
      at = next;
    }
    return values;
  });
}

/** Every length-delimited value of a field. */
function field(message: Uint8Array, wanted: number): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let at = 0; at < message.length; ) {
    const [tag, begin] = varint(message, at);
    const wire = tag & 7;
    if (wire === 2) {
      const [length, start] = varint(message, begin);
      if (tag >>> 3 === wanted) values.push(message.subarray(start, start + length));
      at = start + length;
    } else if (wire === 0) at = varint(message, begin)[1];
    else if (wire === 1) at = begin + 8;
    else if (wire === 5) at = begin + 4;
    else throw new TypeError(`wire type ${wire} is not of this format`);
  }
  return values;
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
