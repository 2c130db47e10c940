/** What stands between a path as it is typed and the file system: home folders, variables, addresses, folders that cannot be made. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { cacheFolder } from '../../src/support/cache-folder.ts';
import { makeFolder } from '../../src/support/make-folder.ts';
import { withoutSecrets } from '../../src/support/shown-url.ts';
import { userPath } from '../../src/support/user-path.ts';
import { fails } from './fails.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-path-'));
after(() => rmSync(root, { recursive: true }));

describe('a path as it is typed', () => {
  const env = { HOME: '/home/ada', WORK: '/data', EMPTY: '' };

  test('has its home folder and variables expanded as in Python', () => {
    const cases: [string, string][] = [
      ['~', '/home/ada'],
      ['~/pictures', '/home/ada/pictures'],
      ['$HOME/pictures', '/home/ada/pictures'],
      [`\${WORK}/a/$WORK`, '/data/a//data'],
      ['$WORKS/a', '$WORKS/a'],
      [`\${OPEN/a`, `\${OPEN/a`],
      ['a$EMPTY/b', 'a/b'],
      ['a/~/b', 'a/~/b'],
      ['a~', 'a~'],
      ['./~', './~'],
      ['C:\\models\\flux', 'C:\\models\\flux'],
      ['org/name@v1', 'org/name@v1'],
    ];
    for (const [typed, path] of cases) assert.equal(userPath(typed, env), path, typed);
    assert.equal(userPath('~', {}), homedir());
  });

  test("finds another user's home folder, and says where there is no such user", {
    skip: process.platform === 'win32',
  }, () => {
    assert.equal(userPath(`~${userInfo().username}/x`, env), join(userInfo().homedir, 'x'));
    fails(
      () => userPath('~nobody-of-this-name/x', env),
      'bad_config',
      /nobody-of-this-name/,
      /\.\/~nobody-of-this-name/,
    );
  });

  test('stands in the variables of cache folders too', () => {
    assert.equal(cacheFolder({ ...env, FLUXION_CACHE_DIR: '$WORK/c' }, 'linux'), '/data/c');
    assert.equal(cacheFolder({ ...env, XDG_CACHE_HOME: '~/c' }, 'linux'), '/home/ada/c/fluxion');
  });

  test('is no address, and has no NUL', () => {
    fails(() => userPath('gs://bucket/flux'), 'bad_config', /gs:\/\/bucket\/flux/, /gcsfuse/);
    fails(() => userPath('s3://bucket'), 'bad_config', /s3fs/);
    fails(() => userPath('https://huggingface.co/org/model/tree/main'), 'bad_config', /by its name: org\/model/);
    fails(() => userPath('file:///x'), 'bad_config', /leave out file:/);
    fails(() => userPath('a\0b'), 'bad_config', /NUL/);
  });
});

describe('a folder', () => {
  test('is made with those above it, and may be there already', () => {
    const path = join(root, 'a', 'b', 'c');
    for (let i = 0; i < 2; i++) makeFolder(path);
    assert.ok(statSync(path).isDirectory());
    writeFileSync(join(root, 'file'), '');
    for (const bad of [join(root, 'file'), join(root, 'file', 'x')])
      assert.throws(() => makeFolder(bad), /EEXIST|ENOTDIR/);
  });

  test('that the system refuses to make is an error, at once', { skip: !existsSync('/proc/self') }, () => {
    assert.throws(() => makeFolder('/proc/x/y'), /ENOENT|EACCES|EPERM/);
  });
});

test('addresses are shown without logins, signatures and tokens', () => {
  const cases: [string, string][] = [
    ['https://user:pass@host/a?sig=1#x', 'https://host/a?…'],
    ['https://hf_abcdefghijkl@host', 'https://host'],
    ['https://user:p/a?s#s@host/a', 'https://host/a'],
    ['user:pass@host', 'host'],
    ['valkey://:pass@host:6379: connect ECONNREFUSED', 'valkey://host:6379: connect ECONNREFUSED'],
    ['https://host/a/b', 'https://host/a/b'],
    ['token hf_abcdefghijkl', 'token hf_…'],
  ];
  for (const [address, shown] of cases) assert.equal(withoutSecrets(address), shown);
});
