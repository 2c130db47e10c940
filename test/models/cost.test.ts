/** The cost model against published figures, and against what is counted in traced graphs and declared weights. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLIP_L, FLUX_DEV, FLUX_SCHNELL, FLUX_VAE, T5_XXL } from '../../src/families/flux1/presets.ts';
import { clipPrograms } from '../../src/models/clip.ts';
import {
  clipFlops,
  clipWeights,
  decodeFlops,
  decoderWeights,
  type Flops,
  fluxFlops,
  fluxWeights,
  stageFlops,
  t5Flops,
  t5Weights,
  weightCounts,
} from '../../src/models/cost.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { t5Programs } from '../../src/models/t5.ts';
import { vaePrograms } from '../../src/models/vae.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { repositoryPath } from '../support/fixture.ts';
import { type CountedFlops, countFlops } from '../support/flops.ts';
import { declareClip, declareFlux, declareT5, declareVae } from '../support/full-size.ts';

const TYPES = { compute: 'f32', storage: 'f32' } as const;
const FULL = { transformer: FLUX_DEV, clip: CLIP_L, t5: T5_XXL, vae: FLUX_VAE };

function equal(found: Flops, counted: readonly (readonly [CountedFlops, number])[]): void {
  const total = (part: keyof CountedFlops) => counted.reduce((sum, [each, times]) => sum + times * each[part], 0);
  assert.deepEqual([found.linear, found.attention], [total('linear'), total('attention')]);
  assert.equal(found.total, found.linear + found.attention);
}

describe('FLUX.1 dev', () => {
  // Linear and attention TFLOP of a step by side and text tokens, as published; there with what we calculate before the steps.
  const table = [
    [256, 256, 6.6, 0.2],
    [512, 256, 16.5, 1.2],
    [512, 512, 19.8, 1.7],
    [768, 256, 33.1, 4.6],
    [768, 512, 36.4, 5.6],
    [1024, 256, 56.2, 13.3],
    [1024, 512, 59.5, 14.9],
    [1536, 512, 125.6, 66.3],
    [2048, 512, 218.2, 200.0],
  ] as const;
  for (const [side, textTokens, linear, attention] of table) {
    test(`a step of ${side}² with ${textTokens} text tokens: ${linear} + ${attention} TFLOP`, () => {
      const { step } = stageFlops(FULL, { height: side, width: side, batch: 1, textTokens, steps: 1 });
      assert.ok(Math.abs(step.linear / 1e12 - linear) <= 0.06, `${step.linear / 1e12}`);
      assert.ok(Math.abs(step.attention / 1e12 - attention) <= 0.06, `${step.attention / 1e12}`);
    });
  }

  test('a picture: dev 28 steps 2083 TFLOP, T5 5 TFLOP, modulations 27 % of the weights', () => {
    const { step, encode } = stageFlops(FULL, { height: 1024, width: 1024, batch: 1, textTokens: 512, steps: 28 });
    assert.ok(Math.abs((28 * step.total) / 1e12 - 2083) < 1, `${(28 * step.total) / 1e12}`);
    assert.equal(Math.round(encode.total / 1e12), 5);
    const { modulations, total } = fluxWeights(FLUX_DEV);
    assert.deepEqual([Math.round(modulations / 1e7), Math.round((100 * modulations) / total)], [325, 27]);
  });

  test('has the weights its parts declare', () => {
    const count = (weights: readonly { readonly name: string; readonly shape: readonly number[] }[]) =>
      weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    for (const cfg of [FLUX_DEV, FLUX_SCHNELL]) assert.equal(fluxWeights(cfg).total, count(declareFlux(cfg)));
    const blocks = declareFlux(FLUX_DEV).filter(
      ({ name }) => /_blocks\./.test(name) && !/_mod\.|modulation/.test(name),
    );
    assert.equal(fluxWeights(FLUX_DEV).blocks, count(blocks));
    assert.equal(clipWeights(CLIP_L), count(declareClip()));
    assert.equal(t5Weights(T5_XXL), count(declareT5()));
    assert.equal(decoderWeights(FLUX_VAE), count(declareVae().decode));
    const { transformer, t5 } = weightCounts(FULL);
    // Sizes of the published files, in bf16.
    assert.deepEqual(
      [2 * transformer, 2 * t5].map((bytes) => (bytes / 1e9).toFixed(1)),
      ['23.8', '9.5'],
    );
  });
});

describe('equals what is counted in traced graphs', () => {
  for (const model of ['models/tiny', 'test/fixtures/random-flux']) {
    test(model, () => {
      const { transformer, clip, t5, vae } = openPipelineFolder(repositoryPath(model));
      for (const batch of [1, 3]) {
        const sizes = { batch, imageTokens: 15, textTokens: 7, steps: 5 };
        const p = fluxPrograms(transformer, { prompts: 1, ...sizes, ...TYPES });
        const { prepare, step } = fluxFlops(transformer, sizes);
        const { layers, singleLayers } = transformer;
        equal(step, [
          [countFlops(p.imageIn), 1],
          [countFlops(p.doubleBlock), layers],
          [countFlops(p.singleBlock), singleLayers],
          [countFlops(p.finalLayer), 1],
        ]);
        equal(prepare, [
          [countFlops(p.conditioning), 1],
          [countFlops(p.doubleModulation), layers],
          [countFlops(p.singleModulation), singleLayers],
          [countFlops(p.finalModulation), 1],
          [countFlops(p.textIn), 1],
        ]);
      }
      const tower = clipPrograms(clip, { batch: 1, tokens: clip.maxPositions, ...TYPES });
      equal(clipFlops(clip), [[countFlops(tower.layer), clip.layers]]);
      equal(t5Flops(t5, 9), [[countFlops(t5Programs(t5, { batch: 1, tokens: 9, ...TYPES }).layer), t5.layers]]);
      const latents = { height: 6, width: 10 };
      const { decode } = vaePrograms(vae, { batch: 1, ...latents, ...TYPES });
      equal(
        decodeFlops(vae, latents),
        decode.map(({ traced }) => [countFlops(traced), 1]),
      );
    });
  }
});
