/** Downloading from the hub: a server here that speaks its API, refuses and lies in every way it can; names, settings and the files of a pipeline. */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { PullProgress } from '../../../src/api/load.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { missingFiles, neededFiles, type RemoteFile } from '../../../src/weights/hub/files.ts';
import { hubFolder, parseHubName, pullModel } from '../../../src/weights/hub/hub.ts';
import { hubSettings } from '../../../src/weights/hub/settings.ts';
import {
  assertNoWeights,
  assertTidy,
  assertWhole,
  bundled,
  MODEL,
  needed,
  OTHER,
  PIECE,
  patience,
  place,
  REPO,
  refused,
  root,
  served,
  TRANSFORMER,
  transformer,
} from '../../support/hub-place.ts';
import { commitOf, gitSha1, isLarge, type ServedRepo, sha256 } from '../../support/hub-server.ts';

describe('a whole download', () => {
  test('fetches what a pipeline needs and nothing else, into the layout of the hub’s own cache', async () => {
    await using here = await place();
    here.server.pageSize = 7;
    const seen: PullProgress[] = [];
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    const folder = await here.pull({
      onProgress(_, progress) {
        // A download is reported every tenth of a second, and this one may take less.
        if (progress.phase === 'downloading' && seen.at(-1)?.phase !== 'downloading') Atomics.wait(asleep, 0, 0, 101);
        seen.push(progress);
      },
    });
    assert.equal(folder, join(here.folder, 'snapshots', served.commit));
    assertWhole(folder);
    assertTidy(here.folder);
    assert.equal(readFileSync(join(here.folder, 'refs', 'main'), 'utf8'), served.commit);
    for (const path of needed) {
      const bytes = bundled.files.get(path)!;
      const name = isLarge(path, bytes) ? sha256(bytes) : gitSha1(bytes);
      const up = '../'.repeat(path.split('/').length + 1);
      assert.equal(readlinkSync(join(folder, path)), `${up}blobs/${name}`);
    }
    const ranges = here.server.downloads(TRANSFORMER).map(({ range }) => range);
    assert.equal(ranges.length, Math.ceil(transformer.length / PIECE));
    assert.equal(new Set(ranges).size, ranges.length);
    assert.equal(seen.at(0)!.phase, 'listing');
    const downloading = seen.filter(({ phase }) => phase === 'downloading');
    const total = needed.reduce((sum, path) => sum + bundled.files.get(path)!.length, 0);
    assert.ok(downloading.length > 1 && downloading.every(({ totalBytes }) => totalBytes === total));
    assert.ok(downloading.every(({ bytes }, i) => bytes >= (downloading[i - 1]?.bytes ?? 0) && bytes <= total));
    assert.equal(seen.at(-1)!.bytes, total);
  });

  test('asks for nothing that is there; the cache alone serves a name that it has whole', async () => {
    await using here = await place();
    const folder = await here.pull();
    here.server.requests.length = 0;
    assert.equal(await here.pull(), folder);
    assert.deepEqual(here.server.downloads(), []);
    here.server.requests.length = 0;
    assert.equal(await hubFolder(FLUX1, MODEL, { settings: here.settings }), folder);
    assert.deepEqual(here.server.requests, []);
  });

  test('follows a branch that has moved, and shares what has not changed', async () => {
    await using here = await place();
    const before = await here.pull();
    const files = new Map(served.files).set('scheduler/scheduler_config.json', Buffer.from('{"shift": 2}'));
    here.server.repos.set(REPO, { commit: commitOf(files), files });
    here.server.requests.length = 0;
    assert.equal(
      await hubFolder(FLUX1, MODEL, { settings: here.settings }),
      before,
      'a cached name stays where it was',
    );
    const now = await here.pull();
    assert.notEqual(now, before);
    assert.deepEqual(
      here.server.downloads().map(({ url }) => url.split('/').at(-1)),
      ['scheduler_config.json'],
    );
    assert.equal(readFileSync(join(now, 'scheduler/scheduler_config.json'), 'utf8'), '{"shift": 2}');
    assert.ok(existsSync(join(before, 'model_index.json')));
  });

  test('revisions are branches, tags, pull requests and commits', async () => {
    await using here = await place();
    for (const revision of ['refs/pr/95', 'v1', served.commit]) {
      const folder = await pullModel(FLUX1, { repo: REPO, revision }, { settings: here.settings, patience });
      assert.equal(folder, join(here.folder, 'snapshots', served.commit));
    }
    assert.equal(readFileSync(join(here.folder, 'refs', 'refs', 'pr', '95'), 'utf8'), served.commit);
    assert.deepEqual(readdirSync(join(here.folder, 'refs')).sort(), ['refs', 'v1']);
  });

  test('sends the token to the hub, and to nobody else', async () => {
    const token = { value: 'hf_secret', source: 'HF_TOKEN' };
    await using here = await place({ ...served, gatedFor: ['hf_secret'] }, { token });
    assertWhole(await here.pull());
    const { requests } = here.server;
    assert.ok(requests.some(({ server }) => server === 'storage'));
    for (const { server, authorization } of requests) {
      assert.equal(authorization, server === 'hub' ? 'Bearer hf_secret' : undefined);
    }
  });

  test('a repository that was renamed is followed', async () => {
    await using here = await place();
    here.server.fault = ({ url }) =>
      url.includes('old/name') ? { status: 307, headers: { location: url.replace('old/name', REPO) } } : 'pass';
    assertWhole(await pullModel(FLUX1, { repo: 'old/name', revision: 'main' }, { settings: here.settings, patience }));
  });
});

