/**
 * XLA:CPU's flags and the form of its programs, by plugin, processor, element type and shape. Measured on two cores each; the figures
 * are in docs/measurements/cpu.md.
 *
 * | XLA | processor | bf16 linear layers | attention |
 * |---|---|---|---|
 * | newer | AMX | oneDNN, bf16 results, in a program without attention; small matrices as below | a program of its own: one fused kernel, or blocks of queries |
 * | newer | AVX512-BF16, not Intel's | XLA's own kernels, f32 results | one fused kernel, or blocks of queries |
 * | older | AVX512-BF16, not Intel's | XLA's own kernels, f32 results | blocks of queries where scores are large |
 * | newer | others | x Wᵀ in f32 over widened tiles of W | one fused kernel in f32, or blocks of queries |
 * | older | others | W xᵀ in f32 over widened tiles of W | blocks of queries where scores are large |
 *
 * f32 and integers are left to XLA's own kernels everywhere. The newer XLA has kernels of YNNPACK among them, which it assembles when a
 * program first runs; brief convolutions do without.
 */

import { elementCount } from '../../support/dtype.ts';
import { countFlops } from '../graph/count.ts';
import type { Graph } from '../graph/graph.ts';
import { cutIntoStages, type Stage } from '../graph/stages.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Orientation } from './widened.ts';

/** The plugin and the processor that a CPU's programs are for. */
export interface CpuTarget {
  /** The plugin's version of the PJRT C API, such as `0.115`; its XLA follows from it. */
  readonly apiVersion: string;
  /** Instruction sets as `notableInstructions` names them; empty if the system does not tell. */
  readonly instructions: readonly string[];
}

/** XLA flags by name. */
export type Flags = Readonly<Record<string, boolean | string>>;

/** PJRT C API version of the first XLA that selects a scheduler by name; earlier ones have a flag instead. */
const SCHEDULER_BY_NAME = 82;
/** PJRT C API of the XLA whose YNNPACK kernels and oneDNN flags were tried. */
const YNNPACK = 115;

/** Elements of a matrix from which its product takes longer than starting a program. */
const LARGE = 2 ** 20;
/** Floating-point operations of a program up to which assembling its convolutions' kernels outweighs what they gain in a few pictures. */
const BRIEF = 2 ** 30;

/** Without YNNPACK. */
const PLAIN_FLAGS: Flags = { xla_cpu_experimental_ynn_fusion_type: '' };

/**
 * Linear layers by oneDNN, with the bias in the same call. Without the custom call, or together with YNNPACK, products run at a hundredth
 * of the speed.
 */
const ONEDNN_FLAGS: Flags = {
  xla_cpu_use_onednn: true,
  xla_cpu_experimental_onednn_custom_call: true,
  ...PLAIN_FLAGS,
};

const minor = ({ apiVersion }: Pick<CpuTarget, 'apiVersion'>): number => Number(apiVersion.split('.')[1]);

/**
 * Flags of every program. Operations run one at a time, in the order that keeps the least memory in use; each uses all threads anyway. The
 * default order starts everything it can, and widens every tile of a matrix before it uses the first: ten times the temporaries.
 */
export function cpuFlags(cpu: Pick<CpuTarget, 'apiVersion'>): Flags {
  return minor(cpu) < SCHEDULER_BY_NAME
    ? { xla_cpu_enable_concurrency_optimized_scheduler: false }
    : { xla_cpu_scheduler_type: 'CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED' };
}

/** A part of a program that is compiled separately, with its own flags. */
export interface CpuStage extends Stage {
  readonly flags: Flags;
  /** Whether the plugin can serialise the compiled program. XLA (jaxlib 0.11.2) takes oneDNN's calls for others, and ends the process. */
  readonly serialisable: boolean;
  /** The reason, for the log; undefined if the flags are the usual ones. */
  readonly why: string | undefined;
}

/** Cuts a graph into the parts that need different flags. */
export function cpuStages(g: Graph, cpu: CpuTarget): readonly CpuStage[] {
  const flags = cpuFlags(cpu);
  if (!usesOnednn(cpu) || !g.nodes.some(isBf16Layer)) {
    const whole = { graph: g, takes: g.parameters, gives: g.outputs, serialisable: true };
    return minor(cpu) >= YNNPACK && convolvesBriefly(g)
      ? [{ ...whole, flags: { ...flags, ...PLAIN_FLAGS }, why: 'without YNNPACK: brief convolutions start sooner' }]
      : [{ ...whole, flags, why: undefined }];
  }
  return cutIntoStages(g, ({ op }) => op.kind === 'attention').map((stage) =>
    suitsOnednn(stage.graph)
      ? {
          ...stage,
          flags: { ...flags, ...ONEDNN_FLAGS },
          serialisable: false,
          why: 'linear layers by oneDNN: AMX multiplies bf16',
        }
      : { ...stage, flags, serialisable: true, why: 'attention apart from linear layers: one fused kernel' },
  );
}

/** Whether oneDNN computes a graph's bf16 products, whose results then stay bf16. */
export function multipliesByOnednn(g: Graph, cpu: CpuTarget | undefined): boolean {
  return cpu !== undefined && usesOnednn(cpu) && suitsOnednn(g);
}

/** Whether XLA fuses both products of an attention and the softmax between them. */
export function fusesAttention(cpu: CpuTarget): boolean {
  return minor(cpu) >= YNNPACK;
}

/** How widened products are written: the newer XLA multiplies x Wᵀ directly; the older one is faster with the operands exchanged. */
export function orientationFor(cpu: CpuTarget | undefined): Orientation {
  return cpu && minor(cpu) >= YNNPACK ? 'x Wᵀ' : 'W xᵀ';
}

const usesOnednn = (cpu: CpuTarget): boolean => minor(cpu) >= YNNPACK && cpu.instructions.includes('AMX');

const convolvesBriefly = (g: Graph): boolean =>
  g.nodes.some(({ op }) => op.kind === 'convolution') && countFlops(g).total < BRIEF;

/** With oneDNN's flags attention is not fused, and products of integers run at a hundredth. */
function suitsOnednn(g: Graph): boolean {
  const unfit = ({ op }: Tensor): boolean =>
    op.kind === 'attention' || op.kind === 'quantisedMatmul' || op.kind === 'map';
  return g.nodes.some(isBf16Layer) && !g.nodes.some(unfit);
}

/** A product of activations and a stored matrix that is large enough to justify the start of a separate program for a better kernel. */
function isBf16Layer({ op, dtype, inputs }: Tensor): boolean {
  const matrix = inputs[1];
  return (
    op.kind === 'dot' && dtype === 'bf16' && matrix!.op.kind === 'parameter' && elementCount(matrix!.shape) >= LARGE
  );
}
