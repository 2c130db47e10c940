/**
 * Takes an optimised program apart: every operation of its entry becomes a program of its own, with the same operands, layouts and
 * backend settings. Compiled without further optimisation, the operation gets the same code as in the whole program.
 *
 * Notable: free instructions (bitcasts, tuples, constants) go with the operation that uses them; equal operations give equal bytes.
 * Arguments and results are row-major views of their memory, so that no layouts have to be passed on.
 */

import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { fields, Message, ProtoWriter } from '../../support/protobuf.ts';
import type { HloComputation, HloInstruction, HloProgram } from './hlo-program.ts';

/** Names an array that an operation makes or the program is given: the instruction's number, then the index of the result. */
export type ValueName = `${number}.${number}`;

/** An operation as a program of its own. */
export interface CutOperation {
  /** A serialized `HloModuleProto`. */
  readonly module: Uint8Array;
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
}

export interface CutProgram {
  /** In the order they run in. */
  readonly operations: readonly CutOperation[];
  /** Names of the arguments, by position. */
  readonly parameters: readonly ValueName[];
  /** Names of the results; `undefined` for one that no operation makes, such as a returned argument. */
  readonly results: readonly (ValueName | undefined)[];
}

/** Opcodes that compute nothing: they say where a value is, and how to view it. */
const FREE = ['parameter', 'constant', 'bitcast', 'get-tuple-element', 'tuple'];
/** An instruction with several parts or on several devices cannot be run as a program. */
const TOGETHER =
  /-(start|done|update)$|^(all-|reduce-scatter|collective|send|recv|infeed|outfeed|partition-id|replica-id)/;

/** Whether an instruction of the entry takes any time. */
export function isOperation({ opcode }: HloInstruction): boolean {
  return !FREE.includes(opcode);
}

/** Cuts a program into its operations; throws `unsupported` for programs of several devices. */
export function cutProgram(program: HloProgram): CutProgram {
  const { entry } = program;
  const parameters: ValueName[] = [];
  const operations: CutOperation[] = [];
  for (const [number, instruction] of entry.instructions) {
    if (instruction.opcode === 'parameter') parameters[instruction.parameter] = `${number}.0`;
    if (!isOperation(instruction)) continue;
    if (TOGETHER.test(instruction.opcode))
      throw new FluxionError('unsupported', `a program with ${instruction.opcode} cannot be taken apart`);
    operations.push(new Cut(program).operation(number, instruction));
  }
  const root = entry.instructions.get(entry.root);
  const results =
    root?.opcode === 'tuple'
      ? root.operands.map((number) => sourceOf(entry, number))
      : (root?.shape ?? []).length > 1
        ? root!.shape.map((_, i): ValueName => `${entry.root}.${i}`)
        : [sourceOf(entry, entry.root)];
  return { operations, parameters, results };
}

/** The array behind an instruction of the entry, seen through bitcasts and tuples; `undefined` if no operation makes it. */
function sourceOf(entry: HloComputation, number: number): ValueName | undefined {
  const { opcode, operands, tupleIndex } = entry.instructions.get(number) ?? unknown(number);
  if (opcode === 'bitcast') return sourceOf(entry, operands[0]!);
  if (opcode !== 'get-tuple-element')
    return opcode === 'constant' || opcode === 'parameter' ? undefined : `${number}.0`;
  const from = entry.instructions.get(operands[0]!) ?? unknown(operands[0]!);
  return from.opcode === 'tuple' ? sourceOf(entry, from.operands[tupleIndex]!) : `${operands[0]!}.${tupleIndex}`;
}

/** Fields of `HloInstructionProto` that name other things, or where the program came from. */
const NAMES = { name: 1, opcode: 2, shape: 3, metadata: 7, parameter: 9, tupleIndex: 13, id: 35, operands: 36, predecessors: 37, calls: 38, original: 88 } as const; // biome-ignore format: a table
const RENAMED: readonly number[] = [NAMES.name, NAMES.metadata, NAMES.id, NAMES.operands, NAMES.predecessors, NAMES.calls, NAMES.original]; // biome-ignore format: a table

/** The program of one operation while it is written. */
class Cut {
  readonly #program: HloProgram;
  /** New numbers of computations by their old ones; the entry is 1. */
  readonly #computations = new Map<number, number>();
  readonly #called: ProtoWriter[] = [];
  readonly #entry = new Sheet(1);
  /** Shapes of the parameters, by the values they take. */
  readonly #inputs = new Map<ValueName, Uint8Array>();
  /** New ids of values and instructions that are already written. */
  readonly #written = new Map<string, number>();

  constructor(program: HloProgram) {
    this.#program = program;
  }

