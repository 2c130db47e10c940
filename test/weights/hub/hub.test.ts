/** Downloading from the hub: a server here that speaks its API and fails in every way it can; kills, locks and Python's client on one cache. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PullProgress } from '../../../src/api/load.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { type ErrorCode, FluxionError } from '../../../src/support/errors.ts';
import { processMark } from '../../../src/support/process-mark.ts';
import { openPipelineFolder } from '../../../src/weights/folders/pipeline-folder.ts';
import { missingFiles, neededFiles, type RemoteFile } from '../../../src/weights/hub/files.ts';
import { hubFolder, type PullOptions, parseHubName, pullModel } from '../../../src/weights/hub/hub.ts';
import { lockFile } from '../../../src/weights/hub/lock-file.ts';
import { type HubSettings, hubSettings } from '../../../src/weights/hub/settings.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { commitOf, gitSha1, HubServer, isLarge, repoOf, type ServedRepo, sha256 } from '../../support/hub-server.ts';

const root = mkdtempSync(join(tmpdir(), 'fluxion-hub-'));
after(() => rmSync(root, { recursive: true, force: true }));

const REPO = 'test/tiny';
const MODEL = { repo: REPO, revision: 'main' } as const;
/** Fails fast: pauses of milliseconds. */
const patience = { attempts: 5, firstPause: 1, longestPause: 8 } as const;
const PIECE = 1 << 20;

const bundled = repoOf(repositoryPath('models/tiny'));
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const transformer = bundled.files.get(TRANSFORMER)!;

/** The bundled model with other things that repositories hold. */
const served: ServedRepo = (() => {
  const files = new Map(bundled.files);
  const extra = Buffer.alloc(3 << 20, 7);
  for (const name of ['flux1-tiny.safetensors', 'ae.safetensors', 'text_encoder/model.fp16.safetensors']) {
    files.set(name, extra);
  }
  for (const name of ['text_encoder/pytorch_model.bin', 'transformer/flax_model.msgpack', 'vae/model.onnx', 'a.jpg']) {
    files.set(name, Buffer.from(name));
  }
  files.set('text_encoder/onnx/model.onnx_data', Buffer.from('onnx'));
  return { commit: commitOf(files), files, refs: ['refs/pr/95', 'v1'] };
})();
/** Files of the bundled model that no pipeline needs. */
const OTHER = ['README.md', 'scope.yml'];
const needed = [...bundled.files.keys()].filter((path) => !OTHER.includes(path));

interface Place extends AsyncDisposable {
  readonly server: HubServer;
  readonly settings: HubSettings;
  readonly env: Readonly<Record<string, string>>;
  readonly cache: string;
  /** `CACHE/models--test--tiny`. */
  readonly folder: string;
  pull(options?: PullOptions): Promise<string>;
}

/** A server and an empty cache. */
async function place(repo: ServedRepo = served, overrides: Partial<HubSettings> = {}): Promise<Place> {
  const server = await HubServer.start({ [REPO]: repo });
  const cache = mkdtempSync(join(root, 'cache-'));
  const env = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, HF_HOME: join(cache, 'home') };
  const settings = { ...hubSettings(env), stallTime: 5000, ...overrides };
  return {
    server,
    settings,
    env,
    cache,
    folder: join(cache, 'models--test--tiny'),
    pull: (options) => pullModel(FLUX1, MODEL, { settings, patience, pieceSize: PIECE, ...options }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A snapshot has exactly the files a pipeline needs, with the bytes that were served. */
function assertWhole(folder: string): void {
  const found = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile());
  assert.deepEqual(found.sort(), needed.toSorted());
  for (const path of needed) assert.ok(readFileSync(join(folder, path)).equals(bundled.files.get(path)!), path);
  assert.equal(openPipelineFolder(FLUX1, folder).className, 'FluxPipeline');
}

/** Only what tells what a repository is was downloaded. */
function assertNoWeights({ server }: Place): void {
  for (const { url } of server.downloads()) assert.match(url, /\/(model_index|config)\.json$/);
}

/** Nothing half-done lies in the cache. */
function assertTidy(folder: string): void {
  const strays = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.(incomplete|missing|tmp)$/.test(name));
  assert.deepEqual(strays, []);
}

