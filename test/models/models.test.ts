/** What models decide on the host or while they are traced: the pooled token, distance buckets, sizes that cannot be. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIP_L, FLUX_VAE } from '../../src/families/flux1/presets.ts';
import { clipPrograms, eosPosition } from '../../src/models/clip.ts';
import { relativeBucket } from '../../src/models/t5.ts';
import { vaePrograms } from '../../src/models/vae.ts';
import { fails } from '../support/fails.ts';

const types = { compute: 'f32', storage: 'bf16' } as const;

test('CLIP pools at the first end-of-text token, or by the rule of old configs at the largest id', () => {
  assert.equal(eosPosition([49406, 320, 49407, 49407], 49407), 2);
  assert.equal(eosPosition([49406, 320, 49407, 49407], 2), 2);
  // Where the end-of-text id is not the largest, as in vocabularies with added tokens, the two rules part.
  assert.equal(eosPosition([5, 900, 7, 891], 891), 3);
  assert.equal(eosPosition([5, 900, 7, 891], 2), 1);
  assert.equal(eosPosition([5, 6, 7], 891), 0);
});

test('T5 distances fall into the published buckets', () => {
  const xxl = { buckets: 32, maxDistance: 128 };
  const firsts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];
  firsts.forEach((distance, bucket) => {
    const next = firsts[bucket + 1] ?? 4096;
    for (const far of [distance, next - 1]) {
      assert.equal(relativeBucket(-far, xxl), bucket, `${-far}`);
      assert.equal(relativeBucket(far, xxl), far === 0 ? 0 : 16 + bucket, `${far}`);
    }
  });
});

test('sizes a model cannot have are refused when it is traced', () => {
  fails(
    () => clipPrograms(CLIP_L, { batch: 1, tokens: 78, ...types }),
    'bad_shape',
    /\[0, 78\).*dimension 0 of size 77/,
  );
  const odd = { batch: 1, height: 7, width: 8, ...types };
  fails(() => vaePrograms(FLUX_VAE, odd), 'bad_shape', /VAE latents of 7 × 8: both must be even/);
});
