/** Converting weights: there and back gives the same bytes; what is quantised is what the reference programs make. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AUTOENCODER } from '../../../src/families/flux1/autoencoder.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { elementCount } from '../../../src/support/dtype.ts';
import { toF32 } from '../../../src/support/floats.ts';
import { e4m3Scale, toE4m3, toQ4_0, toQ8_0 } from '../../../src/weights/encodings/quantise.ts';
import { readingFile } from '../../../src/weights/files/file-bytes.ts';
import { readGgufHeader } from '../../../src/weights/files/gguf.ts';
import { readJsonObject } from '../../../src/weights/files/json.ts';
import { readSafetensorsHeader } from '../../../src/weights/files/safetensors.ts';
import { findWeights, WeightStore } from '../../../src/weights/files/store.ts';
import { type ConvertOptions, convert, openForConversion } from '../../../src/weights/folders/convert.ts';
import { declaredNames } from '../../../src/weights/folders/declared-names.ts';
import { componentNamed } from '../../../src/weights/folders/family.ts';
import { openPipelineFolder } from '../../../src/weights/folders/pipeline-folder.ts';
import { compare } from '../../support/close.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { FIXTURES, FULL_SIZE } from '../../support/full-size.ts';
import { memoryFile } from '../../support/memory-file.ts';
import { writeSafetensors } from '../../support/safetensors.ts';
import * as spell from '../../support/spellings.ts';

const TINY = repositoryPath('models/tiny');
/** The tiny transformer with one block of each kind: what holds for its matrices holds for those of the others. */
const shallow = spell.bflTransformer().filter(({ name }) => !/_blocks\.[1-9]/.test(name));
const folder = mkdtempSync(join(tmpdir(), 'fluxion-convert-'));
after(() => rmSync(folder, { recursive: true }));
const shallowFile = join(folder, 'shallow');
writeSafetensors(shallowFile, shallow);

let files = 0;
async function converted(inputs: readonly string[], options: Partial<ConvertOptions> = {}): Promise<string> {
  const path = join(folder, `${files++}`);
  using stores = openForConversion(FLUX1, inputs, { decoded: 'f32' });
  await convert(FLUX1, stores, path, { encoding: 'bf16', names: 'single', container: 'safetensors', ...options });
  return path;
}

/** Asserts that two files hold the same tensors, those of the first behind a prefix. */
function assertSame(path: string, expected: string, prefix = ''): void {
  using actual = WeightStore.open(path);
  using wanted = WeightStore.open(expected);
  assert.deepEqual(
    actual.keys().toSorted(),
    wanted
      .keys()
      .map((key) => prefix + key)
      .toSorted(),
  );
  for (const key of wanted.keys()) {
    assert.deepEqual(actual.info(prefix + key).shape, wanted.info(key).shape, key);
    assert.deepEqual(Buffer.from(actual.bytes(prefix + key)), Buffer.from(wanted.bytes(key)), key);
  }
}

test('numbers become the very bytes that torch and gguf make of them', () => {
  using fixture = WeightStore.open(join(FIXTURES, 'quantised.safetensors'));
  const values = toF32('f32', fixture.bytes('values'), 512);
  assert.deepEqual(toE4m3(values), Uint8Array.from(fixture.bytes('f8e4m3')));
  assert.deepEqual(toQ8_0(values), Uint8Array.from(fixture.bytes('Q8_0')));
  assert.deepEqual(toQ4_0(values), Uint8Array.from(fixture.bytes('Q4_0')));
  assert.deepEqual([...toE4m3(Float32Array.of(1e9, -449, Number.NaN, -0))], [0x7e, 0xfe, 0x7f, 0x80]);
  assert.deepEqual([e4m3Scale(Float32Array.of(0, 0)), e4m3Scale(Float32Array.of(-896, 2))], [1, 2]);
});

test('the declared names are those of the full-size files', () => {
  for (const [part, name, expected] of [
    ['transformer', 'dev', 780],
    ['transformer', 'schnell', 776],
    ['clip', 'clip', 196],
    ['t5', 't5', 219],
    ['vae', 'vae', 244],
  ] as const) {
    const keys = FULL_SIZE[name];
    const component = componentNamed(FLUX1, part);
    const layout = component.layouts.find(({ marker }) => Object.hasOwn(keys, marker))!;
    const names = declaredNames(component, layout, (key) => Object.hasOwn(keys, key));
    assert.equal(names.length, expected, name);
    assert.equal(new Set(names).size, expected);
    const covered = new Set(names.flatMap((each) => layout.parts(each, () => true).map(({ key }) => key)));
    assert.deepEqual([...covered].toSorted(), Object.keys(keys).toSorted());
  }
});

