/**
 * Pictures in, negative prompts and schedules against diffusers, in f32 on the CPU: each recorded request through the library, its latents
 * after the last step and its picture.
 */

import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { Flux, type LoadOptions, type Request } from '../../src/index.ts';
import { Autoencoder } from '../../src/pipeline/decode.ts';
import { assertClose, assertImagesClose } from '../support/close.ts';
import { type ConditionCase, conditionCases, fields, ModelFolders } from '../support/condition-cases.ts';
import { Fixture } from '../support/fixture.ts';

const LATENTS = { maxRelative: 1e-3, p99: 2e-4 };

/** Cases of one model, with the same parts loaded. */
const groups = Map.groupBy(conditionCases(), ({ model, load }) => JSON.stringify([model, load]));
const folders = new ModelFolders();
after(() => folders[Symbol.dispose]());

for (const cases of groups.values()) {
  const { model, load } = cases[0]!;
  describe([model, ...Object.values(load).flat()].join(' with '), () => {
    let flux: Flux;
    /** Latents that were decoded last. */
    let decoded: Float32Array | undefined;
    before(async () => {
      const decode = Autoencoder.prototype.decode;
      mock.method(Autoencoder.prototype, 'decode', function (this: Autoencoder, ...given: Parameters<typeof decode>) {
        decoded = given[1];
        return decode.apply(this, given);
      });
      flux = await Flux.load(folders.whole(model), { device: 'cpu', dtype: 'f32', ...fields(load) } as LoadOptions);
    });
    after(async () => {
      mock.restoreAll();
      await flux?.close();
    });

    for (const given of cases) {
      test(given.name, () => check(given));
    }

    async function check(given: ConditionCase): Promise<void> {
      using recorded = new Fixture(given.name, 'conditions');
      decoded = undefined;
      const [image, ...more] = await flux.generate(fields(given.request) as Request);
      assert.equal(more.length, 0, 'one picture');
      assert.ok(decoded, 'latents were decoded');
      assertClose('latents', decoded, recorded.f32('latents'), LATENTS);
      assert.deepEqual([image!.height, image!.width, 3], recorded.shape('image'), 'size of the picture');
      assertImagesClose('image', image!.data, recorded.u8('image'));
    }
  });
}
