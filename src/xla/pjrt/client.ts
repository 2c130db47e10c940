/** A loaded plugin and a client of it: devices, compilation, and the way arrays get onto a device. */

import { realpathSync } from 'node:fs';
import { FluxionError } from '../../support/errors.ts';
import { getOrMake } from '../../support/get-or-make.ts';
import { untilAborted } from '../../support/until-aborted.ts';
import { tpuEnvironment } from '../plugins/tpu.ts';
import { type ArraySpec, type DeviceArray, uploadArray } from './array.ts';
import { Api } from './call.ts';
import type { Connection } from './connection.ts';
import { Device, deviceAt } from './device.ts';
import { Events } from './events.ts';
import { Executable } from './executable.ts';
import { Handle } from './lifetime.ts';
import { type AttributeValue, createOptions, decodeNamedValues, type Options } from './named-value.ts';
import { quietNativeLogs, withoutNativeOutput } from './native-output.ts';
import { type CompileOptions, encodeCompileOptions } from './options.ts';
import type { SharedStore } from './store-protocol.ts';
import { Struct } from './struct.ts';

const loaded = new Map<string, Plugin>();

/** A PJRT plugin: a shared library that compiles and runs programs on one kind of device. It stays loaded until the process ends. */
export class Plugin {
  readonly path: string;
  readonly api: Api;

  private constructor(path: string) {
    quietNativeLogs(process.env);
    Object.assign(process.env, tpuEnvironment(process.env));
    this.path = path;
    this.api = withoutNativeOutput(() => {
      const api = Api.load(path);
      api.call('PJRT_Plugin_Initialize', {});
      return api;
    });
  }

  /** Loads the library at `path`, or returns it when it is loaded already; throws `plugin` when it is not one. */
  static load(path: string): Plugin {
    let real: string;
    try {
      real = realpathSync(path);
    } catch (cause) {
      throw new FluxionError('not_found', `no PJRT plugin at ${path}`, { cause, hint: 'check the path' });
    }
    return getOrMake(loaded, real, () => new Plugin(real));
  }

  /** The version of the PJRT C API that the plugin implements, such as `0.81`. */
  get apiVersion(): string {
    return `${this.api.version.major}.${this.api.version.minor}`;
  }

  /** Facts that the plugin reports, such as XLA and StableHLO versions. */
  attributes(): Map<string, AttributeValue> {
    const listed = this.api.call('PJRT_Plugin_Attributes', {});
    return decodeNamedValues(listed.get('attributes'), listed.get('num_attributes'));
  }
}

