/**
 * What is special about each platform, one record each: a quirk is a field here, and code asks for the field, never for a platform's name.
 * Measurements behind the numbers are in docs/measurements/.
 */

import { cpuFlags, type Flags } from './cpu.ts';

/** A kind of device that programs are lowered for. */
export type PlatformName = 'cpu' | 'cuda' | 'rocm' | 'tpu' | 'metal';

/** Attention kernels of our own or of a vendor that compute both products and the softmax in one call. */
export type FusedKernel = 'splash' | 'cudnn' | 'triton';

/** The client that a program is compiled by. */
export interface CompilingClient {
  /** The plugin's version of the PJRT C API, such as `0.115`. */
  readonly apiVersion: string;
  /** Whether several processes share it. */
  readonly sharesStore: boolean;
}

/** The quirks of one platform. */
export interface Platform {
  readonly name: PlatformName;
  /**
   * `host`: devices use the host's memory. Uploads are read in place, streamed weights wait in their file, the budget is what the system
   * has free, and the code of programs is not counted. `device`: devices have their own, and streamed weights wait in page-locked memory.
   */
  readonly memory: 'host' | 'device';
  /** Whether programs are compiled for this machine's processor, so that another machine cannot use the executables. */
  readonly compilesForProcessor: boolean;
  /** The plugin's option for the number of devices, if it is free to choose; these devices then share one processor. */
  readonly deviceCountOption?: string;
  /** Whether one client can have the devices of several processes. */
  readonly joinsProcesses: boolean;
  /** XLA flags of every program. */
  readonly flags: (client: CompilingClient) => Flags;
  /** XLA flags that store the measured choice of kernels in a folder. They do not affect what is compiled. */
  readonly tuningFlags?: (folder: string) => Flags;
  /** The compiler effort for programs that run a few times per picture, and for the fastest compilation; the compiler's own if not set. */
  readonly effort?: { readonly seldom: 'O1'; readonly quick: 'O0' };
  /** Fused attention kernels, best first: for `auto`, and for `flash`, which asks for the platform's own. */
  readonly fused: { readonly auto: readonly FusedKernel[]; readonly flash: readonly FusedKernel[] };
  /** Bytes of attention scores above which they are computed in blocks: on a CPU because it is faster, elsewhere because they would not fit. */
  readonly chunkedAbove: number;
  /** Whether products are asked for in f32 and rounded afterwards: for a narrower result, XLA would first widen the operands in memory. */
  readonly roundsProducts: boolean;
  /** Whether convolutions run only in f32, so that any other type would be converted before and after each. */
  readonly convolvesInF32: boolean;
  /** Whether products of 8-bit integers are faster than widened ones; `unknown` if nobody has measured it. */
  readonly int8: 'faster' | 'unknown';
  /** Compute capability from which products of 8-bit floats are faster; absent if they never are. */
  readonly fp8From?: number;
}

const OWN_MEMORY = {
  memory: 'device',
  compilesForProcessor: false,
  joinsProcesses: false,
  flags: () => ({}),
  fused: { auto: [], flash: [] },
  chunkedAbove: 2 ** 30,
  roundsProducts: false,
  convolvesInF32: false,
  int8: 'unknown',
} as const;

const GPU = {
  ...OWN_MEMORY,
  joinsProcesses: true,
  // Processes that share a client each measure kernels separately: a process with a cached program would leave the others waiting.
  flags: ({ sharesStore }: CompilingClient) => (sharesStore ? { xla_gpu_shard_autotuning: false } : {}),
} as const;

/** The record of every platform. */
export const PLATFORMS: { readonly [N in PlatformName]: Platform & { readonly name: N } } = {
  cpu: {
    name: 'cpu',
    memory: 'host',
    compilesForProcessor: true,
    deviceCountOption: 'cpu_device_count',
    joinsProcesses: false,
    flags: cpuFlags,
    fused: { auto: [], flash: [] },
    chunkedAbove: 2 ** 23,
    roundsProducts: true,
    convolvesInF32: true,
    int8: 'faster',
  },
  cuda: {
    ...GPU,
    name: 'cuda',
    tuningFlags: (folder) => ({ xla_gpu_per_fusion_autotune_cache_dir: folder }),
    fused: { auto: ['cudnn', 'triton'], flash: ['triton', 'cudnn'] },
    int8: 'faster',
    fp8From: 8.9,
  },
  rocm: { ...GPU, name: 'rocm' },
  tpu: {
    ...OWN_MEMORY,
    name: 'tpu',
    // libtpu takes 5 to 12 seconds for each convolution of the autoencoder at its own effort, and a second or two at O1.
    effort: { seldom: 'O1', quick: 'O0' },
    fused: { auto: ['splash'], flash: ['splash'] },
    int8: 'faster',
  },
  metal: { ...OWN_MEMORY, name: 'metal' },
};

/** Finds the record of a platform by PJRT's name. An unknown platform is treated like Metal, the platform with the fewest assumptions. */
export function platformOf(name: string): Platform {
  const known = name.toLowerCase();
  return Object.hasOwn(PLATFORMS, known)
    ? PLATFORMS[known as PlatformName]
    : { ...PLATFORMS.metal, name: name as never };
}
