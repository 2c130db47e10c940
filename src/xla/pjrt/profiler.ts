/**
 * A plugin's own profiler: records what its devices do, operation by operation, as a serialized `XSpace` (xla/ahead/xspace.ts).
 *
 * NVIDIA's plugin, AMD's and libtpu have one; the CPU plugins do not. The layouts are those of xla/backends/profiler/plugin/profiler_c_api.h.
 */

import koffi from 'koffi';
import { FluxionError } from '../../support/errors.ts';
import { ProtoWriter } from '../../support/protobuf.ts';
import type { Api } from './call.ts';
import { addressOf, copyNative, readString, readWords } from './memory.ts';

/** Functions of `PLUGIN_Profiler_Api` in its order, after its size and a private pointer. */
const FUNCTIONS = [
  'errorDestroy',
  'errorMessage',
  'errorCode',
  'create',
  'destroy',
  'start',
  'stop',
  'collect',
] as const;
type Name = (typeof FUNCTIONS)[number];
/** Bytes of a `PJRT_Extension_Base`; a pointer to the extension's table follows it. */
const EXTENSION_BASE = 24n;
const PROTOTYPE = koffi.proto('ProfilerFunction', 'void *', ['void *']);

/** One recording of a plugin's profiler; at most one may run at a time in a process. */
export class Profiler implements Disposable {
  readonly #table: ReadonlyMap<Name, (args: bigint) => bigint | null>;
  readonly #path: string;
  #profiler = 0n;

  private constructor(table: bigint, path: string) {
    this.#path = path;
    const pointers = readWords(table + 16n, FUNCTIONS.length);
    this.#table = new Map(FUNCTIONS.map((name, i) => [name, koffi.decode(pointers[i]!, PROTOTYPE)]));
    // tensorflow.ProfileOptions: version 1, host events of importance, the device, no copy of the programs.
    const options = new ProtoWriter().int(5, 1).int(2, 2).int(3, 1).int(7, 0).bytes();
    this.#profiler = this.#call('create', [addressOf(options), BigInt(options.length), 0n], [options])[3]!;
  }

  /** Prepares a recording; undefined if the plugin has no profiler. */
  static of(api: Api): Profiler | undefined {
    const extension = api.extensions.get('Profiler');
    const [table] = extension === undefined ? [] : readWords(extension + EXTENSION_BASE, 1);
    return table ? new Profiler(table, api.path) : undefined;
  }

  start(): void {
    this.#call('start', [this.#profiler]);
  }

  stop(): void {
    this.#call('stop', [this.#profiler]);
  }

  /** Returns the recording, once stopped: a serialized `XSpace`. */
  collect(): Uint8Array {
    const [, , buffer, size] = this.#call('collect', [this.#profiler, 0n, 0n]);
    if (buffer !== 0n) return copyNative(buffer!, Number(size));
    const own = new Uint8Array(Number(size));
    if (own.length > 0) this.#call('collect', [this.#profiler, addressOf(own), size!], [own]);
    return own;
  }

  [Symbol.dispose](): void {
    if (this.#profiler !== 0n) this.#call('destroy', [this.#profiler]);
    this.#profiler = 0n;
  }

  /** Calls a function with a struct of 8-byte words after its size, and returns the struct; `held` is the memory that the words point to. */
  #call(name: Name, words: readonly bigint[], held: readonly unknown[] = []): BigUint64Array {
    const args = BigUint64Array.of(BigInt(8 * (words.length + 1)), ...words);
    const error = this.#table.get(name)!(addressOf(args));
    void held.length;
    if (!error) return args;
    const message = BigUint64Array.of(40n, 0n, error, 0n, 0n);
    this.#table.get('errorMessage')!(addressOf(message));
    const text = readString(message[3]!, Number(message[4]!));
    this.#table.get('errorDestroy')!(addressOf(BigUint64Array.of(24n, 0n, error)));
    throw new FluxionError('pjrt', `the profiler of ${this.#path} failed to ${name}: ${text}`, {
      hint:
        name === 'start'
          ? 'another profiler may be running; on NVIDIA the driver must allow performance counters'
          : undefined,
    });
  }
}
