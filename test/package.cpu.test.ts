/**
 * What is published: exported names have doc comments, and docs/reference is what they say; built doors import files that are there; on a
 * Node that is too old they can be read, and say which is needed; the bundled program finds the package's files.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundleProgram } from '../scripts/bundle-program.ts';
import { DOORS, reference, sources } from '../scripts/reference-docs.ts';
import { temporaryFolder } from './support/command-line.ts';
import { repositoryPath } from './support/fixture.ts';

/** Read once: the pages and the built files come from the same sources. */
const program = sources();

describe('docs/reference', () => {
  const { pages, undocumented } = reference(program);

  test('every exported name has a doc comment', () => assert.deepEqual(undocumented, []));

  test('is up to date', () => {
    const names = readdirSync(repositoryPath('docs/reference'));
    assert.deepEqual(names.sort(), Object.keys(pages).sort());
    const stale = names.filter(
      (name) => readFileSync(repositoryPath(`docs/reference/${name}`), 'utf8') !== pages[name],
    );
    assert.deepEqual(stale, [], 'run: node scripts/reference-docs.ts');
  });
});

const SAID = /FluxionError: fluxion needs Node 24 or newer, and this is v[\d.]+ \(.*\)/;

/** Nodes before 24 in PATH, each once. */
const nodes = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
const old = [...new Set(nodes.filter((path) => existsSync(path)).map((path) => realpathSync(path)))].filter((path) =>
  /^v(1\d|2[0-3])\./.test(spawnSync(path, ['--version']).stdout?.toString() ?? ''),
);

describe('the built package', () => {
  const folder = temporaryFolder();
  const { path } = folder;
  after(() => folder[Symbol.dispose]());

  before(() => {
    const { diagnostics } = program.emit(undefined, (file, text) => {
      const target = join(path, 'dist', relative(repositoryPath('dist'), file));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    });
    assert.deepEqual(diagnostics, []);
    for (const file of ['package.json', 'bin/fluxion.js']) cpSync(repositoryPath(file), join(path, file));
    for (const name of ['node_modules', 'models', 'configs']) symlinkSync(repositoryPath(name), join(path, name));
  });

  const load = (node: string, script: string) => {
    const { status, stderr } = spawnSync(node, ['--input-type=module', '-e', script], { cwd: path, encoding: 'utf8' });
    return { status, stderr };
  };

  test('no file imports one with the extension of a source', () => {
    const wrong = globSync('dist/**/*.js', { cwd: path }).filter((file) =>
      /^(?! ?\*).*\b(from|import)\s*\(?\s*['"]\.[^'"]*\.ts['"]/m.test(readFileSync(join(path, file), 'utf8')),
    );
    assert.deepEqual(wrong, []);
  });

  /** Imports every door in one process, and prints why one cannot be opened. */
  // The client runs in browsers, and asks for no Node.
  const doors = DOORS.filter(({ source }) => source !== 'src/client.ts');
  const open = `for (const door of ${JSON.stringify(doors.map(({ source }) => source.replace(/^src(.*)ts$/, './dist$1js')))}) await import(door).catch((error) => console.error(door, error))`;
  const refusals = (stderr: string) => stderr.match(new RegExp(SAID, 'g'))?.length;

  test('its bundled program finds the files of the package', async () => {
    await bundleProgram(path);
    const ran = (...words: string[]) =>
      spawnSync(process.execPath, [join(path, 'bin/fluxion.js'), ...words], { cwd: path, encoding: 'utf8' });
    assert.match(ran('--version').stdout, /fluxion/);
    const { status, stdout, stderr } = ran('models', '--json');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(JSON.parse(stdout).models[0].path, join(path, 'models/tiny/'));
  });

  test('its doors open here', () => {
    assert.deepEqual(load(process.execPath, open), { status: 0, stderr: '' });
  });
  test('its doors tell a Node that says it is 22', () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '22.20.0' })";
    assert.equal(refusals(load(process.execPath, `${old}; ${open}`).stderr), doors.length);
  });
  test('its doors tell older Nodes', { skip: old.length === 0 && 'there is no older Node in PATH' }, () => {
    for (const node of old) assert.equal(refusals(load(node, open).stderr), doors.length, node);
  });
});
