/** Compiled programs on disk: entries that are damaged, another program's, or no files at all are misses; trouble is told once. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExecutableCache } from '../../../src/xla/runtime/cache.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-executables-'));
after(() => rmSync(root, { recursive: true }));

const keyOf = (program: string) => ExecutableCache.keyOf({ program, options: new Uint8Array(), target: [] });
const bytes = (size: number) => new Uint8Array(size).fill(7);
const place = () => {
  const cache = new ExecutableCache(mkdtempSync(join(root, 'cache-')));
  return { cache, path: (key: string) => join(cache.folder, `${key}.pjrt`) };
};

test('an entry is what was written, and of the program it was written for', async () => {
  const { cache, path } = place();
  const [a, b] = [keyOf('a'), keyOf('b')];
  await cache.write(a, () => bytes(10));
  await cache.write(b, () => bytes(20));
  assert.deepEqual(new Uint8Array((await cache.read(a))!), bytes(10));
  copyFileSync(path(a), path(b));
  assert.equal(await cache.read(b), undefined, 'the program of another key');
  assert.deepEqual(readdirSync(cache.folder), [`${a}.pjrt`]);
  writeFileSync(path(a), 'torn');
  assert.equal(await cache.read(a), undefined);
  assert.deepEqual(readdirSync(cache.folder), []);
});

test('what is no regular file is a miss, and is replaced', { timeout: 20_000 }, async () => {
  const { cache, path } = place();
  const key = keyOf('a');
  const traps = [
    () => symlinkSync('/dev/zero', path(key)),
    () => assert.equal(spawnSync('mkfifo', [path(key)]).status, 0),
  ];
  for (const trap of traps) {
    trap();
    assert.equal(await cache.read(key), undefined);
    await cache.write(key, () => bytes(3));
    assert.deepEqual(new Uint8Array((await cache.read(key))!), bytes(3));
    await cache.remove(key);
  }
});

test('an entry larger than the folder may be is not read', async () => {
  const small = new ExecutableCache(mkdtempSync(join(root, 'cache-')), 100);
  await small.write('k', () => bytes(200));
  assert.equal(await small.read('k'), undefined);
});

test('what was not used for months goes, and what was used longest ago where there is too much', async () => {
  const folder = mkdtempSync(join(root, 'cache-'));
  const cache = new ExecutableCache(folder, 10_000);
  for (const [i, name] of ['old', 'first', 'second', 'third'].entries()) {
    await new ExecutableCache(folder).write(name, () => bytes(4000));
    const used = new Date(Date.now() - (name === 'old' ? 100 * 24 : 4 - i) * 3_600_000);
    utimesSync(join(folder, `${name}.pjrt`), used, used);
  }
  await cache.trim();
  assert.deepEqual(readdirSync(folder).toSorted(), ['second.pjrt', 'third.pjrt']);
});

test('a folder that cannot be written is told once', () => {
  const file = join(root, 'a-file');
  writeFileSync(file, '');
  const source = `
    const { ExecutableCache } = await import(${JSON.stringify(new URL('../../../src/xla/runtime/cache.ts', import.meta.url).href)});
    for (let run = 0; run < 2; run++) {
      const cache = new ExecutableCache(${JSON.stringify(join(file, 'folder'))});
      for (let i = 0; i < 32; i++) {
        await cache.read('k' + i);
        await cache.write('k' + i, () => new Uint8Array(3));
      }
    }`;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/cannot keep compiled programs/g)?.length, 1, stderr);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
});
