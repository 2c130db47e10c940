/** A map that keeps what was asked for last. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from '../../src/support/recent.ts';

test('values are made once, and those asked for longest ago are made again', () => {
  const recent = new Recent<string, string>(2);
  const made: string[] = [];
  const get = (key: string) =>
    recent.get(key, () => {
      made.push(key);
      return key.toUpperCase();
    });
  assert.deepEqual([get('a'), get('b'), get('a'), get('c'), get('a'), get('b')], ['A', 'B', 'A', 'C', 'A', 'B']);
  assert.deepEqual(made, ['a', 'b', 'c', 'b']);
});
