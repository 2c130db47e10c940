/**
 * Everything the README shows runs: its TypeScript blocks as they are, importing the package by its own name, and its `fluxion`
 * lines in the order they stand in, in one folder. A block whose fence says `skip` needs something that a test has not.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { describe, test } from 'node:test';
import { PROGRAM, run, temporaryFolder } from './support/command-line.ts';
import { repositoryPath } from './support/fixture.ts';

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

function blocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)([^\n]*)\n(.*?)^```$/gms)]
    .filter(([, , info]) => !/\bskip\b/.test(info!))
    .map((match) => ({
      language: match[1]!,
      line: markdown.slice(0, match.index).split('\n').length + 1,
      text: match[3]!,
    }));
}

const readme = blocks(readFileSync(repositoryPath('README.md'), 'utf8'));

describe('TypeScript in the README', () => {
  const programs = readme.filter(({ language }) => language === 'ts' || language === 'typescript');
  test('there is some', () => assert.ok(programs.length > 0));

  for (const { line, text } of programs) {
    test(`line ${line}`, async () => {
      using folder = temporaryFolder();
      // Resolved as a file of the repository would be, and run elsewhere.
      const source = `process.chdir(${JSON.stringify(folder.path)});\n${text}`;
      const flags = ['--conditions=fluxion-source', '--input-type=module-typescript', '--eval', source];
      const { status, stderr } = await run(process.execPath, flags, { cwd: repositoryPath('') });
      assert.equal(status, 0, stderr);
    });
  }
});

describe('command lines in the README', () => {
  const lines = readme
    .filter(({ language }) => ['sh', 'bash', 'console'].includes(language))
    .flatMap(({ text, line }) => text.split('\n').map((command, i) => ({ command, line: line + i })))
    .map(({ command, line }) => ({ command: command.replace(/^\$ /, '').replaceAll('npx fluxion', 'fluxion'), line }))
    // `npm ci` is what brought us here.
    .map(({ command, line }) => ({ command: command.replace(/^npm ci && /, ''), line }))
    .filter(({ command }) => /(^|\| )fluxion /.test(command));

  test('all run, one after the other', { timeout: 240_000 }, async () => {
    assert.ok(lines.length > 0, 'the README shows no command line');
    using folder = temporaryFolder();
    mkdirSync(folder.file('bin'));
    symlinkSync(PROGRAM, folder.file('bin/fluxion'));
    const path = [folder.file('bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
    for (const { command, line } of lines) {
      const { status, stderr } = await run('bash', ['-c', command], { cwd: folder.path, env: { PATH: path } });
      assert.equal(status, 0, `line ${line}: ${command}\n${stderr}`);
    }
  });
});
