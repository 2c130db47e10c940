/**
 * The callbacks of PJRT's key-value store, called as C functions from threads that are not JavaScript's, as XLA calls them, over a
 * server; and how the processes of a run meet there.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'iovalkey';
import koffi from 'koffi';
// Sets koffi's stacks, which takes effect only before a library is loaded or a callback registered.
import '../../../src/xla/pjrt/call.ts';
import { KeyValueStore } from '../../../src/xla/cluster/key-value.ts';
import { meet } from '../../../src/xla/cluster/rendezvous.ts';
import { ENUMS, STRUCTS } from '../../../src/xla/pjrt/header.gen.ts';
import { addressOf, copyNative, freeThrough, viewNative } from '../../../src/xla/pjrt/memory.ts';
import { freePort, type KeyValueServer, SERVERS } from '../../support/key-value-server.ts';

let runs = 0;
const newRun = () => `test ${process.pid} ${runs++}`;

/** Opens the stores of all processes of a run at once. */
function openAll(url: string, run: string, count: number): Promise<KeyValueStore[]> {
  return Promise.all(Array.from({ length: count }, (_, id) => KeyValueStore.open({ url, run, id, count })));
}

/** Another process of a run without the three threads of a store: it meets by the same rules, and asks the server itself. */
class Peer implements Disposable {
  readonly client: Redis;
  #gone = false;

  constructor(url: string) {
    this.client = new Redis(url.replace('valkey', 'redis'), { enableReadyCheck: false });
  }

  /** Meets the others, and returns the prefix of the run's keys. */
  meet(run: string, id: number, count: number): Promise<string> {
    const { client } = this;
    const store = {
      get: (key: string) => client.get(key),
      set: async (key: string, value: string, life: number, once = false) =>
        (await (once ? client.set(key, value, 'PX', life, 'NX') : client.set(key, value, 'PX', life))) === 'OK',
      delete: async (key: string) => void (await client.del(key)),
      sleep: async (milliseconds: number) => {
        await setTimeout(milliseconds);
        if (this.#gone) throw new Error('the peer is gone');
      },
    };
    return meet(store, { url: '', run, id, count }, () => {});
  }

  [Symbol.dispose](): void {
    this.#gone = true;
    this.client.disconnect();
  }
}

const close = (stores: readonly KeyValueStore[]) => Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));

const CALLBACK = koffi.proto('TestCallback', 'void *', ['void *']);
const MAKE_ERROR = koffi.proto('TestMakeError', 'void *', ['int', 'void *', 'size_t']);
/** Stands for the plugin's function that makes a PJRT_Error, and keeps what it was given. */
const errors: { status: number; message: string }[] = [];
const makeError = koffi.register((status: number, text: bigint, size: bigint | number) => {
  errors.push({ status, message: Buffer.from(copyNative(text, Number(size))).toString() });
  return BigInt(errors.length);
}, koffi.pointer(MAKE_ERROR));
const makeErrorPlace = BigUint64Array.of(makeError);

type Name = 'PJRT_KeyValueGetCallback_Args' | 'PJRT_KeyValueTryGetCallback_Args' | 'PJRT_KeyValuePutCallback_Args';

