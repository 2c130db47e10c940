/**
 * Devices that programs can be compiled for while absent: memory, peak rates and links from the makers' data sheets, and their names on a
 * command line. Data, and the parser of those names.
 */

import { elementCount } from '../../support/dtype.ts';
import { didYouMean, FluxionError } from '../../support/errors.ts';
import { PLATFORMS, type Platform, type PlatformName } from '../lowering/platform.ts';

const { name: CPU } = PLATFORMS.cpu;
const { name: CUDA } = PLATFORMS.cuda;
const { name: TPU } = PLATFORMS.tpu;

/** One kind of device. Rates are one device's peaks; link rates are for one direction. */
export interface DeviceModel {
  readonly title: string;
  readonly platform: PlatformName;
  /** Bytes that programs can use; a limit that a TPU's compiler reports takes precedence. */
  readonly memory: number;
  /** FLOP/s of bf16 products, dense. */
  readonly flops: number;
  /** Bytes a second between the device and its memory. */
  readonly bandwidth: number;
  /** Bytes a second of one link to a neighbour in one direction. */
  readonly link: number;
  /** Dimensions of the network between chips, each with a neighbour on either side; undefined if a switch joins all. */
  readonly torus: number | undefined;
  /** Devices of one chip. */
  readonly perChip?: number;
  /** Options of a TPU's topology, besides its name. */
  readonly topology?: Readonly<Record<string, string>>;
  readonly computeCapability?: number;
  /** `GpuTargetConfigProto` in text form: what XLA's compiler must know about a GPU. */
  readonly targetConfig?: string;
  readonly source: string;
}

const GIB = 2 ** 30;

/** Known devices: TPUs by libtpu's topology names, GPUs by their usual short names. A chip of v4 and v5p is one device, a chip of 7x two. */
export const DEVICE_MODELS: Readonly<Record<string, DeviceModel>> = {
  v4: {
    title: 'TPU v4', platform: TPU, memory: 32 * GIB, flops: 275e12, bandwidth: 1.2e12, link: 50e9, torus: 3,
    // Both cores of a chip as one device, as Cloud TPU has it.
    topology: { chip_config_name: 'megacore' },
    source: 'https://cloud.google.com/tpu/docs/v4: 275 TFLOP/s, 32 GiB, 1200 GB/s, six links of 50 GB/s',
  },
  v5e: {
    title: 'TPU v5e', platform: TPU, memory: 16 * GIB, flops: 197e12, bandwidth: 0.8e12, link: 50e9, torus: 2,
    source: 'https://cloud.google.com/tpu/docs/v5e: 197 TFLOP/s, 16 GB, 800 GB/s, 1600 Gbit/s over four links',
  },
  v5p: {
    title: 'TPU v5p', platform: TPU, memory: 95 * GIB, flops: 459e12, bandwidth: 2.765e12, link: 100e9, torus: 3,
    source: 'https://cloud.google.com/tpu/docs/v5p: 459 TFLOP/s, 95 GB, 2765 GB/s, 4800 Gbit/s over six links',
  },
  v6e: {
    title: 'TPU v6e', platform: TPU, memory: 32 * GIB, flops: 918e12, bandwidth: 1.6e12, link: 100e9, torus: 2,
    source: 'https://cloud.google.com/tpu/docs/v6e: 918 TFLOP/s, 32 GB, 1600 GB/s, 3200 Gbit/s over four links',
  },
  tpu7x: {
    title: 'TPU 7x', platform: TPU, memory: 96 * GIB, flops: 1153.5e12, bandwidth: 3.69e12, link: 100e9, torus: 3, perChip: 2,
    source: 'https://cloud.google.com/tpu/docs/tpu7x: a chip has 2307 TFLOP/s, 192 GiB, 7380 GB/s; a device is half of one',
  },
  h100: {
    title: 'NVIDIA H100 SXM', platform: CUDA, memory: 84_942_979_072, flops: 989.5e12, bandwidth: 3.352e12, link: 450e9,
    torus: undefined, computeCapability: 9,
    targetConfig: gpuConfig({ name: 'NVIDIA H100 80GB HBM3', cores: 132, major: 9, bandwidth: 3_352_320_000_000, cache: 52_428_800, clock: 1.98, memory: 84_942_979_072 }),
    source: "NVIDIA's H100 data sheet: 989.5 TFLOP/s, 80 GB, 3.35 TB/s, NVLink 900 GB/s both ways",
  },
  h200: {
    title: 'NVIDIA H200 SXM', platform: CUDA, memory: 151_397_597_184, flops: 989.5e12, bandwidth: 4.8e12, link: 450e9,
    torus: undefined, computeCapability: 9,
    targetConfig: gpuConfig({ name: 'NVIDIA H200 141GB HBM3e', cores: 132, major: 9, bandwidth: 4_800_000_000_000, cache: 52_428_800, clock: 1.98, memory: 151_397_597_184 }),
    source: "NVIDIA's H200 data sheet: 989.5 TFLOP/s, 141 GB, 4.8 TB/s, NVLink 900 GB/s both ways",
  },
  b200: {
    title: 'NVIDIA B200', platform: CUDA, memory: 191_514_411_008, flops: 2250e12, bandwidth: 7.672e12, link: 900e9,
    torus: undefined, computeCapability: 10,
    targetConfig: gpuConfig({ name: 'NVIDIA B200', cores: 148, major: 10, bandwidth: 7_672_320_000_000, cache: 132_644_864, clock: 1.965, memory: 191_514_411_008 }),
    source: "NVIDIA's HGX B200 data sheet: 2250 TFLOP/s, 180 GB, 7.7 TB/s, NVLink 1.8 TB/s both ways",
  },
}; // biome-ignore format: one device reads as one row

