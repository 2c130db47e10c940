/** Pictures come to another shape, and to the values of the encoder, as diffusers brings them there. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crop, fit, modelSize, paste, preferredSize, toSigned } from '../../src/picture/fit.ts';
import { assertRecorded, noise, recorded, short } from '../support/recorded-pictures.ts';

describe('fit', () => {
  test("gives the bytes of VaeImageProcessor's modes: default, crop and fill", () => {
    assertRecorded(recorded.fits, 100, ([width, height, toWidth, toHeight, how, hash]) => {
      return short(fit(noise(width, height, 3), toWidth, toHeight, how).data) === hash;
    });
  });

  test('leaves a pixel of a sliver', () => {
    const black = fit({ width: 2000, height: 1, data: new Uint8Array(6000).fill(9) }, 16, 16, 'contain');
    assert.ok(black.data.every((byte) => byte === 9));
  });
});

describe('crop and paste', () => {
  test('black lies outside a picture, and nothing is drawn there', () => {
    const picture = { width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) };
    assert.deepEqual([...crop(picture, { x1: -1, y1: 1, x2: 2, y2: 3 }).data], [0, 3, 4, 0, 0, 0]);
    const onto = { width: 2, height: 2, data: new Uint8Array(4) };
    paste(onto, picture, 1, 1);
    paste(onto, picture, 5, 0);
    paste(onto, picture, -2, 0);
    assert.deepEqual([...onto.data], [0, 0, 0, 1]);
  });
});

test('values are those of VaeImageProcessor.preprocess, bit for bit', () => {
  const expected = new Float32Array(Uint8Array.from(Buffer.from(recorded.signed, 'base64')).buffer);
  assert.deepEqual(toSigned({ width: 256, height: 1, data: Uint8Array.from({ length: 256 }, (_, i) => i) }), expected);
});

describe('sizes', () => {
  test('a reference picture takes the size that FluxKontextPipeline chooses', () => {
    assertRecorded(recorded.sizes, 10, ([width, height, preferredWidth, preferredHeight]) => {
      const { width: w, height: h } = preferredSize({ width, height });
      return w === preferredWidth && h === preferredHeight;
    });
  });

  test('sides are rounded down to whole tokens, and to no less than one', () => {
    assert.deepEqual(modelSize({ width: 1051, height: 771 }), { width: 1040, height: 768 });
    assert.deepEqual(modelSize({ width: 3, height: 16 }), { width: 16, height: 16 });
  });
});
