/** Paths as people give them: folders of the hub's cache, one component for a whole model and the other way round, files of a set. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { Flux } from '../../../src/index.ts';
import { findModel } from '../../../src/pipeline/model-path.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import { openModel } from '../../../src/weights/folders/model-source.ts';
import { openTensors } from '../../../src/weights/folders/open.ts';
import { fluxion, temporaryFolder } from '../../support/command-line.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { type NamedTensor, writeSafetensors } from '../../support/safetensors.ts';

const TINY = repositoryPath('models/tiny');
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** The bundled model as the hub's cache keeps one. */
function cached(folder: string): string {
  const repo = join(folder, 'models--some--model');
  const snapshot = join(repo, 'snapshots', COMMIT);
  cpSync(TINY, snapshot, { recursive: true });
  mkdirSync(join(repo, 'refs'));
  writeFileSync(join(repo, 'refs', 'main'), COMMIT);
  return repo;
}

function tensors(path: string): NamedTensor[] {
  using store = WeightStore.open(path);
  return store.keys().map((name) => ({ name, ...store.info(name), bytes: Uint8Array.from(store.bytes(name)) }));
}

/** Cuts a file's tensors into several without an index; returns their paths. */
function cut(path: string, name: string, count: number): string[] {
  const all = tensors(path);
  const number = (n: number): string => String(n).padStart(5, '0');
  const paths = Array.from({ length: count }, (_, i) =>
    join(dirname(path), `${name}-${number(i + 1)}-of-${number(count)}.safetensors`),
  );
  for (const [i, shard] of paths.entries())
    writeSafetensors(
      shard,
      all.filter((_, j) => j % count === i),
    );
  rmSync(path);
  return paths;
}

describe('a folder beside the one that is meant', () => {
  test('a repository of the hub’s cache is its snapshot, and has its name', async () => {
    using folder = temporaryFolder();
    const repo = cached(folder.path);
    const snapshot = join(repo, 'snapshots', COMMIT);
    assert.equal(openModel(FLUX1, repo).path, snapshot);
    assert.equal((await findModel(repo, {})).name, 'some/model');
    assert.equal((await findModel(snapshot, {})).name, 'some/model');
    assert.equal(openModel(FLUX1, TINY, { vae: repo }).paths.get('vae'), join(snapshot, 'vae'));
    rmSync(join(repo, 'refs'), { recursive: true });
    assert.equal(openModel(FLUX1, repo).path, snapshot);
    renameSync(snapshot, join(repo, 'snapshots', 'gone'));
    rmSync(join(repo, 'snapshots', 'gone'), { recursive: true });
    fails(() => openModel(FLUX1, repo), 'not_found', /with 0 snapshots/, /fluxion pull some\/model/);
  });

  test('a whole model stands for its component, a config for its folder, an index for its model', () => {
    assert.equal(openModel(FLUX1, TINY, { transformer: TINY }).paths.get('transformer'), join(TINY, 'transformer'));
    assert.equal(
      openModel(FLUX1, TINY, { clip: join(TINY, 'text_encoder/config.json') }).paths.get('clip'),
      join(TINY, 'text_encoder'),
    );
    assert.equal(openModel(FLUX1, join(TINY, 'model_index.json')).path, TINY);
  });

  test('a component, or a folder of models, is told from a model', () => {
    fails(
      () => openModel(FLUX1, join(TINY, 'vae')),
      'not_found',
      /no model_index\.json/,
      /one component of a model: give .*tiny/,
    );
    fails(() => openModel(FLUX1, dirname(TINY)), 'not_found', /no model_index\.json/, /models.tiny is one/);
    using folder = temporaryFolder();
    symlinkSync(folder.file('gone'), folder.file('link'));
    fails(() => openModel(FLUX1, folder.file('link')), 'not_found', /a link to '.*gone', which is not there/);
  });

  test('every command takes them', async () => {
    using folder = temporaryFolder();
    symlinkSync('gone', folder.file('link'));
    for (const words of [
      ['inspect', 'link'],
      ['generate', 'a cat', 'pretrained_model_name_or_path=link'],
    ]) {
      const { status, stderr } = await fluxion(words, { cwd: folder.path });
      assert.notEqual(status, 0);
      assert.match(stderr, /link: a link to 'gone', which is not there/);
    }
    cached(folder.path);
    const inspected = await fluxion(['inspect', 'models--some--model', '--json'], { cwd: folder.path });
    assert.equal(JSON.parse(inspected.stdout).class, 'FluxPipeline');
    const planned = await fluxion(
      ['generate', '--dry-run', 'a cat', 'model=models--some--model', 'width=64', 'height=64'].map((word) =>
        word.replace(/^model=/, 'pretrained_model_name_or_path='),
      ),
      { cwd: folder.path },
    );
    assert.equal(planned.status, 0, planned.stderr);
  });
});