test('a model folder to one file and back to its parts: the same tensors', async () => {
  const whole = await converted([TINY]);
  const expected = join(folder, 'expected');
  writeSafetensors(
    expected,
    spell.allInOne().filter(({ name }) => !name.endsWith('logit_scale')),
  );
  assertSame(whole, expected);
  const back = (only: 'transformer' | 't5' | 'vae') => converted([whole], { names: 'diffusers', only });
  assertSame(await back('transformer'), join(TINY, 'transformer/diffusion_pytorch_model.safetensors'));
  assertSame(await back('t5'), join(TINY, 'text_encoder_2/model.safetensors'));
  assertSame(await back('vae'), join(TINY, 'vae/diffusion_pytorch_model.safetensors'));
});

test('quantised files are as small as they should be, and as near', async () => {
  const original = await converted([shallowFile], { encoding: 'f32' });
  using wanted = WeightStore.open(original);
  const cases = [
    // Half a step of three bits after the point, and of 254; a whole one of 16, whose codes reach −8 but only 7.
    ['fp8', 'safetensors', 1 / 16],
    ['fp8_scaled', 'safetensors', 1 / 16],
    ['int8', 'safetensors', 1.1 / 254],
    ['q8_0', 'gguf', 1.1 / 254],
    ['q4_0', 'gguf', 1.01 / 8],
  ] as const;
  for (const [encoding, container, limit] of cases) {
    const path = await converted([shallowFile], { encoding, container });
    const [store] = openForConversion(FLUX1, [path], { decoded: 'f32' });
    assert.deepEqual(store!.keys().toSorted(), wanted.keys().toSorted());
    for (const key of wanted.keys()) {
      const { shape, dtype, encoding: stored } = store!.info(key);
      assert.deepEqual(shape, wanted.info(key).shape);
      const isBlock = /^(double|single)_blocks.*\.weight$/.test(key);
      assert.equal(stored !== undefined, isBlock, `${key}: ${stored}`);
      const count = elementCount(shape);
      const { relMax } = compare(toF32(dtype, store!.bytes(key), count), toF32('f32', wanted.bytes(key), count));
      assert.ok(relMax <= (isBlock ? limit : 0), `${encoding} ${key}: ${relMax}`);
    }
  }
});

test("files in ComfyUI's formats are converted as others are", async () => {
  const original = await converted([shallowFile], { encoding: 'f32' });
  using wanted = WeightStore.open(original);
  const cases = [
    // Half of the step from 4 to 6, and half a step of the block's scale; half of one of three bits; two steps of 254 of four times the largest.
    ['nvfp4', 1 / 6 + 1 / 16],
    ['mxfp8', 1 / 16],
    ['int8_tensorwise', 8 / 127],
  ] as const;
  for (const [format, limit] of cases) {
    const path = join(folder, `${files++}`);
    writeSafetensors(path, spell.comfyQuant(shallow, format));
    using store = WeightStore.open(await converted([path], { encoding: 'f32' }));
    assert.deepEqual(store.keys().toSorted(), wanted.keys().toSorted());
    for (const key of wanted.keys()) {
      const { shape } = wanted.info(key);
      assert.deepEqual(store.info(key).shape, shape, key);
      const values = [store, wanted].map((each) => toF32('f32', each.bytes(key), elementCount(shape)));
      const { relMax } = compare(values[0]!, values[1]!);
      assert.ok(relMax <= (shape.length === 2 ? limit : 0), `${format} ${key}: ${relMax}`);
    }
  }
});

test('a file becomes the folder that it came from', async () => {
  const whole = await converted([TINY], {});
  const target = await converted([whole], { container: 'folder', names: 'diffusers', base: TINY, shardSize: 500_000 });
  for (const name of ['transformer', 'text_encoder', 'text_encoder_2', 'vae']) {
    const json = (root: string) => JSON.parse(readFileSync(join(root, name, 'config.json'), 'utf8'));
    const [written, original] = [json(target), json(TINY)];
    for (const [field, value] of Object.entries(written)) {
      if (field !== 'torch_dtype' && field in original) assert.deepEqual(value, original[field], `${name}: ${field}`);
    }
    // CLIP is written in the names of transformers 4, which all versions read.
    assertSame(
      findWeights(join(target, name)),
      findWeights(join(TINY, name)),
      name === 'text_encoder' ? 'text_model.' : '',
    );
  }
  const shards = readdirSync(join(target, 'transformer')).filter((name) => name.endsWith('.safetensors'));
  assert.ok(shards.length > 3 && shards.every((name) => /-\d{5}-of-\d{5}\.safetensors$/.test(name)), shards.join());
  const limits = shards.map((name) => statSync(join(target, 'transformer', name)).size);
  assert.ok(Math.max(...limits) < 600_000, 'no shard is over the limit, but for its header');
  const folder = openPipelineFolder(FLUX1, target);
  assert.deepEqual({ ...folder, openWeights: 0, paths: 0 }, {
    ...openPipelineFolder(FLUX1, TINY), openWeights: 0, paths: 0, path: target,
    tokenizers: new Map([['clip', join(target, 'tokenizer')], ['t5', join(target, 'tokenizer_2')]]),
  }); // biome-ignore format: what differs
});

