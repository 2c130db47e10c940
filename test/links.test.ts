/** Links between documents lead to files that exist, and the package has every file that the README and help point to. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { repositoryPath } from './support/fixture.ts';

const ROOT = repositoryPath('');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('links between documents lead somewhere', () => {
  const documents = ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'models/**/*.md'].flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }),
  );
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\(([^)#\s]+)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(ROOT, dirname(document), link)))
      .map((link) => `${document}: ${link}`),
  );
  assert.ok(documents.length > 20);
  assert.deepEqual(broken, []);
});

test('documents that sources point to exist', () => {
  const broken = globSync(['src/**/*.ts', 'bench/**/*', 'tools/**/*.ts'], { cwd: ROOT })
    .filter((path) => /\.\w+$/.test(path))
    .flatMap((path) => [...read(path).matchAll(/(?<![\w/.])docs\/[\w/-]+\.md/g)].map(([name]) => ({ path, name })))
    .filter(({ name }) => !existsSync(join(ROOT, name)))
    .map(({ path, name }) => `${path}: ${name}`);
  assert.deepEqual(broken, []);
});

test('the package has the documents that the README and help point to', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const linked = [...read('README.md').matchAll(/\]\(([\w.-]+)/g)].map(([, first]) => first!);
  const wanted = ['docs', ...linked.filter((first) => first !== 'https' && first !== 'README.md')];
  assert.deepEqual(
    [...new Set(wanted)].filter((first) => !files.includes(first)),
    [],
  );
});
