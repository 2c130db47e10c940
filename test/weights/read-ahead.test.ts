/** What is read ahead of streamed weights and what stays in the page cache, on uses whose sizes are given; and an evicting cache beside it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReadAhead, type StreamedUse } from '../../src/weights/read-ahead.ts';

const GB = 1e9;
const use = (key: string, bytes: number, again = true): StreamedUse => ({ key, bytes, again });
const blocks = (count: number, bytes = GB): StreamedUse[] =>
  Array.from({ length: count }, (_, i) => use(`${i}`, bytes));

describe('reading ahead', () => {
  test('tells each use once until it is done, some gigabytes before its turn', () => {
    const ahead = new ReadAhead(blocks(6), 4 * GB);
    assert.deepEqual(ahead.due('0'), ['0', '1']);
    assert.deepEqual(ahead.due('0'), []);
    assert.deepEqual(ahead.due('1'), ['2']);
    ahead.done('0');
    ahead.done('1');
    assert.deepEqual(ahead.due('2'), ['3']);
    const wide = new ReadAhead(blocks(20, GB / 2), 8 * GB);
    assert.deepEqual(wide.due('0'), ['0', '1', '2', '3', '4'], 'two gigabytes at most');
  });

  test('goes on with what comes round, and not with what is used once', () => {
    const ahead = new ReadAhead([use('m', GB, false), use('n', GB, false), ...blocks(4)], 4 * GB);
    assert.deepEqual(ahead.due('n'), ['n', '0']);
    assert.deepEqual(ahead.due('3'), ['3'], 'the first of the next round is still announced');
    for (const key of ['0', '1', '2', '3']) ahead.done(key);
    const again = new ReadAhead([use('m', GB, false), ...blocks(4)], 4 * GB);
    assert.deepEqual(again.due('3'), ['3', '0']);
    const once = new ReadAhead([use('m', GB, false), use('n', GB, false)], 4 * GB);
    assert.deepEqual(once.due('n'), ['n']);
  });

  test('tells again what a run that was stopped did not come to', () => {
    const ahead = new ReadAhead(blocks(6), 4 * GB);
    assert.deepEqual(ahead.due('0'), ['0', '1']);
    ahead.restart();
    assert.deepEqual(ahead.due('0'), ['0', '1']);
  });

  test('with no room reads what it needs next', () => {
    const ahead = new ReadAhead(blocks(3), 0);
    assert.deepEqual(ahead.due('0'), ['0']);
    assert.equal(ahead.done('0'), false);
    assert.deepEqual(ahead.due('nothing of the kind'), []);
  });
});

describe('what stays in the cache', () => {
  test('is everything where there is room for it, and is not read again', () => {
    const ahead = new ReadAhead([use('m', GB, false), ...blocks(3)], 4 * GB);
    for (const key of ['m', '0', '1', '2']) {
      ahead.due(key);
      assert.ok(ahead.done(key), key);
    }
    assert.deepEqual(ahead.due('0'), []);
  });

  test('is what comes round before what is used once', () => {
    const ahead = new ReadAhead([use('m', GB, false), ...blocks(6)], 5 * GB);
    const stays = ['m', '0', '1', '2', '3', '4', '5'].filter((key) => ahead.done(key));
    assert.deepEqual(stays, ['0', '1', '2'], 'a quarter is for reading ahead');
  });

  test('is read once in all, where a cache that forgets the oldest would read all in every step', () => {
    const all = blocks(10);
    const ahead = new ReadAhead(all, 8 * GB);
    let [ours, oldest] = [0, 0];
    const cached = new Set<string>();
    const recent: string[] = [];
    for (let step = 0; step < 5; step++) {
      for (const { key } of all) {
        for (const next of ahead.due(key)) {
          if (!cached.has(next)) ours++;
          cached.add(next);
        }
        if (!ahead.done(key)) cached.delete(key);
        assert.ok(cached.size <= 8, `${cached.size} blocks in the cache`);
        if (!recent.includes(key)) oldest++;
        recent.splice(0, recent.length, ...recent.filter((other) => other !== key), key);
        if (recent.length > 8) recent.shift();
      }
    }
    assert.equal(oldest, 50);
    assert.ok(ours <= 10 + 4 * 4 + 2, `${ours} reads`);
  });
});
