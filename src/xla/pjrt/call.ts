/**
 * One way to call every function of the PJRT C API: `api.call('PJRT_Client_Compile', { client, program, … }).get('executable')`.
 *
 * Each function takes one pointer to an argument struct (struct.ts) and returns an error or null, so a single prototype serves all of them.
 * The table in a plugin older than the header is shorter: a function past its end, or null in it, is reported as unsupported with both
 * versions.
 */

import koffi from 'koffi';
import { FluxionError } from '../../support/errors.ts';
import { requireWholeLibrary } from '../plugins/library-file.ts';
import { API_VERSION, ENUMS, FUNCTIONS, type FunctionName, STRUCTS } from './header.gen.ts';
import { readWords } from './memory.ts';
import { Struct, type StructFields } from './struct.ts';

/** The status names PJRT errors carry (those of absl::Status). */
export type PjrtStatus = keyof (typeof ENUMS)['PJRT_Error_Code'];

/** An error that a PJRT function or event reported. */
export class PjrtError extends FluxionError {
  override readonly name: string = 'PjrtError';
  readonly status: PjrtStatus;

  constructor(status: PjrtStatus, message: string) {
    // A compiler's message has many lines.
    super('pjrt', message.split('\n'), { hint: status === 'RESOURCE_EXHAUSTED' ? OUT_OF_MEMORY : undefined });
    this.status = status;
  }
}

const OUT_OF_MEMORY =
  'the device is out of memory: use a smaller picture or batch, a smaller dtype, or let the text encoders be unloaded first';

/** The kinds of plugin-side extensions, by the number the header gives them. */
const EXTENSIONS = invert(ENUMS.PJRT_Extension_Type);
const STATUSES = invert(ENUMS.PJRT_Error_Code);

function invert<K extends string>(names: Record<K, number>): ReadonlyMap<number, K> {
  return new Map(Object.entries(names).map(([name, value]) => [value as number, name as K]));
}

type NativeFunction = {
  (args: bigint): bigint | null;
  async(args: bigint, done: (failure: unknown, error: bigint | null) => void): void;
};

/** Bytes. koffi runs foreign calls on its own stacks, by default 128 KiB on other threads: XLA's compilers need as much as a thread has. */
const STACK = 16 << 20;
try {
  koffi.config({ sync_stack_size: STACK, async_stack_size: STACK });
} catch {
  // Another package has loaded a library through the same koffi. Whether its stacks suffice is checked when a plugin is loaded.
}

/** Throws `unsupported` if another package's settings of koffi leave XLA too little stack. */
function requireStacks(path: string): void {
  const { sync_stack_size: sync, async_stack_size: other } = koffi.config() as Record<string, number>;
  const least = Math.min(sync ?? 0, other ?? 0);
  if (least >= STACK) return;
  throw new FluxionError(
    'unsupported',
    `${path} needs stacks of ${STACK} bytes for its calls, and koffi gives ${least}: another package used koffi first`,
    {
      hint: 'import fluxion before that package, or call koffi.config({ sync_stack_size, async_stack_size }) at the start of your program',
    },
  );
}

const PROTOTYPE = koffi.proto('PjrtFunction', 'void *', ['void *']);
/** PJRT_Api begins with struct_size and extension_start; the version and the function pointers follow. */
const VERSION_OFFSET = 16;
const TABLE_OFFSET = VERSION_OFFSET + STRUCTS.PJRT_Api_Version.stride;

/**
 * libuv runs foreign calls on 4 threads that file reads share. Long calls (compile, large transfers) take at most this many of them, event
 * waits the rest, so that neither starves the other.
 */
const LONG_CALLS = 2;
/** Copying 4 MiB takes about a millisecond, which an event loop can spare. */
const LARGE_TRANSFER = 4 << 20;

/** The function table of one loaded plugin. */
export class Api {
  readonly path: string;
  /** The native PJRT_Api. */
  readonly address: bigint;
  readonly version: { readonly major: number; readonly minor: number };
  /** The native structs of the extensions the plugin offers by name, `Extension_N` for numbers newer than the header. */
  readonly extensions: ReadonlyMap<string, bigint>;
  readonly #functions = new Map<FunctionName, NativeFunction>();
  #longCalls = 0;
  readonly #queue: (() => void)[] = [];

  /** Reads the table at `address`, which must stay valid for the life of the process. */
  constructor(address: bigint, path: string) {
    this.path = path;
    this.address = address;
    const [size, extensions] = readWords(address, 2) as [bigint, bigint];
    const version = Struct.at('PJRT_Api_Version', address + BigInt(VERSION_OFFSET));
    this.version = { major: version.get('major_version'), minor: version.get('minor_version') };
    if (this.version.major !== API_VERSION.major) {
      throw new FluxionError(
        'plugin',
        `${path} speaks PJRT API ${this.version.major}.${this.version.minor}; this program speaks ${API_VERSION.major}.x`,
        { hint: 'use a plugin built for the same major version of the PJRT C API' },
      );
    }
    this.extensions = readExtensions(extensions);
    const names = Object.keys(FUNCTIONS) as FunctionName[];
    const count = Math.min(names.length, Math.floor((Number(size) - TABLE_OFFSET) / 8));
    for (const [i, pointer] of readWords(address + BigInt(TABLE_OFFSET), count).entries())
      if (pointer !== 0n) this.#functions.set(names[i]!, koffi.decode(pointer, PROTOTYPE) as NativeFunction);
  }

