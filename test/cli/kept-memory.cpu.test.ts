/** When the program starts again to keep freed memory, and that nothing of the command line or standard input is lost by it. */

import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { keepFreedMemory } from '../../src/cli/kept-memory.ts';
import { loadConfig } from '../../src/config/load.ts';
import { fluxion, temporaryFolder } from '../support/command-line.ts';

const linux = process.platform === 'linux';

/** The variables that the program would be started again with. */
async function variablesFor(...overrides: readonly string[]): Promise<Readonly<Record<string, string>> | undefined> {
  let found: Readonly<Record<string, string>> | undefined;
  await keepFreedMemory(loadConfig({ overrides }).config, {
    restart: (variables) => {
      found = variables;
    },
  });
  return found;
}

test('large models on the CPU start the program again, others do not', { skip: !linux }, async () => {
  using folder = temporaryFolder();
  const file = folder.file('flux.safetensors');
  writeFileSync(file, 'small');
  mkdirSync(folder.file('transformer'));
  writeFileSync(folder.file('transformer/part.safetensors'), '');
  const model = `pretrained_model_name_or_path=${folder.path}`;

  assert.equal(await variablesFor(), undefined, 'the bundled model');
  assert.equal(await variablesFor(model), undefined, 'small files');
  assert.ok(await variablesFor('pretrained_model_name_or_path=org/published'));

  truncateSync(folder.file('transformer/part.safetensors'), 2 ** 30);
  assert.match((await variablesFor(model))!['GLIBC_TUNABLES']!, /mmap_max=0:.*hugetlb=1/);
  assert.equal(await variablesFor(model, 'hardware=gpu'), undefined);
  assert.ok(await variablesFor(model, 'hardware=cpu'));

  truncateSync(file, 2 ** 30);
  assert.ok(await variablesFor(`transformer=${file}`));
  process.env['MALLOC_ARENA_MAX'] = '2';
  try {
    assert.equal(await variablesFor(`transformer=${file}`), undefined, "the user's own choice");
  } finally {
    delete process.env['MALLOC_ARENA_MAX'];
  }
});

test('a program that starts again reads its arguments and standard input as if it had started once', {
  skip: !linux,
}, async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.file('flux.safetensors'), '');
  truncateSync(folder.file('flux.safetensors'), 2 ** 30);
  const words = ['generate', '-', 'pretrained_model_name_or_path=flux.safetensors', '--json'];
  const env = { FLUXION_LOG: 'debug' };
  const count = (text: string): number => text.split('starting again').length - 1;

  const empty = await fluxion(words, { cwd: folder.path, input: ' \n', env });
  assert.equal(empty.status, 2);
  assert.equal(count(empty.stderr), 1, empty.stderr);
  assert.match(JSON.parse(empty.stdout).error.message, /prompt on standard input is empty/);

  const read = await fluxion(words, { cwd: folder.path, input: 'a house', env });
  assert.equal(count(read.stderr), 1, read.stderr);
  assert.match(JSON.parse(read.stdout).error.message, /flux\.safetensors/);

  const chosen = await fluxion(words, {
    cwd: folder.path,
    env: { ...env, GLIBC_TUNABLES: 'glibc.malloc.arena_max=3' },
  });
  assert.equal(count(chosen.stderr), 0, chosen.stderr);
});
