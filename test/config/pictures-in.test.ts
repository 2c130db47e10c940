/** Pictures that go in, as configurations name them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { splitArguments } from '../../src/config/overrides.ts';
import { refuses } from '../support/fails.ts';

const config = (...words: string[]) => loadConfig({ overrides: splitArguments(words).overrides }).config;

test('a picture has the size that it is made in, unless the command line says another', () => {
  const sizes = ({ width, height, resolution }: ReturnType<typeof config>) => [width, height, resolution];
  assert.deepEqual(sizes(config()), [undefined, undefined, 128]);
  for (const words of ['image=a.png', '--control-image', 'reference_image=a.png']) {
    const asked = words.startsWith('--') ? [words, 'a.png'] : [words];
    assert.deepEqual(sizes(config(...asked)), [undefined, undefined, undefined], words);
    assert.deepEqual(sizes(config(...asked, 'size=64x48')), [64, 48, undefined], words);
  }
});

test('a picture that is made again keeps its size', () => {
  const base = { source: 'a.png', values: { width: 96, height: 64 } };
  const { config } = loadConfig({ base, overrides: ['image=moved.png'] });
  assert.deepEqual([config.width, config.height], [96, 64]);
});

test('references that are given one after the other are a list, in their order', () => {
  assert.deepEqual(config('reference_image=a.png').reference_image, 'a.png');
  assert.deepEqual(splitArguments(['reference_image=a.png', '--reference-image', 'b.png']).notes, []);
  assert.deepEqual(config('reference_image=a.png', '--reference-image', 'b, c.png').reference_image, [
    'a.png',
    'b, c.png',
  ]);
});

test('margins are four whole numbers', () => {
  assert.deepEqual(config('outpaint=64,0,16,8').outpaint, [64, 0, 16, 8]);
  assert.deepEqual(config('outpaint=[64, 0, 16, 8]').outpaint, [64, 0, 16, 8]);
  for (const wrong of ['64', '1,2,3', '1,2,3,-4', '1,2,3,x', '1,2,3,9000'])
    assert.throws(() => config(`outpaint=${wrong}`), refuses('bad_config', /outpaint must be four whole numbers/, /^/));
});

test('standard input and negative prompts stay as they are written', () => {
  assert.equal(config('image=-').image, '-');
  assert.equal(config('negative_prompt=').negative_prompt, '');
  assert.equal(config('negative_prompt=1: people').negative_prompt, '1: people');
});