  /** Loads a plugin's shared library. */
  static load(path: string): Api {
    let getApi: () => bigint | null;
    requireStacks(path);
    requireWholeLibrary(path);
    try {
      keepLoaded(path);
      getApi = koffi.load(path).func('void *GetPjrtApi()');
    } catch (cause) {
      throw new FluxionError('plugin', `cannot load ${path}: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
        hint: 'check that the file is a PJRT plugin for this operating system and processor, and that the libraries it needs are installed',
      });
    }
    const address = getApi();
    if (address === null) throw new FluxionError('plugin', `${path}: GetPjrtApi returned nothing`);
    return new Api(address, path);
  }

  /** Calls a function on this thread and returns its argument struct, from which outputs are read. `during` names the operation in errors. */
  call<F extends FunctionName>(name: F, fields: StructFields<F>, during?: string): Struct<F> {
    const args = new Struct(name, fields);
    this.invoke(name, args, during);
    return args;
  }

  /** Calls a function that plugins may lack; undefined if this one does. */
  optional<F extends FunctionName>(name: F, fields: StructFields<F>): Struct<F> | undefined {
    if (!this.#functions.has(name)) return undefined;
    try {
      return this.call(name, fields);
    } catch (error) {
      if (error instanceof PjrtError && error.status === 'UNIMPLEMENTED') return undefined;
      throw error;
    }
  }

  /** Calls a function with a struct prepared earlier: for calls that repeat thousands of times. */
  invoke<F extends FunctionName>(name: F, args: Struct<F>, during: string = name): void {
    const error = this.#function(name)(args.address);
    if (error) throw this.#takeError(error, during);
  }

  /** Calls a function on another thread, leaving the event loop free; at most two such calls run at once, later ones wait their turn. */
  async callAsync<F extends FunctionName>(name: F, fields: StructFields<F>): Promise<Struct<F>> {
    if (this.#longCalls >= LONG_CALLS) await new Promise<void>((go) => this.#queue.push(go));
    else this.#longCalls++;
    try {
      const args = new Struct(name, fields);
      await this.invokeAsync(name, args);
      return args;
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#longCalls--;
    }
  }

  /** Calls a function that moves `byteLength` bytes: on this thread when they are few, on another when they are many. */
  async transfer<F extends FunctionName>(name: F, fields: StructFields<F>, byteLength: number): Promise<Struct<F>> {
    return byteLength < LARGE_TRANSFER ? this.call(name, fields) : this.callAsync(name, fields);
  }

  /** Calls a function on another thread at once, whatever else is running there. */
  async invokeAsync<F extends FunctionName>(name: F, args: Struct<F>): Promise<void> {
    const call = this.#function(name);
    const error = await new Promise<bigint | null>((resolve, reject) =>
      call.async(args.address, (failure, result) => (failure ? reject(failure) : resolve(result))),
    );
    if (error) throw this.#takeError(error, name);
    // Reading the struct here keeps it, and what it points to, reachable while the call runs.
    void args.address;
  }

  /** Turns a PJRT_Error into an exception and frees it. */
  #takeError(error: bigint, during: string): PjrtError {
    const message = new Struct('PJRT_Error_Message', { error });
    this.#function('PJRT_Error_Message')(message.address);
    const text = message.text('message');
    const code = this.call('PJRT_Error_GetCode', { error }).get('code');
    this.#function('PJRT_Error_Destroy')(new Struct('PJRT_Error_Destroy', { error }).address);
    const status = STATUSES.get(code) ?? 'UNKNOWN';
    return new PjrtError(status, `${during} failed (${status}): ${text}`);
  }

  #function(name: FunctionName): NativeFunction {
    const found = this.#functions.get(name);
    if (found) return found;
    throw new FluxionError('unsupported', `${this.path} does not have ${name}`, {
      hint: `the plugin implements PJRT API ${this.version.major}.${this.version.minor}, this program was written for ${API_VERSION.major}.${API_VERSION.minor}; a newer plugin may have it`,
    });
  }
}

/** RTLD_NOW | RTLD_NODELETE of <dlfcn.h>. */
const STAY: Partial<Record<NodeJS.Platform, number>> = { linux: 0x2 | 0x1000, darwin: 0x2 | 0x80 };

/**
 * Loads a library for the rest of the process. koffi unloads its own handle when that is collected and when Node ends, while
 * the plugin's threads and exit handlers still run its code.
 */
function keepLoaded(path: string): void {
  const flags = STAY[process.platform];
  if (flags === undefined) return;
  const dlopen = koffi.load(null).func('void *dlopen(const char *path, int flags)');
  dlopen(path, flags);
}

function readExtensions(first: bigint): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (let at = first; at !== 0n && found.size < 64; ) {
    const base = Struct.at('PJRT_Extension_Base', at);
    const type = base.get('type');
    found.set(EXTENSIONS.get(type) ?? `Extension_${type}`, at);
    at = base.get('next');
  }
  return found;
}
