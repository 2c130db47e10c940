/** A process that makes many pictures: in a file of its own, for memory can only be told apart in a fresh process. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Flux } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { growth } from '../support/growth.ts';

// Without it V8 lets garbage pile up to a limit of its own, which says nothing of leaks.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('200 pictures in one process: memory stays flat, and nothing is left at the end', async () => {
  {
    await using model = await Flux.load('tiny', { device: 'cpu' });
    const memory: number[] = [];
    let arrays: number | undefined;
    for (let i = 0; i < 200; i++) {
      const [image] = await model.generate({
        prompt: i % 2 ? 'sea' : 'hills',
        width: 64,
        height: 48,
        steps: 1,
        seed: i,
      });
      await image!.png();
      if (i % 10 === 9) {
        collectGarbage();
        memory.push(process.memoryUsage.rss());
      }
      arrays ??= liveCounts()['DeviceArray'];
      assert.equal(liveCounts()['DeviceArray'], arrays, `picture ${i} left arrays behind`);
    }
    const grown = growth(memory) / 2 ** 20;
    const shown = memory.map((m) => Math.round(m / 2 ** 20)).join(', ');
    // Over 120 pictures: arrays of one picture kept each time would be 120 MiB and more, 0.5 MiB kept each time 60 MiB.
    assert.ok(grown < 45, `resident memory grew by ${grown.toFixed(0)} MiB: ${shown} MiB`);
  }
  assert.deepEqual(liveCounts(), {});
});