/** Calls a callback on a thread of its own, as XLA would: the value it gave, or the error it made. */
async function call(callback: bigint, name: Name, key: string, rest: { value?: Uint8Array; timeout?: number } = {}) {
  const { stride, fields } = STRUCTS[name];
  const at = (field: string) => (fields as Record<string, readonly [number, ...unknown[]]>)[field]![0];
  const memory = new ArrayBuffer(stride);
  const view = new DataView(memory);
  const keyBytes = Buffer.from(key);
  view.setBigUint64(at('key'), addressOf(keyBytes), true);
  view.setBigUint64(at('key_size'), BigInt(keyBytes.length), true);
  view.setBigUint64(at('callback_error'), addressOf(makeErrorPlace), true);
  if (rest.timeout !== undefined) view.setInt32(at('timeout_in_ms'), rest.timeout, true);
  if (rest.value) {
    view.setBigUint64(at('value'), addressOf(rest.value), true);
    view.setBigUint64(at('value_size'), BigInt(rest.value.length), true);
  }
  const native = koffi.decode(callback, CALLBACK) as {
    async(args: bigint, done: (e: unknown, r: bigint | null) => void): void;
  };
  const error = await new Promise<bigint | null>((resolve, reject) =>
    native.async(addressOf(memory), (failure, result) => (failure ? reject(failure) : resolve(result))),
  );
  if (error) {
    const { status, message } = errors[Number(error) - 1]!;
    const [word] = Object.entries(ENUMS.PJRT_Error_Code).find(([, value]) => value === status)!;
    return { status: word, message };
  }
  if (rest.value) return {};
  const [address, length, deleter] = ['value', 'value_size', 'value_deleter_callback'].map((field) =>
    view.getBigUint64(at(field), true),
  );
  const value = new Uint8Array(viewNative(address!, Math.max(1, Number(length)))).slice(0, Number(length));
  freeThrough(deleter!, address!);
  return { value };
}

const put = (store: KeyValueStore, key: string, value: Uint8Array) =>
  call(store.callbacks.put, 'PJRT_KeyValuePutCallback_Args', key, { value });
const get = (store: KeyValueStore, key: string, timeout: number) =>
  call(store.callbacks.get, 'PJRT_KeyValueGetCallback_Args', key, { timeout });
const tryGet = (store: KeyValueStore, key: string) =>
  call(store.callbacks.tryGet, 'PJRT_KeyValueTryGetCallback_Args', key);

