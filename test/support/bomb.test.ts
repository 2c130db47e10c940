/** The bombs of the tests are what they say: a decoder that checks everything takes them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { deflatedZeros } from './bomb.ts';

test('zeros that were packed in pieces inflate as one stream, checksum included', () => {
  for (const length of [0, 1, 65_521, 3 * 2 ** 20, 10_000_019])
    assert.ok(inflateSync(deflatedZeros(length)).equals(Buffer.alloc(length)), String(length));
});
