/** Which PJRT plugin serves which device, where it comes from, and other facts about it. Data only. */

import { type InstructionSet, notableInstructions } from '../../support/processor.ts';

/** The kinds of device a plugin can serve. */
export const DEVICE_NAMES = ['cpu', 'cuda', 'rocm', 'tpu', 'metal', 'xpu'] as const;

/** A kind of device that a plugin can serve; `xpu` is Intel's GPUs. */
export type DeviceName = (typeof DEVICE_NAMES)[number];

/** A file of a Python package. */
interface Download {
  /** The installer refuses a file with another hash. */
  readonly sha256: string;
  readonly bytes: number;
  /** Size of everything inside, unpacked. */
  readonly unpackedBytes: number;
}

/** One file of a Python package that holds the plugin. */
export interface Wheel extends Download {
  /** Hash of the plugin file inside. */
  readonly fileSha256: string;
  /** The oldest glibc that loads it. */
  readonly glibc?: string;
  /** The Python version the package is filed under, if its files are the same for every version: any Python can then install it. */
  readonly python?: string;
  /** Packages it needs beside it. */
  readonly companions?: readonly Companion[];
}

/** A package that a plugin needs beside it. */
export interface Companion extends Download {
  readonly package: string;
  readonly version: string;
  /** When it is needed: compiling for absent devices needs no device libraries. */
  readonly needed: 'always' | 'with the device';
}

/** This machine, as `wheels` names it. */
export const HOST: string = `${process.platform}-${process.arch}`;

/** A PJRT plugin that can be named on a command line. */
export interface PluginEntry {
  readonly device: DeviceName;
  readonly title: string;
  /** Package name and version on the Python package index. */
  readonly package: string;
  readonly version: string;
  /** Path of the plugin inside the package; absent if not known. */
  readonly file?: string;
  readonly apiVersion?: string;
  /** The release whose XLA it is built from, where that is known. */
  readonly xla?: string;
  readonly licence: string;
  /** By `platform-arch` as Node names them; empty where installing is not automatic. */
  readonly wheels: Readonly<Record<string, Wheel>>;
  /** How to get it, if it is not installed automatically. */
  readonly manual?: string;
  /** The instruction set that makes this package the fastest of its device; without it, other packages are faster. */
  readonly fastWith?: InstructionSet;
  /** Device files, any of which shows that such a device is there. */
  readonly deviceFiles: readonly string[];
  readonly notes: string;
}

/** NVIDIA's assembler and device functions, without which nothing compiles, and the libraries that programs call. */
const CUDA_COMPANIONS: readonly Companion[] = [
  { package: 'nvidia-cuda-nvcc', version: '13.5.37', sha256: 'f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7', bytes: 47_028_279, unpackedBytes: 149_680_561, needed: 'always' },
  { package: 'nvidia-nvvm', version: '13.5.37', sha256: 'c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070', bytes: 75_141_406, unpackedBytes: 177_531_199, needed: 'always' },
  { package: 'nvidia-cublas', version: '13.10.0.20', sha256: 'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84', bytes: 444_289_903, unpackedBytes: 610_318_043, needed: 'with the device' },
  { package: 'nvidia-cuda-cupti', version: '13.5.25', sha256: '9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650', bytes: 12_592_974, unpackedBytes: 51_526_503, needed: 'with the device' },
  { package: 'nvidia-cuda-runtime', version: '13.5.37', sha256: 'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d', bytes: 2_504_024, unpackedBytes: 8_057_221, needed: 'with the device' },
  { package: 'nvidia-cudnn-cu13', version: '9.28.1.4', sha256: 'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec', bytes: 516_817_937, unpackedBytes: 941_337_752, needed: 'with the device' },
  { package: 'nvidia-cufft', version: '12.5.0.14', sha256: 'b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad', bytes: 165_072_555, unpackedBytes: 239_204_744, needed: 'with the device' },
  { package: 'nvidia-cusolver', version: '12.4.1.2', sha256: 'b3b8e02fd2f2df869369af075dc3a179d43f6f7b85e94632a7dce556697be044', bytes: 260_003_940, unpackedBytes: 289_785_521, needed: 'with the device' },
  { package: 'nvidia-cusparse', version: '12.9.4.2', sha256: '072667e58c851a318738f5527a12eb225cbf058803f2ea451c722d8cf8edddec', bytes: 230_422_857, unpackedBytes: 249_956_586, needed: 'with the device' },
  { package: 'nvidia-nccl-cu13', version: '2.32.3', sha256: '1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3', bytes: 305_100_071, unpackedBytes: 360_851_493, needed: 'with the device' },
  { package: 'nvidia-nvjitlink', version: '13.5.37', sha256: '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb', bytes: 46_642_491, unpackedBytes: 117_330_563, needed: 'with the device' },
  { package: 'nvidia-cuda-nvrtc', version: '13.5.37', sha256: '86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc', bytes: 58_185_930, unpackedBytes: 148_551_478, needed: 'with the device' },
  { package: 'nvidia-nvshmem-cu13', version: '3.8.0', sha256: '81a4d1f666543e6d34df6d2ff940c7da1435e34e186aab6f3c2b48861b64ef38', bytes: 182_092_449, unpackedBytes: 268_484_101, needed: 'with the device' },
]; // biome-ignore format: a table

