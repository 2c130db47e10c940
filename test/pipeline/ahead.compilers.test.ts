/** `fluxion compile`: whole runs compiled for devices that are not here, and what is told of them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileRun } from '../../src/index.ts';

const REQUEST = { prompt: 'a lighthouse at dusk', batch: 4 } as const;

describe('the bundled model on four devices of the CPU', () => {
  const tiny = (axis: 'data' | 'fsdp') =>
    compileRun('tiny', REQUEST, { target: 'cpu:4', mesh: { ici: { data: 1, [axis]: 4 } } });

  test('batches over copies of the weights exchange nothing', async () => {
    const run = await tiny('data');
    assert.equal(run.programs.length, 32);
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

test('what was compiled before is repeated, unless it is asked for anew', async () => {
  const run = (fresh: boolean) => compileRun('tiny', REQUEST, { target: 'cpu:1', stages: ['step'], fresh });
  const first = await run(true);
  assert.equal(first.repeated, 0);
  const second = await run(false);
  assert.equal(second.repeated, new Set(second.programs.map(({ name }) => name)).size);
  assert.deepEqual(second.programs, first.programs);
});

test('a name of no model tells which are known', async () => {
  const compiling = compileRun('org/model', REQUEST, { target: 'cpu:1' });
  await assert.rejects(compiling, { code: 'not_found', message: /org\/model/, hint: /FLUX\.1-dev/ });
});
