/** `fluxion compile`: whole runs compiled for devices that are not here, and what is told of them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AheadRun, compileRun } from '../../src/index.ts';
import { findPlugin } from '../../src/xla.ts';

const REQUEST = { prompt: 'a lighthouse at dusk', batch: 4 } as const;

describe('the bundled model on four devices of the CPU', () => {
  const tiny = (axis: 'data' | 'fsdp') =>
    compileRun('tiny', REQUEST, { target: 'cpu:4', mesh: { ici: { data: 1, [axis]: 4 } } });

  test('batches over copies of the weights exchange nothing', async () => {
    const run = await tiny('data');
    assert.equal(run.programs.length, 20);
    assert.deepEqual([run.devices, run.mesh, run.fits, run.estimate], [4, 'data=4', true, undefined]);
    assert.equal(run.transformerWeights.perDevice, run.transformerWeights.total);
    assert.deepEqual(
      run.programs.flatMap(({ collectives }) => collectives),
      [],
    );
  });

  test('weights shared out are gathered block by block', async () => {
    const run = await tiny('fsdp');
    const block = run.programs.find(({ name }) => name === 'flux_single_block')!;
    assert.ok(block.collectives.some(({ kind, count }) => kind === 'all-gather' && count > 0));
    const { perDevice, total } = run.transformerWeights;
    // Biases and norms of so small a model are a larger share than those of a large one.
    assert.ok(perDevice < 0.3 * total, `${perDevice} of ${total}`);
  });
});

test('a name of no model tells which are known', async () => {
  const compiling = compileRun('org/model', REQUEST, { target: 'cpu:1' });
  await assert.rejects(compiling, { code: 'not_found', message: /org\/model/, hint: /FLUX\.1-dev/ });
});

const missing = findPlugin('tpu') ? false : 'the plugin for TPUs is not installed: fluxion plugins install tpu';

/** FLUX.1 at 1024², four pictures over four chips, one step of it. */
describe('full size on TPUs that are not here', { skip: missing }, () => {
  const compiled = (model: 'FLUX.1-dev' | 'FLUX.1-schnell', target: string, axis: 'data' | 'fsdp') =>
    compileRun(model, REQUEST, { target, mesh: { ici: { data: 1, [axis]: 4 } }, stages: ['step'] });

  function check(run: AheadRun): void {
    assert.deepEqual(run.tooLarge, []);
    assert.ok(run.fits, JSON.stringify(run.stages));
    for (const name of ['flux_double_block', 'flux_single_block']) {
      const block = run.programs.find((program) => program.name === name)!;
      assert.ok(block.customCalls.includes('tpu_custom_call'), `${name}: ${block.customCalls}`);
      assert.deepEqual(
        block.attention.map(({ kernel }) => kernel),
        ['splash'],
      );
    }
    // 74.4 TFLOP a picture for 512 text tokens, 69.5 for 256.
    const flops = run.programs.reduce((sum, program) => sum + program.runs * program.flops, 0);
    assert.ok(Math.abs(flops / (run.steps === 28 ? 74.4e12 : 69.5e12) - 1) < 0.03, `${flops} FLOP a step`);
  }

  test('dev, v6e:2x2, weights shared out', async () => {
    const run = await compiled('FLUX.1-dev', 'v6e:2x2', 'fsdp');
    check(run);
    const { perDevice, total } = run.transformerWeights;
    assert.ok(perDevice <= total / 4 + 0.02 * total, `${perDevice} of ${total}`);
    const single = run.programs.find(({ name }) => name === 'flux_single_block')!;
    // linear1 [21504, 3072] and linear2 [3072, 15360] in bf16, once.
    assert.deepEqual(
      single.collectives.map(({ kind, bytes }) => [kind, bytes]),
      [['all-gather', 226_498_560]],
    );
  });

  test('schnell, v4:2x2x1, weights on every chip', async () => {
    const run = await compiled('FLUX.1-schnell', 'v4:2x2x1', 'data');
    check(run);
    assert.deepEqual(
      run.programs.flatMap(({ collectives }) => collectives),
      [],
    );
    assert.ok(run.estimate!.batch <= 2.2, `${run.estimate!.batch} s`);
  });
});