/** Starting a store takes three threads, so the tests of a server share the stores of one run. */
describe('a store', { concurrency: true }, () => {
  for (const [i, start] of SERVERS.entries()) {
    describe(`over server ${i + 1} of ${SERVERS.length}`, { concurrency: 1 }, () => {
      let server: KeyValueServer;
      let first: KeyValueStore;
      let second: KeyValueStore;
      before(async () => {
        server = await start();
        [first, second] = (await openAll(server.url, newRun(), 2)) as [KeyValueStore, KeyValueStore];
      });
      after(async () => {
        await close([first, second]);
        await server[Symbol.asyncDispose]();
      });

      test('what one process puts another gets, any bytes, before and after it asks', async (t) => {
        t.diagnostic(server.name);
        const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31) % 256);
        const waiting = get(second, 'cuda:global_topology', 20_000);
        assert.deepEqual(await tryGet(first, 'cuda:global_topology'), {
          status: 'NOT_FOUND', message: 'there is no cuda:global_topology',
        }); // biome-ignore format: an answer
        // Its own put does not wait behind its get.
        await put(second, 'own', Uint8Array.of(0));
        await put(first, 'cuda:global_topology', bytes);
        assert.deepEqual(await waiting, { value: bytes });
        assert.deepEqual(await tryGet(second, 'cuda:global_topology'), { value: bytes });
        await put(first, 'empty', new Uint8Array());
        assert.deepEqual(await get(second, 'empty', 1000), { value: new Uint8Array() });
        assert.deepEqual(await get(first, 'never', 60), {
          status: 'DEADLINE_EXCEEDED', message: 'no process gave never within 0.1 s',
        }); // biome-ignore format: an answer
        const many = await Promise.all([...'abcdef'].map(async (key) => {
          await put(first, key, Buffer.from(key));
          return get(second, key, 20_000);
        })); // biome-ignore format: calls at once
        assert.deepEqual(many.map(({ value }) => Buffer.from(value!).toString()).join(''), 'abcdef');
      });

      test('runs of other names and earlier runs of the same name are not read, and nothing is kept for good', async () => {
        const run = newRun();
        using peer = new Peer(server.url);
        const open = (id: number, count: number) => KeyValueStore.open({ url: server.url, run, id, count });
        const [before] = await Promise.all([open(0, 2), peer.meet(run, 1, 2)]);
        await put(before, 'key', Buffer.from('old'));
        await close([before]);
        const [again, ...prefixes] = await Promise.all([open(1, 3), peer.meet(run, 0, 3), peer.meet(run, 2, 3)]);
        for (const store of [again, first, second]) assert.equal((await tryGet(store, 'key')).status, 'NOT_FOUND');
        assert.equal(new Set(prefixes).size, 1);
        assert.equal(await peer.client.get(`${prefixes[0]}key`), null);
        await peer.client.set(`${prefixes[0]}key`, 'new', 'PX', 60_000);
        assert.deepEqual(await get(again, 'key', 20_000), { value: new Uint8Array(Buffer.from('new')) });
        await put(again, 'own', Buffer.from('mine'));
        assert.equal(await peer.client.get(`${prefixes[1]}own`), 'mine');
        assert.equal((await tryGet(first, 'key')).status, 'NOT_FOUND');
        await close([again]);
        const { client } = peer;
        const keys = (await client.keys('*')).filter((key) => key.startsWith('fluxion/'));
        assert.ok(keys.length > 4, keys.join());
        for (const key of keys) {
          const left = await client.pttl(key);
          assert.ok(left !== -1 && left <= 3_600_000, `${key} lives for ${left} ms`);
        }
      });

      test('its waits end when it is cancelled', async () => {
        const waiting = get(first, 'not yet', 60_000);
        first.cancel('the run was stopped');
        assert.deepEqual(await waiting, { status: 'CANCELLED', message: 'the run was stopped' });
        assert.deepEqual(await get(first, 'later', 60_000), { status: 'CANCELLED', message: 'the run was stopped' });
      });
    });
  }

  describe('that opens', { concurrency: true }, () => {
    let server: KeyValueServer;
    before(async () => {
      server = await SERVERS[0]!();
    });
    after(() => server[Symbol.asyncDispose]());

    test('tells whom it waits for, and stops when it is told to', async () => {
      const stopping = new AbortController();
      const told: string[] = [];
      const alone = KeyValueStore.open(
        { url: server.url, run: newRun(), id: 0, count: 3 },
        { signal: stopping.signal, onProgress: (message) => { told.push(message); stopping.abort(new Error('enough')); } },
      ); // biome-ignore format: a call
      await assert.rejects(alone, /enough/);
      assert.deepEqual(told, ['waiting for processes 1, 2 of 3']);
      // Before there is anything to wait for: while threads are started.
      const early = new AbortController();
      const starting = KeyValueStore.open(
        { url: server.url, run: newRun(), id: 0, count: 2 },
        { signal: early.signal },
      );
      early.abort(new Error('at once'));
      await assert.rejects(starting, /at once/);
    });

    test('two of one number, and other numbers of processes, are errors', async () => {
      using peer = new Peer(server.url);
      const [twice, other] = [newRun(), newRun()];
      // Neither meets anyone: they end with the peer.
      void Promise.allSettled([peer.meet(twice, 0, 2), peer.meet(other, 1, 3)]);
      await Promise.all([
        assert.rejects(
          KeyValueStore.open({ url: server.url, run: twice, id: 0, count: 2 }),
          /two processes have node_id=0 and run_name=test/,
        ),
        assert.rejects(peer.meet(other, 0, 2), /process 1 says num_nodes=3, and this one says 2/),
      ]);
    });
  });
});

test('a server that is not there is told with its address, and no password', async () => {
  const port = await freePort();
  const place = { url: `redis://:secret@127.0.0.1:${port}`, run: 'x', id: 0, count: 2 };
  await assert.rejects(KeyValueStore.open(place), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'io');
    assert.match(error.message, new RegExp(`cannot use the node_store at redis://127.0.0.1:${port}: .*ECONNREFUSED`));
    assert.match(error.hint, /node_store=valkey:\/\/HOST:PORT/);
    return true;
  });
});
