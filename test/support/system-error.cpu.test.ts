/** What the operating system refuses is told as the user's matter, and only regular files are read. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import { FluxionError } from '../../src/support/errors.ts';
import { readRegular } from '../../src/support/regular-file.ts';
import { explained, explaining } from '../../src/support/system-error.ts';
import { readRecord } from '../../src/tokenizers/files.ts';
import { notThere, readingFile } from '../../src/weights/files/file-bytes.ts';
import { streamRuns } from '../../src/weights/files/write-file.ts';
import { openMapped } from '../../src/xla/pjrt/mapped-file.ts';
import { fluxion, temporaryFolder } from './command-line.ts';
import { fails } from './fails.ts';
import { repositoryPath } from './fixture.ts';

describe('errors of the operating system', () => {
  test('each says which file and why, and what to do', () => {
    using folder = temporaryFolder();
    symlinkSync('b', folder.file('a'));
    symlinkSync('a', folder.file('b'));
    writeFileSync(folder.file('file'), '');
    const cases = [
      [folder.file('none'), 'not_found', /none: no such file/],
      [folder.file('file/in'), 'not_found', /file\/in: a part of the path is a file/],
      [folder.file('a'), 'io', /\/a: its symbolic links lead in a circle\n.*links/],
      [folder.file('n'.repeat(300)), 'io', /n: the name is too long\n.*255/],
      ['a\0b', 'not_found', /null byte/],
    ] as const;
    for (const [path, code, message] of cases) {
      fails(() => explaining(path, () => readFileSync(path)), code, message);
      fails(() => readingFile(path), code, message);
      assert.equal(notThere(path).code, code);
    }
  });

  test('a code that is not in the list is still the system’s, and a mistake of ours is not', () => {
    const odd = Object.assign(new Error('EODD: odd, read'), { code: 'EODD', syscall: 'read', path: '/x' });
    const told = explained(odd);
    assert.ok(told instanceof FluxionError);
    assert.deepEqual([told.code, told.message, told.cause], ['io', '/x: EODD: odd, read', odd]);
    const ours = new TypeError('undefined is not a function');
    assert.equal(explained(ours), ours);
  });

  test('a disk that is full while a file is written', { skip: process.platform !== 'linux' }, () => {
    fails(
      () => explaining('/dev/full', () => writeFileSync('/dev/full', 'x')),
      'io',
      /the disk is full\n.*free some space/,
    );
  });

  test('no command calls them a bug', async () => {
    using folder = temporaryFolder();
    symlinkSync('loop', folder.file('loop'));
    const long = 'n'.repeat(300);
    const lines = [
      ['inspect', 'loop'],
      ['inspect', long],
      ['convert', 'loop', 'out.safetensors'],
      ['generate', 'loop/x.yml', 'a cat'],
      ['generate', 'a cat', `output_dir=${long}`],
      ['generate', 'a cat', 'vae=loop'],
      ['redo', 'loop'],
    ];
    const ended = await Promise.all(lines.map((line) => fluxion(line, { cwd: folder.path })));
    for (const [i, { status, stderr }] of ended.entries()) {
      assert.notEqual(status, 0, lines[i]!.join(' '));
      assert.match(stderr, /^(?:load\n)?error: [^\n]+\nhint: [^\n]+\n$/, lines[i]!.join(' '));
      assert.doesNotMatch(stderr, /this is a bug|E[A-Z]{4,}/, lines[i]!.join(' '));
    }
  });
});

describe('only regular files are read', () => {
  test('a pipe, a device and a folder are refused at once', { skip: process.platform === 'win32' }, () => {
    using folder = temporaryFolder();
    execFileSync('mkfifo', [folder.file('pipe')]);
    symlinkSync('/dev/zero', folder.file('zero'));
    for (const open of [readingFile, openMapped, (path: string) => readRegular(path, 100)]) {
      fails(() => open(folder.file('pipe')), 'io', /pipe: expected a regular file, found a pipe/);
      fails(() => open(folder.file('zero')), 'io', /zero: expected a regular file, found a device/);
      fails(() => open(folder.path), 'io', /expected a file, found a folder/);
    }
    fails(() => readRecord(folder.path, 'pipe'), 'io', /found a pipe/);
  });

  test('no command waits for a pipe or reads a device', { skip: process.platform === 'win32' }, async () => {
    using folder = temporaryFolder();
    execFileSync('mkfifo', [folder.file('pipe')]);
    execFileSync('mkfifo', [folder.file('pipe.yml')]);
    symlinkSync('/dev/zero', folder.file('zero.safetensors'));
    const lines = [
      ['inspect', 'pipe'],
      ['inspect', 'zero.safetensors'],
      ['redo', 'pipe'],
      ['redo', '/dev/zero'],
      ['convert', 'pipe', 'out.safetensors'],
      ['generate', 'pipe.yml', 'a cat'],
      ['generate', 'a cat', 'transformer=zero.safetensors'],
      ['generate', 'a cat', '--lora', 'pipe'],
      ['generate', 'a cat', 'pretrained_model_name_or_path=pipe'],
    ];
    const ended = await Promise.all(lines.map((line) => fluxion(line, { cwd: folder.path })));
    for (const [i, { status, stderr }] of ended.entries()) {
      assert.notEqual(status, 0, lines[i]!.join(' '));
      assert.match(stderr, /expected a regular file, found a (pipe|device)/, lines[i]!.join(' '));
    }
  });

  test('a link whose target is gone says so', () => {
    using folder = temporaryFolder();
    symlinkSync('blobs/gone', folder.file('model.safetensors'));
    const path = folder.file('model.safetensors');
    fails(
      () => readingFile(path),
      'not_found',
      /model\.safetensors: a link to 'blobs\/gone', which is not there\n.*download/,
    );
    assert.match(notThere(path).message, /a link to 'blobs\/gone'/);
  });
});

test('a partial file is never written through a link that waits under its name', async () => {
  using folder = temporaryFolder();
  const victim = folder.file('victim');
  writeFileSync(victim, 'precious');
  const target = folder.file('out.bin');
  // The name that earlier versions wrote to, which anyone could foresee.
  symlinkSync(victim, `${target}.${process.pid}.${hostname()}.partial`);
  await streamRuns(target, [Buffer.from('weights')]);
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(readFileSync(target, 'utf8'), 'weights');
  assert.ok(lstatSync(target).isFile());
  mkdirSync(folder.file('taken'));
  await assert.rejects(streamRuns(folder.file('taken'), [Buffer.from('x')]), {
    code: 'io',
    message: /taken: cannot write: /,
  });
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => /-[0-9a-f]{12}\./.test(name)),
    [],
  );
  assert.ok(statSync(folder.file('taken')).isDirectory());
});

test('convert says what is wrong with its output before it reads a weight', async () => {
  using folder = temporaryFolder();
  const vae = repositoryPath('models/tiny/vae');
  writeFileSync(folder.file('file'), '');
  mkdirSync(folder.file('folder'));
  const cases: [words: string[], what: RegExp][] = [
    [
      [vae, 'none/out.safetensors'],
      /none\/out\.safetensors: its folder is not there\nhint: make it first: mkdir -p none/,
    ],
    [[vae, 'none/out'], /none\/out: its folder is not there/],
    [[vae, 'file/out.safetensors'], /a part of the path is a file, not a folder/],
    [[vae, `${'n'.repeat(300)}.safetensors`], /the name is too long/],
    [[vae, 'folder'], /folder: already exists/],
    [[vae, vae, 'out.safetensors'], /an autoencoder is there twice\nhint: .*--part/],
    [[vae, '/proc/out.safetensors'], /the disk has 0 B left\nhint: free some space/],
    [['none', 'out.safetensors'], /none: no such file or folder/],
  ];
  for (const [words, what] of cases) {
    const { status, stderr } = await fluxion(['convert', ...words], { cwd: folder.path });
    assert.notEqual(status, 0);
    assert.match(stderr, what, words.join(' '));
    assert.doesNotMatch(stderr, /this is a bug/);
  }
  assert.deepEqual(readdirSync(folder.path).sort(), ['file', 'folder']);
});
