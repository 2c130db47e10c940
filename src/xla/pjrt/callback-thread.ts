/**
 * A thread that answers XLA's callbacks into the key-value store. They come on XLA's own threads, which wait while this one gets the
 * answer from the thread that talks to the server.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import { ENUMS } from './header.gen.ts';
import { addressOf, readWords, viewNative } from './memory.ts';
import type { Callbacks, StoreReply, StoreRequest } from './store-protocol.ts';
import { Struct } from './struct.ts';

const port = workerData as MessagePort;

const CALLBACK = koffi.proto('KeyValueCallback', 'void *', ['void *']);
/** `PJRT_CallbackError`: makes the error that a callback returns. */
const MAKE_ERROR = koffi.proto('PjrtCallbackError', 'void *', ['int', 'void *', 'size_t']);

const libc = koffi.load(null);
const malloc = libc.func('void *malloc(size_t size)') as (size: number) => bigint;
/** The receiver of a value frees it by C's `free`. */
const FREE = libc.func('void *dlsym(void *library, const char *name)')(null, 'free') as bigint;

type GetName = 'PJRT_KeyValueGetCallback_Args' | 'PJRT_KeyValueTryGetCallback_Args';
type Name = GetName | 'PJRT_KeyValuePutCallback_Args';

/** Asks the other thread, and sleeps until it has answered. */
function ask(request: Omit<StoreRequest, 'flag'>): StoreReply {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  port.postMessage({ ...request, flag });
  Atomics.wait(flag, 0, 0);
  return (receiveMessageOnPort(port) as { message: StoreReply }).message;
}

/**
 * Registers a callback that answers by `answer`. Failures are returned to XLA as errors, since nothing can be thrown there. The argument
 * struct is the caller's memory.
 */
function register<S extends Name>(name: S, answer: (args: Struct<S>) => StoreReply): bigint {
  return koffi.register((address: bigint): bigint => {
    const failed = (status: keyof typeof ENUMS.PJRT_Error_Code, message: string): bigint => {
      // The function that makes a PJRT_Error comes with the arguments.
      const [make] = readWords(Struct.at<Name>(name, address).get('callback_error'), 1);
      const text = Buffer.from(message);
      return koffi.call(make!, MAKE_ERROR, ENUMS.PJRT_Error_Code[status], addressOf(text), text.length) as bigint;
    };
    try {
      const reply = answer(Struct.at(name, address));
      return 'status' in reply ? failed(reply.status, reply.message) : 0n;
    } catch (error) {
      return failed('UNAVAILABLE', `the key-value store: ${error instanceof Error ? error.message : error}`);
    }
  }, koffi.pointer(CALLBACK));
}

/** Asks for a value, and gives a copy of it to the caller. */
function find(args: Struct<GetName>, operation: 'get' | 'tryGet', timeout?: number): StoreReply {
  const reply = ask({ operation, key: args.bytes('key'), ...(timeout !== undefined && { timeout }) });
  if ('value' in reply && reply.value) {
    const { length } = reply.value;
    const memory = malloc(Math.max(1, length));
    new Uint8Array(viewNative(memory, length)).set(reply.value);
    args.set({ value: memory, value_size: length, value_deleter_callback: FREE });
  }
  return reply;
}

const callbacks: Callbacks = {
  get: register('PJRT_KeyValueGetCallback_Args', (args) => find(args, 'get', args.get('timeout_in_ms'))),
  put: register('PJRT_KeyValuePutCallback_Args', (args) =>
    ask({ operation: 'put', key: args.bytes('key'), value: args.bytes('value') }),
  ),
  tryGet: register('PJRT_KeyValueTryGetCallback_Args', (args) => find(args, 'tryGet')),
};
parentPort!.postMessage(callbacks);
// The thread stays for as long as its callbacks may be called.
parentPort!.on('message', () => {});
