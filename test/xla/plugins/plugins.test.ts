/** Finding, adding and removing plugins, and the words of installers. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { cacheFolder } from '../../../src/support/cache-folder.ts';
import { Plugin } from '../../../src/xla/pjrt/client.ts';
import { explain } from '../../../src/xla/plugins/installers.ts';
import { DEVICE_NAMES, PLUGINS, pluginEntries } from '../../../src/xla/plugins/plugin-table.ts';
import {
  ensurePlugin,
  findPlugin,
  installPlugin,
  listPlugins,
  pluginFingerprint,
  removePlugin,
  wheelFor,
} from '../../../src/xla/plugins/plugins.ts';
import { refuses } from '../../support/fails.ts';
import { ownCache } from '../../support/own-cache.ts';

const statOf = (path: string) => {
  const { size, mtimeMs } = statSync(path);
  return { size, mtimeMs };
};

describe('the cache folder', () => {
  test('follows each system’s custom', () => {
    assert.equal(cacheFolder({ FLUXION_CACHE_DIR: '/own' }, 'linux'), '/own');
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux'), join('/xdg', 'fluxion'));
    assert.match(cacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux'), /\.cache.fluxion$/);
    assert.match(cacheFolder({}, 'darwin'), /Library.Caches.fluxion$/);
    assert.equal(cacheFolder({ LOCALAPPDATA: 'C:\\Local' }, 'win32'), join('C:\\Local', 'fluxion', 'Cache'));
  });
});

describe('finding', () => {
  const cache = ownCache();

  const file = (name: string) => {
    const path = join(cache.path, name);
    writeFileSync(path, name);
    return path;
  };

  test('the environment goes first, then what was added, then what was installed', async () => {
    assert.equal(findPlugin('cpu', {}), undefined);
    // The best package goes first, whichever was installed first.
    const [newer, older, ...more] = PLUGINS.filter(({ device, wheels }) => device === 'cpu' && wheels['linux-x64']);
    assert.deepEqual(more, []);
    for (const instructions of [['AVX2', 'AVX512'], ['AVX2', 'AVX512', 'AVX512-BF16', 'AMX'], []] as const)
      assert.deepEqual(pluginEntries('cpu', 'linux-x64', instructions), [newer, older]);
    assert.deepEqual(pluginEntries('cpu', 'linux-x64', ['AVX2']), [older, newer]);
    assert.deepEqual(pluginEntries('cpu', 'linux-arm64', ['NEON', 'BF16']), [older]);
    let path = '';
    for (const entry of pluginEntries('cpu').toReversed()) {
      const host = `${process.platform}-${process.arch}`;
      const installed = join(cache.path, 'plugins', `${entry.package}-${entry.version}-${host}`);
      const before = findPlugin('cpu', {});
      path = join(installed, entry.file!);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'plugin');
      assert.deepEqual(findPlugin('cpu', {}), before, 'a package without its record is unfinished');
      writeFileSync(join(installed, 'fluxion-plugin.json'), '{}');
      assert.deepEqual(findPlugin('cpu', {}), before, 'a torn record tells nothing');
      const { fileSha256: sha256 } = entry.wheels[host]!;
      writeFileSync(join(installed, 'fluxion-plugin.json'), JSON.stringify({ sha256, ...statOf(path) }));
      assert.deepEqual(findPlugin('cpu', {}), { device: 'cpu', path, source: 'installed' });
      assert.equal(listPlugins().find(({ used, device }) => used && device === 'cpu')!.package, entry.package);
    }

    const added = file('added.so');
    writeFileSync(
      join(cache.path, 'plugins.json'),
      JSON.stringify([{ device: 'cpu', path: added, sha256: '', ...statOf(added) }]),
    );
    assert.equal(findPlugin('cpu', {})!.path, added);
    assert.equal(findPlugin('cuda', {}), undefined);
    assert.equal(listPlugins().find(({ used, device }) => used && device === 'cpu')!.status, 'added');

    const named = file('named.so');
    assert.equal(findPlugin('cuda', { FLUXION_PJRT_PLUGIN: named })!.path, named);
    assert.equal(findPlugin('cuda', { FLUXION_PJRT_PLUGIN: `cpu:${named}` }), undefined);
    assert.equal(findPlugin('cpu', { FLUXION_PJRT_PLUGIN: `cpu:${named}` })!.path, named);
    process.env['FLUXION_PJRT_PLUGIN'] = named;
    assert.equal(await ensurePlugin('auto'), named);
    assert.throws(
      () => findPlugin('cpu', { FLUXION_PJRT_PLUGIN: '/none.so' }),
      refuses('not_found', /FLUXION_PJRT_PLUGIN names .*none\.so/, /unset/),
    );
    for (const torn of ['', '{', '{}', '[1, null, {"path": 3}]']) {
      writeFileSync(join(cache.path, 'plugins.json'), torn);
      assert.equal(findPlugin('cpu', {})!.path, path, 'a torn list of added plugins stops nothing');
    }
  });

  test('a fingerprint follows the file', () => {
    const path = file('some.so');
    const before = pluginFingerprint(path);
    assert.equal(pluginFingerprint(path), before);
    utimesSync(path, 1, 1);
    assert.notEqual(pluginFingerprint(path), before);
  });

  test('a device that is not here is refused before anything is installed', async () => {
    for (const device of ['gpu', 'cuda', 'rocm', 'tpu', 'metal'] as const) {
      if (
        listPlugins().some((row) => row.present && (row.device === device || device === 'gpu') && row.device !== 'cpu')
      )
        continue;
      await assert.rejects(
        ensurePlugin(device),
        refuses('unsupported', /^there is no .* in this machine/, /hardware=cpu/),
      );
    }
    assert.deepEqual(readdirSync(cache.path), []);
    await assert.rejects(ensurePlugin('cudda' as never), refuses('not_found', /'cudda'/, /did you mean 'cuda'/));
  });

  test('a library that was cut short is told, and not loaded', async () => {
    const elf = Buffer.alloc(64);
    elf.write('\x7fELF', 'latin1');
    elf.writeBigUInt64LE(1_000_000n, 40);
    const path = join(cache.path, 'cut.so');
    writeFileSync(path, elf);
    assert.throws(() => Plugin.load(path), refuses('plugin', /cut short: 64 bytes of 1000000/, /again/));
    writeFileSync(path, 'no library, though long enough to have the header that one begins with, 64 bytes');
    assert.throws(() => Plugin.load(path), refuses('plugin', /not a shared library/, /built for/));
    assert.throws(() => Plugin.load(cache.path), refuses('io', /found a folder/, /file/));
  });

  test('removing takes what was installed, and forgets what was added', () => {
    const added = file('mine.so');
    writeFileSync(
      join(cache.path, 'plugins.json'),
      JSON.stringify([{ device: 'rocm', path: added, sha256: '', ...statOf(added) }]),
    );
    mkdirSync(join(cache.path, 'plugins', 'libtpu-0.0.1-linux-x64'), { recursive: true });
    mkdirSync(join(cache.path, 'plugins', 'other'));
    assert.deepEqual(removePlugin('tpu'), [join(cache.path, 'plugins', 'libtpu-0.0.1-linux-x64')]);
    assert.deepEqual(readdirSync(join(cache.path, 'plugins')), ['other']);
    assert.deepEqual(removePlugin(added), [added]);
    assert.ok(existsSync(added));
    assert.throws(() => removePlugin('rocm'), refuses('not_found', /no plugin for rocm/, /plugins list/));
    assert.throws(() => removePlugin('../other'), refuses('not_found', /no plugin is called/, /there are/));
  });

  test('every device has a row, and those not installed by themselves say how', async () => {
    for (const row of listPlugins()) {
      assert.ok(row.status !== 'manual' || /fluxion plugins add/.test(row.manual!), row.device);
      if (row.status === 'manual')
        await assert.rejects(
          installPlugin(row.device),
          refuses('unsupported', /not installed automatically/, /plugins add/),
        );
    }
    assert.equal(new Set(PLUGINS.map((entry) => entry.package)).size, PLUGINS.length);
    const used = listPlugins().filter((row) => row.used);
    assert.deepEqual(used.map(({ device }) => device).sort(), [...DEVICE_NAMES].sort());
    await assert.rejects(installPlugin('cudda'), refuses('not_found', /'cudda'/, /did you mean 'cuda'/));
  });

  test('a machine without a package is told what to do', () => {
    const [cpu] = pluginEntries('cpu', 'linux-arm64');
    assert.equal(wheelFor(cpu, { name: 'linux-arm64', glibc: '2.36' }).glibc, '2.27');
    const refused = (name: string, glibc: string | undefined, message: RegExp) =>
      assert.throws(() => wheelFor(cpu, { name, glibc }), refuses('unsupported', message, /container.*plugins add/));
    refused('darwin-x64', undefined, /no package for darwin-x64/);
    refused('win32-x64', undefined, /no package for win32-x64/);
    refused('linux-x64', undefined, /musl/);
    refused('linux-x64', '2.17', /needs glibc 2\.27, found 2\.17/);
    refused('linux-x64', '2.9', /needs glibc 2\.27, found 2\.9/);
  });
});

test('the installers’ words are understood', () => {
  const wheel = {
    package: 'fluxion-tiny-plugin',
    version: '1.0',
    sha256: '',
    file: 'plugin.so',
    fileSha256: '',
    bytes: 908,
    unpackedBytes: 8,
  };
  const said = (output: string) => explain(wheel, '/cache/plugins/.staging', 'pip', output);
  assert.ok(
    refuses(
      'io',
      /disk ran full/,
      /free 916 B there, or set FLUXION_CACHE_DIR/,
    )(said('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')),
  );
  assert.ok(
    refuses(
      'plugin',
      /could not reach/,
      /HTTPS_PROXY/,
    )(
      said(
        'error: Failed to fetch: `https://index/simple/x/`\n  Caused by: dns error: failed to lookup address information',
      ),
    ),
  );
  assert.ok(refuses('plugin', /wrong hash/, /nothing was installed/)(said('error: Hash mismatch for `x==1`')));
  assert.ok(refuses('plugin', /could not install .*segfault/, /run it again/)(said('segfault')));
});