/** A connection to the devices of one plugin. Disposing it disposes the arrays and executables made through it. */
export class Client implements Connection, Disposable, AsyncDisposable {
  readonly plugin: Plugin;
  readonly api: Api;
  readonly events: Events;
  readonly handle: Handle;
  /** `cpu`, `cuda`, `tpu`, … */
  readonly platformName: string;
  readonly platformVersion: string;
  /** All devices of the platform, those of other processes included. */
  readonly devices: readonly Device[];
  /** The devices this process can use. */
  readonly addressableDevices: readonly Device[];
  readonly #store: SharedStore | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(plugin: Plugin, address: bigint, store: SharedStore | undefined) {
    this.#store = store;
    const { api } = plugin;
    this.plugin = plugin;
    this.api = api;
    this.events = new Events(api);
    const of = { client: address };
    this.platformName = api.call('PJRT_Client_PlatformName', of).text('platform_name');
    this.platformVersion = api.call('PJRT_Client_PlatformVersion', of).text('platform_version');
    const label = this.platformName;
    this.handle = new Handle(this, {
      kind: 'Client',
      label: () => label,
      address,
      release: (client) => api.call('PJRT_Client_Destroy', { client }),
    });
    const all = api.call('PJRT_Client_Devices', of).words('devices');
    this.devices = all.map((device) => new Device(this, device));
    const own = api.call('PJRT_Client_AddressableDevices', of).words('addressable_devices');
    this.addressableDevices = own.map((device) => deviceAt(this.devices, device));
  }

  /**
   * Creates a client; `options` are the plugin's own (the CPU plugin takes `cpu_device_count`). With a `store`, which it takes over, all
   * processes of the store share one client (NVIDIA and AMD only). An abort ends the wait for the other processes.
   */
  static async create(
    plugin: Plugin,
    options: Options = {},
    { store, signal }: { readonly store?: SharedStore; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Client> {
    const given = store ? { ...options, node_id: store.place.id, num_nodes: store.place.count } : options;
    const { get = null, put = null, tryGet = null } = store?.callbacks ?? {};
    const abort = () => store?.cancel('the run was stopped');
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const args = await plugin.api.callAsync('PJRT_Client_Create', {
        ...createOptions(given),
        kv_get_callback: get,
        kv_put_callback: put,
        kv_try_get_callback: tryGet,
      });
      return new Client(plugin, args.get('client'), store);
    } catch (error) {
      await store?.[Symbol.asyncDispose]();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Whether several processes share the client: calls that may wait for the others must then run on another thread. */
  get sharesStore(): boolean {
    return this.#store !== undefined;
  }

  /** Ends every wait for other processes, now and later, with an error that gives `reason`. */
  cancel(reason: string): void {
    this.#store?.cancel(reason);
  }

  /** Runs work in order of submission: all processes must start their exchanges in the same order. */
  inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** The first device this process can use. */
  get defaultDevice(): Device {
    const [device] = this.addressableDevices;
    if (!device) throw new FluxionError('unsupported', `the ${this.platformName} client has no device in this process`);
    return device;
  }

  /**
   * Compiles a program, StableHLO text or a serialized `HloModuleProto`, off the main thread. An abort rejects at once; as XLA cannot be
   * interrupted, the compilation finishes in the background and its result is freed.
   */
  async compile(
    program: string | Uint8Array,
    options: CompileOptions = {},
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Executable> {
    signal?.throwIfAborted();
    const compile_options = encodeCompileOptions(options);
    const compiled = this.handle.during(async (client) => {
      const args = await this.api.callAsync('PJRT_Client_Compile', {
        client,
        program: nativeProgram(program),
        compile_options,
      });
      return args.get('executable');
    });
    return this.#executable(compiled, signal);
  }

  /** Loads what `serialize` returned; throws `pjrt` when the bytes come from another plugin build or device kind, or are damaged. */
  async deserialize(bytes: Uint8Array): Promise<Executable> {
    const loading = this.handle.during(async (client) => {
      const fields = { client, serialized_executable: bytes };
      const args = await this.api.callAsync('PJRT_Executable_DeserializeAndLoad', fields);
      return args.get('loaded_executable');
    });
    return this.#executable(loading);
  }

  async #executable(address: Promise<bigint>, signal?: AbortSignal): Promise<Executable> {
    // Owned as soon as it exists, so that a result is freed even if nobody waits for it any more.
    const owned = address.then((loaded) => {
      if (this.handle.isEnded) {
        this.api.call('PJRT_LoadedExecutable_Destroy', { executable: loaded });
        throw new FluxionError('disposed', `${this.handle.describe()} was disposed while it compiled a program`);
      }
      return new Executable(this, this.devices, loaded);
    });
    try {
      return await untilAborted(owned, signal);
    } catch (error) {
      owned.then((late) => late.dispose()).catch(() => {});
      throw error;
    }
  }

  /** Places an array on a device; see {@link ArraySpec} for where and how. The default is the first device's own memory, by copy. */
  async upload(bytes: Uint8Array, { device = this.defaultDevice, ...spec }: ArraySpec): Promise<DeviceArray> {
    return uploadArray(device, bytes, spec);
  }

  get isDisposed(): boolean {
    return this.handle.isEnded;
  }

  /** Disposes the client with everything made through it. Native memory is freed once calls in progress on other threads have ended. */
  dispose(): void {
    this.handle.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Disposes the client and waits until it is freed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
    await this.handle.released();
    await this.#store?.[Symbol.asyncDispose]();
  }
}

/** A program, MLIR text or a serialized `HloModuleProto`, as PJRT takes it. */
export function nativeProgram(code: string | Uint8Array): Struct<'PJRT_Program'> {
  return new Struct('PJRT_Program', { code, format: typeof code === 'string' ? 'mlir' : 'hlo' });
}
