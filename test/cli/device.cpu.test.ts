/** What a user is told of devices, compiler flags and the cache, by the program itself. */

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { processMark } from '../../src/support/process-mark.ts';
import { ensurePlugin } from '../../src/xla/plugins/plugins.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-device-'));
after(() => rmSync(root, { recursive: true }));
const BIN = fileURLToPath(new URL('../../bin/fluxion.js', import.meta.url));

function fluxion(args: readonly string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8', cwd: root, env: { ...process.env, ...env } });
}

test('a GPU that is not here is told without a download and without the log of a library', {
  skip: existsSync('/dev/nvidiactl'),
}, () => {
  const empty = join(root, 'empty');
  const { status, stderr } = fluxion(['generate', 'a', 'hardware=gpu'], { FLUXION_CACHE_DIR: empty });
  assert.equal(status, 1);
  assert.match(stderr, /there is no NVIDIA GPU or AMD GPU or Apple GPU in this machine/);
  assert.match(stderr, /hint: use the CPU: hardware=cpu/);
  assert.ok(!existsSync(join(empty, 'plugins')));
});

test('a flag that XLA does not know, or a value, is named', () => {
  for (const flags of ['--xla_nonsense=1', '--xla_cpu_enable_fast_math=maybe', 'no-such-file']) {
    const { status, stderr } = fluxion(['generate', 'a', 'hardware=cpu'], { XLA_FLAGS: flags });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /error: XLA_FLAGS=.*refuses it: .*(xla_nonsense|maybe|no-such-file)/);
    assert.match(stderr, /hint: correct XLA_FLAGS or unset it/);
    assert.doesNotMatch(stderr, /F0000|InitializeLog|usage:/);
  }
});

test('a cache that cannot be written is no failure where a plugin is at hand', async () => {
  const plugin = await ensurePlugin('cpu');
  const env = { FLUXION_CACHE_DIR: '/proc/fluxion', FLUXION_PJRT_PLUGIN: plugin };
  const { status, stdout } = fluxion(['doctor'], env);
  assert.match(stdout, /^warn +cache folder/m);
  assert.match(stdout, /^ok +plugin cpu/m);
  assert.equal(status, 0, stdout);
});

describe('the cache', () => {
  const cache = join(root, 'cache');
  const env = { FLUXION_CACHE_DIR: cache };
  const put = (path: string, bytes = 1000) => {
    mkdirSync(join(cache, path, '..'), { recursive: true });
    writeFileSync(join(cache, path), new Uint8Array(bytes));
    return join(cache, path);
  };

  test('is told by kind, and cleaned of what Fluxion put there, and nothing else', () => {
    const key = 'ab'.repeat(32);
    const program = put(`executables/${key}.pjrt`);
    const plugin = put('plugins/xla-cpu-pjrt-0.0.1-linux-x64/some/file.so', 5000);
    const installing = put(`plugins/.xla-cpu-pjrt-0.0.1-linux-x64.${processMark()}.0123abcd/package/file.so`);
    const kept = [put('executables/thesis.txt'), put('code/my-project/main.c'), put('plugins/mine/file.so')];
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), '');
    symlinkSync(outside, join(cache, 'executables', `${'cd'.repeat(32)}.pjrt`));
    symlinkSync(outside, join(cache, 'ahead'));

    const { kinds } = JSON.parse(fluxion(['cache', '--json'], env).stdout) as {
      kinds: { kind: string; bytes: number }[];
    };
    assert.ok(kinds.find(({ kind }) => kind === 'plugins')!.bytes >= 6000);
    const dry = fluxion(['cache', 'clean', '--dry-run'], env);
    assert.match(dry.stdout, /would remove/);
    assert.ok(existsSync(program));
    const { status, stdout } = fluxion(['cache', 'clean'], env);
    assert.equal(status, 0);
    assert.match(stdout, /kept .*ahead: it is a link/);
    assert.ok(!existsSync(program));
    assert.ok(existsSync(plugin), 'plugins are removed when they are named');
    fluxion(['cache', 'clean', 'plugins'], env);
    assert.ok(!existsSync(plugin));
    for (const path of [...kept, installing, join(outside, 'precious')]) assert.ok(existsSync(path), path);
    assert.equal(fluxion(['cache', 'clean', 'everything'], env).status, 2);
    assert.match(fluxion(['plugins', 'remove', 'cpu'], env).stderr, /no plugin for cpu is installed or added/);
  });
});
