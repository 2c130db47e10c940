/** NVIDIA's plugin on a machine without a GPU, with a stand-in for the driver (stand-in-gpu.c) that a C compiler makes. */

import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pluginEntries } from '../../src/xla/plugins/plugin-table.ts';
import { findPlugin } from '../../src/xla/plugins/plugins.ts';
import { temporaryFolder } from './command-line.ts';
import { repositoryPath } from './fixture.ts';

/** What the plugin asks for. */
const NAMES = ['libcuda.so.1', 'libcudart.so.13', 'libnvidia-ml.so.1', 'libnccl.so.2'];

export interface StandInGpu extends Disposable {
  /** Variables of a process that is to see the device. */
  readonly env: Readonly<Record<string, string>>;
}

/** Builds the stand-in, or says why tests with it are skipped. */
export function standInGpu(): StandInGpu | string {
  if (process.platform !== 'linux') return 'the stand-in for a GPU is made for Linux';
  // The plugin's own libraries, which it then has beside it, would be found first.
  if (pluginEntries('cuda')[0].deviceFiles.some((path) => existsSync(path))) return 'this machine has an NVIDIA GPU';
  const plugin = findPlugin('cuda', {});
  if (!plugin) return "NVIDIA's plugin is not installed: fluxion plugins install cuda";
  const folder = temporaryFolder();
  const library = folder.file('stand-in.so');
  const source = repositoryPath('test/support/stand-in-gpu.c');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-w', '-o', library, source], { encoding: 'utf8' });
  if (built.status !== 0) {
    folder[Symbol.dispose]();
    return `no C compiler that makes the stand-in for a GPU: ${built.error?.message ?? built.stderr}`;
  }
  for (const name of NAMES) symlinkSync(library, join(folder.path, name));
  return {
    env: {
      LD_LIBRARY_PATH: folder.path,
      FLUXION_PJRT_PLUGIN: `cuda:${plugin.path}`,
      // Its memory is the host's, and nothing is gained by timing kernels that do nothing.
      XLA_FLAGS: '--xla_gpu_experimental_vmm_disabled=true --xla_gpu_autotune_level=0',
      TF_CPP_MIN_LOG_LEVEL: '3',
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
