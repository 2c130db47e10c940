/** Devices ready for work: a client of the right plugin, the compiler with its cache, and the way to the devices. */

import { createHash } from 'node:crypto';
import { arch } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../support/cache-folder.ts';
import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import type { Recording } from '../ahead/recording.ts';
import { Agreement } from '../cluster/agreement.ts';
import { KeyValueStore } from '../cluster/key-value.ts';
import { checkNodes, type NodeOptions, type Share, shareOf } from '../cluster/nodes.ts';
import type { Axes } from '../graph/sharding.ts';
import type { Traced } from '../graph/trace.ts';
import {
  type AttentionOptions,
  PLATFORMS,
  type Platform,
  platformOf,
  settingRefusal,
  type Target,
} from '../lowering/lower.ts';
import type { Sharding } from '../lowering/rules.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import { PjrtError } from '../pjrt/call.ts';
import { Client, Plugin } from '../pjrt/client.ts';
import type { Device, MemoryKind } from '../pjrt/device.ts';
import type { Executable } from '../pjrt/executable.ts';
import { advise } from '../pjrt/mapped-file.ts';
import { type CompileOptions, encodeCompileOptions } from '../pjrt/options.ts';
import { type DeviceRequest, ensurePlugin, pluginFingerprint } from '../plugins/plugins.ts';
import { clientFailure } from '../plugins/presence.ts';
import { checkFlags, FLAG_VARIABLES } from '../plugins/trial.ts';
import { ExecutableCache } from './cache.ts';
import { arrangeDevices, checkMeshOptions, type Devices, type MeshOptions } from './devices.ts';
import { LoadedExecutables } from './executables.ts';
import { type Part, partsOfMesh } from './placement.ts';
import { multipliesBf16, notableInstructions, processorText } from './processor.ts';
import { effortFor, Program, programText } from './program.ts';
import { ShardedArray } from './sharded-array.ts';

export type { AttentionOptions, AttentionSetting, FlashBlockSizes, Platform } from '../lowering/lower.ts';
export type { MemoryKind } from '../pjrt/device.ts';
export { type Advice, advise, isMapped, openMapped } from '../pjrt/mapped-file.ts';
export { type MeshOptions, type NodeOptions, ShardedArray, type Share };

/** Where programs run. `auto` takes the best device whose plugin is at hand, `gpu` the best of NVIDIA's, AMD's and Apple's. */
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
  /** What happens where the device cannot give the `attention` asked for: an error, the default, or `auto` and a warning. */
  readonly attentionFallback?: 'error' | 'auto' | undefined;
  /** Ends the opening and, where processes share a client, for good what waits for the others later. */
  readonly signal?: AbortSignal | undefined;
  /** Told what a first use has to wait for, such as the plugin's download. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** What an array is, and what its dimensions mean where a mesh may split them. */
export interface ArrayPlan {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly axes?: Axes | undefined;
  /** Widths of what is side by side in the last dimension. */
  readonly segments?: readonly number[] | undefined;
}

/** A device, or a mesh of devices of one kind, on which traced functions are compiled, cached and run. */
export class Runtime implements AsyncDisposable {
  readonly client: Client;
  /** Those that work together, by position in the mesh; of one client over several processes, the others' too. */
  readonly devices: readonly Device[];
  /** Positions in the mesh of this process's devices, ascending: programs take and give arrays in this order. */
  readonly local: readonly number[];
  /** Which this is of several processes that have a client, and a mesh, each. */
  readonly apart: { readonly id: number; readonly count: number };
  /** What the devices share out, and how. */
  readonly sharding: Sharding;
  /** Bytes placed on devices so far; what is placed on several counts for each. */
  readonly placed: { bytes: number } = { bytes: 0 };
  readonly platform: Platform;
  /** How many programs were compiled, and how many taken from the cache. */
  readonly compiled: { programs: number; fromCache: number } = { programs: 0, fromCache: 0 };
  /** Told of every program that runs, while there is one. */
  recording: Recording | undefined;
  readonly #cache: ExecutableCache | undefined;
  readonly precision: Precision;
  /** What programs are lowered for. */
  readonly target: Target;
  /** What was asked for and has no effect on this device. */
  readonly warnings: readonly string[];
  /** Everything besides program and options that decides what the compiler makes of them. */
  readonly #compiler: readonly string[];
  /** With the processes of the same mesh, where there are others. */
  readonly #agreement: Agreement | undefined;
  /** Bytes that every process of the mesh has free, as they were when it was opened: later each would see something else. */
  #freeEverywhere: { readonly device: number; readonly host: number } | undefined;
  readonly #executables = new LoadedExecutables();
  readonly #programs = new WeakMap<Traced, { readonly keys: readonly string[]; readonly program: Program }>();

