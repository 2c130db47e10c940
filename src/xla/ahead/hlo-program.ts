/**
 * An optimised program as data, read from the serialized `HloModuleProtoWithConfig` that PJRT returns. Field numbers are those of
 * xla/service/hlo.proto and xla/xla_data.proto; unused fields are skipped.
 */

import { FluxionError } from '../../support/errors.ts';
import { Message } from '../../support/protobuf.ts';

/** An optimised program: it runs `entry`, which calls the other computations. */
export interface HloProgram {
  readonly entry: HloComputation;
  readonly computations: readonly HloComputation[];
  /** The flags it was compiled with, a serialized `DebugOptions`; undefined if the program came without its configuration. */
  readonly debugOptions: Uint8Array | undefined;
}

export interface HloComputation {
  readonly id: number;
  readonly root: number;
  /** By their number, in the order they run in. */
  readonly instructions: ReadonlyMap<number, HloInstruction>;
  /** The serialized `HloComputationProto`. */
  readonly message: Uint8Array;
}

export interface HloInstruction {
  readonly name: string;
  readonly opcode: string;
  readonly shape: HloShape;
  /** The target of a custom call. */
  readonly target: string;
  /** Numbers of instructions in the same computation. */
  readonly operands: readonly number[];
  readonly calls: readonly number[];
  /** Devices in one group of a collective; undefined if it does not say. */
  readonly group: number | undefined;
  /** Dimensions of the left side that a product sums over. */
  readonly contracted: readonly number[];
  /** Dimension of a convolution's kernel that holds output features; undefined for other instructions. */
  readonly kernelFeatures: number | undefined;
  /** The backend's own settings, as JSON. */
  readonly config: string;
  /** The index into the tuple of a get-tuple-element; 0 for other instructions. */
  readonly tupleIndex: number;
  /** The number of a parameter; 0 for other instructions. */
  readonly parameter: number;
  /** The serialized `HloInstructionProto`. */
  readonly message: Uint8Array;
}

/** Arrays of one instruction's result. */
export type HloShape = readonly HloArray[];

export interface HloArray {
  /** Name of the element type. */
  readonly type: string;
  readonly dimensions: readonly number[];
  readonly bytes: number;
}

/** Element types by `PrimitiveType`, with their bytes. */
const ELEMENT_TYPES: Readonly<Record<number, readonly [name: string, bytes: number]>> = {
  1: ['pred', 1], 2: ['s8', 1], 3: ['s16', 2], 4: ['s32', 4], 5: ['s64', 8], 6: ['u8', 1], 7: ['u16', 2], 8: ['u32', 4], 9: ['u64', 8],
  10: ['f16', 2], 11: ['f32', 4], 12: ['f64', 8], 15: ['c64', 8], 16: ['bf16', 2], 18: ['c128', 16], 19: ['f8e5m2', 1], 20: ['f8e4m3fn', 1],
  23: ['f8e4m3b11fnuz', 1], 24: ['f8e5m2fnuz', 1], 25: ['f8e4m3fnuz', 1],
}; // biome-ignore format: a table

/** Field number in `HloModuleConfigProto`. */
const DEBUG_OPTIONS = 14;

/** Reads a program; throws `bad_file` if it is cut off. */
export function readHloProgram(bytes: Uint8Array): HloProgram {
  const program = new Message(bytes);
  const module = program.message(1);
  const computations = module?.contents(3).map(readComputation) ?? [];
  const entry = computations.find(({ id }) => id === module?.int(6)) ?? computations.at(-1);
  if (!entry) throw new FluxionError('bad_file', 'an optimised program has no computations');
  return { entry, computations, debugOptions: program.message(2)?.content(DEBUG_OPTIONS) };
}

function readComputation(bytes: Uint8Array): HloComputation {
  const message = new Message(bytes);
  const instructions = new Map<number, HloInstruction>();
  for (const content of message.contents(2)) {
    const [number, instruction] = readInstruction(content);
    // Programs written by hand may leave numbers out.
    instructions.set(number || -1 - instructions.size, instruction);
  }
  return { id: message.int(5), root: message.int(6), instructions, message: bytes };
}

function readInstruction(bytes: Uint8Array): [number: number, instruction: HloInstruction] {
  const message = new Message(bytes);
  const instruction = {
    name: message.text(1),
    opcode: message.text(2),
    shape: readShape(message.message(3), 0),
    target: message.text(28),
    operands: message.ints(36),
    calls: message.ints(38),
    // A message that holds a list of groups, in full or abbreviated, or, before 2024, such a list itself.
    group: groupOf(message.message(87)) ?? membersOf(message.message(49)),
    contracted: message.messages(30).flatMap((numbers) => numbers.ints(1)),
    kernelFeatures: message.message(16)?.int(4),
    config: message.text(43),
    tupleIndex: message.int(13),
    parameter: message.int(9),
    message: bytes,
  };
  return [message.int(35), instruction];
}

/** Devices in the first group of a list; all groups have the same size. */
function groupOf(list: Message | undefined): number | undefined {
  return membersOf(list?.messages(1)[0]) ?? list?.message(2)?.int(2);
}

function membersOf(group: Message | undefined): number | undefined {
  return group?.ints(1).length || undefined;
}

/** The arrays of a `ShapeProto`, with tuples flattened. */
function readShape(shape: Message | undefined, depth: number): HloShape {
  if (!shape) return [];
  if (depth > 8) throw new FluxionError('bad_file', 'an optimised program has tuples in more than 8 levels');
  const tuple = shape.messages(4).flatMap((element) => readShape(element, depth + 1));
  if (tuple.length > 0) return tuple;
  const dimensions = shape.ints(3);
  const [type, size] = ELEMENT_TYPES[shape.int(2)] ?? ['', 0];
  return [{ type, dimensions, bytes: dimensions.reduce((product, n) => product * n, size) }];
}