interface GpuFacts {
  readonly name: string;
  readonly cores: number;
  readonly major: number;
  readonly bandwidth: number;
  readonly cache: number;
  readonly clock: number;
  readonly memory: number;
}

/** A GPU's description for XLA: its own facts, and those that all three GPUs share. Both are from XLA's own descriptions. */
function gpuConfig({ name, cores, major, bandwidth, cache, clock, memory }: GpuFacts): string {
  return `gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
  shared_memory_per_block: 49152 shared_memory_per_core: 233472 shared_memory_per_block_optin: 232448
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  core_count: ${cores} fpus_per_core: 128 clock_rate_ghz: ${clock}
  memory_bandwidth: ${bandwidth} l2_cache_size: ${cache} device_memory_size: ${memory}
  cuda_compute_capability { major: ${major} minor: 0 feature_extension: ACCELERATED_FEATURES }
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 12 } runtime_version { major: 13 minor: 0 patch: 0 }
device_description_str: "${name}"`;
}

/** The plugins' names for these devices. H100s other than SXM, such as `NVIDIA H100 PCIe`, have other peaks and do not count. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^TPU v4$/, 'v4'],
  [/^TPU v5 ?(lite|e)$/, 'v5e'],
  [/^TPU v5p?$/, 'v5p'],
  [/^TPU v6 ?(lite|e)$/, 'v6e'],
  [/^TPU (v?7x|7)$|^TPU7x$/, 'tpu7x'],
  [/^NVIDIA H100 80GB HBM3$/, 'h100'],
  [/^NVIDIA H200$/, 'h200'],
  [/^NVIDIA B200$/, 'b200'],
];

/** Finds a device by the name its plugin reports; `undefined` if it is unknown. */
export function deviceModelOf(kind: string): DeviceModel | undefined {
  const name = KINDS.find(([pattern]) => pattern.test(kind))?.[1];
  return name === undefined ? undefined : DEVICE_MODELS[name];
}

