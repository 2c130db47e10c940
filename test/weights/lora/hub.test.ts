/** LoRAs given by their repository: downloaded once, found without the network, refused in words that help. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { PullProgress } from '../../../src/api/load.ts';
import { hubSettings } from '../../../src/weights/hub/settings.ts';
import { loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { fetchLora, locateLora } from '../../../src/weights/lora/locate.ts';
import { commitOf, HubServer, type ServedRepo } from '../../support/hub-server.ts';
import { drawer, loraFile, SMALL_MODEL } from '../../support/lora.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-lora-hub-'));
after(() => rmSync(root, { recursive: true, force: true }));

const draw = drawer(12);
const key = 'transformer.transformer_blocks.0.attn.to_q';
const bytes = (rank: number) =>
  readFileSync(loraFile({ [`${key}.lora_A.weight`]: draw(rank, 16), [`${key}.lora_B.weight`]: draw(16, rank) }));
const repo = (files: Readonly<Record<string, Uint8Array>>, rest: Partial<ServedRepo> = {}): ServedRepo => {
  const map = new Map(Object.entries({ 'README.md': Buffer.from('a style'), ...files }));
  return { commit: commitOf(map), files: map, ...rest };
};
const patience = { attempts: 3, firstPause: 1, longestPause: 4 } as const;

/** A hub with some repositories, and an empty cache that the environment names, as it does for the program. */
async function hub(repos: Readonly<Record<string, ServedRepo>>, env: Readonly<Record<string, string>> = {}) {
  const server = await HubServer.start(repos);
  const cache = mkdtempSync(join(root, 'cache-'));
  const all = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, HF_HOME: join(cache, 'home'), ...env };
  const before = Object.fromEntries(Object.keys(all).map((name) => [name, process.env[name]]));
  Object.assign(process.env, all);
  const fetch = (path: string, weightName?: string, more: object = {}) =>
    fetchLora({ path, weightName }, { patience, ...more });
  return {
    server,
    cache,
    fetch,
    async load(path: string, weightName?: string) {
      await fetch(path, weightName);
      return loadAdapter({ path, weightName }, SMALL_MODEL);
    },
    async [Symbol.asyncDispose]() {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a repository', () => {
  test('of one file is downloaded, and from then on found', async () => {
    await using there = await hub({ 'me/ink': repo({ 'ink.safetensors': bytes(3), 'sample.png': Buffer.alloc(10) }) });
    const told: PullProgress[] = [];
    await there.fetch('me/ink', undefined, { onProgress: (_: string, progress: PullProgress) => told.push(progress) });
    assert.ok(told.some(({ phase }) => phase === 'downloading'));
    const { report } = await there.load('me/ink');
    assert.deepEqual([report.name, report.ranks], ['ink', [3]]);
    assert.ok(realpathSync(report.path).startsWith(join(realpathSync(there.cache), 'models--me--ink', 'blobs')));
    const asked = there.server.requests.length;
    await there.load('me/ink');
    await there.load('me/ink', 'ink.safetensors');
    assert.equal(there.server.requests.length, asked, 'nobody is asked again');
    assert.deepEqual(
      there.server.downloads().map(({ url }) => url.split('/').at(-1)),
      ['ink.safetensors'],
    );
  });

  test('of several gives the one that is named, a usual one by itself, and the settings beside it', async () => {
    const config = Buffer.from(JSON.stringify({ r: 2, lora_alpha: 6 }));
    await using there = await hub({
      'me/many': repo({ 'a.safetensors': bytes(1), 'sub/b.safetensors': bytes(2), 'sub/adapter_config.json': config }),
      'me/usual': repo({ 'pytorch_lora_weights.safetensors': bytes(4), 'x.safetensors': bytes(1) }),
    });
    const { report } = await there.load('me/many', 'sub/b.safetensors');
    assert.deepEqual([report.name, report.ranks, report.alphas], ['b', [2], [6]]);
    assert.deepEqual((await there.load('me/many', 'a.safetensors')).report.ranks, [1]);
    const usual = await there.load('me/usual');
    assert.deepEqual([usual.report.name, usual.report.ranks], ['usual', [4]]);
  });

  test('at a revision', async () => {
    await using there = await hub({ 'me/ink': repo({ 'ink.safetensors': bytes(3) }, { refs: ['v2'] }) });
    assert.deepEqual((await there.load('me/ink@v2')).report.ranks, [3]);
    await assert.rejects(there.fetch('me/ink@v9'), { code: 'not_found', message: /me\/ink has no revision "v9"/ });
  });

  test('is asked for what the cache lacks of it', async () => {
    await using there = await hub({ 'me/many': repo({ 'a.safetensors': bytes(1), 'b.safetensors': bytes(2) }) });
    await there.fetch('me/many', 'a.safetensors');
    assert.throws(() => locateLora({ path: 'me/many', weightName: 'b.safetensors' }), { code: 'not_found' });
    assert.deepEqual((await there.load('me/many', 'b.safetensors')).report.ranks, [2]);
  });

  test('whose download breaks off and comes again', async () => {
    await using there = await hub({ 'me/ink': repo({ 'ink.safetensors': bytes(3) }) });
    let broken = 0;
    there.server.fault = ({ server }) => (server === 'storage' && broken++ === 0 ? { resetAfter: 20 } : 'pass');
    assert.deepEqual((await there.load('me/ink')).report.ranks, [3]);
    assert.ok(broken > 1);
  });
});

