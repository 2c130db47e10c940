/** Devices ready for work: a client of the right plugin, the compiler with its cache, and the way to the devices. */

import { createHash } from 'node:crypto';
import { arch } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../support/cache-folder.ts';
import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import { multipliesBf16, notableInstructions, processorText } from '../../support/processor.ts';
import type { Recording } from '../ahead/recording.ts';
import { Agreement } from '../cluster/agreement.ts';
import { type Share, shareOf } from '../cluster/nodes.ts';
import type { Axes } from '../graph/axes.ts';
import type { InputSpec, Traced } from '../graph/trace.ts';
import { type Platform, platformOf, settleAttention, type Target } from '../lowering/lower.ts';
import type { Sharding } from '../lowering/rules.ts';
import type { DeviceArray } from '../pjrt/array.ts';
import { PjrtError } from '../pjrt/call.ts';
import type { Client } from '../pjrt/client.ts';
import type { Device, MemoryKind } from '../pjrt/device.ts';
import { advise } from '../pjrt/mapped-file.ts';
import { type CompileOptions, encodeCompileOptions } from '../pjrt/options.ts';
import { pluginFingerprint } from '../plugins/plugins.ts';
import { FLAG_VARIABLES } from '../plugins/trial.ts';
import { ExecutableCache } from './cache.ts';
import { arrangeDevices, type Devices, type MeshOptions } from './devices.ts';
import { type Loaded, LoadedExecutables } from './executables.ts';
import { checkOptions, type DeviceChoice, openClient, type Precision, type RuntimeOptions } from './open-client.ts';
import { type ArrayPart, partsOfMesh } from './placement.ts';
import { effortFor, Program, programText } from './program.ts';
import { ShardedArray } from './sharded-array.ts';

export type { Platform } from '../lowering/lower.ts';
export type { MemoryKind } from '../pjrt/device.ts';
export { type Advice, advise, isMapped, openMapped } from '../pjrt/mapped-file.ts';
export { type DeviceChoice, type MeshOptions, type Precision, type RuntimeOptions, ShardedArray, type Share };

