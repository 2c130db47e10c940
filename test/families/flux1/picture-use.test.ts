/** What a model makes of one picture is told by its tensors, or by its names. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flux1Source } from '../../../src/families/flux1/flux1.ts';
import { pictureUse } from '../../../src/families/flux1/picture-use.ts';
import { FLUX_DEV, FLUX_VAE } from '../../../src/families/flux1/presets.ts';

const useOf = (inChannels: number, name: string, more: Partial<Flux1Source> = {}) => {
  const transformer = { ...FLUX_DEV, inChannels };
  return pictureUse({ transformer, vae: FLUX_VAE, path: '/models/a', paths: new Map(), ...more } as Flux1Source, name);
};

test('dev starts from it, Kontext looks at it, Fill repaints it, and Canny follows it', () => {
  assert.equal(useOf(64, 'FLUX.1-dev'), 'start');
  assert.equal(useOf(64, 'FLUX.1-dev', { path: '/kontext/dev' }), 'start');
  assert.equal(useOf(64, 'FLUX.1-Kontext-dev'), 'reference');
  assert.equal(useOf(64, 'mine', { className: 'FluxKontextPipeline' }), 'reference');
  assert.equal(useOf(64, 'mine', { paths: new Map([['transformer', '/files/flux1-kontext-Q8.gguf']]) }), 'reference');
  assert.equal(useOf(384, 'FLUX.1-Fill-dev'), 'fill');
  assert.equal(useOf(128, 'FLUX.1-Canny-dev'), 'control');
});
