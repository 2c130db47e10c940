/** The engine with a device that only counts: whose turn it is, what shares a batch, and whose errors and aborts are whose. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type Batch, Engine, Ticket } from '../../src/engine/engine.ts';

interface Slot {
  readonly ticket: Asked;
  readonly name: string;
  done: boolean;
}
type Event = { readonly type: 'image' | 'step' | 'done'; readonly name?: string };
class Asked extends Ticket<Slot, Event> {}

/** An engine whose batches are written down; `work` stands for the device. */
function engineOf({
  most = 4,
  work = async () => {},
}: {
  readonly most?: number;
  readonly work?: (batch: Batch<Slot, Asked>) => Promise<void>;
} = {}) {
  const made: string[] = [];
  const engine: Engine<Slot, Asked> = new Engine<Slot, Asked>({
    async make(batch) {
      made.push(batch.slots.map(({ name }) => name).join(' '));
      await work(batch);
      batch.signal.throwIfAborted();
      for (const slot of batch.slots) {
        slot.done = true;
        slot.ticket.tell({ type: 'image', name: slot.name });
      }
    },
    most: ({ together }) => Math.max(most, together),
    finish(ticket) {
      ticket.tell({ type: 'done' });
      ticket.events.end();
    },
    settle() {},
    window: 0,
  });
  /** Asks for pictures `name0`, `name1`, … that mix with others of the same kind. */
  const ask = (
    name: string,
    count: number,
    {
      caller,
      kind = 'kind',
      signal,
      fails,
    }: { caller?: string; kind?: string; signal?: AbortSignal; fails?: Error } = {},
  ): Asked => {
    const ticket: Asked = new Asked({
      caller,
      signal,
      picture: ({ type }) => type === 'image',
      async start() {
        if (fails) throw fails;
        for (let i = 0; i < count; i++)
          ticket.groups.push({ key: kind, slots: [{ ticket, name: `${name}${i}`, done: false }], together: 1 });
        engine.submit(ticket);
      },
      leave: (reason) => engine.leave(ticket, reason),
      read: () => engine.wake(),
    });
    return ticket;
  };
  return { engine, made, ask };
}

const read = async ({ events }: Asked): Promise<string[]> =>
  (await Array.fromAsync(events)).map(({ type, name }) => name ?? type);

describe('batches', () => {
  test('are filled by turns among callers, and in order within one', async () => {
    const { made, ask } = engineOf();
    const asked = [
      ask('a', 3, { caller: 'first' }),
      ask('b', 2, { caller: 'first' }),
      ask('c', 1, { caller: 'second' }),
      ask('d', 2, { caller: 'third' }),
    ];
    const told = await Promise.all(asked.map(read));
    assert.deepEqual(made, ['a0 c0 d0 a1', 'd1 a2 b0 b1']);
    assert.deepEqual(told, [
      ['a0', 'a1', 'a2', 'done'],
      ['b0', 'b1', 'done'],
      ['c0', 'done'],
      ['d0', 'd1', 'done'],
    ]);
  });

  test('hold one kind; one who waits with another kind comes next, whatever else is asked', async () => {
    const { made, ask } = engineOf({ most: 2 });
    const asked = [ask('a', 4), ask('b', 1, { kind: 'other' }), ask('c', 2)];
    await Promise.all(asked.map(read));
    assert.deepEqual(made, ['a0 c0', 'b0', 'a1 c1', 'a2 a3']);
  });

  test('of a large request hold up nobody who asks later', async () => {
    const { made, ask } = engineOf({ most: 1, work: () => setTimeout(2) });
    const large = read(ask('a', 10));
    await setTimeout(5);
    await read(ask('b', 1));
    assert.ok(made.length < 7, `b was made after ${made}`);
    await large;
  });

  test('what has no room goes back, and is next', async () => {
    let first = true;
    const { engine, made, ask } = engineOf({
      work: async (batch) => {
        if (first) engine.giveBack(batch.keep(1));
        first = false;
      },
    });
    assert.deepEqual(await Promise.all([ask('a', 2), ask('b', 1)].map(read)), [
      ['a0', 'a1', 'done'],
      ['b0', 'done'],
    ]);
    assert.deepEqual(made, ['a0 b0 a1', 'b0 a1']);
  });
});

