/**
 * What an optimised program says of itself: collectives and custom calls, read from the serialized `HloModuleProtoWithConfig`
 * that PJRT hands out. Field numbers are those of xla/service/hlo.proto and xla/xla_data.proto; all else is skipped.
 */

import { FluxionError } from '../support/errors.ts';

/** Exchanges between devices, as XLA names them. */
export const COLLECTIVES = ['all-gather', 'all-reduce', 'reduce-scatter', 'all-to-all', 'collective-permute'] as const;
export type CollectiveKind = (typeof COLLECTIVES)[number];

/** The collectives of one kind in a program; those in loops count once. */
export interface CollectiveSummary {
  readonly kind: CollectiveKind;
  readonly count: number;
  /** Bytes of their results on one device. */
  readonly bytes: number;
  /** Bytes that one device gets from others when each goes round a ring. */
  readonly received: number;
}

export interface ProgramSummary {
  readonly collectives: readonly CollectiveSummary[];
  /** Targets of custom calls, each once and in order of the alphabet. */
  readonly customCalls: readonly string[];
}

/** Summarises a serialized `HloModuleProtoWithConfig`; `devices` take part in collectives that do not say how many do. Throws `bad_file`. */
export function summariseProgram(bytes: Uint8Array, devices: number): ProgramSummary {
  const customCalls = new Set<string>();
  const found = new Map<CollectiveKind, { count: number; bytes: number; received: number }>();
  for (const module of messages(bytes, 1)) {
    for (const computation of messages(module, 3)) {
      for (const instruction of messages(computation, 2)) {
        const { opcode, target, shape, group } = readInstruction(instruction);
        if (target !== '') customCalls.add(target);
        const kind = COLLECTIVES.find((name) => opcode === name || opcode === `${name}-start`);
        if (!kind || !shape) continue;
        const leaves = leafBytes(shape, 0);
        // What is started has the operand and more beside the result.
        const started = opcode.endsWith('-start');
        const size = started ? Math.max(...leaves) : leaves.reduce((sum, leaf) => sum + leaf, 0);
        const sum = found.get(kind) ?? { count: 0, bytes: 0, received: 0 };
        found.set(kind, {
          count: sum.count + 1,
          bytes: sum.bytes + size,
          received: sum.received + receivedBytes(kind, size, group ?? devices),
        });
      }
    }
  }
  return {
    collectives: COLLECTIVES.flatMap((kind) => (found.has(kind) ? [{ kind, ...found.get(kind)! }] : [])),
    customCalls: [...customCalls].sort(),
  };
}

/** Bytes that one of `n` devices gets for a result of `size` bytes, round a ring. */
export function receivedBytes(kind: CollectiveKind, size: number, n: number): number {
  switch (kind) {
    case 'all-gather':
    case 'all-to-all':
      return (size * (n - 1)) / n;
    case 'all-reduce':
      return (2 * size * (n - 1)) / n;
    case 'reduce-scatter':
      return size * (n - 1);
    case 'collective-permute':
      return size;
    default:
      return kind satisfies never;
  }
}

interface Instruction {
  readonly opcode: string;
  readonly target: string;
  readonly shape: Uint8Array | undefined;
  /** Devices of one group. */
  readonly group: number | undefined;
}

function readInstruction(bytes: Uint8Array): Instruction {
  let instruction: Instruction = { opcode: '', target: '', shape: undefined, group: undefined };
  for (const { field, content } of fields(bytes)) {
    if (content === undefined) continue;
    if (field === 2) instruction = { ...instruction, opcode: text(content) };
    if (field === 3) instruction = { ...instruction, shape: content };
    if (field === 28) instruction = { ...instruction, target: text(content) };
    // A list of groups, or since 2024 a message that holds one or says it in short.
    if (field === 49) instruction = { ...instruction, group: membersOf(content) };
    if (field === 87) instruction = { ...instruction, group: groupOf(content) ?? instruction.group };
  }
  return instruction;
}

function membersOf(group: Uint8Array): number | undefined {
  let count = 0;
  for (const { field, content } of fields(group)) {
    if (field === 1) count += content === undefined ? 1 : varints(content).length;
  }
  return count || undefined;
}

function groupOf(list: Uint8Array): number | undefined {
  for (const { field, content } of fields(list)) {
    if (field === 1 && content) return membersOf(content);
    if (field === 2 && content) for (const item of fields(content)) if (item.field === 2) return item.value;
  }
  return undefined;
}

/** Bytes of an element by `PrimitiveType`. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 2, 8: 4, 9: 8, 10: 2, 11: 4, 12: 8, 15: 8, 16: 2, 18: 16, 19: 1, 20: 1, 23: 1, 24: 1, 25: 1,
}; // biome-ignore format: a table

/** Bytes of every array in a `ShapeProto`. */
function leafBytes(shape: Uint8Array, depth: number): number[] {
  if (depth > 8) throw new FluxionError('bad_file', 'an optimised program has tuples in more than 8 levels');
  let type = 0;
  let count = 1;
  const tuple: number[] = [];
  for (const { field, value, content } of fields(shape)) {
    if (field === 2) type = value;
    if (field === 3) for (const size of content ? varints(content) : [value]) count *= size;
    if (field === 4 && content) tuple.push(...leafBytes(content, depth + 1));
  }
  return tuple.length > 0 ? tuple : [count * (ELEMENT_BYTES[type] ?? 0)];
}

interface Field {
  readonly field: number;
  /** Of a number; 0 otherwise. */
  readonly value: number;
  /** Of what has a length. */
  readonly content: Uint8Array | undefined;
}

function* messages(bytes: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { field, content } of fields(bytes)) if (field === wanted && content) yield content;
}

/** The fields of a protobuf message, in order. */
function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw cutOff();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield { field, value: varint(), content: undefined };
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (at + length > bytes.length) throw cutOff();
      yield { field, value: 0, content: bytes.subarray(at, at + length) };
      at += length;
    } else throw new FluxionError('bad_file', `an optimised program has wire type ${wire}, which protobuf has not`);
  }
}

function varints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    values.push(value);
    [value, scale] = [0, 1];
  }
  return values;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function cutOff(): FluxionError {
  return new FluxionError('bad_file', 'an optimised program ends in the middle of a field');
}
