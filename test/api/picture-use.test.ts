/** What becomes of pictures that are given without a word of what for, and by which names fields go. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byField, fieldNamed } from '../../src/api/field-names.ts';
import { pictureFields } from '../../src/api/picture-use.ts';

test('one picture is what the model makes best use of, several are references, and a mask repaints the first', () => {
  assert.deepEqual(pictureFields('start', ['a']), { image: 'a' });
  assert.deepEqual(pictureFields('fill', ['a']), { image: 'a' });
  assert.deepEqual(pictureFields('reference', ['a']), { referenceImage: ['a'] });
  assert.deepEqual(pictureFields('control', ['a']), { controlImage: ['a'] });
  assert.deepEqual(pictureFields('start', ['a', 'b']), { referenceImage: ['a', 'b'] });
  assert.deepEqual(pictureFields('reference', ['a'], 'm'), { image: 'a', maskImage: 'm' });
  assert.deepEqual(pictureFields('start', ['a', 'b'], 'm'), { image: 'a', maskImage: 'm', referenceImage: ['b'] });
  assert.deepEqual(pictureFields('start', []), {});
  assert.deepEqual(pictureFields('start', [], 'm'), { maskImage: 'm' });
});

test('fields go by their own names, their keys and everyday names; unknown names stay', () => {
  const names = ['trueCfgScale', 'true_cfg_scale', 'true-cfg', 'cfg_scale'];
  assert.deepEqual(
    names.map(fieldNamed),
    names.map(() => 'trueCfgScale'),
  );
  assert.equal(fieldNamed('toString'), undefined);
  assert.deepEqual(byField({ n: 2, steps: 4, colour: 'red' }), { batch: 2, steps: 4, colour: 'red' });
});