async function refused(work: Promise<unknown>, code: ErrorCode, ...patterns: RegExp[]): Promise<FluxionError> {
  const error = await work.then(
    () => assert.fail('it went through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof FluxionError, error instanceof Error ? error.stack : String(error));
  assert.equal(error.code, code, error.message);
  for (const pattern of patterns) assert.match(`${error.message}\n${error.hint ?? ''}`, pattern);
  return error;
}

describe('a whole download', () => {
  test('fetches what a pipeline needs and nothing else, into the layout of the hub’s own cache', async () => {
    await using here = await place();
    here.server.pageSize = 7;
    const seen: PullProgress[] = [];
    const folder = await here.pull({ onProgress: (_, progress) => seen.push(progress) });
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

describe('a network that fails', () => {
  test('stalls, resets, short bodies, errors and limits are outlasted', async () => {
    await using here = await place(served, { stallTime: 2000 });
    const faults = [
      { stallAfter: 100_000 },
      { resetAfter: 200_000 },
      { resetAfter: 0 },
      { truncateTo: 300_000 },
      { status: 500 },
      { status: 503, headers: { 'retry-after': '0.01' } },
      { status: 403 }, // storage: a signature that ran out
      { status: 429, headers: { ratelimit: '"resolvers";r=0;t=0' } },
    ] as const;
    let i = 0;
    here.server.fault = ({ server }) => (server === 'storage' ? (faults[i++] ?? 'pass') : 'pass');
    assertWhole(await here.pull());
    assertTidy(here.folder);
    assert.ok(i > faults.length);
    // What had arrived before a break was not fetched again.
    const total = [...needed].reduce((sum, path) => sum + served.files.get(path)!.length, 0);
    assert.ok(here.server.storageBytes < total + 600_000, `${here.server.storageBytes} of ${total}`);
  });

  test('the API is asked again too, after as long as it says', async () => {
    await using here = await place();
    let failures = 0;
    here.server.fault = ({ url }) =>
      url.startsWith('/api/') && failures++ < 2 ? { status: 429, headers: { 'retry-after': '0.4' } } : 'pass';
    const start = performance.now();
    await here.pull();
    assert.ok(performance.now() - start >= 800, 'waited less than Retry-After');
  });

  test('is given up in the end, with what arrived kept', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { resetAfter: 0 } : 'pass');
    await refused(here.pull(), 'io', /127\.0\.0\.1:\d+: .*; given up after 5 attempts/, /goes on from there/);
    assert.ok(!existsSync(join(here.folder, 'snapshots')));
    here.server.fault = () => 'pass';
    assertWhole(await here.pull());
  });

  test('a hub that cannot be reached is said to be so, with what to look at, and nothing is said to be kept', async () => {
    const here = await place();
    await here[Symbol.asyncDispose]();
    const hints = [/HTTPS_PROXY/, /HF_ENDPOINT/, /HF_HUB_OFFLINE/];
    const error = await refused(here.pull(), 'io', /ECONNREFUSED.*given up after 5 attempts/, ...hints);
    assert.doesNotMatch(`${error.hint}`, /kept/);
  });

  test('with the usual patience, a hub that never answers is given up soon, and every attempt is told', async () => {
    await using silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const hub = await HubServer.start({});
    const closed = hub.endpoint;
    await hub[Symbol.asyncDispose]();
    for (const address of [endpoint, closed]) {
      const here = hubSettings({
        HF_ENDPOINT: address,
        HF_HUB_CACHE: mkdtempSync(join(root, 'cache-')),
        HF_HOME: root,
      });
      const told: string[] = [];
      const start = performance.now();
      const onProgress = (message: string, { phase }: PullProgress) =>
        void (phase === 'retrying' && told.push(message));
      const pulling = pullModel(FLUX1, MODEL, { settings: { ...here, answerTime: 2000 }, onProgress });
      const error = await refused(pulling, 'io', /no answer for|ECONNREFUSED/, /HF_HUB_OFFLINE/);
      // Nine attempts would take longer.
      assert.ok(performance.now() - start < 20_000);
      if (address !== endpoint) assert.match(told[0]!, /ECONNREFUSED.*; trying again in 0\.5 s \(attempt 2 of 9\)/);
      assert.doesNotMatch(`${error.hint}`, /kept/);
    }
    silent.closeAllConnections();
  });

  test('that drips is given up, and one that is slow but steady is not', async () => {
    await using here = await place(served, { stallTime: 1500 });
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 50 } : 'pass');
    const two = { ...patience, attempts: 2 };
    await refused(here.pull({ patience: two, connections: 2 }), 'io', /next to nothing arrived for 1\.5 s/);
    here.server.fault = ({ url }) => (url.includes('tokenizer/') ? { bytesPerSecond: 60_000 } : 'pass');
    assertWhole(await here.pull({ patience: two }));
  });

  test('bytes that come a few at a time are no progress', async () => {
    await using here = await place();
    let asked = 0;
    here.server.fault = ({ server }) => {
      if (server === 'hub') return 'pass';
      asked++;
      return { resetAfter: 10 };
    };
    await refused(here.pull({ connections: 1 }), 'io', /given up after 5 attempts/, /what has arrived is kept/);
    assert.equal(asked, 5);
  });

  test('a wait beyond all reason is not waited for', async () => {
    await using here = await place();
    for (const after of ['99999999', new Date(Date.now() + 1e10).toUTCString()]) {
      here.server.fault = () => ({ status: 429, headers: { 'retry-after': after } });
      await refused(here.pull(), 'io', /status 429; it asks to wait for \d+ days/);
    }
  });

  test('redirects in circles and headers without end are errors, told once', async () => {
    await using here = await place();
    const told: string[] = [];
    const onProgress = (_: string, { phase }: PullProgress) => void (phase === 'retrying' && told.push(phase));
    here.server.fault = ({ url }) => ({ status: 302, headers: { location: url } });
    await refused(here.pull({ onProgress }), 'io', /redirect count/);
    here.server.fault = () => ({ status: 200, headers: { 'x-much': 'x'.repeat(100_000) } });
    await refused(here.pull({ onProgress }), 'io', /header/i);
    assert.deepEqual(told, []);
    here.server.fault = () => ({ status: 200, body: `[${'1,'.repeat(5e6)}1]` });
    await refused(here.pull({ onProgress }), 'bad_file', /more than 8388608 bytes/);
    here.server.fault = ({ server }) =>
      server === 'storage' ? { status: 301, headers: { location: 'https://u:secret@h:1/?signature=secret' } } : 'pass';
    const error = await refused(here.pull(), 'io');
    assert.ok(!/secret/.test(`${error.message}${error.hint}`), error.message);
  });

  test('a wrong hash is fetched once more; the second time it is an error, and nothing is placed', async () => {
    await using here = await place();
    const isWeights = ({ server, url }: { server: string; url: string }) =>
      server === 'storage' && url.includes(sha256(transformer));
    let wrong = 0;
    here.server.fault = (request) => (isWeights(request) && wrong++ === 0 ? { corrupt: true } : 'pass');
    assertWhole(await here.pull());
    assert.equal(wrong, 2 * Math.ceil(transformer.length / PIECE));

    await using there = await place();
    there.server.fault = (request) => (isWeights(request) ? { corrupt: true } : 'pass');
    await refused(
      there.pull(),
      'bad_file',
      new RegExp(`${TRANSFORMER}: expected sha256 ${sha256(transformer)}, found [0-9a-f]{64}, twice`),
      /HF_ENDPOINT/,
    );
    assert.ok(!existsSync(join(there.folder, 'blobs', sha256(transformer))));
    assert.ok(!existsSync(join(there.folder, 'snapshots')));
    assertTidy(there.folder);
  });

  test('a server without ranges serves small files; for large ones it is refused', async () => {
    await using here = await place();
    here.server.fault = ({ url }) => (url.startsWith('/api/') ? 'pass' : { ignoreRange: true });
    await refused(here.pull(), 'unsupported', /does not serve byte ranges/);
    assertWhole(await here.pull({ pieceSize: 2 ** 30 }));
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
      [other(['model_index.json', { _class_name: 'FluxFillPipeline' }]), /this is FLUX\.1 Fill \(FluxFillPipeline\)/],
      [
        other(['model_index.json', { _class_name: 'Flux2KleinPipeline' }], ['text_encoder_2/config.json', undefined]),
        /this is FLUX\.2/,
      ],
      [
        other(['transformer/config.json', { in_channels: 128, out_channels: 64 }]),
        /this is a FLUX\.1 Control transformer/,
      ],
      [other(['transformer/config.json', { _class_name: 'ChromaTransformer2DModel' }]), /this is Chroma/],
      [
        other(['model_index.json', undefined], ['config.json', { _class_name: 'FluxControlNetModel' }]),
        /this is a ControlNet of FLUX\.1/,
      ],
    ];
    await using here = await place();
    for (const [repo, what] of cases) {
      here.server.repos.set(REPO, repo);
      await refused(here.pull(), 'unsupported', what, /this program runs FLUX\.1 text-to-image/);
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
    await refused(here.pull(), 'io', /2 PiB are yet to come, and the disk has .* free/, /HF_HUB_CACHE/);
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
    await refused(here.pull(), 'bad_file', /gave "\.\.\/\.\.\/\.\.\/\.\.\/tmp\/x" as the commit/);
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
    await refused(here.pull(), 'io', /asked for bytes \d+ to \d+ of \d+, was sent range 'bytes 5-9\/10'/);
  });
});

describe('interrupted', () => {
  /** Starts a process that pulls; resolves `reached` once this many bytes have arrived. */
  /** Pulls in a process of its own; `reached` once so many bytes have arrived, or it has told that it waits. */
  function start(here: Place, bytes: number | 'waiting') {
    const program = fileURLToPath(new URL('../../support/pull-process.ts', import.meta.url));
    const child = spawn(process.execPath, [program, REPO, String(PIECE)], {
      env: { ...process.env, ...here.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk;
      const arrived = [...text.matchAll(/^bytes (\d+)$/gm)].map(([, count]) => Number(count));
      if (bytes === 'waiting' ? /^waiting$/m.test(text) : arrived.some((count) => count >= bytes)) resolve();
    });
    const ended = new Promise<string>((done) => child.on('close', () => done(text)));
    return { child, reached, ended };
  }

  test('killed at any moment, it goes on from there', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 500_000 } : 'pass');
    for (const bytes of [6e6, 9e6]) {
      const { child, reached, ended } = start(here, bytes);
      await reached;
      child.kill('SIGKILL');
      await ended;
    }
    assert.ok(!existsSync(join(here.folder, 'refs')), 'the revision is remembered before its files are there');
    here.server.fault = () => 'pass';
    const sent = here.server.storageBytes;
    assertWhole(await here.pull());
    assertTidy(here.folder);
    const total = needed.reduce((sum, path) => sum + served.files.get(path)!.length, 0);
    const again = here.server.storageBytes - sent;
    // 9 MB had arrived; what one second brings may not have been noted.
    assert.ok(again < total - 9e6 + 5e6, `${again} of ${total} were fetched again`);
  });

  test('stopped by a signal, every byte that arrived is kept', async () => {
    await using here = await place();
    here.server.fault = ({ server }) => (server === 'storage' ? { bytesPerSecond: 2e6 } : 'pass');
    const stop = new AbortController();
    let bytes = 0;
    const reason = new Error('enough');
    const pulling = here.pull({
      signal: stop.signal,
      onProgress(_, progress) {
        bytes = progress.bytes;
        if (bytes > 5e6) stop.abort(reason);
      },
    });
    await assert.rejects(pulling, (error) => error === reason);
    here.server.fault = () => 'pass';
    let first: number | undefined;
    const onProgress = (_: string, progress: PullProgress): void => {
      if (progress.totalBytes > 0) first ??= progress.bytes;
    };
    assertWhole(await here.pull({ onProgress }));
    assert.ok(first! >= bytes, `${first} of ${bytes} were kept`);
  });

  test('notes that do not fit their file are not believed', async () => {
    await using here = await place();
    const blob = join(here.folder, 'blobs', sha256(transformer));
    mkdirSync(dirname(blob), { recursive: true });
    for (const note of [
      'not JSON',
      '{"size": 5, "missing": []}',
      `{"size": ${transformer.length}, "missing": [[5, 3]]}`,
      `{"size": ${transformer.length}, "missing": [[0, 9], [4, 20]]}`,
      `{"size": ${transformer.length}, "missing": [[0, 1e12]]}`,
      `{"size": ${transformer.length}, "missing": []}`, // believed, and found out by the hash
    ]) {
      writeFileSync(`${blob}.fluxion.incomplete`, Buffer.alloc(transformer.length));
      writeFileSync(`${blob}.fluxion.missing`, note);
      assertWhole(await here.pull());
      assertTidy(here.folder);
      rmSync(blob);
    }
  });

  test('two processes at once fetch every byte once', async () => {
    await using here = await place();
    const rate = { bytesPerSecond: 50_000 };
    here.server.fault = ({ server }) => (server === 'storage' ? rate : 'pass');
    const one = start(here, 1);
    await one.reached;
    const other = start(here, 'waiting');
    await Promise.race([other.reached, one.ended]);
    rate.bytesPerSecond = 4e6;
    const [first, second] = await Promise.all([one.ended, other.ended]);
    for (const text of [first, second]) assertWhole(text.trim().split('\n').at(-1)!);
    assert.match(second, /^waiting$/m);
    const total = needed.reduce((sum, path) => {
      const bytes = served.files.get(path)!;
      return sum + (isLarge(path, bytes) ? bytes.length : 0);
    }, 0);
    assert.equal(here.server.storageBytes, total);
  });
});

