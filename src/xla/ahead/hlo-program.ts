/**
 * An optimised program as data, read from the serialized `HloModuleProtoWithConfig` that PJRT returns. Field numbers are those of
 * xla/service/hlo.proto and xla/xla_data.proto; unused fields are skipped.
 */

import { FluxionError } from '../../support/errors.ts';
import { fields, protoText, varints } from '../../support/protobuf.ts';

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
  const [module, config] = [1, 2].map((wanted) => fields(bytes).find(({ field }) => field === wanted)?.content);
  if (module) {
    let entry = 0;
    const computations: HloComputation[] = [];
    for (const part of fields(module)) {
      if (part.field === 6) entry = part.value;
      if (part.field === 3 && part.content) computations.push(readComputation(part.content));
    }
    const main = computations.find(({ id }) => id === entry) ?? computations.at(-1);
    const debugOptions = config && fields(config).find(({ field }) => field === DEBUG_OPTIONS)?.content;
    if (main) return { entry: main, computations, debugOptions };
  }
  throw new FluxionError('bad_file', 'an optimised program has no computations');
}

function readComputation(bytes: Uint8Array): HloComputation {
  let [id, root] = [0, 0];
  const instructions = new Map<number, HloInstruction>();
  for (const { field, value, content } of fields(bytes)) {
    if (field === 5) id = value;
    if (field === 6) root = value;
    if (field !== 2 || !content) continue;
    const [number, instruction] = readInstruction(content);
    // Programs written by hand may leave numbers out.
    instructions.set(number || -1 - instructions.size, instruction);
  }
  return { id, root, instructions, message: bytes };
}

function readInstruction(bytes: Uint8Array): [number: number, instruction: HloInstruction] {
  let number = 0;
  let [name, opcode, target, config] = ['', '', '', ''];
  let [tupleIndex, parameter] = [0, 0];
  let shape: HloShape = [];
  let group: number | undefined;
  let kernelFeatures: number | undefined;
  const [operands, calls, contracted]: number[][] = [[], [], []];
  for (const { field, value, content } of fields(bytes)) {
    if (field === 9) parameter = value;
    if (field === 13) tupleIndex = value;
    if (field === 35) number = value;
    if (field === 36) operands!.push(...(content ? varints(content) : [value]));
    if (field === 38) calls!.push(...(content ? varints(content) : [value]));
    if (content === undefined) continue;
    if (field === 1) name = protoText(content);
    if (field === 2) opcode = protoText(content);
    if (field === 3) shape = readShape(content, 0);
    if (field === 16) kernelFeatures = numbersOf(content, 4)[0] ?? 0;
    if (field === 28) target = protoText(content);
    if (field === 30) contracted!.push(...numbersOf(content, 1));
    if (field === 43) config = protoText(content);
    // A list of groups or, since 2024, a message that holds such a list, in full or abbreviated.
    if (field === 49) group = membersOf(content);
    if (field === 87) group = groupOf(content) ?? group;
  }
  const lists = { operands: operands!, calls: calls!, contracted: contracted! };
  const own = { name, opcode, target, config, shape, tupleIndex, parameter, message: bytes };
  return [number, { ...own, group, kernelFeatures, ...lists }];
}

/** The numbers of a repeated field, packed or not. */
export function numbersOf(message: Uint8Array, wanted: number): number[] {
  return [...fields(message)].flatMap(({ field, value, content }) =>
    field !== wanted ? [] : content ? varints(content) : [value],
  );
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

/** The arrays of a `ShapeProto`, with tuples flattened. */
function readShape(shape: Uint8Array, depth: number): HloShape {
  if (depth > 8) throw new FluxionError('bad_file', 'an optimised program has tuples in more than 8 levels');
  let type = 0;
  const dimensions: number[] = [];
  const tuple: HloArray[] = [];
  for (const { field, value, content } of fields(shape)) {
    if (field === 2) type = value;
    if (field === 3) dimensions.push(...(content ? varints(content) : [value]));
    if (field === 4 && content) tuple.push(...readShape(content, depth + 1));
  }
  if (tuple.length > 0) return tuple;
  const [name, size] = ELEMENT_TYPES[type] ?? ['', 0];
  return [{ type: name, dimensions, bytes: dimensions.reduce((product, n) => product * n, size) }];
}