describe('what the hub refuses', () => {
  test('a gated repository: one message with the licence page and the command, whether logged in or not', async () => {
    await using here = await place({ ...served, gatedFor: ['hf_right'] });
    const page = /https:\/\/huggingface\.co\/test\/tiny/;
    const error = await refused(here.pull(), 'io', /^test\/tiny is gated/, page, /hf auth login/, /HF_TOKEN=/);
    assert.equal(error.message.split('\n').length, 1);
    const settings = { ...here.settings, token: { value: 'hf_wrong', source: 'HF_TOKEN' } };
    const known = await refused(here.pull({ settings }), 'io', /token from HF_TOKEN has not/, page, /hf auth login/);
    assert.ok(!`${known.message}${known.hint}`.includes('hf_wrong'), 'the token is told');
    assertTidy(here.folder);
  });

  test('a token that is not valid, a model, a revision that is not there', async () => {
    await using here = await place();
    const settings = { ...here.settings, token: { value: 'hf_old', source: '/home/token' } };
    await refused(
      pullModel(FLUX1, { repo: 'test/tyni', revision: 'main' }, { settings: here.settings, patience }),
      'not_found',
      /has no model test\/tyni, or it is private/,
      /hf auth login/,
    );
    await refused(
      pullModel(FLUX1, { repo: 'test/tyni', revision: 'main' }, { settings, patience }),
      'not_found',
      /whether the token from \/home\/token may see it/,
    );
    await refused(
      pullModel(FLUX1, { repo: REPO, revision: 'mian' }, { settings, patience }),
      'not_found',
      /test\/tiny has no revision "mian"/,
      /tree\/main/,
    );
    const invalid = { 'x-error-message': 'Invalid credentials in Authorization header' };
    here.server.fault = () => ({ status: 401, headers: invalid });
    await refused(here.pull({ settings }), 'io', /does not accept the token from \/home\/token/, /hf auth login/);
    assert.equal(existsSync(here.folder), false);
  });

  test('a repository that is no pipeline, or half of one', async () => {
    const without = (...names: string[]): ServedRepo => {
      const files = new Map([...served.files].filter(([path]) => !names.includes(path)));
      return { commit: commitOf(files), files };
    };
    await using here = await place(without('model_index.json'));
    await refused(here.pull(), 'unsupported', /no model_index\.json/, /"flux1-tiny\.safetensors"/);
    here.server.repos.set(REPO, without(TRANSFORMER, 'vae/config.json'));
    await refused(here.pull(), 'not_found', /it lacks transformer\/\*\.safetensors, vae\/config\.json$/m);
    assertNoWeights(here);
  });

  test('another model, before its weights are fetched, by its index and its configs', async () => {
    const other = (...changes: [path: string, json: object | undefined][]): ServedRepo => {
      const files = new Map([...served.files]);
      for (const [path, json] of changes) {
        if (json) files.set(path, Buffer.from(JSON.stringify(json)));
        else files.delete(path);
      }
      return { commit: commitOf(files), files };
    };
    const cases: [repo: ServedRepo, what: RegExp][] = [
      [
        other(['model_index.json', { _class_name: 'Flux2KleinPipeline' }], ['text_encoder_2/config.json', undefined]),
        /this is FLUX\.2[\s\S]*this program runs FLUX\.1 text-to-image/,
      ],
      [
        other(['transformer/config.json', { _class_name: 'ChromaTransformer2DModel' }]),
        /this is Chroma[\s\S]*this program runs FLUX\.1 text-to-image/,
      ],
      [
        other(['model_index.json', undefined], ['config.json', { _class_name: 'FluxControlNetModel' }]),
        /this is a ControlNet of FLUX\.1 .* a network for use beside a model\n.*controlnet=/,
      ],
    ];
    await using here = await place();
    for (const [repo, what] of cases) {
      here.server.repos.set(REPO, repo);
      await refused(here.pull(), 'unsupported', what);
      assertNoWeights(here);
    }
  });

  test('more than the disk holds, before any weight is fetched', async () => {
    const oid = 'a'.repeat(64);
    const shard = (i: number) => ({
      type: 'file',
      path: `transformer/diffusion_pytorch_model-0000${i}-of-00002.safetensors`,
      size: 2 ** 50,
      oid: `${i}`.repeat(40),
      lfs: { oid: oid.slice(1) + i, size: 2 ** 50, pointerSize: 135 },
    });
    const files = new Map(served.files);
    files.delete(TRANSFORMER);
    files.set('transformer/diffusion_pytorch_model.safetensors.index.json', Buffer.from('{}'));
    await using here = await place({ commit: commitOf(files), files, extraEntries: [shard(1), shard(2)] });
    await refused(here.pull(), 'io', /the download needs 2 PiB, and the disk has .* free/, /HF_HUB_CACHE/);
    assertNoWeights(here);
  });
});

