/** What a configuration makes of a server's requests. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { requestDefaultsOf } from '../../src/config/options.ts';

test("keys of pictures are the defaults of a server's requests, but for what each request says itself", () => {
  const { config, sources } = loadConfig({
    overrides: [
      'steps=4',
      'size=256x128',
      'prompt=a house',
      'seed=3',
      'strength=0.5',
      'controlnet_conditioning_scale=0.7',
      'sampler=heun',
    ],
  });
  const defaults = requestDefaultsOf(config, sources);
  assert.deepEqual(
    { ...defaults, guidance: undefined, maxSequenceLength: undefined, noise: undefined },
    {
      steps: 4,
      width: 256,
      height: 128,
      sampler: 'heun',
      guidance: undefined,
      maxSequenceLength: undefined,
      noise: undefined,
    },
  );
});

test('what nobody set is left to the model', () => {
  const { config, sources } = loadConfig({ overrides: ['model=somewhere'] });
  assert.deepEqual(requestDefaultsOf(config, sources), {});
});