/** Every plugin this program knows of, best first where a machine has several devices. */
export const PLUGINS: readonly PluginEntry[] = [
  {
    device: 'tpu',
    title: 'Google TPU',
    package: 'libtpu',
    version: '0.0.52',
    file: 'libtpu/libtpu.so',
    apiVersion: '0.117',
    licence: "see the package; closed source, under Google's own terms",
    wheels: {
      'linux-x64': {
        sha256: 'f5e2e596eaea9357fbb5a6755a7a9007c6ab75bfde4a55191b03eff402971140',
        bytes: 137_064_406,
        fileSha256: 'f86de4d04a058e6b5101f73e0824b95f27e2cec996d2b9191d9cffda75c03077',
        unpackedBytes: 506_466_645,
        glibc: '2.31',
        python: '3.11',
      },
    },
    deviceFiles: ['/dev/accel0', '/dev/vfio/0'],
    notes:
      'Compiles for TPUs that are not there (v4, v5e, v5p, v6e, 7x). Where there is none, TPU_SKIP_MDS_QUERY=1 is set, or loading would wait for a metadata server.',
  },
  {
    device: 'cuda',
    title: 'NVIDIA GPU, CUDA 13',
    package: 'jax-cuda13-pjrt',
    version: '0.12.0.1',
    file: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    apiVersion: '0.116',
    licence: "Apache-2.0; NVIDIA's libraries under NVIDIA's own terms",
    wheels: {
      'linux-x64': {
        sha256: '5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90',
        bytes: 134_922_808,
        fileSha256: 'b6de513893c09af2c77e71afcef46d9706f8c259337cdef4cd5cae2353886f75',
        unpackedBytes: 395_990_587,
        glibc: '2.27',
        companions: CUDA_COMPANIONS,
      },
    },
    deviceFiles: ['/dev/nvidiactl', '/dev/dxg'],
    notes:
      "Compiles for GPUs that are not there (H100, H200, B200) with NVIDIA's ptxas and libdevice; where there is a GPU, NVIDIA's libraries are installed with it, and it needs a driver for CUDA 13. Looks for both in nvidia/ beside jax_plugins/.",
  },
  {
    device: 'rocm',
    title: 'AMD GPU, ROCm 7',
    package: 'jax-rocm7-pjrt',
    version: '0.12.0',
    licence: 'see the package',
    wheels: {},
    manual:
      'install ROCm 7, then pip install --target DIR jax-rocm7-pjrt, then: fluxion plugins add PATH of the .so in it',
    deviceFiles: ['/dev/kfd'],
    notes: 'Not tried.',
  },
  {
    device: 'metal',
    title: 'Apple GPU',
    package: 'jax-mps',
    version: 'latest',
    licence: 'see the package',
    wheels: {},
    manual:
      'on macOS with Apple silicon: pip install --target DIR jax-mps, then: fluxion plugins add PATH of the .dylib in it',
    deviceFiles: [],
    notes: 'Not tried; may take MLIR bytecode only.',
  },
  {
    device: 'xpu',
    title: 'Intel GPU',
    package: 'intel-extension-for-openxla',
    version: '0.7.0',
    licence: 'see the package',
    wheels: {},
    manual: 'pip install --target DIR intel-extension-for-openxla, then: fluxion plugins add PATH of the .so in it',
    deviceFiles: [],
    notes: 'Not tried.',
  },
  {
    device: 'cpu',
    title: 'x86-64 processors with AVX512, newer XLA',
    package: 'lammps-jax-pjrt-cpu',
    version: '0.11.2',
    file: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so',
    apiVersion: '0.115',
    xla: 'jaxlib 0.11.2',
    licence: 'Apache-2.0',
    wheels: {
      'linux-x64': {
        sha256: '1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1',
        bytes: 62_711_338,
        fileSha256: 'ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2',
        unpackedBytes: 201_865_339,
        glibc: '2.27',
      },
    },
    fastWith: 'AVX512',
    deviceFiles: [],
    notes: 'Multiplies bf16 natively on AVX512-BF16 and AMX. Processors without AVX512 are slower with it.',
  },
  {
    device: 'cpu',
    title: 'other processors, older XLA',
    package: 'xla-cpu-pjrt',
    version: '0.0.1',
    file: 'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so',
    apiVersion: '0.81',
    licence: "not stated in the package; built from OpenXLA's sources, which are Apache-2.0",
    wheels: {
      'linux-x64': {
        sha256: '55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc',
        bytes: 63_461_052,
        fileSha256: '88c3f28c5900f48ad4a82cab9e79bba9537809743395e341485f8794268820dc',
        unpackedBytes: 259_391_583,
        glibc: '2.27',
      },
      'linux-arm64': {
        sha256: '8f613be6e891858f40d64f9799319502fff42689661944fc18a6ffd8210b30c9',
        bytes: 49_514_947,
        fileSha256: 'fcf411f3e8ff635c2b2cf87215aa7016f460e66d236c3db08309e7486583532d',
        unpackedBytes: 200_435_256,
        glibc: '2.27',
      },
    },
    deviceFiles: [],
    notes:
      'Serves arm64, x86-64 without AVX512, and where the newer package is not available. macOS and Windows have no such package.',
  },
];

/** The entries of a device that a machine can install, fastest first; where it can install none, all entries of the device. */
export function pluginEntries(
  device: DeviceName,
  host: string = HOST,
  instructions: readonly InstructionSet[] = device === 'cpu' ? notableInstructions() : [],
): readonly [PluginEntry, ...PluginEntry[]] {
  const all = PLUGINS.filter((entry) => entry.device === device);
  const fitting = all.filter(({ wheels }) => wheels[host]);
  const isSlow = ({ fastWith }: PluginEntry): boolean =>
    fastWith !== undefined && instructions.length > 0 && !instructions.includes(fastWith);
  return (fitting.length > 0 ? fitting : all).toSorted((a, b) => Number(isSlow(a)) - Number(isSlow(b))) as [
    PluginEntry,
    ...PluginEntry[],
  ];
}

/** Names of all packages. */
export const PACKAGES: readonly string[] = PLUGINS.map((entry) => entry.package);
