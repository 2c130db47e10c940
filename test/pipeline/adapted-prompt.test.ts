/** What processes compare before they make pictures together. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runText } from '../../src/pipeline/adapted-prompt.ts';
import type { DecidedRequest } from '../../src/pipeline/request.ts';

test('a run is another one with another picture in, whatever its file is called', () => {
  const text = (name: string, hash: string) => {
    const inputs = { image: [{ name: 'a.png', hash: '0' }], maskImage: [{ name, hash }] };
    const schedule = { sigmas: Float32Array.of(1, 0) };
    return runText({ inputs, schedule, conditions: [], prompts: [] } as unknown as DecidedRequest, [], []);
  };
  assert.equal(text('mask.png', '1'), text('copy.png', '1'));
  assert.notEqual(text('mask.png', '1'), text('mask.png', '2'));
});
