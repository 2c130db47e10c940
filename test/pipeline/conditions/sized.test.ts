/** Pictures and masks at the size of the picture that is made, where a part of the picture is worked on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, toSigned } from '../../../src/picture/fit.ts';
import type { Pixels } from '../../../src/picture/image.ts';
import type { InputPicture } from '../../../src/picture/read-picture.ts';
import type { ConditionRequest } from '../../../src/pipeline/conditions/condition.ts';
import { cropOf, imageOf, maskOf, sized } from '../../../src/pipeline/conditions/sized.ts';
import { latentSize } from '../../../src/sampling/latents.ts';
import { drawn } from '../../support/recorded-pictures.ts';

const given = (pixels: Pixels): InputPicture => ({ pixels, hash: '', name: '', bytes: new Uint8Array() });
const SIDE = 64;
const scene = drawn(80, 64, (x, y) => [3 * x, 3 * y, 90]);

function asked(mask: Pixels): ConditionRequest {
  const inputs = { image: [given(scene)], maskImage: [given(mask)] };
  const request = { prompt: 'a house', paddingMaskCrop: 4 };
  const of = {
    request,
    inputs,
    width: SIDE,
    height: SIDE,
    size: latentSize(SIDE, SIDE, 8),
  } as unknown as ConditionRequest;
  return { ...of, crop: cropOf(of) };
}

const white = (x: number, width: number): [number, number, number] => (x >= width / 2 ? [255, 255, 255] : [0, 0, 0]);

test('a mask of another size is cut as its picture is', () => {
  const own = asked(drawn(80, 64, (x) => white(x, 80)));
  const half = asked(drawn(40, 32, (x) => white(x, 40)));
  const [expected, found] = [maskOf(own).values, maskOf(half).values];
  assert.ok(expected.includes(0) && expected.includes(1));
  const others = found.filter((value, i) => value !== expected[i]).length;
  assert.ok(others <= 2 * SIDE, `${others} pixels are others`);
  assert.deepEqual(imageOf(half).size, imageOf(own).size);
});

test('the part is cut out of the picture that is repainted, and of no other', () => {
  const part = asked(drawn(80, 64, (x) => white(x, 80)));
  assert.deepEqual(sized(given(scene), part).values, toSigned(fit(scene, SIDE, SIDE)));
  assert.notDeepEqual(imageOf(part).values, sized(given(scene), part).values);
});