describe('several files without an index', () => {
  test('are one set, from their folder or from any of them', () => {
    using folder = temporaryFolder();
    cpSync(join(TINY, 'transformer'), folder.path, { recursive: true });
    const [first, second, third] = cut(
      folder.file('diffusion_pytorch_model.safetensors'),
      'diffusion_pytorch_model',
      3,
    );
    for (const path of [folder.path, first!, second!, third!]) {
      using store = openTensors(path);
      assert.equal(store.keys().length, 150);
    }
    assert.ok(openModel(FLUX1, TINY, { transformer: folder.path }));
    assert.ok(openModel(FLUX1, TINY, { transformer: second! }));
    rmSync(second!);
    const lacks = /part [13] of 3, and beside it there is no diffusion_pytorch_model-00002-of-00003\.safetensors/;
    fails(() => openTensors(folder.path), 'not_found', lacks, /download the missing files/);
    for (const path of [first!, third!]) fails(() => openModel(FLUX1, TINY, { transformer: path }), 'not_found', lacks);
    // One file of several is still explained.
    using store = openTensors(first!);
    assert.equal(store.keys().length, 50);
  });

  test('of any name, and variants after plain ones', () => {
    using folder = temporaryFolder();
    cpSync(join(TINY, 'vae'), folder.path, { recursive: true });
    cut(folder.file('diffusion_pytorch_model.safetensors'), 'my-vae', 2);
    using store = openTensors(folder.path);
    assert.equal(store.keys().length, 184);
    for (const name of ['model.fp16', 'model']) {
      for (const part of ['1', '2']) writeSafetensors(folder.file(`${name}-0000${part}-of-00002.safetensors`), []);
    }
    using plain = openTensors(folder.path);
    assert.match(plain.path, /model-00001-of-00002\.safetensors$/);
    using variant = openTensors(folder.path, { variant: 'fp16' });
    assert.match(variant.path, /model\.fp16-00001-of-00002\.safetensors$/);
  });

  test('a part of a split GGUF file says how to join it', () => {
    using folder = temporaryFolder();
    const path = folder.file('flux1-dev-Q8_0-00001-of-00003.gguf');
    cpSync(join(TINY, 'vae/diffusion_pytorch_model.safetensors'), path);
    fails(
      () => openModel(FLUX1, TINY, { vae: path }),
      'unsupported',
      /part 1 of 3 of a split GGUF file/,
      /llama-gguf-split --merge/,
    );
  });
});

test('a file that is no weights is told for what it is', async () => {
  using folder = temporaryFolder();
  const files: [name: string, bytes: string | Buffer, what: RegExp][] = [
    ['model.ckpt', 'PK\x03\x04archive/data.pkl\0\0\0', /found a PyTorch pickle archive/],
    ['model.pt', Buffer.from('8002' + '8a0a6cfc9c46f9206aa8501986', 'hex'), /found a Python pickle[\s\S]*torch\.load/],
    ['model.bin', 'ggjt\x03\0\0\0\0\0\0\0\0\0', /found a GGML file/],
    ['model.gguf', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', /found a Git LFS pointer/],
    ['page.safetensors', '<!DOCTYPE html><html>', /found a web page/],
    ['notes.txt', 'these are only some notes', /found a text file/],
    [
      'picture.png',
      readFileSync(repositoryPath('test/fixtures/checkpoint/keys.json.gz')),
      /found a compressed archive/,
    ],
  ];
  for (const [name, bytes, what] of files) {
    writeFileSync(folder.file(name), bytes);
    fails(() => openModel(FLUX1, TINY, { transformer: folder.file(name) }), 'bad_file', what);
    fails(() => openModel(FLUX1, folder.file(name)), 'bad_file', what);
    const { status, stderr } = await fluxion(['inspect', name], { cwd: folder.path });
    assert.equal(status, 1, stderr);
    assert.match(stderr, what);
  }
  writeFileSync(folder.file('photo.jpg'), Buffer.from('ffd8ffe000104a464946000101', 'hex'));
  fails(() => openModel(FLUX1, TINY, { vae: folder.file('photo.jpg') }), 'bad_file', /found a picture/);
  writeFileSync(folder.file('config.json'), '{"_class_name": "FluxTransformer2DModel"}');
  const { stderr } = await fluxion(['inspect', 'config.json'], { cwd: folder.path });
  assert.match(stderr, /weight_map: expected an object[\s\S]*holds no weights: give its folder/);
});

test('a byte order mark changes nothing, in any text file of a model', async () => {
  using folder = temporaryFolder();
  const path = folder.file('tiny');
  cpSync(TINY, path, { recursive: true });
  const texts = readdirSync(path, { recursive: true })
    .map(String)
    .filter((name) => /\.(json|txt)$/.test(name));
  assert.ok(texts.length >= 10);
  for (const name of texts) {
    writeFileSync(join(path, name), Buffer.concat([Buffer.from('\uFEFF'), readFileSync(join(path, name))]));
  }
  const request = { prompt: 'a red house at sunset', steps: 1, width: 64, height: 64, seed: 1 };
  const draw = async (model: string) => {
    await using flux = await Flux.load(model, { device: 'cpu' });
    return (await flux.generate(request))[0]!.data;
  };
  assert.deepEqual(await draw(path), await draw('tiny'));
});
