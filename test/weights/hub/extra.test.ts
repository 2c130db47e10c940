/** Networks that go beside a model, given by their repository: which files are downloaded, found without the network, refused in words that help. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CONTROLNET } from '../../../src/families/flux1/controlnet.ts';
import { IMAGE_ENCODER } from '../../../src/families/flux1/image-encoder.ts';
import { REDUX } from '../../../src/families/flux1/redux.ts';
import { FluxionError } from '../../../src/support/errors.ts';
import { findExtra } from '../../../src/weights/hub/extra.ts';
import { hubSettings } from '../../../src/weights/hub/settings.ts';
import { commitOf, HubServer, type ServedRepo } from '../../support/hub-server.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-extra-hub-'));
after(() => rmSync(root, { recursive: true, force: true }));

const repo = (...names: string[]): ServedRepo => {
  const index = JSON.stringify({
    weight_map: {
      a: 'diffusion_pytorch_model-00001-of-00002.safetensors',
      b: 'diffusion_pytorch_model-00002-of-00002.safetensors',
    },
  });
  const files = new Map<string, Uint8Array>(
    ['README.md', 'sample.png', ...names].map((name) => [
      name,
      Buffer.from(name.endsWith('index.json') ? index : name),
    ]),
  );
  return { commit: commitOf(files), files };
};

async function hub(repos: Readonly<Record<string, ServedRepo>>) {
  const server = await HubServer.start(repos);
  const cache = mkdtempSync(join(root, 'cache-'));
  const settings = hubSettings({ HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, HF_HOME: join(cache, 'home') });
  const patience = { attempts: 2, firstPause: 1, longestPause: 2 };
  return {
    server,
    cache,
    names: () =>
      server
        .downloads()
        .map(({ url }) => decodeURIComponent(url.split('/resolve/')[1]!.replace(/^[^/]+\//, '')))
        .sort(),
    find: (given: string, components = [CONTROLNET] as Parameters<typeof findExtra>[0], network = settings.network) =>
      findExtra(components, given, { settings: { ...settings, network }, patience }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const SHARDS = [
  'diffusion_pytorch_model-00001-of-00002.safetensors',
  'diffusion_pytorch_model-00002-of-00002.safetensors',
];

describe('a repository', () => {
  test('of one ControlNet: its config and one set of weights, and nobody is asked again', async () => {
    await using there = await hub({
      'me/net': repo('config.json', 'diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.fp16.safetensors'),
    });
    const folder = await there.find('me/net');
    assert.deepEqual(there.names(), ['config.json', 'diffusion_pytorch_model.safetensors']);
    const asked = there.server.requests.length;
    assert.equal(await there.find('me/net'), folder);
    assert.equal(await there.find('me/net', [CONTROLNET], 'forbidden'), folder);
    assert.equal(there.server.requests.length, asked);
  });

  test('of shards is whole with all of them', async () => {
    await using there = await hub({
      'me/big': repo('config.json', 'diffusion_pytorch_model.safetensors.index.json', ...SHARDS),
    });
    const folder = await there.find('me/big');
    unlinkSync(join(folder, SHARDS[1]!));
    await assert.rejects(there.find('me/big', [CONTROLNET], 'forbidden'), /HF_HUB_OFFLINE forbids/);
    assert.equal(await there.find('me/big'), folder);
  });

  test('of a pipeline: the folders of the networks that are asked for', async () => {
    const files = ['model_index.json', 'flux1-redux-dev.safetensors', 'feature_extractor/preprocessor_config.json'];
    const parts = [
      'image_encoder/config.json',
      'image_encoder/model.safetensors',
      'image_embedder/config.json',
      'image_embedder/diffusion_pytorch_model.safetensors',
    ];
    await using there = await hub({ 'me/redux': repo(...files, ...parts) });
    await there.find('me/redux', [REDUX, IMAGE_ENCODER]);
    assert.deepEqual(there.names(), [...parts, 'model_index.json'].sort());
  });

  test('of loose files: the one that is named', async () => {
    await using there = await hub({ 'me/loose': repo('canny.safetensors', 'hed.safetensors', 'v3/depth.safetensors') });
    assert.match(await there.find('me/loose/v3/depth.safetensors'), /snapshots.*depth\.safetensors$/);
    assert.deepEqual(there.names(), ['v3/depth.safetensors']);
    const refused = async (given: string, message: RegExp, hint: RegExp) => {
      await assert.rejects(there.find(given), (error) => {
        assert.ok(error instanceof FluxionError && error.code === 'not_found', String(error));
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        return true;
      });
    };
    await refused(
      'me/loose',
      /expected a FLUX\.1 ControlNet, found canny\.safetensors, hed/,
      /me\/loose\/canny\.safetensors/,
    );
    await refused('me/loose/cany.safetensors', /found canny/, /say which: me\/loose\/canny\.safetensors/);
  });

  test('a path is a path', async () => {
    await using there = await hub({});
    assert.equal(await there.find(root), root);
    assert.equal(await there.find('no/such/place/at/all'), 'no/such/place/at/all');
    assert.equal(there.server.requests.length, 0);
    await assert.rejects(there.find('me/none'), /me\/none/);
  });
});
