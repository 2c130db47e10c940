/** Installing plugins: real pip on a tiny wheel made here, every way it can go wrong, and two at once. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { processMark } from '../../../src/support/process-mark.ts';
import { type InstallProgress, installWheel } from '../../../src/xla/plugins/install.ts';
import type { WheelRequest } from '../../../src/xla/plugins/installers.ts';
import { damageOf } from '../../../src/xla/plugins/plugin-record.ts';
import { pluginFingerprint } from '../../../src/xla/plugins/plugins.ts';
import { refuses } from '../../support/fails.ts';
import { ownCache } from '../../support/own-cache.ts';

const cache = ownCache();

const python = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

describe('installing', { skip: python ? false : 'python3 with pip is not here' }, () => {
  const links = join(cache.root, 'wheels');
  const wheel = python ? makeWheel(links) : ({} as WheelRequest);

  beforeEach(() => {
    Object.assign(process.env, { PIP_NO_INDEX: '1', PIP_FIND_LINKS: links, UV_OFFLINE: '1', UV_FIND_LINKS: links });
  });
  const folder = (name = 'tiny') => join(cache.path, 'plugins', name);
  const assertNothingLeft = () =>
    assert.deepEqual(existsSync(join(cache.path, 'plugins')) ? readdirSync(join(cache.path, 'plugins')) : [], []);

  test('unpacks, records, reports, and does it once', async () => {
    const seen: InstallProgress[] = [];
    const path = await installWheel(wheel, folder(), { onProgress: (_, progress) => seen.push(progress) });
    assert.equal(readFileSync(path, 'utf8'), 'a plugin');
    assert.equal(pluginFingerprint(path), `sha256:${wheel.fileSha256}`);
    assert.deepEqual([...new Set(seen.map((p) => p.phase))], ['downloading', 'verifying', 'installed']);
    assert.deepEqual(readdirSync(join(cache.path, 'plugins')), ['tiny']);
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
    const { PATH: searched } = process.env;
    process.env['PATH'] = '';
    assert.equal(damageOf(folder(), wheel), undefined, 'its hash is the same');
    assert.equal(pluginFingerprint(path), `sha256:${wheel.fileSha256}`, 'the record was renewed');
    for (const torn of ['', '{', 'null', '[]', '{"sha256": 1}']) {
      writeFileSync(join(folder(), 'fluxion-plugin.json'), torn);
      assert.equal(damageOf(folder(), { ...wheel, companions: [library] }), 'its record is gone or torn');
      assert.equal(await installWheel(wheel, folder()), path, 'the hash of the file tells that it is whole');
    }
    process.env['PATH'] = searched ?? '';
    for (const other of ['a plug', 'A PLUGIN']) {
      writeFileSync(path, other);
      assert.match(damageOf(folder(), wheel)!, /expected/);
      await installWheel(wheel, folder());
      assert.equal(readFileSync(path, 'utf8'), 'a plugin');
    }
  });

  test('nothing in the current folder is run', async () => {
    const trap = join(cache.path, 'trap');
    mkdirSync(join(trap, 'pip'), { recursive: true });
    const mark = join(cache.path, 'trapped');
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
    const parent = join(cache.path, 'plugins');
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
    writeFileSync(join(cache.path, 'plugins'), 'a file where a folder should be');
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
    const [left, ...others] = readdirSync(join(cache.path, 'plugins'));
    assert.match(left!, /^\.tiny\.\d+-\d+-[0-9a-f]{12}\.[0-9a-f]{8}$/);
    assert.deepEqual(others, []);
    await installWheel(wheel, folder());
    assert.deepEqual(readdirSync(join(cache.path, 'plugins')), ['tiny']);
  });

  test('two processes at once agree', async () => {
    const results = await Promise.all([inChild(''), inChild('')]);
    for (const { code, stdout, stderr } of results) {
      assert.equal(code, 0, stderr);
      assert.equal(stdout, join(folder(), wheel.file));
    }
    assert.deepEqual(readdirSync(join(cache.path, 'plugins')), ['tiny']);
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
