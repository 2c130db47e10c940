/** Opens the client of a device from options: finds its plugin, and connects to the processes that share the client. */

import { FluxionError } from '../../support/errors.ts';
import { KeyValueStore } from '../cluster/key-value.ts';
import { checkNodes, type NodeOptions } from '../cluster/nodes.ts';
import { type AttentionOptions, PLATFORMS, platformOf } from '../lowering/lower.ts';
import { PjrtError } from '../pjrt/call.ts';
import { Client, Plugin } from '../pjrt/client.ts';
import { type DeviceRequest, ensurePlugin } from '../plugins/plugins.ts';
import { clientFailure } from '../plugins/presence.ts';
import { checkFlags } from '../plugins/trial.ts';
import { checkMeshOptions, type MeshOptions } from './devices.ts';

/** Where programs run. `auto` takes the best device with an installed plugin, `gpu` the best of NVIDIA's, AMD's and Apple's. */
export type DeviceChoice = Exclude<DeviceRequest, 'xpu'>;

/** Precision of f32 products and convolutions on GPU and TPU: `HIGHEST` keeps all bits of the mantissa. */
export type Precision = 'DEFAULT' | 'HIGH' | 'HIGHEST';

/** Which devices a runtime uses, and how. */
export interface RuntimeOptions extends AttentionOptions {
  readonly device?: DeviceChoice | undefined;
  /** How all devices of that kind work together; one device works alone when absent. */
  readonly mesh?: MeshOptions | undefined;
  /** Devices that the CPU is presented as, 1 by default; more than one asks for the CPU. */
  readonly cpuDevices?: number | undefined;
  /** Which of several processes this one is; it works alone when absent. */
  readonly nodes?: NodeOptions | undefined;
  /** Folder of compiled executables; the user's cache folder when absent, none when `none`. */
  readonly cacheDir?: string | undefined;
  readonly precision?: Precision | undefined;
  /** If the device lacks the `attention` asked for: an `error`, the default, or a warning and `auto`. */
  readonly attentionFallback?: 'error' | 'auto' | undefined;
  /** Aborts the opening and, if processes share a client, every later wait for the others. */
  readonly signal?: AbortSignal | undefined;
  /** Called with progress during slow one-time work, such as the plugin's download. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** Checks options before a plugin is installed or loaded, and returns the device; throws `bad_config`. */
export function checkOptions(options: RuntimeOptions): DeviceChoice {
  const { mesh, nodes } = options;
  if (mesh) checkMeshOptions(mesh);
  if (nodes) checkNodes(nodes, mesh);
  return chosenDevice(options);
}

/** Loads the plugin of a device, installed first if it is missing and can be installed, and connects to it and to the other processes. */
export async function openClient(
  options: RuntimeOptions,
): Promise<{ readonly client: Client; readonly plugin: string }> {
  const { signal, onProgress, cpuDevices = 1, nodes } = options;
  const device = checkOptions(options);
  const path = await ensurePlugin(device, { signal, onProgress });
  await checkFlags(path, signal);
  const plugin = Plugin.load(path);
  const store = nodes?.store && (await KeyValueStore.open({ ...nodes, ...nodes.store }, { signal, onProgress }));
  if (store) onProgress?.('exchanging devices with the other processes');
  const client = await Client.create(plugin, cpuDevices > 1 ? { cpu_device_count: cpuDevices } : {}, {
    ...(store && { store }),
    signal,
  }).catch((error) => {
    throw error instanceof PjrtError && !store ? clientFailure(path, error) : error;
  });
  // A wait for another process must never keep this one from stopping.
  if (store) signal?.addEventListener('abort', () => client.cancel('the run was stopped'), { once: true });
  try {
    if (nodes) checkClient(client, nodes);
    return { client, plugin: path };
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** Several CPU devices imply the CPU; a client that several processes share implies a GPU. */
function chosenDevice({ device = 'auto', cpuDevices = 1, nodes }: RuntimeOptions): DeviceChoice {
  if (nodes?.store) {
    if (device === 'auto' && cpuDevices === 1) return PLATFORMS.cuda.name;
    if (device === 'gpu' || platformOf(device).joinsProcesses) return device;
    throw new FluxionError(
      'bad_config',
      `node_store makes one client of the GPUs of several processes, and ${device} is chosen`,
      {
        hint: 'leave node_store out: independent processes then share every batch, and a TPU pod is one client without it',
      },
    );
  }
  if (cpuDevices === 1 || device === PLATFORMS.cpu.name) return device;
  if (device === 'auto') return PLATFORMS.cpu.name;
  throw new FluxionError('bad_config', `${cpuDevices} CPU devices were requested, but the device is ${device}`, {
    hint: 'leave cpu_devices out, or choose the cpu',
  });
}

/** Checks that each process has its own client, or all share one, as the options say. */
function checkClient({ devices, addressableDevices, platformName }: Client, { count, store }: NodeOptions): void {
  const processes = new Set(devices.map(({ processIndex }) => processIndex)).size;
  if (count === 1 || (store ? processes === count : devices.length === addressableDevices.length)) return;
  if (store) {
    throw new FluxionError(
      'plugin',
      `${platformName} shows devices of ${processes} processes, and num_nodes is ${count}`,
    );
  }
  throw new FluxionError(
    'bad_config',
    `num_nodes=${count}, and the ${processes} processes of this ${platformName} are one client already`,
    { hint: 'leave node_id and num_nodes out: the mesh is over the devices of all processes' },
  );
}