test('one model becomes a folder of its own', async () => {
  const target = await converted([join(TINY, 'vae')], { container: 'folder', names: 'diffusers', encoding: 'f32' });
  assert.deepEqual(readdirSync(target), ['config.json', 'diffusion_pytorch_model.safetensors']);
  const { normGroups, scalingFactor } = AUTOENCODER.config.read(
    readJsonObject(join(target, 'config.json'), readingFile),
    target,
  );
  assert.deepEqual([normGroups, scalingFactor], [8, 0.552526], 'what shapes do not tell is as beside the weights');
});

test('tensors and their bytes begin at multiples of 64, as far as the formats let them', async () => {
  const safe = readingFile(await converted([join(TINY, 'transformer')]));
  const { tensors } = readSafetensorsHeader(safe);
  const large = [...tensors].filter(([, { start, end }]) => (end - start) % 64 === 0);
  assert.ok(large.length > 100);
  for (const [name, { start }] of large) assert.equal(start % 64, 0, name);
  const gguf = readFileSync(await converted([join(TINY, 'transformer')], { container: 'gguf', encoding: 'q8_0' }));
  const file = readGgufHeader(memoryFile('x.gguf', gguf));
  for (const [name, { start }] of file.tensors) assert.equal(start % 64, 0, name);
});

test('T5 goes to GGUF in llama.cpp names and back', async () => {
  const path = await converted([join(TINY, 'text_encoder_2')], { encoding: 'bf16', container: 'gguf' });
  const [store] = openForConversion(FLUX1, [path]);
  assert.ok(store!.has('enc.blk.0.attn_q.weight') && store!.has('token_embd.weight'));
  assert.equal(store!.metadata.get('general.architecture'), 't5encoder');
  assertSame(await converted([path]), join(TINY, 'text_encoder_2/model.safetensors'));
});

test('what cannot be written is refused, and nothing is left behind', async () => {
  const before = readdirSync(folder).length;
  const refused = (inputs: readonly string[], options: Partial<ConvertOptions>, message: RegExp) =>
    assert.rejects(converted(inputs, options), { name: 'FluxionError', message });
  await refused([TINY], { container: 'gguf' }, /GGUF files can hold only a Flux transformer or a T5 encoder/);
  await refused(
    [join(TINY, 'vae')],
    { encoding: 'q8_0' },
    /safetensors files do not hold q8_0; name the output \.gguf/,
  );
  await refused([join(TINY, 'transformer')], { encoding: 'fp8', container: 'gguf' }, /GGUF files do not hold fp8/);
  await refused([join(TINY, 'vae')], { container: 'folder' }, /folders are in diffusers' names/);
  await refused([TINY], { container: 'folder', encoding: 'int8' }, /diffusers' folders do not hold int8/);
  const two = [join(TINY, 'vae'), join(TINY, 'transformer')];
  await refused(two, { container: 'folder', names: 'diffusers' }, /also needs a CLIP text encoder, a T5 encoder/);
  await refused([TINY, join(TINY, 'vae')], {}, /an autoencoder is there twice/);
  await refused([join(TINY, 'vae')], { only: 't5' }, /expected a T5 encoder, found an autoencoder/);
  const odd = join(folder, 'odd');
  writeSafetensors(odd, [...spell.t5(), { name: 'encoder.extra', dtype: 'u8', shape: [1], bytes: new Uint8Array(1) }]);
  await refused([odd], {}, /odd: 1 unknown keys: encoder\.extra/);
  const stopped = AbortSignal.abort(new Error('enough'));
  await assert.rejects(converted([TINY], { signal: stopped }), /enough/);
  writeFileSync(join(folder, 'text'), 'no weights');
  fails(() => openForConversion(FLUX1, [join(folder, 'text')]), 'bad_file', /too few|header length/);
  assert.deepEqual(readdirSync(folder).length, before + 2);
});
