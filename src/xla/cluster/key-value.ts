/**
 * The key-value store by which several processes make one client: `PJRT_Client_Create` is given three C functions (get, which
 * waits for a key, put and try-get), and XLA exchanges devices and the names of NCCL's groups through them.
 *
 * Threads: XLA calls from its own threads, and the call must return the answer. koffi hands the call to the JavaScript thread that
 * registered the function, while the caller waits. That thread sleeps until the store thread, which does nothing else, has the
 * server's answer. The main thread never waits for the others, so that it hears Ctrl-C and can cancel their waits.
 * - A thread answers one call at a time, so gets have a thread of their own: a put never waits behind a get, and every get
 *   ends once its key is put. Gets wait for each other. A process of one device gets one key at a time, in the order of its
 *   programs, which is the same in all processes. With several devices, a get can queue behind the get of a device further
 *   ahead, whose key is put only after the first get is answered: possible where one program exchanges along two axes of its
 *   mesh. XLA then ends with an error after ten minutes; one process for each device avoids this.
 * - A foreign call from the main thread's own stack cannot be handed on (koffi 3.3), so calls that may call back run on another
 *   thread: creating a client, compiling, executing.
 */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { FluxionError } from '../../support/errors.ts';
import { untilAborted } from '../../support/until-aborted.ts';
import type { Callbacks, SharedStore, StoreCommand, StoreEvent, StorePlace } from '../pjrt/store-protocol.ts';

export interface KeyValueOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the processes that this one waits for. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** One process's connection to the key-value store, after the processes of its run have met. */
export class KeyValueStore implements SharedStore {
  readonly place: StorePlace;
  /** Addresses of `PJRT_KeyValueGetCallback` and so on. */
  readonly callbacks: Callbacks;
  readonly #server: Worker;
  readonly #threads: readonly Worker[];

  private constructor(place: StorePlace, callbacks: Callbacks, server: Worker, threads: readonly Worker[]) {
    this.place = place;
    this.callbacks = callbacks;
    this.#server = server;
    this.#threads = threads;
  }

  /** Connects and waits for the other processes of the run. Throws `io` for a server that cannot be used, and `bad_config`. */
  static async open(place: StorePlace, { signal, onProgress }: KeyValueOptions = {}): Promise<KeyValueStore> {
    signal?.throwIfAborted();
    const channels = [new MessageChannel(), new MessageChannel()] as const;
    const ports = channels.map(({ port1 }) => port1);
    const server = thread('cluster/store-thread', { place, ports }, ports);
    const threads = channels.map(({ port2 }) => thread('pjrt/callback-thread', port2, [port2]));
    try {
      const [waits, others] = await Promise.all(threads.map(first<Callbacks>));
      await met(server, signal, onProgress);
      const { get } = waits!;
      const { put, tryGet } = others!;
      return new KeyValueStore(place, { get, put, tryGet }, server, threads);
    } catch (error) {
      await Promise.all([server, ...threads].map((worker) => worker.terminate()));
      throw error;
    }
  }

  /** Ends every wait, now and later, with an error that says `reason`. */
  cancel(reason: string): void {
    this.#server.postMessage({ kind: 'cancel', reason } satisfies StoreCommand);
  }

  /** Ends the threads; only once nothing can call back any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#server, ...this.#threads].map((worker) => worker.terminate()));
  }
}

function thread(path: string, data: unknown, transferList: readonly MessagePort[]): Worker {
  const file = new URL(import.meta.url.replace(/cluster\/key-value\.(ts|js)$/, `${path}.$1`));
  const worker = new Worker(file, { workerData: data, transferList: [...transferList] });
  worker.unref();
  return worker;
}

/** The first message of a thread. */
function first<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** Waits until the store thread has met the other processes. */
async function met(
  server: Worker,
  signal: AbortSignal | undefined,
  onProgress: KeyValueOptions['onProgress'],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.on('error', reject);
  server.on('message', (event: StoreEvent) => {
    if (event.kind === 'waiting') onProgress?.(event.message);
    else if (event.kind === 'met') resolve();
    else if (event.kind === 'failed') reject(new FluxionError(event.code, event.message, { hint: event.hint }));
  });
  server.postMessage({ kind: 'meet' } satisfies StoreCommand);
  // Nothing else keeps the process going while it waits for the others.
  server.ref();
  try {
    await untilAborted(promise, signal);
  } finally {
    server.unref();
  }
}