/** Devices to compile for. */
export interface AheadTarget {
  /** As the user wrote it: `v6e:2x2`, `h200:2`, `cpu:4`. */
  readonly name: string;
  readonly platform: Platform;
  /** `undefined` for the CPU, whose rates are unknown. */
  readonly model: DeviceModel | undefined;
  /** Chips along each dimension of a TPU slice, or the number of devices. */
  readonly bounds: readonly number[];
  readonly devices: number;
}

/** Most devices that are compiled for at once. */
const MOST = 4096;
/** Chips of one host: a slice smaller than a host may be a line of them. */
const HOST_CHIPS = 4;

/** Reads the name of a target; throws `bad_config` listing the possible names. */
export function parseTarget(name: string): AheadTarget {
  const [, kind = '', size] = /^([^:]*)(?::(.*))?$/s.exec(name) ?? [];
  const model = Object.hasOwn(DEVICE_MODELS, kind) ? DEVICE_MODELS[kind] : undefined;
  if (!model && kind !== CPU) {
    const known = [...Object.keys(DEVICE_MODELS), CPU];
    throw new FluxionError('bad_config', `there is no target '${name}'`, {
      hint: didYouMean(kind, known, `there are ${known.join(', ')}, such as v6e:2x2, v5p:2x2x1, h200:2 or cpu:4`),
    });
  }
  const platform = PLATFORMS[model?.platform ?? CPU];
  const { torus } = model ?? {};
  const dimensions = torus ?? 1;
  const bounds = (size ?? (torus ? '' : '1')).split('x').map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : 0));
  const product = elementCount(bounds);
  if (bounds.length !== dimensions || product < 1 || product > MOST) {
    const wanted = torus ? `chips along ${dimensions} dimensions, ${MOST} at most` : `1 to ${MOST} devices`;
    throw new FluxionError('bad_config', `${name}: expected ${wanted}`, { hint: sizesOf(kind) });
  }
  if (torus && !isSlice(bounds)) throw noSuchSlice(name);
  return { name, platform, model, bounds, devices: product * (model?.perChip ?? 1) };
}

/** Whether such a slice exists. Hosts have 2 × 2 chips, so a slice is even along two dimensions unless it lies within one host. */
function isSlice(bounds: readonly number[]): boolean {
  const chips = elementCount(bounds);
  return bounds.slice(0, 2).every((bound) => bound % 2 === 0) || (chips <= HOST_CHIPS && chips !== 3);
}

/** The error for a TPU slice that does not exist, listing those that do; `why` is the compiler's reason, if it gave one. */
export function noSuchSlice(name: string, why?: string): FluxionError {
  const kind = name.split(':', 1)[0]!;
  return new FluxionError('bad_config', `${name}: there is no such slice${why === undefined ? '' : ` (${why})`}`, {
    hint: sizesOf(kind),
  });
}

/** The sizes a kind of device comes in, as a hint. */
function sizesOf(kind: string): string {
  const sizes = {
    1: ['', ':2', ':4', ':8'],
    2: [':1x1', ':2x2', ':2x4', ':4x4', ':4x8', ':8x8', ':8x16', ':16x16'],
    3: [':1x1x1', ':2x2x1', ':2x2x2', ':2x2x4', ':2x4x4', ':4x4x4', ':4x4x8'],
  }[DEVICE_MODELS[kind]?.torus ?? 1]!;
  const even = (DEVICE_MODELS[kind]?.torus ?? 1) > 1 ? '; beyond one host, the first two numbers are even' : '';
  return `there are ${sizes.map((size) => kind + size).join(', ')} and so on${even}`;
}

/**
 * Bytes a second that one device can receive from all its neighbours in the target at once. A dimension of size one has no link, of size
 * two one link, and a longer dimension two.
 */
export function networkRate({ model, bounds }: AheadTarget): number {
  if (!model) return Number.POSITIVE_INFINITY;
  if (model.torus === undefined) return model.link;
  return model.link * bounds.reduce((links, bound) => links + Math.min(2, bound - 1), 0);
}
