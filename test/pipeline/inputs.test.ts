/** The pictures of a request together: each is read once, and all of them have a bound. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../../src/picture/image.ts';
import { readInputs } from '../../src/pipeline/inputs.ts';
import { drawn } from '../support/recorded-pictures.ts';

test('pictures that are too large together are refused, and one that is named again counts once', async () => {
  const file = (grey: number) =>
    encode(
      drawn(30, 20, () => [grey, grey, grey]),
      'png',
    );
  const [first, second, third] = [await file(0), await file(1), await file(2)];
  const prompt = 'a house';
  const read = await readInputs({ prompt, image: first, referenceImage: [first, second, first] }, 1200);
  assert.equal(read.referenceImage?.length, 3);
  await assert.rejects(
    readInputs({ prompt, image: first, referenceImage: [second, third] }, 1700),
    /^FluxionError: reference_image: beside the other pictures: expected at most 500 pixels, found 30×20 = 600/,
  );
});
