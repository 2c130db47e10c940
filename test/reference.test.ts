/** Every exported name of the package's doors has a doc comment, and docs/reference is what the sources say. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reference } from '../scripts/reference-docs.ts';
import { repositoryPath } from './support/fixture.ts';

const { pages, undocumented } = reference();

test('every exported name has a doc comment', () => assert.deepEqual(undocumented, []));

test('docs/reference is up to date', () => {
  const names = readdirSync(repositoryPath('docs/reference'));
  assert.deepEqual(names.sort(), Object.keys(pages).sort());
  const stale = names.filter((name) => readFileSync(repositoryPath(`docs/reference/${name}`), 'utf8') !== pages[name]);
  assert.deepEqual(stale, [], 'run: node scripts/reference-docs.ts');
});
