/** The recorded reference data is complete and agrees with itself, so that a parity failure is ours. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertClose } from './close.ts';
import { Fixture, parityCases } from './fixture.ts';

describe('recorded cases', () => {
  for (const request of parityCases()) {
    test(`${request.name} holds what its request says`, () => {
      using fixture = new Fixture(request.name);
      const prompts = request.prompts.length;
      const images = prompts * request.num_images_per_prompt;
      const tokens = (request.height / 16) * (request.width / 16);
      assert.equal(request.seeds.length, images);
      assert.equal(request.recorded_steps.at(-1), request.num_inference_steps - 1);
      assert.deepEqual(fixture.shape('clip_ids'), [prompts, 77]);
      assert.deepEqual(fixture.shape('t5_ids'), [prompts, request.max_sequence_length]);
      assert.deepEqual(fixture.shape('text').slice(0, 2), [prompts, request.max_sequence_length]);
      assert.deepEqual(fixture.shape('image'), [images, request.height, request.width, 3]);
      assert.equal(fixture.i32('clip_ids').length, 77 * prompts);
      assert.equal(fixture.u8('image').length, images * request.height * request.width * 3);

      const sigmas = fixture.f32('sigmas');
      assert.equal(sigmas.length, request.num_inference_steps + 1);
      assert.equal(sigmas.at(-1), 0);
      // Consecutive recorded steps must be Euler steps of one another: latents + (σ' − σ) · velocity.
      for (const step of request.recorded_steps) {
        const before = step === 0 ? 'noise' : `latents.${step - 1}`;
        if (!fixture.names().includes(before)) continue;
        assert.deepEqual(fixture.shape(before), [images, tokens, 64]);
        const velocity = fixture.f32(`velocity.${step}`);
        const next = fixture.f32(before).map((value, i) => value + (sigmas[step + 1]! - sigmas[step]!) * velocity[i]!);
        assertClose(`step ${step}`, next, fixture.f32(`latents.${step}`), { maxRelative: 1e-6 });
      }
    });
  }

  test('asking for what was not recorded, or as another type, is refused', () => {
    using fixture = new Fixture('random-one-step');
    assert.throws(() => fixture.f32('velocty.0'), /no tensor 'velocty\.0'/);
    assert.throws(() => fixture.u8('noise'), /noise is f32, asked for as u8/);
  });
});