  operation(number: number, instruction: HloInstruction): CutOperation {
    const calls = instruction.calls.map((id) => this.#computation(id));
    let operands = instruction.operands.map((operand) => this.#operand(operand));
    if (instruction.opcode === 'while') operands = [this.#ownState(operands[0]!, instruction)];
    const made = this.#entry.copyOf(instruction, operands, calls);
    const shapes = leavesOf(shapeOf(instruction));
    const isTuple = elementsOf(shapeOf(instruction)).length > 0;
    const results = shapes.map((shape, i) =>
      this.#entry.packed(isTuple ? this.#entry.element(made, i, shape) : made, shape),
    );
    const result = isTuple ? tupleShape(shapes.map(packedShape)) : packedShape(shapes[0]!);
    const root = isTuple ? this.#entry.write('tuple', result, results) : results[0]!;
    const signature = new ProtoWriter();
    const inputs = [...this.#inputs.keys()];
    for (const shape of this.#inputs.values()) signature.content(1, shape);
    signature.content(2, result);
    for (const i of inputs.keys()) signature.text(3, `p${i}`);
    const module = new ProtoWriter().text(1, 'operation').text(2, 'c1');
    for (const called of this.#called) module.message(3, called);
    module.message(3, this.#entry.computation(root, signature));
    module.message(4, signature).int(5, 1).int(6, 1);
    return {
      module: module.bytes(),
      inputs,
      outputs: shapes.map((_, i): ValueName => `${number}.${i}`),
    };
  }

  /** Writes an operand, and returns its new id. */
  #operand(number: number): number {
    return getOrMake(this.#written, String(number), () => this.#writeOperand(number));
  }

  #writeOperand(number: number): number {
    const instruction = this.#program.entry.instructions.get(number) ?? unknown(number);
    const { opcode, operands, tupleIndex } = instruction;
    const shape = shapeOf(instruction);
    if (opcode === 'constant' || opcode === 'bitcast' || opcode === 'tuple')
      return this.#entry.copyOf(
        instruction,
        operands.map((operand) => this.#operand(operand)),
        [],
      );
    if (opcode === 'get-tuple-element') {
      const from = this.#program.entry.instructions.get(operands[0]!) ?? unknown(operands[0]!);
      if (from.opcode === 'tuple') return this.#operand(from.operands[tupleIndex]!);
      return this.#input(`${operands[0]!}.${tupleIndex}`, shape);
    }
    const leaves = leavesOf(shape);
    if (elementsOf(shape).length === 0) return this.#input(`${number}.0`, shape);
    const elements = leaves.map((leaf, i) => this.#input(`${number}.${i}`, leaf));
    return this.#entry.write('tuple', shape, elements);
  }

  /** Adds a parameter for a value, and views it in the layout that the value has in the program. */
  #input(value: ValueName, shape: Uint8Array): number {
    return getOrMake(this.#written, value, () => {
      const packed = packedShape(shape);
      const parameter = this.#entry.write('parameter', packed, [], (proto) =>
        proto.int(NAMES.parameter, this.#inputs.size),
      );
      this.#inputs.set(value, packed);
      return packed === shape ? parameter : this.#entry.write('bitcast', shape, [parameter]);
    });
  }

  /** Writes the state of a loop, copying the elements that the loop changes: arguments must not be written to. */
  #ownState(tuple: number, { calls, operands }: HloInstruction): number {
    // A loop calls a condition and a body; only the body returns the state.
    const body = calls
      .map((id) => computationOf(this.#program, id))
      .find(({ instructions, root }) => instructions.get(root)?.opcode === 'tuple');
    const kept = body ? keptElements(body) : new Set<number>();
    const shape = shapeOf(this.#program.entry.instructions.get(operands[0]!) ?? unknown(operands[0]!));
    const elements = leavesOf(shape).map((leaf, i) => {
      const element = this.#entry.element(tuple, i, leaf);
      return kept.has(i) ? element : this.#entry.write('copy', leaf, [element]);
    });
    return this.#entry.write('tuple', shape, elements);
  }

  /** Writes a called computation with everything it calls, and returns its new id. */
  #computation(id: number): number {
    return getOrMake(this.#computations, id, () => this.#writeComputation(id));
  }

  #writeComputation(id: number): number {
    const computation = computationOf(this.#program, id);
    const calls = new Map(
      [...computation.instructions].map(([number, { calls }]) => [number, calls.map((one) => this.#computation(one))]),
    );
    const number = this.#computations.size + 2;
    const sheet = new Sheet(number);
    const ids = new Map<number, number>();
    const idOf = (operand: number): number => ids.get(operand) ?? unknown(operand);
    for (const [one, instruction] of computation.instructions)
      ids.set(one, sheet.copyOf(instruction, instruction.operands.map(idOf), calls.get(one)!));
    const signature = new Message(computation.message).content(4) ?? new Uint8Array();
    this.#called.push(sheet.computation(idOf(computation.root), renamed(signature)));
    return number;
  }
}

/** The instructions of one computation, as written. */
class Sheet {
  readonly #number: number;
  readonly #instructions: ProtoWriter[] = [];

  constructor(number: number) {
    this.#number = number;
  }

  /** Ids hold the computation's number in their upper half. */
  #head(): { readonly id: number; readonly proto: ProtoWriter } {
    const local = this.#instructions.length;
    const proto = new ProtoWriter().text(NAMES.name, `c${this.#number}.i${local}`);
    this.#instructions.push(proto);
    const id = this.#number * 2 ** 32 + local;
    proto.int(NAMES.id, id);
    return { id, proto };
  }

  /** A copy of an instruction with new ids for its references. */
  copyOf({ message }: HloInstruction, operands: readonly number[], calls: readonly number[]): number {
    const { id, proto } = this.#head();
    for (const { field, whole } of fields(message)) if (!RENAMED.includes(field)) proto.raw(whole);
    for (const operand of operands) proto.int(NAMES.operands, operand);
    for (const call of calls) proto.int(NAMES.calls, call);
    return id;
  }

  write(
    opcode: string,
    shape: Uint8Array,
    operands: readonly number[],
    more: (proto: ProtoWriter) => void = () => {},
  ): number {
    const { id, proto } = this.#head();
    proto.text(NAMES.opcode, opcode).content(NAMES.shape, shape);
    for (const operand of operands) proto.int(NAMES.operands, operand);
    more(proto);
    return id;
  }

  element(tuple: number, index: number, shape: Uint8Array): number {
    return this.write('get-tuple-element', shape, [tuple], (proto) => proto.int(NAMES.tupleIndex, index));
  }

  /** Views a value as a row-major array of the same memory. */
  packed(id: number, shape: Uint8Array): number {
    const packed = packedShape(shape);
    return packed === shape ? id : this.write('bitcast', packed, [id]);
  }

  computation(root: number, signature: ProtoWriter): ProtoWriter {
    const proto = new ProtoWriter().text(1, `c${this.#number}`);
    for (const instruction of this.#instructions) proto.message(2, instruction);
    return proto.message(4, signature).int(5, this.#number).int(6, root);
  }
}

/** Fields of `ShapeProto` and `LayoutProto`. */
const [TYPE, DIMENSIONS, TUPLE, LAYOUT, MINOR_TO_MAJOR] = [2, 3, 4, 5, 1];

function shapeOf({ message }: HloInstruction): Uint8Array {
  return new Message(message).content(NAMES.shape) ?? new Uint8Array();
}

/** The elements of a tuple; none of an array. */
function elementsOf(shape: Uint8Array): Uint8Array[] {
  return new Message(shape).contents(TUPLE);
}

/** The arrays of a shape: itself, or the elements of a flat tuple. */
function leavesOf(shape: Uint8Array): Uint8Array[] {
  const elements = elementsOf(shape);
  if (elements.some((element) => elementsOf(element).length > 0))
    throw new FluxionError('unsupported', 'a program with tuples of tuples cannot be taken apart');
  return elements.length > 0 ? elements : [shape];
}

/** The shape of the same memory in row-major order; the shape itself if it is row-major. */
function packedShape(shape: Uint8Array): Uint8Array {
  const message = new Message(shape);
  const dimensions = message.ints(DIMENSIONS);
  const layout = message.content(LAYOUT);
  const minorToMajor = layout ? new Message(layout).ints(MINOR_TO_MAJOR) : [];
  const rowMajor = dimensions.map((_, i) => dimensions.length - 1 - i);
  if (!layout || minorToMajor.join() === rowMajor.join()) return shape;
  const packed = new ProtoWriter();
  const ordered = minorToMajor.toReversed().map((axis) => dimensions[axis] ?? 1);
  packed.int(TYPE, message.int(TYPE));
  for (const size of ordered) packed.int(DIMENSIONS, size);
  const order = new ProtoWriter();
  for (const axis of rowMajor) order.int(MINOR_TO_MAJOR, axis);
  for (const { field, whole } of fields(layout)) if (field !== MINOR_TO_MAJOR) order.raw(whole);
  return packed.message(LAYOUT, order).bytes();
}

function tupleShape(shapes: readonly Uint8Array[]): Uint8Array {
  const TUPLE_TYPE = 13;
  const proto = new ProtoWriter().int(TYPE, TUPLE_TYPE);
  for (const shape of shapes) proto.content(TUPLE, shape);
  return proto.bytes();
}

/** A `ProgramShapeProto` whose parameters are called by their numbers. */
function renamed(signature: Uint8Array): ProtoWriter {
  const proto = new ProtoWriter();
  for (const { field, whole } of fields(signature)) if (field !== 3) proto.raw(whole);
  for (const i of new Message(signature).contents(1).keys()) proto.text(3, `p${i}`);
  return proto;
}

function computationOf({ computations }: HloProgram, id: number): HloComputation {
  return computations.find((one) => one.id === id) ?? unknown(id);
}

/** Elements of its state that a loop's body returns unchanged. */
function keptElements({ instructions, root }: HloComputation): Set<number> {
  const isState = (number: number): boolean => instructions.get(number)?.opcode === 'parameter';
  const kept = instructions.get(root)!.operands.flatMap((number, i) => {
    const from = instructions.get(number);
    return from?.opcode === 'get-tuple-element' && from.tupleIndex === i && isState(from.operands[0]!) ? [i] : [];
  });
  return new Set(kept);
}

function unknown(number: number): never {
  throw new FluxionError('bad_file', `an optimised program refers to ${number}, which it does not have`);
}
