/** `fluxion pull` as a user meets it, against a hub on this machine: pulled, used, used without the network, stopped and refused. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { downloadLine } from '../../src/cli/terminal/render.ts';
import { type Finished, fluxion, type RunOptions, temporaryFolder } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';
import { HubServer, repoOf } from '../support/hub-server.ts';

const bundled = repoOf(repositoryPath('models/tiny'));
const CHEAP = ['resolution=64', 'num_inference_steps=1', 'a red house'];

let server: HubServer;
before(async () => {
  const gated = { ...bundled, gatedFor: ['hf_right'] };
  server = await HubServer.start({ 'test/tiny': { ...bundled, refs: ['v1'] }, 'test/gated': gated });
});
after(() => server[Symbol.asyncDispose]());

/** A folder to work in, with a cache of its own. */
function place() {
  const folder = temporaryFolder();
  const cache = folder.file('hub');
  const base = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, HF_HOME: folder.file('home') };
  return {
    folder,
    cache,
    snapshot: join(cache, 'models--test--tiny', 'snapshots', bundled.commit),
    fluxion: (args: readonly string[], env: Record<string, string> = {}, more: Partial<RunOptions> = {}) =>
      fluxion(args, { cwd: folder.path, ...more, env: { ...base, ...env } }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function ended(finished: Finished, status: number): Finished {
  assert.equal(finished.status, status, finished.stderr);
  return finished;
}

describe('fluxion pull', () => {
  test('downloads, makes pictures by the name, and needs no network for it', async () => {
    using here = place();
    const pulled = ended(await here.fluxion(['pull', 'test/tiny']), 0);
    assert.equal(pulled.stdout, `${here.snapshot}\n`);
    assert.match(pulled.stderr, /looking up test\/tiny\ndownloading test\/tiny {2}/);
    const json = ended(await here.fluxion(['pull', 'test/tiny@v1', '--json', '--quiet']), 0);
    assert.deepEqual(JSON.parse(json.stdout), {
      model: 'test/tiny',
      revision: 'v1',
      commit: bundled.commit,
      path: here.snapshot,
    });
    assert.equal(json.stderr, '');
    server.requests.length = 0;
    const model = 'pretrained_model_name_or_path=test/tiny';
    ended(await here.fluxion(['generate', model, ...CHEAP]), 0);
    assert.deepEqual(server.requests, [], 'what is cached is asked for again');
    const offline = { HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:1' };
    ended(await here.fluxion(['generate', model, 'revision=v1', ...CHEAP], offline), 0);
    const made = ended(await here.fluxion(['redo', 'flux_0.png', '--check'], offline), 0);
    assert.equal(made.stdout, 'flux_0.png: identical\n');
  });

  test('generate pulls by itself what is not there', async () => {
    using here = place();
    const args = ['generate', 'pretrained_model_name_or_path=test/tiny', '--revision', 'v1', ...CHEAP];
    const made = ended(await here.fluxion([...args, '--json']), 0);
    assert.match(made.stderr, /downloading test\/tiny/);
    assert.equal((JSON.parse(made.stdout) as { model: string }).model, 'test/tiny');
    assert.deepEqual(readdirSync(join(here.cache, 'models--test--tiny', 'refs')), ['v1']);
  });

  test('leaves the weights of parts that are given where they are', async () => {
    using here = place();
    const given = repositoryPath('models/tiny/transformer/diffusion_pytorch_model.safetensors');
    const words = ['pretrained_model_name_or_path=test/tiny', `transformer=${given}`];
    ended(await here.fluxion(['generate', ...words, ...CHEAP]), 0);
    assert.deepEqual(readdirSync(join(here.snapshot, 'transformer')), ['config.json']);
    const missing = ended(await here.fluxion(['generate', words[0]!, ...CHEAP], { HF_HUB_OFFLINE: '1' }), 1);
    assert.match(missing.stderr, /lacks transformer\/\*\.safetensors of test\/tiny, and HF_HUB_OFFLINE/);
    ended(await here.fluxion(['pull', 'test/tiny']), 0);
    assert.equal(readdirSync(join(here.snapshot, 'transformer')).length, 2);
  });

  test('stopped by Ctrl-C, it ends with 130 and goes on from there', {
    skip: process.platform === 'win32',
  }, async () => {
    using here = place();
    server.fault = ({ server: which }) => (which === 'storage' ? { bytesPerSecond: 1e6 } : 'pass');
    const interrupt = { when: /downloading/, signal: 'SIGINT' } as const;
    const stopped = ended(await here.fluxion(['pull', 'test/tiny'], {}, { interrupt }), 130);
    assert.match(stopped.stderr, /stopped before it was done\n$/);
    assert.equal(stopped.stdout, '');
    assert.ok(!existsSync(here.snapshot));
    server.fault = () => 'pass';
    ended(await here.fluxion(['pull', 'test/tiny']), 0);
  });

  test('a gated model: one message with the licence page and the command', async () => {
    using here = place();
    const { stderr } = ended(await here.fluxion(['pull', 'test/gated', '--quiet']), 1);
    assert.equal(stderr.match(/error:/g)?.length, 1);
    assert.match(
      stderr,
      /^error: test\/gated is gated: .*\nhint: accept the licence at https:\/\/huggingface\.co\/test\/gated,.*hf auth login.*\n$/,
    );
    ended(await here.fluxion(['pull', 'test/gated', '--quiet'], { HF_TOKEN: 'hf_right' }), 0);
  });

  test('wrong words are explained', async () => {
    using here = place();
    const cases: [string[], number, RegExp][] = [
      [['pull'], 2, /which model\?/],
      [['pull', 'tiny'], 2, /expected ORG\/NAME or ORG\/NAME@REVISION, found 'tiny'/],
      [['pull', 'a/b@../c'], 2, /revision: expected a branch, tag or commit/],
      [['pull', 'a/b', 'c'], 2, /unexpected 'c'/],
      [['pull', 'test/tyni'], 1, /has no model test\/tyni, or it is private/],
      [['pull', 'test/tiny@v2'], 1, /has no revision "v2"/],
      [['generate', 'pretrained_model_name_or_path=no/where', 'x'], 1, /a folder of that name is not here either/],
    ];
    for (const [args, status, message] of cases) assert.match(ended(await here.fluxion(args), status).stderr, message);
  });
});

test('the line of a download fits any terminal and leaves out what matters least', () => {
  const download = {
    phase: 'downloading',
    bytes: 6 * 2 ** 30,
    totalBytes: 24 * 2 ** 30,
    bytesPerSecond: 2 ** 27,
  } as const;
  const line = (columns: number) => downloadLine('downloading a/b', download, columns, 'ascii');
  for (let columns = 10; columns < 140; columns++)
    assert.ok(line(columns).length < columns, `${columns}: ${line(columns)}`);
  assert.equal(line(120), `downloading a/b  ${'#'.repeat(8)}${'-'.repeat(24)}  6 GiB of 24 GiB  128 MiB/s  2:24 left`);
  assert.equal(line(50), 'downloading a/b  6 GiB of 24 GiB  2:24 left');
  assert.equal(line(30), 'downloading a/b  25 %');
  assert.equal(downloadLine('looking up a/b', { ...download, totalBytes: 0 }, 80, 'ascii'), 'looking up a/b');
});
