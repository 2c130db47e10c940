/**
 * Everything the README and the guide show runs: TypeScript blocks as they are, importing the package by its own name, and `fluxion`
 * lines in their order, those of one document in one folder. A block whose fence says `skip` needs something that a test has not.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
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

/** The `fluxion` and `curl` lines of a shell block, but for those that serve; a line that ends in a backslash goes on. */
function commands({ text }: Block): string[] {
  return (
    text
      .replaceAll('\\\n', ' ')
      .split('\n')
      // `npm ci` is what brought us here.
      .map((line) => line.replace(/^npm ci && /, '').replaceAll('npx fluxion', 'fluxion'))
      .filter((line) => /(^|\| )fluxion (?!serve|studio)|^curl /.test(line))
  );
}

/** The server of the guide: one of the bundled model answers at another port. */
const SERVER = 'http://127.0.0.1:8000';

/** Starts `fluxion serve` in a folder, and resolves to its address once it listens. */
async function serve(folder: string): Promise<Disposable & { readonly url: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input }));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`fluxion serve ended with ${code}`)));
    for (const reader of lines)
      reader.on('line', (line) => {
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
        if (found !== undefined) resolve(found);
      });
  });
  return { url, [Symbol.dispose]: () => child.kill('SIGKILL') };
}

const ROOT = repositoryPath('');
const documents = ['README.md', ...globSync('docs/guide/*.md', { cwd: ROOT }).sort()];

// Most of the time goes into starting processes, one after the other within a document.
describe('documents', { concurrency: 2 }, () => {
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');

    describe(document, async () => {
      const stack = new DisposableStack();
      after(() => stack.dispose());
      const url = text.includes(SERVER) ? stack.use(await serve(stack.use(temporaryFolder()).path)).url : SERVER;
      const shown = blocks(text.replaceAll(SERVER, url));
      for (const { line, text } of shown.filter(({ language }) => language === 'ts')) {
        test(`TypeScript of line ${line}`, async () => {
          using folder = temporaryFolder();
          // Resolved as a file of the repository would be, and run elsewhere.
          const source = `process.chdir(${JSON.stringify(folder.path)});\n${text}`;
          const flags = ['--conditions=fluxion-source', '--input-type=module-typescript', '--eval', source];
          const { status, stderr } = await run(process.execPath, flags, { cwd: ROOT });
          assert.equal(status, 0, stderr);
        });
      }

      test('command lines, one after the other', { timeout: 1_200_000 }, async () => {
        using folder = temporaryFolder();
        mkdirSync(folder.file('bin'));
        symlinkSync(PROGRAM, folder.file('bin/fluxion'));
        const path = [folder.file('bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
        for (const block of shown.filter(({ language }) => language === 'sh')) {
          for (const command of commands(block)) {
            const { status, stderr } = await run('bash', ['-c', command], { cwd: folder.path, env: { PATH: path } });
            assert.equal(status, 0, `line ${block.line}: ${command}\n${stderr}`);
          }
        }
      });
    });
  }
});

test('the README shows both ways to make a picture', () => {
  const shown = blocks(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  assert.ok(shown.some(({ language }) => language === 'ts'));
  assert.ok(shown.some((block) => block.language === 'sh' && commands(block).length > 0));
});
