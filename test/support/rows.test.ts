import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resizeRows } from '../../src/support/rows.ts';

test('rows are cut, filled with zeros, or as they were', () => {
  const rows = Float32Array.of(1, 2, 3, 4);
  assert.deepEqual(resizeRows(rows, 2, 3), Float32Array.of(1, 2, 0, 3, 4, 0));
  assert.deepEqual(resizeRows(rows, 2, 1), Float32Array.of(1, 3));
  assert.equal(resizeRows(rows, 2, 2), rows);
  assert.deepEqual(resizeRows(Uint8Array.of(1, 2), 1, 2), Uint8Array.of(1, 0, 2, 0));
});