  private constructor(
    client: Client,
    { devices, sharding }: Devices,
    cache: ExecutableCache | undefined,
    fingerprint: string,
    { precision = 'DEFAULT', ...options }: RuntimeOptions,
  ) {
    this.client = client;
    this.devices = devices;
    this.local = devices.flatMap((device, i) => (client.addressableDevices.includes(device) ? [i] : []));
    const { nodes } = options;
    this.apart = nodes && !nodes.store ? nodes : { id: 0, count: 1 };
    this.sharding = sharding;
    this.platform = platformOf(client.platformName);
    this.#cache = cache;
    this.precision = precision;
    const { attention, warnings } = settle(this.platform, options);
    this.warnings = warnings;
    const { flashBlockSizes, maskPaddingTokens, useBase2Exp } = options;
    const capability = Number.parseFloat(String(client.defaultDevice.attributes.get('compute_capability')));
    this.target = {
      platform: this.platform.name,
      attention,
      flashBlockSizes,
      maskPaddingTokens,
      useBase2Exp,
      ...(capability > 0 && { computeCapability: capability }),
      // Parts of a matrix are not rows of a device's share.
      ...(this.platform.compilesForProcessor &&
        devices.length === 1 && {
          bf16Products: multipliesBf16(),
          cpu: { apiVersion: client.plugin.apiVersion, instructions: notableInstructions() },
        }),
    };
    if (this.local.length < devices.length) {
      const { local, sharding } = this;
      this.#agreement = new Agreement({ client, devices, local, mesh: sharding.mesh, compile: this.#compileOptions });
    }
    const { platformVersion, defaultDevice } = client;
    this.#compiler = [
      fingerprint,
      platformVersion,
      defaultDevice.kind,
      // Machines may share a cache folder.
      this.platform.compilesForProcessor ? processorText() : arch(),
      ...FLAG_VARIABLES.map((name) => `${name}=${process.env[name] ?? ''}`),
    ];
  }

  /** Checks what can be known before there is a device, so that nothing is installed or loaded in vain; throws `bad_config`. */
  static check(options: RuntimeOptions): DeviceChoice {
    const { mesh, nodes } = options;
    if (mesh) checkMeshOptions(mesh);
    if (nodes) checkNodes(nodes, mesh);
    return chosenDevice(options);
  }

  /** Opens a device, installing its plugin first where that is possible and it is missing. */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const { cacheDir, signal, onProgress, cpuDevices = 1, nodes } = options;
    const device = Runtime.check(options);
    const path = await ensurePlugin(device, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
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
    // Whoever waits for another process, whenever, is not kept from stopping.
    if (store) signal?.addEventListener('abort', () => client.cancel('the run was stopped'), { once: true });
    const folder = cacheDir ?? join(cacheFolder(), 'executables');
    const cache = folder === 'none' ? undefined : new ExecutableCache(folder);
    try {
      if (nodes) checkClient(client, nodes);
      const arranged = arrangeDevices(client, options.mesh, cpuDevices, nodes !== undefined && !nodes.store);
      const runtime = new Runtime(client, arranged, cache, pluginFingerprint(path), options);
      await runtime.#agreeOnMemory();
      return runtime;
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The devices of this process as a person would name them: `TPU v6e`, `4 × TPU v6e`; of a larger mesh, `4 of 16 × TPU v6e`. */
  get deviceName(): string {
    const { kind } = this.devices[0]!;
    const { length } = this.devices;
    if (this.local.length < length) return `${this.local.length} of ${length} × ${kind}`;
    return length === 1 ? kind : `${length} × ${kind}`;
  }

  /** Lowers, prints and compiles a traced part, or takes the executable from memory or disk; equal programs share one. */
  async compile(traced: Traced, signal?: AbortSignal): Promise<Program> {
    const known = this.#programs.get(traced);
    if (known?.program.executables.every(({ handle }) => !handle.isEnded)) {
      for (const key of known.keys) this.#executables.touch(key);
      return known.program;
    }
    const { target, sharding, precision } = this;
    const written = programText(traced, { target, sharding, precision });
    const base = { ...this.#compileOptions, effort: effortFor(traced, target) };
    const stages = written.stages.map(({ name, text, flags }) => {
      const options = { ...base, flags: { ...base.flags, ...flags } };
      const key = ExecutableCache.keyOf({
        program: text,
        options: encodeCompileOptions(options),
        target: this.#compiler,
      });
      return { key, load: () => this.#load(key, text, name, options) };
    });
    const executables = await Promise.all(stages.map(({ key, load }) => this.#executables.get(key, load, signal)));
    const program = new Program(traced, executables, { sharding, local: this.local }, written);
    this.#programs.set(traced, { keys: stages.map(({ key }) => key), program });
    return program;
  }

  /** Keeps the programs that are compiled or used from now on until it is disposed, which frees others that were used long ago. */
  lease(): Disposable {
    return this.#executables.lease();
  }

  async #load(key: string, text: string, name: string, options: CompileOptions): Promise<Executable> {
    const start = performance.now();
    const stored = await this.#cache?.read(key);
    if (stored) {
      try {
        const executable = await this.client.deserialize(stored);
        this.compiled.fromCache++;
        return executable;
      } catch (error) {
        // Only the plugin's own refusal says something of the entry.
        if (!(error instanceof PjrtError) || this.client.isDisposed) throw error;
        log(
          'warn',
          `the cached executable of ${name} cannot be loaded and is compiled again: ${(error as Error).message}`,
        );
        await this.#cache?.remove(key);
      }
    }
    const { flags } = options;
    const tuned = { ...options, flags: { ...flags, ...this.#tuningFlags } };
    const executable = await this.client.compile(text, tuned);
    this.compiled.programs++;
    log('debug', `compiled ${name} in ${(performance.now() - start).toFixed(0)} ms`);
    await this.#cache?.write(key, () => executable.serialize());
    return executable;
  }

  /**
   * What a GPU's kernels were measured at lies beside the executables, for programs of other sizes that have the same kernels in them;
   * where it lies decides nothing of what is compiled, and is not part of an executable's key.
   */
  get #tuningFlags(): CompileOptions['flags'] {
    const { tuningFlags } = this.platform;
    return this.#cache && tuningFlags ? tuningFlags(join(this.#cache.folder, 'autotune')) : {};
  }

  get #compileOptions(): CompileOptions {
    const partitions = this.devices.length;
    const { devices, addressableDevices, sharesStore, plugin } = this.client;
    const flags = { flags: this.platform.flags({ apiVersion: plugin.apiVersion, sharesStore }) };
    // Alone is the client's first device, which may be another process's.
    if (partitions === 1 && devices.length === addressableDevices.length) return flags;
    const deviceAssignment = [this.devices.map(({ id }) => id)];
    return partitions === 1 ? { ...flags, deviceAssignment } : { ...flags, partitions, shardy: true, deviceAssignment };
  }

  /** Copies host values to the devices, each its part, or lends them where their memory is fit for use in place. */
  upload(values: ArrayBufferView, dtype: DType, shape: readonly number[], axes?: Axes): Promise<ShardedArray> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.place({ dtype, shape, axes }, (part) => part.take(bytes, dtype));
  }

  /** Uploads one input of a traced part as that part takes it. */
  input(traced: Traced, name: string, values: ArrayBufferView): Promise<ShardedArray> {
    const { dtype, shape, op } = traced.graph.parameters[traced.inputs.indexOf(name)]!;
    return this.upload(values, dtype, shape, op.kind === 'parameter' ? op.meaning?.axes : undefined);
  }

  /** Which of how many processes this one is that make pictures together, with a client each or one of all. */
  get nodes(): { readonly id: number; readonly count: number } {
    const processes = [...new Set(this.devices.map(({ processIndex }) => processIndex))].sort((a, b) => a - b);
    const { id, count } = this.apart;
    return count > 1
      ? { id, count }
      : { id: processes.indexOf(this.client.defaultDevice.processIndex), count: processes.length };
  }

  /** Which pictures of a batch are made here: every device of every process has as many places, and the last may stay empty. */
  share(pictures: number): Share {
    return shareOf(pictures, this.sharding, this.devices, this.local, this.apart);
  }

  /** How many pictures the programs of this process make at a time, empty places included. */
  batchOf(pictures: number): number {
    return this.share(pictures).places;
  }

  /**
   * Places an array part by part: `read` gives the bytes of one, which stay as they are while the array lives. Bytes of a mapped file
   * that the devices do not use in place are let go of once they are copied.
   */
  async place(
    { dtype, shape, axes, segments }: ArrayPlan,
    read: (part: Part) => Uint8Array,
    memory?: MemoryKind,
  ): Promise<ShardedArray> {
    const { sharding } = this;
    const split = sharding.split({ axes: axes ?? shape.map(() => null), segments }, shape);
    const shares = segments && sharding.shares(axes?.at(-1) ?? null, segments);
    const all = partsOfMesh({ shape, split, mesh: sharding.mesh, segments, shares });
    // What other processes hold they place themselves.
    const parts = this.local.map((position) => all[position]!);
    const devices = this.local.map((position) => this.devices[position]!);
    using placed = new DisposableStack();
    const arrays = new Array<DeviceArray>(devices.length);
    // One part after the other: the host holds one at a time, and devices that hold the same take it from the same bytes.
    for (const part of new Set(parts)) {
      const bytes = read(part);
      for (const [i, device] of devices.entries()) {
        if (parts[i] !== part) continue;
        const spec = { dtype, shape: part.shape, device, transfer: 'share', ...(memory && { memory }) } as const;
        arrays[i] = placed.use(await this.client.upload(bytes, spec));
        this.placed.bytes += arrays[i].byteLength;
      }
      if (!devices.some((_, i) => parts[i] === part && arrays[i]!.zeroCopy)) advise(bytes, 'done');
    }
    placed.move();
    return new ShardedArray(arrays, { dtype, shape, split }, parts);
  }

  /** Has all processes of the mesh decide by the same figures what becomes of weights. */
  async #agreeOnMemory(): Promise<void> {
    const MIB = 2 ** 20;
    const floor = (bytes: number): number => Math.floor(Math.min(bytes, Number.MAX_SAFE_INTEGER) / MIB);
    const all = await this.#agreement?.tell([floor(this.availableMemory), floor(this.hostMemory)]);
    if (!all) return;
    const least = (i: 0 | 1): number => Math.min(...[...all.values()].map((told) => told[i])) * MIB;
    this.#freeEverywhere = { device: least(0), host: least(1) };
  }

  /** Checks that all processes of the mesh are to do what `text` says; throws `bad_request`. */
  async requireSame(text: string): Promise<void> {
    if (!this.#agreement) return;
    const hash = createHash('sha256').update(text).digest();
    const all = await this.#agreement.tell([hash.readUIntBE(0, 3), hash.readUIntBE(3, 3)]);
    const [expected] = all.values();
    const other = [...all].find(([, told]) => told.some((number, i) => number !== expected![i]));
    if (!other) return;
    const [first] = all.keys();
    throw new FluxionError('bad_request', `process ${other[0]} was given a different request than process ${first}`, {
      hint: 'processes of one mesh make the same pictures: start all with the same configuration, except node_id',
    });
  }

  /** Bytes that this process may hold for weights that wait to be streamed: nine tenths of what the system can give it. */
  get hostMemory(): number {
    return this.#freeEverywhere?.host ?? 0.9 * process.availableMemory();
  }

  /**
   * Bytes that one device may hold besides what is there: what its allocator may take, or the CPU's share of the memory that the
   * system can give this process, less a tenth for all else.
   */
  get availableMemory(): number {
    if (this.#freeEverywhere) return this.#freeEverywhere.device;
    if (this.platform.memory === 'host') return (0.9 * process.availableMemory()) / this.devices.length;
    const { bytesLimit, bytesInUse = 0 } = this.devices[this.local[0]!]!.memoryStats() ?? {};
    return bytesLimit === undefined ? Number.POSITIVE_INFINITY : 0.95 * bytesLimit - bytesInUse;
  }

  /** Where weights that are streamed wait: on the CPU in their file, which is memory to it; elsewhere in page-locked memory. */
  get streamsFrom(): 'file' | 'pinned_host' {
    return this.local.every((i) => this.devices[i]!.memories.has('pinned_host')) && this.platform.memory === 'device'
      ? 'pinned_host'
      : 'file';
  }

  /** How many executables are loaded. */
  get executableCount(): number {
    return this.#executables.size;
  }

  /** Frees the device and everything on it, as leaving the block of `await using` does. */
  async close(): Promise<void> {
    await this.#cache?.close();
    await this.client[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** More than one CPU device asks for the CPU, one client of several processes for a GPU. */
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

/** Checks that a client is what the processes are to have: one of each, or one of all. */
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
    {
      hint: 'leave node_id and num_nodes out: the mesh is over the devices of all processes',
    },
  );
}

/** Settles what attention a platform gives, and what to tell of what it does not. */
function settle(
  platform: Platform,
  { attention = 'auto', attentionFallback = 'error', flashBlockSizes }: RuntimeOptions,
): { attention: NonNullable<Target['attention']>; warnings: string[] } {
  const refusal = settingRefusal(platform, attention);
  if (refusal !== undefined && attentionFallback === 'error')
    throw new FluxionError('unsupported', `attention=${attention} is not available on this device: ${refusal}`, {
      hint: 'leave attention out, or set it to auto, which takes the fastest kernel of this device',
    });
  const blocks = Object.values(flashBlockSizes ?? {}).some((size) => size !== undefined);
  return {
    attention: refusal === undefined ? attention : 'auto',
    warnings: [
      ...(refusal === undefined
        ? []
        : [`attention=${attention} cannot be had here (${refusal}); auto is used instead`]),
      ...(blocks && !platform.fused.auto.includes('splash')
        ? [`flash_block_sizes has no effect on ${platform.name}: they are those of the TPU's kernel`]
        : []),
    ],
  };
}
