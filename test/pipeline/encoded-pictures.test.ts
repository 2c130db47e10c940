/** Pictures that are encoded once: which are known again, and how many stay. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncodedPictures } from '../../src/pipeline/encoded-pictures.ts';

/** Encodes pictures into 64 MiB each, and lists those that it was asked for. */
function encoding(fails: readonly string[] = []) {
  const asked: string[] = [];
  const pictures = new EncodedPictures<{ readonly key: string }>(async ({ key }) => {
    asked.push(key);
    if (fails.includes(key)) throw new Error(`${key} fails`);
    return new Float32Array(16 << 20);
  });
  const encode = async (...keys: string[]) => [...(await pictures.encode(keys.map((key) => ({ key })))).keys()];
  return { pictures, asked, encode };
}

test('a batch gets all of its pictures, and the last 128 MiB stay', async () => {
  const { pictures, asked, encode } = encoding();
  assert.deepEqual(await encode('a', 'b', 'c', 'a'), ['a', 'b', 'c']);
  assert.deepEqual(asked, ['a', 'b', 'c']);
  assert.ok(pictures.knows([{ key: 'a' }, { key: 'c' }]));
  assert.ok(!pictures.knows([{ key: 'a' }, { key: 'b' }]));
  await encode('c', 'b', 'c');
  assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
});

test('one that failed is tried again', async () => {
  const { pictures, asked, encode } = encoding(['b']);
  for (const _ of [0, 1]) await assert.rejects(encode('a', 'b'), /b fails/);
  assert.deepEqual(asked, ['a', 'b', 'b']);
  assert.ok(pictures.knows([{ key: 'a' }]));
});
