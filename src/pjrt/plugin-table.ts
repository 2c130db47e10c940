/** Which PJRT plugin serves which device, where it comes from, and what is known of it. Data only. */

/** The kinds of device a plugin can serve. */
export const DEVICE_NAMES = ['cpu', 'cuda', 'rocm', 'tpu', 'metal', 'xpu'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

/** One file of a Python package that holds the plugin. */
export interface Wheel {
  /** Hash of the wheel, which the installer insists on. */
  readonly sha256: string;
  readonly bytes: number;
  /** Hash of the plugin file inside. */
  readonly fileSha256: string;
  /** Size of everything inside, unpacked. */
  readonly unpackedBytes: number;
  /** The oldest glibc that loads it. */
  readonly glibc?: string;
  /** The Python version the package is filed under, where it holds the same files for each: any Python can then install it. */
  readonly python?: string;
}

/** A PJRT plugin that can be named on a command line. */
export interface PluginEntry {
  readonly device: DeviceName;
  readonly title: string;
  /** Package name and version on the Python package index. */
  readonly package: string;
  readonly version: string;
  /** Path of the plugin inside the package; undefined where it has not been seen. */
  readonly file: string | undefined;
  readonly apiVersion: string | undefined;
  readonly licence: string;
  /** By `platform-arch` as Node names them; empty where installing is not automatic. */
  readonly wheels: Readonly<Record<string, Wheel>>;
  /** How to get it where it is not installed automatically. */
  readonly manual: string | undefined;
  /** Device files, any of which shows that such a device is there. */
  readonly deviceFiles: readonly string[];
  readonly notes: string;
}

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
    manual: undefined,
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
    wheels: {},
    manual:
      'pip install --target DIR "jax-cuda13-plugin[with-cuda]" jax-cuda13-pjrt, then: fluxion plugins add DIR/jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    deviceFiles: ['/dev/nvidiactl', '/dev/dxg'],
    notes:
      'Finds its CUDA libraries in nvidia/ beside jax_plugins/ (wheels nvidia-cublas, cuda-cupti, cuda-nvcc, cuda-runtime, cudnn-cu13, cufft, cusolver, cusparse, nccl-cu13, nvjitlink, cuda-nvrtc, nvshmem-cu13, nvvm), and needs a driver for CUDA 13.',
  },
  {
    device: 'rocm',
    title: 'AMD GPU, ROCm 7',
    package: 'jax-rocm7-pjrt',
    version: '0.12.0',
    file: undefined,
    apiVersion: undefined,
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
    file: undefined,
    apiVersion: undefined,
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
    file: undefined,
    apiVersion: undefined,
    licence: 'see the package',
    wheels: {},
    manual: 'pip install --target DIR intel-extension-for-openxla, then: fluxion plugins add PATH of the .so in it',
    deviceFiles: [],
    notes: 'Not tried.',
  },
  {
    device: 'cpu',
    title: 'any processor',
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
    manual: undefined,
    deviceFiles: [],
    notes: 'Carries pjrt_c_api.h beside it. macOS and Windows have no such package.',
  },
];

/** The entry of a device. */
export function pluginEntry(device: DeviceName): PluginEntry {
  return PLUGINS.find((entry) => entry.device === device)!;
}