describe('a hub that lies', () => {
  const entry = { type: 'file', size: 3, oid: 'b'.repeat(40) };
  const names = [
    '../../../etc/cron.d/x',
    'transformer/../../../x.json',
    '/etc/passwd',
    'transformer/..\\..\\x.json',
    'C:/x.json',
    'transformer//x.json',
    'transformer/./x.json',
    'a\u0000b',
    '',
    'x'.repeat(2000),
  ];
  for (const path of names) {
    test(`about a path: ${JSON.stringify(path).slice(0, 40)}`, async () => {
      await using here = await place({ ...served, extraEntries: [{ ...entry, path }] });
      await refused(here.pull(), 'bad_file', /would not stay in its folder/);
      assert.deepEqual(here.server.downloads(), []);
    });
  }

  test('about hashes and sizes, which become names and lengths', async () => {
    for (const lie of [
      { oid: '../x' },
      { oid: 7 },
      { size: -1 },
      { size: 1.5 },
      { size: 'many' },
      { lfs: { oid: 'c'.repeat(40), size: 3 } },
      { lfs: {} },
    ]) {
      await using here = await place({ ...served, extraEntries: [{ ...entry, path: 'x.json', ...lie }] });
      await refused(here.pull(), 'bad_file', /x\.json: expected a size and a hash|does not answer as a hub/);
    }
  });

  test('about the commit; with pages of a portal; with a list that has no end', async () => {
    await using here = await place({ ...served, commit: '../../../../tmp/x' });
    await refused(
      here.pull(),
      'bad_file',
      /expected a commit hash for test\/tiny, found "\.\.\/\.\.\/\.\.\/\.\.\/tmp\/x"/,
    );
    await using portal = await place();
    portal.server.fault = () => ({ status: 200, body: '<html>log in' });
    await refused(portal.pull(), 'bad_file', /does not answer as a hub does/, /HF_ENDPOINT/);
    portal.server.fault = () => ({ status: 200, body: 'null' });
    await refused(portal.pull(), 'bad_file', /does not answer as a hub does/);
    await using endless = await place();
    endless.server.fault = ({ url }) =>
      url.includes('/tree/')
        ? { status: 200, body: '[]', headers: { link: `<${endless.server.endpoint}${url}>; rel="next"` } }
        : 'pass';
    await refused(endless.pull(), 'bad_file', /the list of its files has no end/);
    let page = 0;
    endless.server.fault = ({ url }) => {
      const link = `<${endless.server.endpoint}${url.replace(/&cursor=.*|$/, `&cursor=${page++}`)}>; rel="next"`;
      return url.includes('/tree/') ? { status: 200, body: '[]', headers: { link } } : 'pass';
    };
    await refused(endless.pull(), 'bad_file', /the list of its files has no end/);
    assert.ok(page < 1100);
  });

  test('with a range that was not asked for', async () => {
    await using here = await place();
    here.server.fault = ({ server }) =>
      server === 'storage' ? { status: 206, headers: { 'content-range': 'bytes 5-9/10' }, body: 'other' } : 'pass';
    await refused(here.pull(), 'io', /expected bytes \d+ to \d+ of \d+, found range 'bytes 5-9\/10'/);
  });
});

