/** Masks by transparency. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alphaMask } from '../../src/picture/alpha-mask.ts';

test('what is transparent is white, and an opaque picture is no such mask', async () => {
  const rgba = (alpha: readonly number[]) => ({
    width: 2,
    height: 1,
    data: Uint8Array.from(alpha.flatMap((a) => [9, 8, 7, a])),
  });
  assert.deepEqual(await alphaMask(rgba([0, 255]), { where: 'mask' }), {
    width: 2,
    height: 1,
    data: Uint8Array.of(255, 255, 255, 0, 0, 0),
  });
  assert.deepEqual((await alphaMask(rgba([55, 255]), { where: 'mask' }))?.data, Uint8Array.of(200, 200, 200, 0, 0, 0));
  assert.equal(await alphaMask(rgba([255, 255]), { where: 'mask' }), undefined);
  await assert.rejects(alphaMask(Uint8Array.of(1, 2), { where: 'mask' }), { code: 'bad_file', message: /^mask: / });
});
