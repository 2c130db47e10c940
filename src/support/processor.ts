/** The instruction sets of the processor that determine the fastest program, as the system reports them. */

import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { attempt } from './attempt.ts';

/** Linux's names for the instruction sets that multiply bf16 numbers without widening them. */
const BF16_PRODUCTS = ['avx512_bf16', 'amx_bf16', 'avx10_2', 'bf16', 'svebf16'];

/** Sets that determine the fastest program, best last, with Linux's name for each. */
const NOTABLE = [
  ['AVX2', 'avx2'],
  ['AVX512', 'avx512f'],
  ['AVX512-BF16', 'avx512_bf16'],
  ['AMX', 'amx_bf16'],
  ['NEON', 'asimd'],
  ['BF16', 'bf16'],
  ['SVE', 'sve'],
] as const;

/** An instruction set of the processor that decides which kernels XLA can use, such as AVX2 or AMX. */
export type InstructionSet = (typeof NOTABLE)[number][0];

/** The notable instruction sets of the processor; empty if the system does not tell. */
export function notableInstructions(info: string = cpuInfo()): readonly InstructionSet[] {
  const sets = instructionSets(info);
  return NOTABLE.flatMap(([name, word]) => (sets.includes(word) ? [name] : []));
}

/** The processor's name and instruction sets; executables run on any processor with the same text. */
export function processorText(): string {
  return [arch(), cpus()[0]?.model ?? '', ...instructionSets(cpuInfo())].join(' ');
}

/**
 * Whether bf16 numbers are multiplied faster as they are than widened to f32; undefined if the system does not tell. Intel's AVX512-BF16
 * is slower than its f32: XLA and torch both reach 150 GFLOP/s with it where f32 has 220 to 260 (docs/measurements/cpu.md).
 */
export function multipliesBf16(info: string = cpuInfo()): boolean | undefined {
  const sets = instructionSets(info);
  if (sets.length === 0) return undefined;
  const isIntel = /^vendor_id\s*:\s*GenuineIntel$/m.test(info);
  return BF16_PRODUCTS.some((name) => sets.includes(name) && !(isIntel && name === 'avx512_bf16'));
}

/** The flags of the first processor of /proc/cpuinfo, sorted. */
function instructionSets(info: string): readonly string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1] ?? '';
  return line.split(' ').filter(Boolean).sort();
}

function cpuInfo(): string {
  return platform() === 'linux' ? attempt(() => readFileSync('/proc/cpuinfo', 'utf8'), '') : '';
}