describe('offline', () => {
  test('HF_HUB_OFFLINE serves what is there, and says what is not', async () => {
    await using here = await place();
    const folder = await here.pull();
    here.server.requests.length = 0;
    const settings = hubSettings({ ...here.env, HF_HUB_OFFLINE: '1' });
    assert.equal(await pullModel(FLUX1, MODEL, { settings }), folder);
    assert.equal(await hubFolder(FLUX1, { repo: REPO, revision: served.commit }, { settings }), folder);
    await refused(
      hubFolder(FLUX1, { repo: REPO, revision: 'v9' }, { settings }),
      'not_found',
      /does not have test\/tiny at revision "v9"/,
      /fluxion pull test\/tiny@v9/,
    );
    rmSync(realpathSync(join(folder, TRANSFORMER)));
    await refused(
      hubFolder(FLUX1, MODEL, { settings }),
      'not_found',
      /lacks transformer\/\*\.safetensors of test\/tiny/,
    );
    assert.deepEqual(here.server.requests, []);
  });
});

describe('names and settings', () => {
  test('a name is ORG/NAME, with a revision behind @', () => {
    assert.deepEqual(parseHubName('black-forest-labs/FLUX.1-schnell'), {
      repo: 'black-forest-labs/FLUX.1-schnell',
      revision: 'main',
    });
    assert.deepEqual(parseHubName('a/b@refs/pr/95'), { repo: 'a/b', revision: 'refs/pr/95' });
    assert.deepEqual(parseHubName('a/b', 'v1'), { repo: 'a/b', revision: 'v1' });
    assert.deepEqual(parseHubName('a/b@v2', 'v1'), { repo: 'a/b', revision: 'v2' });
    for (const text of [
      'tiny',
      './a/b',
      '../b',
      'a/..',
      '/a/b',
      'a/b/c',
      'a/b@',
      'a/b@c@d',
      'a//b',
      'a/b--c',
      'a/-b',
    ]) {
      assert.equal(parseHubName(text), undefined, text);
    }
    for (const revision of ['../x', 'a/../b', '.git', 'a//b', 'a b', 'a\\b', '/x', 'x'.repeat(300)]) {
      assert.throws(() => parseHubName('a/b', revision), { code: 'bad_config' }, revision);
    }
  });

  test('the environment is read as huggingface_hub reads it', () => {
    const of = (env: Record<string, string>) => hubSettings({ HF_HOME: '/h', ...env });
    assert.deepEqual(of({}), {
      endpoint: 'https://huggingface.co',
      cache: join('/h', 'hub'),
      token: undefined,
      network: 'allowed',
      stallTime: 20_000,
      answerTime: 8000,
    });
    assert.equal(hubSettings({}).cache, join(homedir(), '.cache', 'huggingface', 'hub'));
    assert.equal(hubSettings({ XDG_CACHE_HOME: '/x' }).cache, join('/x', 'huggingface', 'hub'));
    assert.equal(hubSettings({ HF_HOME: '~/hf' }).cache, join(homedir(), 'hf', 'hub'));
    assert.equal(of({ HF_HUB_CACHE: '/c', HUGGINGFACE_HUB_CACHE: '/d' }).cache, '/c');
    assert.equal(of({ HF_ENDPOINT: 'https://mirror.example/hf/' }).endpoint, 'https://mirror.example/hf');
    assert.throws(() => of({ HF_ENDPOINT: 'mirror' }), /HF_ENDPOINT: expected an address/);
    assert.equal(of({ HF_HUB_OFFLINE: 'YES' }).network, 'forbidden');
    assert.equal(of({ TRANSFORMERS_OFFLINE: '1' }).network, 'forbidden');
    assert.equal(of({ HF_HUB_OFFLINE: '0' }).network, 'allowed');
    assert.equal(of({ HF_HUB_DOWNLOAD_TIMEOUT: '3' }).stallTime, 3000);
    assert.equal(of({ HF_HUB_ETAG_TIMEOUT: '30' }).answerTime, 30_000);
    for (const name of ['HF_HUB_DOWNLOAD_TIMEOUT', 'HF_HUB_ETAG_TIMEOUT'])
      assert.throws(() => of({ [name]: 'soon' }), { code: 'bad_config', message: new RegExp(name) });
    const ada = { HOME: '/home/ada', USER: 'ada', HF_HOME: '' };
    for (const name of ['HF_HOME', 'XDG_CACHE_HOME']) {
      const below = name === 'HF_HOME' ? ['hub'] : ['huggingface', 'hub'];
      assert.equal(of({ ...ada, [name]: '$HOME/x' }).cache, join('/home/ada/x', ...below));
      assert.equal(of({ ...ada, [name]: `/data/\${USER}` }).cache, join('/data/ada', ...below));
      assert.equal(of({ ...ada, [name]: '~/x' }).cache, join('/home/ada/x', ...below));
    }
    assert.equal(of({ ...ada, HF_HUB_CACHE: '$HOME/c' }).cache, '/home/ada/c');
    assert.throws(() => of({ HF_HUB_CACHE: 'gs://bucket' }), { code: 'bad_config', message: /HF_HUB_CACHE: .*gs:/ });
  });

  test('a login in HF_ENDPOINT is sent to the mirror, and shown nowhere', async () => {
    const settings = hubSettings({ HF_ENDPOINT: 'https://ada:p%40ss@mirror.example/hf', HF_HOME: '/h' });
    assert.equal(settings.endpoint, 'https://mirror.example/hf');
    assert.equal(settings.login, `Basic ${Buffer.from('ada:p@ss').toString('base64')}`);
    for (const bad of [
      'ftp://ada:secret@host',
      'https://ada:sec/ret@host',
      'ada:secret@host',
      'https://h/?token=secret',
    ]) {
      assert.throws(
        () => hubSettings({ HF_ENDPOINT: bad }),
        (error: Error) => /HF_ENDPOINT/.test(error.message) && !/sec\/?ret/.test(error.message),
        bad,
      );
    }
    await using here = await place();
    const env = { ...here.env, HF_ENDPOINT: here.server.endpoint.replace('//', '//ada:secret@'), HF_TOKEN: 'hf_token' };
    assertWhole(await here.pull({ settings: hubSettings(env) }));
    const login = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
    for (const { server, authorization } of here.server.requests)
      assert.equal(authorization, server === 'hub' ? login : undefined);
    here.server.fault = () => ({ status: 200, body: '<html>' });
    const error = await refused(here.pull({ settings: hubSettings(env) }), 'bad_file');
    assert.ok(!/secret/.test(`${error.message}${error.hint}`));
  });

  test('the token is the variable’s, else the file’s', () => {
    const home = mkdtempSync(join(root, 'home-'));
    const of = (env: Record<string, string> = {}) => hubSettings({ HF_HOME: home, ...env }).token;
    assert.equal(of(), undefined);
    writeFileSync(join(home, 'token'), 'hf_file\n');
    assert.deepEqual(of(), { value: 'hf_file', source: join(home, 'token') });
    assert.deepEqual(of({ HF_TOKEN: ' hf_variable ' }), { value: 'hf_variable', source: 'HF_TOKEN' });
    assert.equal(of({ HF_TOKEN: 'hf_variable', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }), undefined);
    writeFileSync(join(home, 'other'), 'hf_other');
    assert.equal(of({ HF_TOKEN_PATH: join(home, 'other') })!.value, 'hf_other');
    assert.throws(() => of({ HF_TOKEN: 'hf_a\nX-Header: b' }), /the token in HF_TOKEN has spaces/);
  });
});