describe('the lock', () => {
  test('is held by one at a time, and passes on', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'a', 'lock');
    let holders = 0;
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        await using _lock = await lockFile(path);
        assert.equal(++holders, 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push(i);
        holders--;
      }),
    );
    assert.deepEqual(order.toSorted(), [0, 1, 2, 3]);
    assert.deepEqual(readdirSync(dirname(path)), []);
  });

  test('of a process that has ended is taken over at once, of one elsewhere once it is silent while another waits', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'lock');
    const long = new Date(Date.now() - 3_600_000);
    const [, start, place] = processMark().split('-');
    const ended = spawnSync(process.execPath, ['-e', '0']).pid;
    // The second has this process's id, which the system gave again.
    for (const mark of [`${ended}-${start}-${place}`, `${process.pid}-1-${place}`]) {
      writeFileSync(path, `${mark} abc\n`);
      await using _lock = await lockFile(path, { silence: 60_000 });
      assert.match(readFileSync(path, 'utf8'), new RegExp(`^${processMark()} `));
    }
    const waiting = { silence: 600, signal: AbortSignal.timeout(1500) };
    // One that lives is not robbed by a clock that was set, here or there.
    writeFileSync(path, `${processMark()} abc\n`);
    utimesSync(path, long, long);
    await assert.rejects(lockFile(path, waiting), { name: 'TimeoutError' });
    writeFileSync(path, '1-5-0123456789ab abc\n');
    const beat = setInterval(() => utimesSync(path, long, new Date(Number(long) + performance.now())), 50);
    await assert.rejects(lockFile(path, { ...waiting, signal: AbortSignal.timeout(1500) }), { name: 'TimeoutError' });
    clearInterval(beat);
    await using _lock = await lockFile(path, { silence: 600 });
  });

  test('that is no regular file is refused', async () => {
    const path = join(mkdtempSync(join(root, 'lock-')), 'lock');
    mkdirSync(path);
    await assert.rejects(lockFile(path), /found a folder/);
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

/** Python with huggingface_hub: `FLUXION_TEST_PYTHON`, else the one on the path. */
const python = process.env['FLUXION_TEST_PYTHON'] ?? 'python3';
const absent =
  spawnSync(python, ['-c', 'import huggingface_hub']).status !== 0 &&
  'no Python with huggingface_hub: FLUXION_TEST_PYTHON names one';

describe('Python’s huggingface_hub', { skip: absent }, () => {
  /** Runs `snapshot_download` and returns the folder it names; asynchronous, as the server is in this process. */
  function snapshot(here: Place, env: Record<string, string> = {}): Promise<string> {
    const patterns = JSON.stringify(needed);
    const code = `from huggingface_hub import snapshot_download; print(snapshot_download("${REPO}", allow_patterns=${patterns}))`;
    const child = spawn(python, ['-c', code], { env: { ...process.env, ...here.env, ...env } });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('close', (status) => (status === 0 ? resolve(text.trim()) : reject(new Error(errors))));
    });
  }

  test('finds what was downloaded here, with and without the network', async () => {
    await using here = await place();
    const folder = await here.pull();
    here.server.requests.length = 0;
    assert.equal(await snapshot(here), folder);
    assert.deepEqual(here.server.downloads(), []);
    assert.equal(await snapshot(here, { HF_HUB_OFFLINE: '1' }), folder);
  });

  test('downloads what is found here, whole or in part', async () => {
    await using here = await place();
    const folder = await snapshot(here);
    here.server.requests.length = 0;
    assert.equal(await hubFolder(FLUX1, MODEL, { settings: here.settings }), folder);
    assert.equal(await here.pull(), folder);
    assert.deepEqual(here.server.downloads(), []);
    rmSync(realpathSync(join(folder, TRANSFORMER)));
    assert.equal(await hubFolder(FLUX1, MODEL, { settings: here.settings, patience }), folder);
    assert.deepEqual(new Set(here.server.downloads().map(({ url }) => url)).size, 1);
    assertWhole(folder);
  });
});
