/** What is published: its imports are of files that are there; on a Node that is too old its doors can be read, and say which is needed. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import ts from 'typescript';
import { temporaryFolder } from './command-line.ts';
import { repositoryPath } from './fixture.ts';

const DOORS = ['index', 'xla', 'models'] as const;
const SAID = /FluxionError: fluxion needs Node 24 or newer, and this is v[\d.]+ \(.*\)/;

/** Nodes before 24 in PATH. */
const old = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => /^v(1\d|2[0-3])\./.test(spawnSync(path, ['--version']).stdout?.toString() ?? ''));

describe('the doors of the package', () => {
  const folder = temporaryFolder();
  const { path } = folder;
  after(() => folder[Symbol.dispose]());

  before(() => {
    const { config } = ts.readConfigFile(repositoryPath('tsconfig.build.json'), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(
      { ...config, extends: repositoryPath('tsconfig.json') },
      ts.sys,
      repositoryPath('.'),
    );
    for (const file of globSync('**/*.ts', { cwd: repositoryPath('src') })) {
      const text = readFileSync(repositoryPath(join('src', file)), 'utf8');
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: { ...options, module: ts.ModuleKind.ESNext },
        fileName: repositoryPath(join('src', file)),
      });
      const target = join(path, 'dist', file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
    writeFileSync(join(path, 'package.json'), readFileSync(repositoryPath('package.json')));
    symlinkSync(repositoryPath('node_modules'), join(path, 'node_modules'));
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
  const open = `for (const door of ${JSON.stringify(DOORS)}) await import('./dist/' + door + '.js').catch((error) => console.error(door, error))`;
  const refusals = (stderr: string) => stderr.match(new RegExp(SAID, 'g'))?.length;

  test('open here', () => {
    assert.deepEqual(load(process.execPath, open), { status: 0, stderr: '' });
  });
  test('tell a Node that says it is 22', () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '22.20.0' })";
    assert.equal(refusals(load(process.execPath, `${old}; ${open}`).stderr), DOORS.length);
  });
  test('tell older Nodes', { skip: old.length === 0 && 'there is no older Node in PATH' }, () => {
    for (const node of old) assert.equal(refusals(load(node, open).stderr), DOORS.length, node);
  });
});