describe('the files of a pipeline', () => {
  const hash = { kind: 'git-sha1', hex: '0'.repeat(40) } as const;
  const listed = (text: string): RemoteFile[] =>
    text
      .trim()
      .split(/\s+/)
      .map((path) => ({ path, size: 1, hash }));

  test('are those of FLUX.1 schnell without its single files', () => {
    const keep = `model_index.json scheduler/scheduler_config.json
      text_encoder/config.json text_encoder/model.safetensors
      text_encoder_2/config.json text_encoder_2/model-00001-of-00002.safetensors
      text_encoder_2/model-00002-of-00002.safetensors text_encoder_2/model.safetensors.index.json
      tokenizer/merges.txt tokenizer/special_tokens_map.json tokenizer/tokenizer_config.json tokenizer/vocab.json
      tokenizer_2/special_tokens_map.json tokenizer_2/spiece.model tokenizer_2/tokenizer.json
      tokenizer_2/tokenizer_config.json transformer/config.json
      transformer/diffusion_pytorch_model-00001-of-00003.safetensors
      transformer/diffusion_pytorch_model-00002-of-00003.safetensors
      transformer/diffusion_pytorch_model-00003-of-00003.safetensors
      transformer/diffusion_pytorch_model.safetensors.index.json
      vae/config.json vae/diffusion_pytorch_model.safetensors`;
    const leave = `.gitattributes README.md LICENSE.md ae.safetensors flux1-schnell.safetensors schnell_grid.jpeg
      transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors transformer/notes/config.json
      transformer/diffusion_flax_model.msgpack vae/diffusion_pytorch_model.bin text_encoder/model.fp16.safetensors`;
    const chosen = neededFiles(FLUX1, listed(`${leave} ${keep}`), 'a/b').map(({ path }) => path);
    assert.deepEqual(chosen.sort(), listed(keep).map(({ path }) => path).sort()); // biome-ignore format: two lists
  });

  test('are fewer where weights come from elsewhere', () => {
    const paths = [...bundled.files.keys()].filter((path) => !path.startsWith('transformer/d'));
    const chosen = neededFiles(FLUX1, listed(paths.join(' ')), 'a/b', ['transformer']).map(({ path }) => path);
    assert.deepEqual(
      chosen,
      paths.filter((path) => !OTHER.includes(path)),
    );
    assert.throws(() => neededFiles(FLUX1, listed(paths.join(' ')), 'a/b'), /it lacks transformer/);
  });

  test('that a folder lacks are named, shard by shard', () => {
    const folder = mkdtempSync(join(root, 'folder-'));
    for (const [path, bytes] of bundled.files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    assert.deepEqual(missingFiles(FLUX1, folder), []);
    rmSync(join(folder, TRANSFORMER));
    const shards = [1, 2].map((i) => `diffusion_pytorch_model-0000${i}-of-00002.safetensors`);
    const index = { weight_map: { a: shards[0], b: shards[1] } };
    writeFileSync(join(folder, `${TRANSFORMER}.index.json`), JSON.stringify(index));
    writeFileSync(join(folder, 'transformer', shards[0]!), '');
    rmSync(join(folder, 'tokenizer'), { recursive: true });
    assert.deepEqual(missingFiles(FLUX1, folder), [`transformer/${shards[1]}`, 'tokenizer/tokenizer.json']);
  });
});
