/** Compiled programs: the compiler's figures for them, and running them. */

import type { DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { DeviceArray } from './array.ts';
import type { Api } from './call.ts';
import type { Connection } from './connection.ts';
import { type Device, deviceAt } from './device.ts';
import { elementType } from './element-type.ts';
import { Handle, type NativeKind } from './lifetime.ts';
import { addressOf, freeThrough, readWords, viewNative } from './memory.ts';
import { type AttributeValue, decodeNamedValues } from './named-value.ts';
import { Struct } from './struct.ts';

/** An output of a program on each device; for a partitioned program, the part of one partition. */
export interface OutputSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Memory a program needs on each device, in bytes. */
export interface CompiledMemoryStats {
  readonly arguments: number;
  readonly outputs: number;
  readonly temporaries: number;
  readonly code: number;
  /** The part of the outputs that reuses donated arguments. */
  readonly aliased: number;
  /** Most memory in use at once, where the plugin knows. */
  readonly peak: number | undefined;
}

/** A compiled program that is not loaded on any device. */
export class CompiledExecutable implements Disposable {
  readonly api: Api;
  readonly name: string;
  /** Outputs per device, in order. */
  readonly outputs: readonly OutputSpec[];
  readonly handle: Handle;
  /** The native PJRT_Executable, valid as long as the handle. */
  readonly #executable: bigint;
  /** Asking the plugin takes half a millisecond. */
  #memory: { readonly stats: CompiledMemoryStats | undefined } | undefined;

  constructor(api: Api, executable: bigint, own: { kind: NativeKind; parent?: Handle; loaded?: bigint }) {
    this.api = api;
    this.name = api.call('PJRT_Executable_Name', { executable }).text('executable_name');
    this.outputs = readOutputs(api, executable);
    this.#executable = executable;
    const { kind, parent, loaded } = own;
    const { name } = this;
    this.handle = new Handle(this, {
      kind,
      label: () => name,
      address: loaded ?? executable,
      release: () => {
        api.call('PJRT_Executable_Destroy', { executable });
        if (loaded !== undefined) api.call('PJRT_LoadedExecutable_Destroy', { executable: loaded });
      },
      parent,
    });
  }

  /** The bytes `Client.deserialize` loads again, on the same plugin build and kind of device only. */
  serialize(): Uint8Array {
    const made = this.api.call('PJRT_Executable_Serialize', { executable: this.#alive() });
    const bytes = made.bytes('serialized_bytes');
    freeThrough(made.get('serialized_executable_deleter'), made.get('serialized_executable'));
    return bytes;
  }

  /** A string equal for equal programs, options and compilers; undefined if the plugin has none. */
  fingerprint(): string | undefined {
    const executable = this.#alive();
    return this.api.optional('PJRT_Executable_Fingerprint', { executable })?.text('executable_fingerprint');
  }

  /** Memory the program needs per device; undefined if the plugin cannot say. */
  memoryStats(): CompiledMemoryStats | undefined {
    this.#memory ??= { stats: this.#countMemory() };
    return this.#memory.stats;
  }

  #countMemory(): CompiledMemoryStats | undefined {
    // A plugin older than a field leaves it as it was: -1 is not a size.
    const fields = { executable: this.#alive(), peak_memory_in_bytes: -1 };
    const stats = this.api.optional('PJRT_Executable_GetCompiledMemoryStats', fields);
    if (!stats) return undefined;
    const peak = stats.get('peak_memory_in_bytes');
    return {
      arguments: stats.get('argument_size_in_bytes'),
      outputs: stats.get('output_size_in_bytes'),
      temporaries: stats.get('temp_size_in_bytes'),
      code: stats.get('generated_code_size_in_bytes'),
      aliased: stats.get('alias_size_in_bytes'),
      peak: peak > 0 ? peak : undefined,
    };
  }

  /** The compiler's estimate of work, such as `flops` and `bytes accessed`; undefined if the plugin has none. */
  costAnalysis(): Map<string, AttributeValue> | undefined {
    const listed = this.api.optional('PJRT_Executable_GetCostAnalysis', { executable: this.#alive() });
    return listed && decodeNamedValues(listed.get('properties'), listed.get('num_properties'));
  }

  /** The program after optimisation, in the plugin's format (`hlo_with_config`: a serialized HloModuleProtoWithConfig). */
  optimizedProgram(): { format: string; bytes: Uint8Array } | undefined {
    const program = new Struct('PJRT_Program', {});
    const fields = { executable: this.#alive(), program };
    // The first call tells the size alone.
    if (!this.api.optional('PJRT_Executable_OptimizedProgram', fields)) return undefined;
    const bytes = new Uint8Array(program.get('code_size'));
    program.set({ code: bytes });
    this.api.call('PJRT_Executable_OptimizedProgram', fields);
    return { format: program.text('format'), bytes };
  }

  #alive(): bigint {
    void this.handle.address;
    return this.#executable;
  }

  get isDisposed(): boolean {
    return this.handle.isEnded;
  }

  dispose(): void {
    this.handle.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How to run a program. */
export interface ExecuteOptions {
  /** Indices of arguments given up to the program, which may write its outputs over them. They are disposed by the call. */
  readonly donate?: readonly number[];
}

/** A program loaded on one or more devices. */
export class Executable extends CompiledExecutable {
  readonly client: Connection;
  /** The devices it runs on; argument and result lists are in this order, which is that of the partitions. */
  readonly addressableDevices: readonly Device[];
  #call: ExecuteCall | undefined;

  /** `devices` are those of the client. */
  constructor(client: Connection, devices: readonly Device[], loaded: bigint) {
    const { api } = client;
    const inner = api.call('PJRT_LoadedExecutable_GetExecutable', { loaded_executable: loaded }).get('executable');
    super(api, inner, { kind: 'Executable', parent: client.handle, loaded });
    this.client = client;
    const listed = api.call('PJRT_LoadedExecutable_AddressableDevices', { executable: loaded });
    const addresses = listed.words('addressable_devices');
    this.addressableDevices = addresses.map((address) => deviceAt(devices, address));
  }

  /**
   * Starts the program and returns its outputs, which are usually still being computed: `ready` waits for them.
   *
   * `args` holds one list of arguments per device of `addressableDevices`, each argument being that device's part; the result is laid out
   * alike. Arguments may be disposed as soon as this returns.
   */
  execute(args: readonly (readonly DeviceArray[])[], { donate = [] }: ExecuteOptions = {}): DeviceArray[][] {
    if (this.client.sharesStore) {
      // A callback from here would end the process (key-value.ts).
      throw new FluxionError(
        'unsupported',
        `${this.name} is a program of several processes, which executeAsync starts`,
      );
    }
    const executable = this.handle.address;
    if (args.length !== this.addressableDevices.length) {
      throw new FluxionError(
        'bad_shape',
        `${this.handle.describe()} runs on ${this.addressableDevices.length} devices, found arguments for ${args.length}`,
      );
    }
    const arity = args[0]!.length;
    if (this.#call?.arity !== arity)
      this.#call = new ExecuteCall(this.addressableDevices.length, arity, this.outputs.length);
    this.api.invoke('PJRT_LoadedExecutable_Execute', this.#call.prepare(executable, args, donate));
    for (const list of args) for (const i of donate) list[i]!.dispose(`it was donated to ${this.name}`);
    return this.#taken(this.#call);
  }

  /**
   * Does the same as `execute`, on another thread and in order of calls, for clients of several processes: these wait for each other at
   * their first exchange. Arguments must live until this resolves.
   */
  executeAsync(args: readonly (readonly DeviceArray[])[]): Promise<DeviceArray[][]> {
    return this.client.inOrder(() =>
      this.handle.during(async (executable) => {
        const call = new ExecuteCall(this.addressableDevices.length, args[0]!.length, this.outputs.length);
        await this.api.invokeAsync('PJRT_LoadedExecutable_Execute', call.prepare(executable, args, []));
        return this.#taken(call);
      }),
    );
  }

  /** Wraps the outputs of the last call. */
  #taken(call: ExecuteCall): DeviceArray[][] {
    return call.outputs.map((list, d) =>
      list.map((buffer, i) => new DeviceArray(buffer, { ...this.outputs[i]!, device: this.addressableDevices[d]! })),
    );
  }

  /** Starts a program of one device. */
  run(args: readonly DeviceArray[], options: ExecuteOptions = {}): DeviceArray[] {
    return this.execute([args], options)[0]!;
  }
}

/** The memory of an Execute call, reused from call to call: lists of argument and output pointers, one per device. */
class ExecuteCall {
  readonly arity: number;
  readonly #inputs: BigUint64Array[];
  readonly #outputs: BigUint64Array[];
  readonly #indices: BigInt64Array;
  readonly #options: Struct<'PJRT_ExecuteOptions'>;
  readonly #args: Struct<'PJRT_LoadedExecutable_Execute'>;

  constructor(devices: number, arity: number, numOutputs: number) {
    this.arity = arity;
    const lists = (length: number) => Array.from({ length: devices }, () => new BigUint64Array(length));
    this.#inputs = lists(arity);
    this.#outputs = lists(numOutputs);
    this.#indices = new BigInt64Array(arity);
    this.#options = new Struct('PJRT_ExecuteOptions', { non_donatable_input_indices: this.#indices });
    this.#args = new Struct('PJRT_LoadedExecutable_Execute', {
      options: this.#options,
      argument_lists: BigUint64Array.from(this.#inputs, addressOf),
      num_devices: devices,
      num_args: arity,
      output_lists: BigUint64Array.from(this.#outputs, addressOf),
    });
  }

  /** Fills in the arguments of one call, and returns their struct. */
  prepare(
    executable: bigint,
    args: readonly (readonly DeviceArray[])[],
    donate: readonly number[],
  ): Struct<'PJRT_LoadedExecutable_Execute'> {
    for (const [d, list] of args.entries()) {
      if (list.length !== this.arity) {
        throw new FluxionError('bad_shape', `device 0 has ${this.arity} arguments, device ${d} has ${list.length}`);
      }
      const inputs = this.#inputs[d]!;
      for (let i = 0; i < list.length; i++) inputs[i] = list[i]!.address;
    }
    let kept = 0;
    for (let i = 0; i < this.arity; i++) if (!donate.includes(i)) this.#indices[kept++] = BigInt(i);
    this.#options.set({ num_non_donatable_input_indices: kept });
    return this.#args.set({ executable });
  }

  /** Output pointers of the last call, by device. */
  get outputs(): bigint[][] {
    return this.#outputs.map((list) => [...list]);
  }
}

function readOutputs(api: Api, executable: bigint): OutputSpec[] {
  const types = api.call('PJRT_Executable_OutputElementTypes', { executable });
  const count = types.get('num_output_types');
  if (count === 0) return [];
  const codes = new Int32Array(viewNative(types.get('output_types'), count * 4));
  const listed = api.call('PJRT_Executable_OutputDimensions', { executable });
  const ranks = readWords(listed.get('dim_sizes'), count).map(Number);
  const dims = readWords(
    listed.get('dims'),
    ranks.reduce((sum, rank) => sum + rank, 0),
  ).map(Number);
  return ranks.map((rank, i) => ({ dtype: elementType(codes[i]!), shape: dims.splice(0, rank) }));
}
