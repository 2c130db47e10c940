/** `fluxion studio`: the page from one command. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fluxion, temporaryFolder } from '../support/command-line.ts';

test('fluxion studio builds and serves the page, keeps its pictures in their folder, and ends on Ctrl-C', async () => {
  using folder = temporaryFolder();
  const interrupt = { when: /ready: tiny on cpu/, signal: 'SIGINT' } as const;
  const words = ['studio', '--no-open', '--no-config', '--port', '0'];
  const { status, stdout, stderr } = await fluxion(words, { cwd: folder.path, interrupt });
  assert.equal(status, 130, stderr);
  assert.match(stderr, /serving: http:\/\/127\.0\.0\.1:\d+\n[\s\S]*stopping: accepted jobs end first/);
  assert.equal(stdout, '', 'its log is that of serve alone');
  assert.ok(existsSync(folder.file('pictures/fluxion-server.sqlite')));
});

test('a word that is no setting is refused, and a prompt is told where to go', async () => {
  using folder = temporaryFolder();
  const { status, stderr } = await fluxion(['studio', 'a red house'], { cwd: folder.path });
  assert.equal(status, 2);
  assert.match(stderr, /fluxion generate "a red house"/);
});
