/** Events on their way to a reader: what a slow one loses, what none does, and how reading ends. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventQueue } from '../../src/engine/event-queue.ts';

type Told = { readonly n: number; readonly previews?: string };

function queue(options: Partial<ConstructorParameters<typeof EventQueue<Told>>[0]> = {}) {
  const calls: string[] = [];
  const events = new EventQueue<Told>({
    start: () => calls.push('start'),
    leave: async () => {
      calls.push('leave');
    },
    read: ({ n }) => calls.push(`read ${n}`),
    ended: () => calls.push('ended'),
    ...options,
  });
  return { events, calls };
}

describe('an event queue', () => {
  test('begins with the first read, and keeps order', async () => {
    const { events, calls } = queue();
    assert.deepEqual(calls, []);
    const first = events.next();
    assert.deepEqual(calls, ['start']);
    for (const n of [1, 2, 3]) events.push({ n });
    events.end();
    const read = [(await first).value, ...(await Array.fromAsync(events))];
    assert.deepEqual(read, [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.deepEqual(calls, ['start', 'read 1', 'ended', 'read 2', 'read 3']);
  });

  test('drops what a slow reader can do without, the oldest first, and nothing else', async () => {
    const { events } = queue();
    for (let n = 0; n < 100; n++) events.push({ n, previews: 'large' });
    events.push({ n: 100 });
    events.end();
    const read = await Array.fromAsync(events);
    assert.deepEqual(
      read.map(({ n }) => n),
      Array.from({ length: 101 }, (_, n) => n),
    );
    assert.deepEqual(
      read.filter(({ previews }) => previews).map(({ n }) => n),
      [98, 99],
    );
  });

  test('ends in its error once, after the events before it', async () => {
    const { events } = queue();
    events.push({ n: 1 });
    events.end({ error: new Error('no') });
    events.push({ n: 2 });
    assert.deepEqual(await events.next(), { done: false, value: { n: 1 } });
    await assert.rejects(events.next(), /^Error: no$/);
    assert.deepEqual(await events.next(), { done: true, value: undefined });
  });

  test('an error that is undefined is an error', async () => {
    const { events } = queue();
    events.end({ error: undefined });
    assert.equal(
      await events.next().then(
        () => 'value',
        (error) => `rejects with ${error}`,
      ),
      'rejects with undefined',
    );
  });

  test('fails at once, when what works for it has stopped', async () => {
    const { events } = queue();
    const stopped = Promise.withResolvers<void>();
    const waiting = events.next();
    events.fail(new Error('aborted'), stopped.promise);
    assert.equal(
      await Promise.race([waiting.catch(() => 'too early'), new Promise((r) => setImmediate(r, 'waits'))]),
      'waits',
    );
    stopped.resolve();
    await assert.rejects(waiting, /aborted/);
  });

  test('a reader that leaves stops the work once, and gets nothing more', async () => {
    const { events, calls } = queue();
    const waiting = events.next();
    assert.deepEqual(await events.return(), { done: true, value: undefined });
    assert.deepEqual(await waiting, { done: true, value: undefined });
    events.push({ n: 1 });
    events.end({ error: new Error('late') });
    await events.return();
    assert.deepEqual(await events.next(), { done: true, value: undefined });
    assert.deepEqual(calls, ['start', 'ended', 'leave']);
  });

  test('one that leaves before it reads has begun nothing', async () => {
    const { events, calls } = queue();
    await events[Symbol.asyncDispose]();
    assert.deepEqual(await events.next(), { done: true, value: undefined });
    assert.deepEqual(calls, ['ended']);
  });

  test('several reads at a time are answered in their order', async () => {
    const { events } = queue();
    const reads = [events.next(), events.next(), events.next(), events.next()];
    events.push({ n: 1 });
    events.push({ n: 2 });
    events.end({ error: new Error('end') });
    const settled = await Promise.allSettled(reads);
    assert.deepEqual(
      settled.map((s) => (s.status === 'fulfilled' ? s.value.value?.n : 'error')),
      [1, 2, 'error', undefined],
    );
  });
});
