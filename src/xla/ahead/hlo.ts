/** Summarises an optimised program: collectives, custom calls, products, and bytes moved. */

import { elementCount } from '../../support/dtype.ts';
import {
  type HloComputation,
  type HloInstruction,
  type HloProgram,
  type HloShape,
  readHloProgram,
} from './hlo-program.ts';

/** Exchanges between devices, as XLA names them. */
const COLLECTIVES = ['all-gather', 'all-reduce', 'reduce-scatter', 'all-to-all', 'collective-permute'] as const;
export type CollectiveKind = (typeof COLLECTIVES)[number];

/** The collectives of one kind in a program; those in loops count once. */
export interface CollectiveSummary {
  readonly kind: CollectiveKind;
  readonly count: number;
  /** Bytes of their results on one device. */
  readonly bytes: number;
  /** Bytes that one device receives if each collective goes round a ring. */
  readonly received: number;
}

export interface ProgramSummary {
  readonly collectives: readonly CollectiveSummary[];
  /** Targets of custom calls, sorted, without repetition. */
  readonly customCalls: readonly string[];
  /** FLOPs of products and convolutions on one device, library calls included; those in loops count once. */
  readonly products: number;
  /** Bytes written by copies and transposes outside other work; on TPUs, prefetches into vector memory count too. */
  readonly moved: number;
  /** Bytes of f32 arrays that hold an argument of a narrower type. */
  readonly widened: number;
}

/** Summarises a serialized `HloModuleProtoWithConfig`; `devices` is the group size of collectives that do not state theirs. Throws `bad_file`. */
export function summariseProgram(bytes: Uint8Array, devices: number): ProgramSummary {
  const program = readHloProgram(bytes);
  const customCalls = new Set<string>();
  const found = COLLECTIVES.map((kind) => ({ kind, count: 0, bytes: 0, received: 0 }));
  let products = 0;
  for (const { instructions } of program.computations) {
    for (const instruction of instructions.values()) {
      const { opcode, target, shape, group } = instruction;
      if (target !== '') customCalls.add(target);
      products += productFlops(instruction, instructions);
      const sum = found.find(({ kind }) => opcode === kind || opcode === `${kind}-start`);
      if (!sum || shape.length === 0) continue;
      // The result of a start instruction also holds the operand and more.
      const size = opcode.endsWith('-start') ? Math.max(...shape.map(({ bytes }) => bytes)) : bytesOf(shape);
      sum.count++;
      sum.bytes += size;
      sum.received += receivedBytes(sum.kind, size, group ?? devices);
    }
  }
  return {
    collectives: found.filter(({ count }) => count > 0),
    customCalls: [...customCalls].sort(),
    products,
    moved: movedBytes(program),
    widened: widenedBytes(program.entry),
  };
}

/** Bytes of all arrays of a shape. */
export function bytesOf(shape: HloShape): number {
  return shape.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** 2 FLOPs for every element of a product's result and every element summed into it; 0 for other operations. */
export function productFlops(instruction: HloInstruction, among: HloComputation['instructions']): number {
  const { shape, operands, kernelFeatures } = instruction;
  const [left, right] = operands.map((number) => among.get(number)?.shape[0]?.dimensions);
  const results = elementCount(shape[0]?.dimensions ?? []);
  if (kernelFeatures !== undefined && right) return (2 * results * elementCount(right)) / (right[kernelFeatures] ?? 1);
  const contracted = left && contractedOf(instruction, left.length);
  return contracted ? 2 * results * elementCount(contracted.map((axis) => left[axis] ?? 1)) : 0;
}

/** Dimensions of the left side that a product sums over, which a library's call has in its settings; undefined for other operations. */
function contractedOf(
  { opcode, target, config, contracted }: HloInstruction,
  rank: number,
): readonly number[] | undefined {
  if (opcode === 'dot') return contracted;
  const settings = () =>
    JSON.parse(config || '{}') as {
      gemm_backend_config?: { dot_dimension_numbers?: { lhs_contracting_dimensions?: string[] } };
      onednn_matmul_config?: { transpose_a?: boolean };
    };
  if (target.startsWith('__cublas'))
    return (settings().gemm_backend_config?.dot_dimension_numbers?.lhs_contracting_dimensions ?? []).map(Number);
  if (target.startsWith('__onednn$matmul')) return [rank - (settings().onednn_matmul_config?.transpose_a ? 2 : 1)];
  return undefined;
}

const MOVES = ['copy', 'copy-start', 'transpose'];
/** Opcodes that leave an array's bits in place. */
const SAME = ['parameter', 'bitcast', 'reshape'];

/** Bytes that the entry's copies and transposes write, and fusions that do nothing else. */
function movedBytes({ entry, computations }: HloProgram): number {
  const moves = ({ opcode, calls }: HloInstruction): boolean => {
    if (opcode !== 'fusion') return MOVES.includes(opcode);
    const inner = [...(computations.find(({ id }) => id === calls[0])?.instructions.values() ?? [])];
    const alone = inner.every((one) => SAME.includes(one.opcode) || MOVES.includes(one.opcode));
    return alone && inner.some((one) => MOVES.includes(one.opcode));
  };
  const all = [...entry.instructions.values()].filter(moves);
  return all.reduce((sum, { shape }) => sum + (shape[0]?.bytes ?? 0), 0);
}

/** Bytes of the entry's f32 arrays that have exactly the dimensions of a narrower argument. */
function widenedBytes({ instructions }: HloComputation): number {
  const NARROW = /^(bf16|f16|f8)/;
  const all = [...instructions.values()];
  const narrow = new Set(
    all
      .filter(({ opcode, shape }) => opcode === 'parameter' && NARROW.test(shape[0]?.type ?? ''))
      .map(({ shape }) => shape[0]!.dimensions.join()),
  );
  const wide = all
    .filter(({ opcode }) => opcode !== 'parameter')
    .flatMap(({ shape }) => shape)
    .filter(({ type, dimensions }) => type === 'f32' && dimensions.length > 1 && narrow.has(dimensions.join()));
  return bytesOf(wide);
}

/** Bytes that one of `n` devices in a ring receives for a result of `size` bytes. */
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
