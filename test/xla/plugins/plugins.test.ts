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
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { cacheFolder } from '../../../src/support/cache-folder.ts';
import { FluxionError } from '../../../src/support/errors.ts';
import { processMark } from '../../../src/support/process-mark.ts';
import { Plugin } from '../../../src/xla/pjrt/client.ts';
import { type InstallProgress, installWheel } from '../../../src/xla/plugins/install.ts';
import { explain, type WheelRequest } from '../../../src/xla/plugins/installers.ts';
import { damageOf } from '../../../src/xla/plugins/plugin-record.ts';
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

const statOf = (path: string) => {
  const { size, mtimeMs } = statSync(path);
  return { size, mtimeMs };
};

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
      assert.deepEqual(findPlugin('cpu', {}), before, 'a torn record tells nothing');
      const { fileSha256: sha256 } = entry.wheels[host]!;
      writeFileSync(join(installed, 'fluxion-plugin.json'), JSON.stringify({ sha256, ...statOf(path) }));
      assert.deepEqual(findPlugin('cpu', {}), { device: 'cpu', path, source: 'installed' });
      assert.equal(listPlugins().find(({ used, device }) => used && device === 'cpu')!.package, entry.package);
    }

    const added = file('added.so');
    writeFileSync(
      join(cache, 'plugins.json'),
      JSON.stringify([{ device: 'cpu', path: added, sha256: '', ...statOf(added) }]),
    );
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
    for (const torn of ['', '{', '{}', '[1, null, {"path": 3}]']) {
      writeFileSync(join(cache, 'plugins.json'), torn);
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
    assert.deepEqual(readdirSync(cache), []);
    await assert.rejects(ensurePlugin('cudda' as never), refuses('not_found', /'cudda'/, /did you mean 'cuda'/));
  });

  test('a library that was cut short is told, and not loaded', async () => {
    const elf = Buffer.alloc(64);
    elf.write('\x7fELF', 'latin1');
    elf.writeBigUInt64LE(1_000_000n, 40);
    const path = join(cache, 'cut.so');
    writeFileSync(path, elf);
    assert.throws(() => Plugin.load(path), refuses('plugin', /cut short: 64 bytes of 1000000/, /again/));
    writeFileSync(path, 'no library, though long enough to have the header that one begins with, 64 bytes');
    assert.throws(() => Plugin.load(path), refuses('plugin', /no shared library/, /built for/));
    assert.throws(() => Plugin.load(cache), refuses('io', /found a folder/, /file/));
  });

  test('removing takes what was installed, and forgets what was added', () => {
    const added = file('mine.so');
    writeFileSync(
      join(cache, 'plugins.json'),
      JSON.stringify([{ device: 'rocm', path: added, sha256: '', ...statOf(added) }]),
    );
    mkdirSync(join(cache, 'plugins', 'libtpu-0.0.1-linux-x64'), { recursive: true });
    mkdirSync(join(cache, 'plugins', 'other'));
    assert.deepEqual(removePlugin('tpu'), [join(cache, 'plugins', 'libtpu-0.0.1-linux-x64')]);
    assert.deepEqual(readdirSync(join(cache, 'plugins')), ['other']);
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

  test('what was changed or cut short since is installed again; a copy with another time is not', async () => {
    const library = makeWheel(links, 'library');
    const path = await installWheel(wheel, folder());
    utimesSync(path, 1, 1);
    process.env['PATH'] = '';
    assert.equal(damageOf(folder(), wheel), undefined, 'its hash is the same');
    assert.equal(pluginFingerprint(path), `sha256:${wheel.fileSha256}`, 'the record was renewed');
    for (const torn of ['', '{', 'null', '[]', '{"sha256": 1}']) {
      writeFileSync(join(folder(), 'fluxion-plugin.json'), torn);
      assert.equal(damageOf(folder(), { ...wheel, companions: [library] }), 'its record is gone or torn');
      assert.equal(await installWheel(wheel, folder()), path, 'the hash of the file tells that it is whole');
    }
    process.env['PATH'] = environment['PATH'];
    for (const other of ['a plug', 'A PLUGIN']) {
      writeFileSync(path, other);
      assert.match(damageOf(folder(), wheel)!, /expected/);
      await installWheel(wheel, folder());
      assert.equal(readFileSync(path, 'utf8'), 'a plugin');
    }
  });

  test('nothing in the current folder is run', async () => {
    const trap = join(cache, 'trap');
    mkdirSync(join(trap, 'pip'), { recursive: true });
    const mark = join(cache, 'trapped');
    writeFileSync(join(trap, 'pip', '__init__.py'), '');
    for (const name of ['pip/__main__.py', 'sitecustomize.py', 'usercustomize.py', 'zipfile.py'])
      writeFileSync(join(trap, name), `open(${JSON.stringify(mark)}, 'a').write(${JSON.stringify(name)})\n`);
    for (const name of ['python3', 'python', 'uv', 'pip3'])
      writeFileSync(join(trap, name), `#!/bin/sh\necho ${name} >> ${mark}\n`, { mode: 0o755 });
    symlinkSync(links, join(trap, 'wheels'));
    const env = {
      ...process.env,
      PATH: `.:${':'}${process.env['PATH']}`,
      PYTHONPATH: '.',
      PYTHONSTARTUP: './sitecustomize.py',
      PIP_PYTHON: './python3',
      PIP_FIND_LINKS: './wheels',
      UV_FIND_LINKS: './wheels',
    };
    const { code, stdout, stderr } = await inChild('', { cwd: trap, env });
    assert.equal(existsSync(mark) ? readFileSync(mark, 'utf8') : '', '');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, join(folder(), wheel.file));
  });

  test('what installations left is swept; those of other containers and machines when they fell silent for a day', async () => {
    const parent = join(cache, 'plugins');
    const [, start, place] = processMark().split('-');
    const ended = spawnSync(process.execPath, ['-e', '0']).pid;
    const leave = (mark: string, hours: number) => {
      const name = `.tiny.${mark}.0123abcd`;
      mkdirSync(join(parent, name), { recursive: true });
      const touched = new Date(Date.now() - hours * 3_600_000);
      utimesSync(join(parent, name), touched, touched);
      return name;
    };
    const kept = [leave(`${process.pid}-${start}-${place}`, 100), leave('1-5-0123456789ab', 20), leave(`${ended}`, 1)];
    for (const mark of [`${ended}-${start}-${place}`, `${process.pid}-1-${place}`]) leave(mark, 0);
    leave('2-5-0123456789ab', 30);
    await installWheel(wheel, folder());
    assert.deepEqual(readdirSync(parent).toSorted(), [...kept, 'tiny'].toSorted());
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
  const inChild = (onProgress: string, options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
    new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>((resolve) => {
      const source = `
        import { installWheel } from ${JSON.stringify(new URL('../../../src/xla/plugins/install.ts', import.meta.url).href)};
        const onProgress = (message, { phase }) => { ${onProgress} };
        console.log(await installWheel(${JSON.stringify(wheel)}, ${JSON.stringify(folder())}, { onProgress }));`;
      const child = execFile(process.execPath, ['--input-type=module', '-e', source], options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, signal: child.signalCode, stdout: stdout.trim(), stderr }),
      );
    });

  test('killed at the last moment it leaves nothing that looks installed, and the next one cleans up', async () => {
    const killed = await inChild(`if (phase === 'verifying') process.kill(process.pid, 'SIGKILL');`);
    assert.equal(killed.signal, 'SIGKILL', killed.stderr);
    const [left, ...others] = readdirSync(join(cache, 'plugins'));
    assert.match(left!, /^\.tiny\.\d+-\d+-[0-9a-f]{12}\.[0-9a-f]{8}$/);
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
