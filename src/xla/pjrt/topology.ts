/** Describes devices that need not be present, and compiles for them ahead of time. */

import { nativeProgram, type Plugin } from './client.ts';
import { type DeviceDescription, describeDevice } from './device.ts';
import { CompiledExecutable } from './executable.ts';
import { Handle } from './lifetime.ts';
import { createOptions, type Options } from './named-value.ts';
import { type CompileOptions, encodeCompileOptions } from './options.ts';

/**
 * An arrangement of devices by name, such as `v6e:2x2` for TPUs. GPUs take an empty name and the options `topology` (`1x1x1`) and
 * `target_config`.
 */
export class TopologyDescription implements Disposable {
  readonly plugin: Plugin;
  readonly platformName: string;
  readonly devices: readonly DeviceDescription[];
  readonly handle: Handle;

  private constructor(plugin: Plugin, topology: bigint) {
    const { api } = plugin;
    this.plugin = plugin;
    this.platformName = api.call('PJRT_TopologyDescription_PlatformName', { topology }).text('platform_name');
    const found = api.call('PJRT_TopologyDescription_GetDeviceDescriptions', { topology }).words('descriptions');
    this.devices = found.map((description) => describeDevice(api, description));
    const label = `${this.platformName} of ${this.devices.length}`;
    this.handle = new Handle(this, {
      kind: 'TopologyDescription',
      label: () => label,
      address: topology,
      release: (address) => api.call('PJRT_TopologyDescription_Destroy', { topology: address }),
    });
  }

  /** Asks a plugin for a topology; throws `pjrt` with the plugin's words when it does not know the name. */
  static async create(plugin: Plugin, name: string, options: Options = {}): Promise<TopologyDescription> {
    const fields = { topology_name: name, ...createOptions(options) };
    const made = await plugin.api.callAsync('PJRT_TopologyDescription_Create', fields);
    return new TopologyDescription(plugin, made.get('topology'));
  }

  /** Compiles StableHLO text for these devices, off the main thread. The result can be serialized, and loaded where the devices are. */
  async compile(text: string, options: CompileOptions = {}): Promise<CompiledExecutable> {
    const { api } = this.plugin;
    const compile_options = encodeCompileOptions(options);
    return this.handle.during(async (topology) => {
      const compiled = await api.callAsync('PJRT_Compile', { topology, program: nativeProgram(text), compile_options });
      return new CompiledExecutable(api, compiled.get('executable'), { kind: 'CompiledExecutable' });
    });
  }

  dispose(): void {
    this.handle.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
