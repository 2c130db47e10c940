/** Links between documents lead to files that exist, and the package has every file that the README and help point to. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { repositoryPath } from './support/fixture.ts';

const ROOT = repositoryPath('');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'models/**/*.md'], { cwd: ROOT });

test('links between documents lead somewhere', () => {
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\(([^)#\s]+)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(ROOT, dirname(document), link)))
      .map((link) => `${document}: ${link}`),
  );
  assert.ok(documents.length > 20);
  assert.deepEqual(broken, []);
});

test('files that documents name exist', () => {
  const rooms = readdirSync(join(ROOT, 'src'));
  const broken = documents
    .filter((document) => document !== 'CHANGELOG.md')
    .flatMap((document) =>
      [...read(document).matchAll(/`((\w+)\/[\w./-]+\.(?:ts|json|md|py|sh|c))`/g)].map(([, path, first]) => ({
        document,
        path: path!,
        place: rooms.includes(first!) && !existsSync(join(ROOT, path!)) ? `src/${path}` : path!,
      })),
    )
    .filter(({ place }) => existsSync(join(ROOT, place.split('/')[0]!)) && !existsSync(join(ROOT, place)))
    .map(({ document, path }) => `${document}: ${path}`);
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