/** A device, or a mesh of devices of one kind, on which traced functions are compiled, cached and run. */
export class Runtime implements AsyncDisposable {
  readonly client: Client;
  /** The devices of the mesh by position; with one client over several processes, the others' too. */
  readonly devices: readonly Device[];
  /** Positions in the mesh of this process's devices, ascending: programs take and give arrays in this order. */
  readonly local: readonly number[];
  /** This process's number among independent processes, each with its own client and mesh. */
  readonly apart: { readonly id: number; readonly count: number };
  /** How the mesh splits arrays. */
  readonly sharding: Sharding;
  /** Bytes placed on devices so far, counted for each device. */
  readonly placed: { bytes: number } = { bytes: 0 };
  readonly platform: Platform;
  /** Counts of programs compiled and programs loaded from the cache. */
  readonly compiled: { programs: number; fromCache: number } = { programs: 0, fromCache: 0 };
  /** Records every program that runs, if set. */
  recording: Recording | undefined;
  readonly #cache: ExecutableCache | undefined;
  readonly precision: Precision;
  /** The target that programs are lowered for. */
  readonly target: Target;
  /** Options that have no effect on this device. */
  readonly warnings: readonly string[];
  /** Everything besides program and options that determines an executable. */
  readonly #compiler: readonly string[];
  /** Set if other processes belong to the same mesh. */
  readonly #agreement: Agreement | undefined;
  /** Free bytes that every process of the mesh had when it opened: later figures would differ between processes. */
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
    const { attention, warnings } = settleAttention(this.platform, options, 'this device');
    this.warnings = warnings;
    const capability = Number.parseFloat(String(client.defaultDevice.attributes.get('compute_capability')));
    this.target = {
      platform: this.platform.name,
      ...attention,
      ...(capability > 0 && { computeCapability: capability }),
      // Not for a mesh: a device's share of a matrix would not match the tiles.
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

  /** Checks options before a plugin is installed or loaded, and returns the device; throws `bad_config`. */
  static check(options: RuntimeOptions): DeviceChoice {
    return checkOptions(options);
  }

  /** Opens a device; installs its plugin first if it is missing and can be installed. */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const { client, plugin } = await openClient(options);
    const { cacheDir, cpuDevices = 1, nodes, mesh } = options;
    try {
      const folder = cacheDir ?? join(cacheFolder(), 'executables');
      const cache = folder === 'none' ? undefined : new ExecutableCache(folder);
      const arranged = arrangeDevices(client, mesh, cpuDevices, nodes !== undefined && !nodes.store);
      const runtime = new Runtime(client, arranged, cache, pluginFingerprint(plugin), options);
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
    const stages = written.stages.map(({ name, text, flags, serialisable }) => {
      const options = { ...base, flags: { ...base.flags, ...flags } };
      const key = ExecutableCache.keyOf({
        program: text,
        options: encodeCompileOptions(options),
        target: this.#compiler,
      });
      return { key, load: () => this.#load(key, text, name, options, serialisable) };
    });
    const executables = await Promise.all(stages.map(({ key, load }) => this.#executables.get(key, load, signal)));
    const program = new Program(traced, executables, { sharding, local: this.local }, written);
    this.#programs.set(traced, { keys: stages.map(({ key }) => key), program });
    return program;
  }

  /** Keeps programs compiled or used from now on; disposing the lease frees the least recently used ones. */
  lease(): Disposable {
    return this.#executables.lease();
  }

  async #load(key: string, text: string, name: string, options: CompileOptions, stores: boolean): Promise<Loaded> {
    const start = performance.now();
    const cache = stores ? this.#cache : undefined;
    const stored = await cache?.read(key);
    if (stored) {
      try {
        const executable = await this.client.deserialize(stored);
        this.compiled.fromCache++;
        return { executable, bytes: stored.length };
      } catch (error) {
        // Any other error is not the entry's fault.
        if (!(error instanceof PjrtError) || this.client.isDisposed) throw error;
        log('warn', `the cached executable of ${name} cannot be loaded and is compiled again: ${error.message}`);
        await cache?.remove(key);
      }
    }
    const { flags } = options;
    const tuned = { ...options, flags: { ...flags, ...this.#tuningFlags } };
    const executable = await this.client.compile(text, tuned);
    this.compiled.programs++;
    log('debug', `compiled ${name} in ${(performance.now() - start).toFixed(0)} ms`);
    let bytes = executable.memoryStats()?.code ?? 0;
    await cache?.write(key, () => {
      const serialized = executable.serialize();
      bytes = serialized.length;
      return serialized;
    });
    return { executable, bytes };
  }

  /**
   * A GPU's autotuning results lie beside the executables, for other programs with the same kernels. Their path changes nothing in an
   * executable, and is not part of its key.
   */
  get #tuningFlags(): CompileOptions['flags'] {
    const { tuningFlags } = this.platform;
    return this.#cache && tuningFlags ? tuningFlags(join(this.#cache.folder, 'autotune')) : {};
  }

  get #compileOptions(): CompileOptions {
    const partitions = this.devices.length;
    const { devices, addressableDevices, sharesStore, plugin } = this.client;
    const flags = { flags: this.platform.flags({ apiVersion: plugin.apiVersion, sharesStore }) };
    // A single device defaults to the client's first, which may be another process's.
    if (partitions === 1 && devices.length === addressableDevices.length) return flags;
    const deviceAssignment = [this.devices.map(({ id }) => id)];
    return partitions === 1 ? { ...flags, deviceAssignment } : { ...flags, partitions, shardy: true, deviceAssignment };
  }

  /** Copies to each device its part of host values, or lends the host's memory if it can be used in place. */
  upload(values: ArrayBufferView, dtype: DType, shape: readonly number[], axes?: Axes): Promise<ShardedArray> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.place({ dtype, shape, axes }, (part) => part.take(bytes, dtype));
  }

  /** Uploads one input of a traced part with its type and sharding. */
  input(traced: Traced, name: string, values: ArrayBufferView): Promise<ShardedArray> {
    const { dtype, shape, op } = traced.graph.parameters[traced.inputs.indexOf(name)]!;
    return this.upload(values, dtype, shape, op.kind === 'parameter' ? op.meaning?.axes : undefined);
  }

  /** This process's index among the processes that make pictures together, whether they share a client or not. */
  get nodes(): { readonly id: number; readonly count: number } {
    const processes = [...new Set(this.devices.map(({ processIndex }) => processIndex))].sort((a, b) => a - b);
    const { id, count } = this.apart;
    return count > 1
      ? { id, count }
      : { id: processes.indexOf(this.client.defaultDevice.processIndex), count: processes.length };
  }

  /** The slice of a batch that this process computes: all devices have the same number of slots, and the last may run empty. */
  share(pictures: number): Share {
    return shareOf(pictures, this.sharding, this.devices, this.local, this.apart);
  }

  /** How many pictures this process's programs make at a time, empty slots included. */
  batchOf(pictures: number): number {
    return this.share(pictures).slots;
  }

  /**
   * Places an array part by part: `read` returns the bytes of one, which must not change while the array lives. Bytes of a mapped file
   * that the devices do not use in place are dropped from memory once they are copied.
   */
  async place(
    { dtype, shape, axes, segments }: InputSpec,
    read: (part: ArrayPart) => Uint8Array,
    memory?: MemoryKind,
  ): Promise<ShardedArray> {
    const { sharding } = this;
    const split = sharding.split({ axes: axes ?? shape.map(() => null), segments }, shape);
    const shares = segments && sharding.shares(axes?.at(-1) ?? null, segments);
    const all = partsOfMesh({ shape, split, mesh: sharding.mesh, segments, shares });
    // Other processes place their own parts.
    const parts = this.local.map((position) => all[position]!);
    const devices = this.local.map((position) => this.devices[position]!);
    using placed = new DisposableStack();
    const arrays = new Array<DeviceArray>(devices.length);
    // One part at a time, so that the host holds only one; devices that hold the same part take it from the same bytes.
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

  /** Agrees on free memory with all processes of the mesh, so that all of them decide alike what to stream. */
  async #agreeOnMemory(): Promise<void> {
    const MIB = 2 ** 20;
    const floor = (bytes: number): number => Math.floor(Math.min(bytes, Number.MAX_SAFE_INTEGER) / MIB);
    const all = await this.#agreement?.tell([floor(this.availableMemory), floor(this.hostMemory)]);
    if (!all) return;
    const least = (i: 0 | 1): number => Math.min(...[...all.values()].map((told) => told[i])) * MIB;
    this.#freeEverywhere = { device: least(0), host: least(1) };
  }

  /** Checks that all processes of the mesh were given the same `text`; throws `bad_request`. */
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

  /** Bytes of host memory for weights that wait to be streamed: nine tenths of what is available to this process. */
  get hostMemory(): number {
    return this.#freeEverywhere?.host ?? 0.9 * process.availableMemory();
  }

  /** Free bytes of one device: the rest of its allocator's limit, or a CPU device's share of nine tenths of the memory available to this process. */
  get availableMemory(): number {
    if (this.#freeEverywhere) return this.#freeEverywhere.device;
    if (this.platform.memory === 'host') return (0.9 * process.availableMemory()) / this.devices.length;
    const { bytesLimit, bytesInUse = 0 } = this.devices[this.local[0]!]!.memoryStats() ?? {};
    return bytesLimit === undefined ? Number.POSITIVE_INFINITY : 0.95 * bytesLimit - bytesInUse;
  }

  /** Where streamed weights wait: on the CPU in their mapped file, elsewhere in page-locked memory. */
  get streamsFrom(): 'file' | 'pinned_host' {
    return this.local.every((i) => this.devices[i]!.memories.has('pinned_host')) && this.platform.memory === 'device'
      ? 'pinned_host'
      : 'file';
  }

  /** Programs that are loaded, the bytes of their serialized forms, and how many were freed to make room for others. */
  get executables(): { readonly size: number; readonly bytes: number; readonly evicted: number } {
    const { size, bytes, evicted } = this.#executables;
    return { size, bytes, evicted };
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
