/** The thread that talks to the key-value server, so that no other thread waits for the network or holds it up. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Redis } from 'iovalkey';
import { FluxionError } from '../../support/errors.ts';
import { failureText, withoutSecrets } from '../../support/shown-url.ts';
import { pause } from '../../support/until-aborted.ts';
import type { StoreCommand, StoreEvent, StorePlace, StoreReply, StoreRequest } from '../pjrt/store-protocol.ts';
import { type MeetingStore, meet } from './rendezvous.ts';

/** Life of keys in milliseconds: the others read them early in the run. */
const LIFE = 60 * 60_000;
/** Milliseconds between looks for a key that is not there yet, from the first to the last. */
const LOOKS = [2, 5, 10, 20, 50] as const;
const CONNECT_TIMEOUT = 10_000;

const { place, ports } = workerData as { readonly place: StorePlace; readonly ports: readonly MessagePort[] };
const address = withoutSecrets(place.url);
const say = (event: StoreEvent): void => parentPort!.postMessage(event);

// iovalkey knows the schemes of Redis alone, which speaks the same.
const server = new Redis(place.url.replace(/^valkey/, 'redis'), {
  lazyConnect: true,
  connectTimeout: CONNECT_TIMEOUT,
  maxRetriesPerRequest: 3,
  // Waits for a server that goes away for a moment, but reports at once a server that never answered.
  retryStrategy: (times) => (connected && times <= 3 ? 200 * times : null),
  // Asks for no more rights than keys need.
  enableReadyCheck: false,
});
let connected = false;
let lastError: Error | undefined;
server.on('error', (error) => {
  lastError = error;
});
/** Aborts with the error that ends every wait. */
const cancelled = new AbortController();

const store: MeetingStore = {
  get: (key) => server.get(key),
  set: async (key, value, life, once = false) =>
    (await (once ? server.set(key, value, 'PX', life, 'NX') : server.set(key, value, 'PX', life))) === 'OK',
  delete: async (key) => void (await server.del(key)),
  sleep: (milliseconds) => pause(milliseconds, cancelled.signal),
};

let prefix: Buffer;

parentPort!.on('message', (command: StoreCommand) => {
  if (command.kind === 'meet') void begin();
  else cancelled.abort(new FluxionError('aborted', command.reason));
});

async function begin(): Promise<void> {
  try {
    await server.connect();
    connected = true;
    let told = '';
    prefix = Buffer.from(
      await meet(store, place, (message) => {
        if (message !== told) say({ kind: 'waiting', message });
        told = message;
      }),
    );
    say({ kind: 'met' });
  } catch (error) {
    const { code, message, hint } = error instanceof FluxionError ? error : unusable(error);
    say({ kind: 'failed', code, message, hint });
  }
}

function unusable(error: unknown): FluxionError {
  const text = failureText(connected ? error : (lastError ?? error));
  return new FluxionError('io', `cannot use the node_store at ${address}: ${text}`, {
    hint: 'start a Valkey or Redis server that all processes reach, and give its address as node_store=valkey://HOST:PORT',
  });
}

for (const port of ports) {
  port.on('message', async (request: StoreRequest) => {
    const reply = await answer(request).catch(
      (error: unknown): StoreReply => ({
        status: 'UNAVAILABLE',
        message: `node_store at ${address}: ${failureText(error)}`,
      }),
    );
    port.postMessage(reply);
    Atomics.store(request.flag, 0, 1);
    Atomics.notify(request.flag, 0);
  });
}

async function answer({ operation, key, value, timeout = 0 }: StoreRequest): Promise<StoreReply> {
  const name = Buffer.concat([prefix, key]);
  if (operation === 'put') {
    await server.set(name, Buffer.from(value!), 'PX', LIFE);
    return {};
  }
  const end = performance.now() + timeout;
  for (let look = 0; ; look++) {
    if (cancelled.signal.aborted) return { status: 'CANCELLED', message: cancelled.signal.reason.message };
    const found = await server.getBuffer(name);
    if (found) return { value: found };
    const label = Buffer.from(key).toString();
    if (operation === 'tryGet') return { status: 'NOT_FOUND', message: `there is no ${label}` };
    if (performance.now() >= end) {
      const seconds = (timeout / 1000).toFixed(timeout < 10_000 ? 1 : 0);
      return { status: 'DEADLINE_EXCEEDED', message: `no process gave ${label} within ${seconds} s` };
    }
    const wait = Math.min(LOOKS[Math.min(look, LOOKS.length - 1)]!, Math.max(1, end - performance.now()));
    await pause(wait, cancelled.signal).catch(() => {});
  }
}
