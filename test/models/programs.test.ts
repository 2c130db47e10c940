/** What is counted in the programs of a run, against published figures and those of formulas written by hand. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { FLUX_DEV } from '../../src/families/flux1/presets.ts';
import { publishedModel } from '../../src/families/flux1/published.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { stageFlops, weightCounts } from '../../src/models/programs.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { countFlops, countTemporaries } from '../../src/xla/graph/count.ts';
import { parameter } from '../../src/xla/graph/tensor.ts';
import type { Traced } from '../../src/xla/graph/trace.ts';
import { lower } from '../../src/xla/lowering/lower.ts';
import { graph, map, matmulTransposed, print } from '../../src/xla.ts';
import { repositoryPath } from '../support/fixture.ts';

const dev = publishedModel('dev')!.sizes;

describe('FLUX.1 dev', () => {
  // Linear and attention TFLOP of a step by side and text tokens, as published; there with what we calculate before the steps.
  const table = [
    [256, 256, 6.6, 0.2],
    [512, 512, 19.8, 1.7],
    [768, 256, 33.1, 4.6],
    [1024, 512, 59.5, 14.9],
    [2048, 512, 218.2, 200.0],
  ] as const;
  for (const [side, textTokens, linear, attention] of table) {
    test(`a step of ${side}² with ${textTokens} text tokens: ${linear} + ${attention} TFLOP`, () => {
      const { step } = stageFlops(dev, { height: side, width: side, batch: 1, textTokens, steps: 1 });
      assert.ok(Math.abs(step.linear / 1e12 - linear) <= 0.06, `${step.linear / 1e12}`);
      assert.ok(Math.abs(step.attention / 1e12 - attention) <= 0.06, `${step.attention / 1e12}`);
    });
  }

  // Of Kontext at 256² with one reference of as many tokens: attention does not care whose tokens they are, nor do linear layers.
  test('tokens of a reference cost what as many image tokens do', () => {
    const sizes = { batch: 1, prompts: 1, textTokens: 512, steps: 1, compute: 'bf16', storage: 'bf16' } as const;
    const seen = fluxPrograms(FLUX_DEV, { ...sizes, imageTokens: 256, referenceTokens: 256 });
    const wide = fluxPrograms(FLUX_DEV, { ...sizes, imageTokens: 512 });
    const textOf = ({ graph }: Traced) => print(lower(graph, { platform: 'cpu' }));
    for (const name of ['doubleBlock', 'singleBlock', 'join', 'textIn', 'stepModulations'] as const)
      assert.equal(textOf(seen[name]), textOf(wide[name]), name);
    assert.notEqual(textOf(seen.imageIn), textOf(wide.imageIn));
    const flops = (programs: typeof seen, name: 'imageIn' | 'finalLayer') => countFlops(programs[name].graph).total;
    assert.equal(flops(seen, 'imageIn'), flops(wide, 'imageIn'));
    // Only the picture that is made leaves the last layer.
    assert.equal(flops(seen, 'finalLayer'), flops(wide, 'finalLayer') / 2);
    const step = (referenceTokens: number, width: number) =>
      stageFlops(dev, { height: 256, width, batch: 1, textTokens: 512, referenceTokens, steps: 1 }).step.total;
    assert.equal(step(256, 256), step(0, 512) - flops(seen, 'finalLayer'));
  });

  test('pictures that go in cost about half of those that come out', () => {
    const shape = { height: 1024, width: 1024, batch: 1, textTokens: 512, steps: 1 };
    const size = { height: 128, width: 128 };
    const { pictures, decode } = stageFlops(dev, { ...shape, encode: [size, size] });
    assert.equal(stageFlops(dev, shape).pictures.total, 0);
    const share = pictures.total / 2 / decode.total;
    assert.ok(share > 0.4 && share < 0.6, `${share}`);
  });

  test('the published files have as many weights, in bf16', () => {
    const { transformer, t5 } = weightCounts(dev);
    assert.deepEqual(
      [2 * transformer, 2 * t5].map((bytes) => (bytes / 1e9).toFixed(1)),
      ['23.8', '9.5'],
    );
  });
});

describe('counted as by hand', () => {
  // Linear and attention FLOP of encode, prepare, step and decode, then weights of transformer, CLIP, T5 and decoder.
  const cases = [
    [
      'dev', dev, { height: 1024, width: 1024, batch: 1, textTokens: 512, steps: 28 },
      [4754723831808, 103297781760, 195299377152, 0, 59492813242368, 14872398004224, 8384868777984, 549755813888],
      [11901408320, 123060480, 4762310656, 49545475],
    ],
    [
      'schnell', publishedModel('schnell')!.sizes, { height: 1024, width: 1024, batch: 2, textTokens: 256, steps: 4 },
      [2383901884416, 25988370432, 58490093568, 0, 112375671816192, 26531623600128, 16769737555968, 1099511627776],
      [11891178560, 123060480, 4762310656, 49545475],
    ],
    [
      'tiny', openPipelineFolder(FLUX1, repositoryPath('models/tiny')), { height: 128, width: 96, batch: 3, textTokens: 32, steps: 8 },
      [92012544, 7644160, 75620352, 0, 1493434368, 103219200, 3091587072, 28311552],
      [5714176, 520832, 539264, 539235],
    ],
  ] as const; // biome-ignore format: a table
  for (const [name, models, shape, flops, weights] of cases) {
    test(name, () => {
      const { encode, prepare, step, decode } = stageFlops(models, shape);
      const stages = [encode, prepare, step, decode];
      assert.deepEqual(
        stages.flatMap(({ linear, attention }) => [linear, attention]),
        flops,
      );
      for (const { linear, attention, total } of stages) assert.equal(total, linear + attention);
      const { transformer, clip, t5, vae } = weightCounts(models);
      assert.deepEqual([transformer, clip, t5, vae], weights);
    });
  }
});

test('a step of Heun is two evaluations', () => {
  const models = openPipelineFolder(FLUX1, repositoryPath('models/tiny'));
  const shape = { height: 128, width: 96, batch: 1, textTokens: 32, steps: 3 };
  const [euler, heun] = (['euler', 'heun'] as const).map((sampler) => stageFlops(models, { ...shape, sampler }));
  assert.equal(heun!.step.total, 2 * euler!.step.total);
  // The last step evaluates once: five times in all.
  assert.deepEqual(heun!.prepare, stageFlops(models, { ...shape, steps: 5 }).prepare);
});

test('a loop counts as often as its body runs, quantised products as plain ones', () => {
  const [x, w] = [parameter('x', 'f32', [5, 3, 8]), parameter('w', 'f32', [2, 8])];
  const out = map([x], [w], ([entry], [whole]) => matmulTransposed(entry!, whole!));
  assert.equal(countFlops(graph('g', [x, w], [out])).linear, 2 * 5 * 3 * 8 * 2);
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens: 4,
    textTokens: 4,
    steps: 1,
    compute: 'bf16',
    storage: 'bf16',
  } as const;
  const [plain, int8] = (['plain', 'int8'] as const).map((form) =>
    countFlops(fluxPrograms(FLUX_DEV, { ...sizes, form }).doubleBlock.graph),
  );
  assert.deepEqual(int8, plain);
});

test('intermediate values are counted while they are alive', () => {
  const x = parameter('x', 'f32', [1024]);
  const y = x.add(x);
  const z = y.mul(y);
  // y is alive until z is there, z until the sum; what goes in and out is not counted.
  assert.equal(countTemporaries(graph('g', [x], [z.add(x)])), 2 * 4096);
});
