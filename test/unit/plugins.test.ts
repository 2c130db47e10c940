/** Finding and installing plugins: real pip on a tiny wheel made here, every way it can go wrong, and two at once. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { type InstallProgress, installWheel } from '../../src/pjrt/install.ts';
import { explain, type WheelRequest } from '../../src/pjrt/installers.ts';
import { DEVICE_NAMES, PLUGINS, pluginEntries } from '../../src/pjrt/plugin-table.ts';
import {
  ensurePlugin,
  findPlugin,
  installPlugin,
  listPlugins,
  pluginFingerprint,
  wheelFor,
} from '../../src/pjrt/plugins.ts';
import { cacheFolder } from '../../src/support/cache-folder.ts';
import { FluxionError } from '../../src/support/errors.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-plugins-'));
after(() => rmSync(root, { recursive: true }));

const environment = { ...process.env };
let cache: string;
beforeEach(() => {
  process.env = { ...environment };
  cache = mkdtempSync(join(root, 'cache-'));
  process.env['FLUXION_CACHE_DIR'] = cache;
  delete process.env['FLUXION_PJRT_PLUGIN'];
});
after(() => {
  process.env = environment;
});

const refuses = (code: string, message: RegExp, hint: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FluxionError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.match(error.hint ?? '', hint);
  return true;
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
  const file = (name: string) => {
    const path = join(cache, name);
    writeFileSync(path, name);
    return path;
  };

  test('the environment goes first, then what was added, then what was installed', async () => {
    assert.equal(findPlugin('cpu', {}), undefined);
    // The best package goes first, whichever was installed first.
    const entries = PLUGINS.filter(({ device, wheels }) => device === 'cpu' && wheels['linux-x64']);
    assert.deepEqual(pluginEntries('cpu', 'linux-x64'), entries);
    assert.equal(entries.length, 2);
    let path = '';
    for (const entry of pluginEntries('cpu').toReversed()) {
      const host = `${process.platform}-${process.arch}`;
      const installed = join(cache, 'plugins', `${entry.package}-${entry.version}-${host}`);
      const before = findPlugin('cpu', {});
      path = join(installed, entry.file!);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'plugin');
      assert.deepEqual(findPlugin('cpu', {}), before, 'a package without its record is unfinished');
      writeFileSync(join(installed, 'fluxion-plugin.json'), '{}');
      assert.deepEqual(findPlugin('cpu', {}), { device: 'cpu', path, source: 'installed' });
      assert.equal(listPlugins().find(({ used, device }) => used && device === 'cpu')!.package, entry.package);
    }

    const added = file('added.so');
    writeFileSync(join(cache, 'plugins.json'), JSON.stringify([{ device: 'cpu', path: added }]));
    assert.equal(findPlugin('cpu', {})!.path, added);
    assert.equal(findPlugin('cuda', {}), undefined);
    assert.equal(listPlugins().find((row) => row.device === 'cpu')!.status, 'added');

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
    writeFileSync(join(cache, 'plugins.json'), '{');
    assert.throws(() => findPlugin('cpu', {}), refuses('bad_file', /plugins\.json/, /delete it/));
  });

  test('a fingerprint follows the file', () => {
    const path = file('some.so');
    const before = pluginFingerprint(path);
    assert.equal(pluginFingerprint(path), before);
    utimesSync(path, 1, 1);
    assert.notEqual(pluginFingerprint(path), before);
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
    assert.equal(wheelFor(cpu, { platform: 'linux', arch: 'arm64', glibc: '2.36' }).glibc, '2.27');
    const refused = (platform: string, glibc: string | undefined, message: RegExp) =>
      assert.throws(
        () => wheelFor(cpu, { platform, arch: 'x64', glibc }),
        refuses('unsupported', message, /container.*plugins add/),
      );
    refused('darwin', undefined, /no package for darwin-x64/);
    refused('win32', undefined, /no package for win32-x64/);
    refused('linux', undefined, /musl/);
    refused('linux', '2.17', /needs glibc 2\.27, found 2\.17/);
    refused('linux', '2.9', /needs glibc 2\.27, found 2\.9/);
  });
});

const python = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

describe('installing', { skip: python ? false : 'python3 with pip is not here' }, () => {
  const links = join(root, 'wheels');
  const wheel = python ? makeWheel(links) : ({} as WheelRequest);

  beforeEach(() => {
    Object.assign(process.env, { PIP_NO_INDEX: '1', PIP_FIND_LINKS: links, UV_OFFLINE: '1', UV_FIND_LINKS: links });
  });
  const folder = (name = 'tiny') => join(cache, 'plugins', name);
  const assertNothingLeft = () =>
    assert.deepEqual(existsSync(join(cache, 'plugins')) ? readdirSync(join(cache, 'plugins')) : [], []);

  test('unpacks, records, reports, and does it once', async () => {
    const seen: InstallProgress[] = [];
    const path = await installWheel(wheel, folder(), { onProgress: (_, progress) => seen.push(progress) });
    assert.equal(readFileSync(path, 'utf8'), 'a plugin');
    assert.equal(pluginFingerprint(path), `sha256:${wheel.fileSha256}`);
    assert.deepEqual([...new Set(seen.map((p) => p.phase))], ['downloading', 'verifying', 'installed']);
    assert.deepEqual(readdirSync(join(cache, 'plugins')), ['tiny']);
    process.env['PATH'] = '';
    assert.equal(await installWheel(wheel, folder()), path, 'a second time needs no installer');
  });

  test('brings the packages that a plugin needs beside it, each by its hash', async () => {
    const library = makeWheel(links, 'library');
    const whole = { ...wheel, companions: [library] };
    await installWheel(whole, folder('whole'));
    assert.ok(existsSync(join(folder('whole'), library.file)));
    const altered = { ...wheel, companions: [{ ...library, sha256: '0'.repeat(64) }] };
    await assert.rejects(installWheel(altered, folder('altered')), refuses('plugin', /wrong hash/, /nothing was/));
    assert.ok(!existsSync(folder('altered')));
  });

  test('refuses a wheel, or a file in it, with another hash', async () => {
    const zero = '0'.repeat(64);
    await assert.rejects(
      installWheel({ ...wheel, sha256: zero }, folder()),
      refuses('plugin', /wrong hash/, /nothing was installed/),
    );
    await assert.rejects(
      installWheel({ ...wheel, fileSha256: zero }, folder()),
      refuses('plugin', /wrong hash/, /nothing was installed/),
    );
    assertNothingLeft();
  });

  test('says what to do without the package, without a network, without an installer', async () => {
    await assert.rejects(
      installWheel({ ...wheel, version: '9.9' }, folder()),
      refuses('plugin', /found no fluxion-tiny-plugin 9\.9/, /upgrade pip/),
    );
    Object.assign(process.env, {
      PIP_FIND_LINKS: '',
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      PIP_RETRIES: '1',
      UV_INDEX_URL: 'http://127.0.0.1:9/simple',
    });
    for (const name of [
      'PIP_NO_INDEX',
      'PIP_FIND_LINKS',
      'PIP_EXTRA_INDEX_URL',
      'UV_OFFLINE',
      'UV_FIND_LINKS',
      'HTTP_PROXY',
      'http_proxy',
    ])
      delete process.env[name];
    process.env['PIP_CONFIG_FILE'] = '/dev/null';
    await assert.rejects(
      installWheel(wheel, folder()),
      refuses('plugin', /could not reach the package index/, /network.*plugins add/),
    );
    process.env['PATH'] = '';
    await assert.rejects(installWheel(wheel, folder()), refuses('plugin', /needs uv or pip/, /install uv/));
    assertNothingLeft();
  });

  test('an abort ends it and leaves nothing', async () => {
    const controller = new AbortController();
    const installing = installWheel(wheel, folder(), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await assert.rejects(installing, /enough/);
    assertNothingLeft();
  });

  test('a folder that cannot be made is named', async () => {
    writeFileSync(join(cache, 'plugins'), 'a file where a folder should be');
    await assert.rejects(installWheel(wheel, folder()), refuses('io', /cannot create .*plugins/, /FLUXION_CACHE_DIR/));
  });

  /** Installs in a process of its own; `onProgress` is the body of its progress callback. */
  const inChild = (onProgress: string) =>
    new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>((resolve) => {
      const source = `
        import { installWheel } from ${JSON.stringify(new URL('../../src/pjrt/install.ts', import.meta.url).href)};
        const onProgress = (message, { phase }) => { ${onProgress} };
        console.log(await installWheel(${JSON.stringify(wheel)}, ${JSON.stringify(folder())}, { onProgress }));`;
      const child = execFile(process.execPath, ['--input-type=module', '-e', source], (_, stdout, stderr) =>
        resolve({ code: child.exitCode, signal: child.signalCode, stdout: stdout.trim(), stderr }),
      );
    });

  test('killed at the last moment it leaves nothing that looks installed, and the next one cleans up', async () => {
    const killed = await inChild(`if (phase === 'verifying') process.kill(process.pid, 'SIGKILL');`);
    assert.equal(killed.signal, 'SIGKILL', killed.stderr);
    const [left, ...others] = readdirSync(join(cache, 'plugins'));
    assert.match(left!, /^\.tiny\.\d+\.[0-9a-f]{8}$/);
    assert.deepEqual(others, []);
    await installWheel(wheel, folder());
    assert.deepEqual(readdirSync(join(cache, 'plugins')), ['tiny']);
  });

  test('two processes at once agree', async () => {
    const results = await Promise.all([inChild(''), inChild('')]);
    for (const { code, stdout, stderr } of results) {
      assert.equal(code, 0, stderr);
      assert.equal(stdout, join(folder(), wheel.file));
    }
    assert.deepEqual(readdirSync(join(cache, 'plugins')), ['tiny']);
  });

  test('the installers’ words are understood', () => {
    const said = (output: string) => explain(wheel, join(cache, 'staging'), 'pip', output);
    assert.ok(
      refuses(
        'io',
        /disk ran full/,
        /free 1 MB there, or set FLUXION_CACHE_DIR/,
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
});

/** Makes a wheel with one file in it and describes it as an install request. */
function makeWheel(links: string, name = 'plugin'): WheelRequest {
  const file = `tiny_${name}/${name}.so`;
  const info = `fluxion_tiny_${name}-1.0.dist-info`;
  const wheel = join(links, `fluxion_tiny_${name}-1.0-py3-none-any.whl`);
  mkdirSync(links, { recursive: true });
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('${file}', 'a plugin')
    z.writestr('${info}/METADATA', 'Metadata-Version: 2.1\\nName: fluxion-tiny-${name}\\nVersion: 1.0\\n')
    z.writestr('${info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('${info}/RECORD', '${file},,\\n${info}/METADATA,,\\n${info}/WHEEL,,\\n${info}/RECORD,,\\n')`;
  const made = spawnSync('python3', ['-c', script, wheel], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  const bytes = readFileSync(wheel);
  return {
    package: `fluxion-tiny-${name}`,
    version: '1.0',
    sha256: hash(bytes),
    file,
    fileSha256: hash('a plugin'),
    bytes: bytes.length,
    unpackedBytes: 8,
  };
}
