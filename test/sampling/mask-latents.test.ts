/** Masks are packed as diffusers packs them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latentSize } from '../../src/sampling/latents.ts';
import { fillMask, maskLatents } from '../../src/sampling/mask-latents.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { assertRecorded, noise, recorded, short } from '../support/recorded-pictures.ts';

const maskOf = (width: number, height: number) => ({
  width,
  height,
  values: Float32Array.from(noise(width, height, 1).data, (byte) => byte / 255),
});

test('as prepare_mask_latents of FluxInpaintPipeline and FluxFillPipeline', () => {
  assertRecorded(recorded.maskLatents, 2, ([width, height, channels, inpaint, fill]) => {
    const size = latentSize(width, height);
    const mask = maskOf(width, height);
    if (inpaint !== null) assert.equal(short(maskLatents(mask, size, channels)), inpaint);
    return short(fillMask(mask, size)) === fill;
  });
});

test('a mask of another size is refused', () => {
  for (const pack of [fillMask, (mask: ReturnType<typeof maskOf>) => maskLatents(mask, latentSize(64, 64), 16)]) {
    assert.throws(
      () => pack(maskOf(64, 48), latentSize(64, 64)),
      (error) => error instanceof FluxionError && error.code === 'bad_shape' && /found 64×48/.test(error.message),
    );
  }
});
