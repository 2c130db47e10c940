/** The operations of an optimised program: what each one is, for people, and how much it computes and moves. */

import { elementCount } from '../../support/dtype.ts';
import { bytesOf, productFlops } from './hlo.ts';
import { isOperation } from './hlo-cut.ts';
import type { HloArray, HloComputation, HloInstruction, HloProgram } from './hlo-program.ts';

/** What an operation is. Operations of one kind, shape and work are alike. */
export interface Operation {
  /** Its name in the optimised program, which profilers use. */
  readonly name: string;
  /** Such as `dot`, `fusion of dot, exponential, reduce (YNNPACK)`, `while, 24 times: dot, exponential`. */
  readonly kind: string;
  /** Operands and result of its largest product; its result if it has no product. */
  readonly shape: string;
  /** FLOPs of its products and convolutions; `undefined` if a loop does not say how often it runs, and for our own kernels. */
  readonly flops: number | undefined;
  /** Bytes of its operands and results; traffic inside a loop does not count. */
  readonly bytes: number;
}

/** Lists what takes time in a program, in order. */
export function operationsOf(program: HloProgram): Operation[] {
  const { instructions } = program.entry;
  return [...instructions.values()]
    .filter(isOperation)
    .map((instruction) => describe(program, instruction, instructions));
}

/** Opcodes that say what a fusion is about, the weightiest first. */
const TELLING = [
  'dot', 'convolution', 'custom-call', 'while', 'exponential', 'tanh', 'erf', 'logistic', 'rsqrt', 'sqrt', 'divide', 'sort', 'gather', 'scatter',
  'reduce', 'reduce-window', 'dynamic-update-slice', 'dynamic-slice', 'concatenate', 'pad', 'transpose', 'copy', 'multiply', 'add', 'subtract',
  'maximum', 'compare', 'slice', 'reverse', 'iota', 'convert', 'broadcast',
]; // biome-ignore format: a list in order
/** How many of them are named. */
const NAMED = 3;
const BACKENDS: Readonly<Record<string, string>> = {
  __ynn_fusion: 'YNNPACK',
  __xnn_fusion: 'XNNPACK',
  __onednn_fusion: 'oneDNN',
};

type Instructions = HloComputation['instructions'];

function describe(program: HloProgram, instruction: HloInstruction, among: Instructions): Operation {
  const { name, opcode, target, shape, operands, config } = instruction;
  const inner = [...insideOf(program, instruction, among, 1)];
  const times = tripsOf(instruction);
  const products = inner.filter(({ flops }) => flops > 0);
  const known =
    products.every(({ runs }) => runs !== undefined) && !inner.some(({ instruction }) => isOwnKernel(instruction));
  const flops = known ? products.reduce((sum, { flops, runs }) => sum + flops * runs!, 0) : undefined;
  const [largest] = products.toSorted((a, b) => b.flops - a.flops);
  const opcodes = new Set(inner.map((one) => one.instruction.opcode));
  const telling = TELLING.filter((one) => opcodes.has(one) && one !== opcode).slice(0, NAMED);
  const backend = BACKENDS[/"kind":"(\w+)"/.exec(config)?.[1] ?? ''];
  const about = telling.join(', ');
  const kind =
    opcode === 'custom-call'
      ? target
      : opcode === 'while'
        ? `while, ${times ?? '?'} times${about ? `: ${about}` : ''}`
        : opcode === 'fusion' || opcode === 'call'
          ? `${opcode}${about ? ` of ${about}` : ''}`
          : opcode;
  const moved = operands.flatMap((number) => among.get(number)?.shape ?? []);
  return {
    name,
    kind: backend ? `${kind} (${backend})` : kind,
    shape: largest ? productShape(largest) : shape.map(arrayText).join(', '),
    flops,
    bytes: bytesOf(shape) + (opcode === 'while' ? 0 : bytesOf(moved)),
  };
}

interface Inside {
  readonly instruction: HloInstruction;
  readonly among: Instructions;
  readonly flops: number;
  /** How often it runs in one run of the operation; undefined if unknown. */
  readonly runs: number | undefined;
}

/** An instruction and all that it calls. */
function* insideOf(
  program: HloProgram,
  instruction: HloInstruction,
  among: Instructions,
  runs: number | undefined,
  depth = 0,
): Generator<Inside> {
  yield { instruction, among, flops: productFlops(instruction, among) || attentionFlops(instruction, among), runs };
  // These call only a function of single numbers.
  if (depth > 16 || /^(reduce|sort|map|scatter|select-and-scatter|all-reduce|reduce-scatter)/.test(instruction.opcode))
    return;
  const times = instruction.opcode === 'while' ? tripsOf(instruction) : 1;
  const inner = runs === undefined || times === undefined ? undefined : runs * times;
  for (const id of instruction.calls) {
    const called = program.computations.find((one) => one.id === id);
    for (const one of called?.instructions.values() ?? [])
      yield* insideOf(program, one, called!.instructions, inner, depth + 1);
  }
}

/** Our own kernels, which contain no products of the compiler's. */
function isOwnKernel({ target }: HloInstruction): boolean {
  return target === 'tpu_custom_call' || target === '__gpu$xla.gpu.triton';
}

/** FLOPs of both products of cuDNN's attention, whose settings hold the sizes of its scores. */
function attentionFlops({ target, config, operands }: HloInstruction, among: Instructions): number {
  if (!target.startsWith('__cudnn$fmha')) return 0;
  const { cudnn_fmha_backend_config: settings } = JSON.parse(config || '{}') as {
    cudnn_fmha_backend_config?: { intermediate_tensor_shape?: { dimensions?: readonly string[] } };
  };
  const keys = Number(settings?.intermediate_tensor_shape?.dimensions?.at(-1) ?? 0);
  const queries = among.get(operands[0] ?? 0)?.shape[0]?.dimensions ?? [];
  return 4 * keys * elementCount(queries);
}

/** How often a loop runs, if the compiler worked it out. */
function tripsOf({ config }: HloInstruction): number | undefined {
  const found = /"known_trip_count":\{"n":"(\d+)"/.exec(config)?.[1];
  return found === undefined ? undefined : Number(found);
}

function productShape({ instruction, among }: Inside): string {
  const sides = instruction.operands.slice(0, 2).map((number) => among.get(number)?.shape[0]);
  const known = sides.filter((side) => side !== undefined);
  return `${known.map(arrayText).join(' · ')} → ${instruction.shape.slice(0, 1).map(arrayText)}`;
}

function arrayText({ type, dimensions }: HloArray): string {
  return `${type}[${dimensions.join('×')}]`;
}