describe('readers', () => {
  test('that are slow or absent hold up nobody, and are given no more than they can hold', async () => {
    const { made, ask } = engineOf({ most: 1 });
    const absent = ask('a', 100);
    await absent.events.next();
    assert.deepEqual(await read(ask('b', 1)), ['b0', 'done']);
    while (made.length < 18) await setImmediate();
    for (let i = 0; i < 50; i++) await setImmediate();
    assert.equal(made.filter((name) => name.startsWith('a')).length, 17, 'one read, and 16 unread');
    const rest = await read(absent);
    assert.equal(rest.length, 100);
    assert.equal(rest.at(-1), 'done');
  });

  test('that leave take their pictures out', async () => {
    const { made, ask, engine } = engineOf({ most: 1, work: () => setTimeout(1) });
    const gone = ask('a', 50);
    for await (const { name } of gone.events) if (name === 'a1') break;
    const { length } = made;
    await read(ask('b', 1));
    assert.deepEqual(made.slice(length), ['b0']);
    assert.deepEqual([engine.stats.requests, engine.stats.waiting], [0, 0]);
  });
});

describe('aborts and errors', () => {
  test('an abort leaves those who share the batch untouched', async () => {
    const device = Promise.withResolvers<void>();
    const abort = new AbortController();
    const { ask, made } = engineOf({ work: () => device.promise });
    const gone = read(ask('a', 1, { signal: abort.signal }));
    const stays = read(ask('b', 1));
    while (made.length === 0) await setImmediate();
    abort.abort(new Error('enough'));
    await assert.rejects(gone, /enough/);
    device.resolve();
    assert.deepEqual(await stays, ['b0', 'done']);
    assert.deepEqual(made, ['a0 b0']);
  });

  test('an abort of all stops the batch, and is told when it has stopped', async () => {
    let stopped = false;
    const abort = new AbortController();
    const { ask, made } = engineOf({
      work: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', async () => {
            await setTimeout(5);
            stopped = true;
            reject(signal.reason);
          });
        }),
    });
    const all = [ask('a', 2, { signal: abort.signal }), ask('b', 1, { signal: abort.signal })].map(read);
    const told = all.map((one) => assert.rejects(one, /enough/).then(() => assert.ok(stopped)));
    while (made.length === 0) await setImmediate();
    abort.abort(new Error('enough'));
    await Promise.all(told);
  });

  test('an error before the device is its own', async () => {
    const { ask, made } = engineOf();
    const [bad, good] = [ask('a', 1, { fails: new Error('no such LoRA') }), ask('b', 1)].map(read);
    await assert.rejects(bad!, /no such LoRA/);
    assert.deepEqual(await good, ['b0', 'done']);
    assert.deepEqual(made, ['b0']);
  });

  test('where a batch of several fails, each is tried by itself', async () => {
    const { ask, made } = engineOf({
      work: async ({ slots }) => {
        if (slots.some(({ name }) => name === 'b0')) throw new Error('b is broken');
      },
    });
    const [a, b, c] = [ask('a', 1), ask('b', 2), ask('c', 1)].map(read);
    await assert.rejects(b!, /b is broken/);
    assert.deepEqual(
      [await a, await c],
      [
        ['a0', 'done'],
        ['c0', 'done'],
      ],
    );
    assert.equal(made[0], 'a0 b0 c0 b1');
  });

  test('closing ends all that wait, are made, or come', async () => {
    const { engine, ask, made } = engineOf({
      most: 1,
      work: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const told = [ask('a', 1), ask('b', 1)].map((one) => assert.rejects(read(one), /closed/));
    while (made.length === 0) await setImmediate();
    await engine.close(new Error('closed'));
    await Promise.all([...told, assert.rejects(read(ask('c', 1)), /closed/)]);
    assert.deepEqual(made, ['a0']);
  });
});