describe('what cannot be had', () => {
  test('a name that is not given, or not there: the candidates', async () => {
    await using there = await hub({
      'me/many': repo({ 'ink-a.safetensors': bytes(1), 'ink-b.safetensors': bytes(2) }),
      'me/none': repo({}),
    });
    await assert.rejects(there.fetch('me/many'), {
      code: 'not_found',
      message: 'me/many: 2 files that may be a LoRA',
      hint: 'weight_name chooses one of ink-a.safetensors, ink-b.safetensors; so does the path me/many/ink-a.safetensors',
    });
    assert.deepEqual((await there.load('me/many/ink-b.safetensors')).report.ranks, [2]);
    await assert.rejects(there.fetch('me/many/inc-b.safetensors'), { message: "me/many: no file 'inc-b.safetensors'" });
    await assert.rejects(there.fetch('me/many', 'inc-b.safetensors'), {
      message: "me/many: no file 'inc-b.safetensors'",
      hint: /did you mean 'ink-b\.safetensors'\? weight_name chooses one of/,
    });
    await assert.rejects(there.fetch('me/none'), { message: /no file that may be a LoRA/, hint: /no \.safetensors/ });
    assert.equal(there.server.downloads().length, 1);
  });

  test('a repository that is not there, private, or gated', async () => {
    await using there = await hub({ 'me/gated': repo({ 'ink.safetensors': bytes(1) }, { gatedFor: ['hf_friend'] }) });
    await assert.rejects(there.fetch('me/nothing'), {
      code: 'not_found',
      message: /has no model me\/nothing, or it is private/,
    });
    await assert.rejects(there.fetch('me/gated'), { code: 'io', message: /me\/gated is gated/, hint: /hf auth login/ });
    process.env['HF_TOKEN'] = 'hf_stranger';
    try {
      await assert.rejects(there.fetch('me/gated'), {
        code: 'io',
        message: /the token from HF_TOKEN has not accepted/,
      });
      process.env['HF_TOKEN'] = 'hf_friend';
      await there.fetch('me/gated');
    } finally {
      delete process.env['HF_TOKEN'];
    }
  });

  test('offline, what is here is used and what is not is named', async () => {
    await using there = await hub({ 'me/ink': repo({ 'a.safetensors': bytes(3), 'b.safetensors': bytes(2) }) });
    await there.fetch('me/ink', 'a.safetensors');
    const asked = there.server.requests.length;
    process.env['HF_HUB_OFFLINE'] = '1';
    try {
      assert.deepEqual((await there.load('me/ink', 'a.safetensors')).report.ranks, [3]);
      await assert.rejects(there.load('me/ink', 'b.safetensors'), {
        code: 'not_found',
        message: /does not have 'b\.safetensors' of me\/ink, and HF_HUB_OFFLINE forbids/,
      });
      await assert.rejects(there.load('me/other'), { code: 'not_found', message: /does not have a LoRA of me\/other/ });
      copyFileSync(loraFile({ x: draw(1) }), join(dirname(locateLora({ path: 'me/ink' }).path), 'c.safetensors'));
      await assert.rejects(there.load('me/ink'), {
        message: 'me/ink: 2 files that may be a LoRA',
        hint: /weight_name chooses one of/,
      });
    } finally {
      delete process.env['HF_HUB_OFFLINE'];
    }
    assert.equal(there.server.requests.length, asked);
    assert.equal(hubSettings().network, 'allowed');
  });

  test('paths are no repositories', async () => {
    await using there = await hub({});
    for (const path of ['./me/ink', 'me/ink.safetensors', '/me/ink', 'ink', 'a/b/c', '../a'])
      await there.fetch(path).then(() => assert.throws(() => locateLora({ path }), { code: 'not_found' }));
    assert.deepEqual(there.server.requests, []);
  });
});
