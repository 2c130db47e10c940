/** The store: the order in which a picture reaches the disk. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import type { Recipe } from '../../src/api/recipe.ts';

const RECIPE = { software: 'fluxion', version: '0', model: { name: 'none' }, prompt: 'a house', width: 16, height: 16, steps: 1, guidance: 1, seed: 7 } as unknown as Recipe; // biome-ignore format: a list

test('a picture and its name are on the disk before its row is', async () => {
  const order: string[] = [];
  const { openSync, fsync, renameSync } = fs;
  // Modules are imported after this, so that they get the mocked functions.
  const names = new Map<number, string>();
  const told = (path: unknown): string => /\.(partial|png)$/.exec(String(path))?.[1] ?? 'folder';
  mock.method(fs, 'openSync', (...given: Parameters<typeof openSync>) => {
    const descriptor = openSync(...given);
    names.set(descriptor, told(given[0]));
    return descriptor;
  });
  mock.method(fs, 'fsync', (...given: Parameters<typeof fsync>) => {
    order.push(`sync ${names.get(given[0])}`);
    fsync(...given);
  });
  mock.method(fs, 'renameSync', (...given: Parameters<typeof renameSync>) => {
    order.push(`rename to ${told(given[1])}`);
    renameSync(...given);
  });
  syncBuiltinESMExports();
  const { Image } = await import('../../src/picture/image.ts');
  const { Store } = await import('../../src/server/store.ts');
  using folder = fs.mkdtempDisposableSync(join(tmpdir(), 'fluxion-store-'));
  using store = new Store(folder.path);
  const job = {
    id: 'a',
    caller: null,
    api: 'test',
    created: 0,
    total: 1,
    request: '{}',
    prompt: '',
    wholeRequest: '{}',
  };
  store.accept(job);
  order.length = 0;
  const image = new Image({ width: 16, height: 16, data: new Uint8Array(768) }, RECIPE);
  const picture = await store.addPicture('a', 0, image);
  order.push('row');
  assert.deepEqual(order, ['sync partial', 'rename to png', 'sync folder', 'row']);
  assert.deepEqual(Buffer.from(await picture.png()), fs.readFileSync(join(folder.path, 'a_0.png')));
  mock.restoreAll();
  syncBuiltinESMExports();
});

test('a picture whose row cannot be kept leaves no file', async () => {
  const { Image } = await import('../../src/picture/image.ts');
  const { Store } = await import('../../src/server/store.ts');
  using folder = fs.mkdtempDisposableSync(join(tmpdir(), 'fluxion-store-'));
  using store = new Store(folder.path);
  const image = new Image({ width: 16, height: 16, data: new Uint8Array(768) }, RECIPE);
  // The store has no such job.
  await assert.rejects(store.addPicture('b', 0, image), /FOREIGN KEY/);
  assert.deepEqual(
    fs.readdirSync(folder.path).filter((name) => name.endsWith('.png')),
    [],
  );
});
