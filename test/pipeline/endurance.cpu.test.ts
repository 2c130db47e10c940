/** A process that makes many pictures: in a file of its own, for memory can only be told apart in a fresh process. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Flux } from '../../src/index.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';

// Without it V8 lets garbage pile up to a limit of its own, which says nothing of leaks.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('200 pictures in one process: memory stays flat after the first ten, and nothing is left at the end', async () => {
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
    const [first, last] = [memory[0]!, memory.at(-1)!];
    const shown = memory.map((m) => Math.round(m / 2 ** 20)).join(', ');
    // Allocators and V8 grow in steps of 16 MiB now and then; one picture's arrays kept each time would be 200 MiB and more.
    assert.ok(last < 1.2 * first, `resident memory grew by ${((last / first - 1) * 100).toFixed(1)} %: ${shown} MiB`);
  }
  assert.deepEqual(liveCounts(), {});
});
