/**
 * A thread that answers XLA's callbacks into the key-value store. They come on XLA's own threads, which wait while this one gets the
 * answer from the thread that talks to the server.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import { ENUMS, type FieldLayout, STRUCTS } from './header.gen.ts';
import { addressOf, copyNative, viewNative } from './memory.ts';
import type { Callbacks, StoreReply, StoreRequest } from './store-protocol.ts';

const port = workerData as MessagePort;

const CALLBACK = koffi.proto('KeyValueCallback', 'void *', ['void *']);
/** `PJRT_CallbackError`: makes the error that a callback returns. */
const MAKE_ERROR = koffi.proto('PjrtCallbackError', 'void *', ['int', 'void *', 'size_t']);

const libc = koffi.load(null);
const malloc = libc.func('void *malloc(size_t size)') as (size: number) => bigint;
/** The receiver of a value frees it by C's `free`. */
const FREE = libc.func('void *dlsym(void *library, const char *name)')(null, 'free') as bigint;

type Name = 'PJRT_KeyValueGetCallback_Args' | 'PJRT_KeyValueTryGetCallback_Args' | 'PJRT_KeyValuePutCallback_Args';

/** The argument struct of a callback, which is the caller's memory. */
class Arguments<S extends Name> {
  readonly #fields: Record<string, FieldLayout>;
  readonly #view: DataView;

  constructor(name: S, address: bigint) {
    const { stride, fields } = STRUCTS[name];
    this.#fields = fields;
    this.#view = new DataView(viewNative(address, stride));
  }

  word(name: string): bigint {
    return this.#view.getBigUint64(this.#fields[name]![0], true);
  }

  int(name: string): number {
    return this.#view.getInt32(this.#fields[name]![0], true);
  }

  bytes(name: string): Uint8Array {
    return copyNative(this.word(name), Number(this.word(`${name}_size`)));
  }

  write(name: string, value: bigint): void {
    this.#view.setBigUint64(this.#fields[name]![0], value, true);
  }

  /** Makes a PJRT_Error by the function that came with the arguments. */
  error(status: Exclude<StoreReply, { value?: Uint8Array }>['status'], message: string): bigint {
    const [make] = new BigUint64Array(viewNative(this.word('callback_error'), 8));
    const text = Buffer.from(message);
    return koffi.call(make!, MAKE_ERROR, ENUMS.PJRT_Error_Code[status], addressOf(text), text.length) as bigint;
  }
}

/** Asks the other thread, and sleeps until it has answered. */
function ask(request: Omit<StoreRequest, 'flag'>): StoreReply {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  port.postMessage({ ...request, flag });
  Atomics.wait(flag, 0, 0);
  return (receiveMessageOnPort(port) as { message: StoreReply }).message;
}

/** Registers a callback; it returns failures to XLA as errors, since nothing can be thrown there. */
function register<S extends Name>(name: S, operation: StoreRequest['operation']): bigint {
  return koffi.register((address: bigint): bigint => {
    const args = new Arguments(name, address);
    try {
      return answer(args, operation);
    } catch (error) {
      return args.error('UNAVAILABLE', `the key-value store: ${error instanceof Error ? error.message : error}`);
    }
  }, koffi.pointer(CALLBACK));
}

/** Asks, and writes the answer into the arguments: the null pointer, or an error. */
function answer<S extends Name>(args: Arguments<S>, operation: StoreRequest['operation']): bigint {
  const reply = ask({
    operation,
    key: args.bytes('key'),
    ...(operation === 'put' && { value: args.bytes('value') }),
    ...(operation === 'get' && { timeout: args.int('timeout_in_ms') }),
  });
  if ('status' in reply) return args.error(reply.status, reply.message);
  if (reply.value) {
    const { length } = reply.value;
    const memory = malloc(Math.max(1, length));
    new Uint8Array(viewNative(memory, Math.max(1, length))).set(reply.value);
    args.write('value', memory);
    args.write('value_size', BigInt(length));
    args.write('value_deleter_callback', FREE);
  }
  return 0n;
}

const callbacks: Callbacks = {
  get: register('PJRT_KeyValueGetCallback_Args', 'get'),
  put: register('PJRT_KeyValuePutCallback_Args', 'put'),
  tryGet: register('PJRT_KeyValueTryGetCallback_Args', 'tryGet'),
};
parentPort!.postMessage(callbacks);
// The thread stays for as long as its callbacks may be called.
parentPort!.on('message', () => {});
