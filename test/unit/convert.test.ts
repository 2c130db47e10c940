/** Converting weights: there and back gives the same bytes; what is quantised is what the reference programs make. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ConvertOptions, convert, openForConversion } from '../../src/checkpoint/convert.ts';
import { declaredNames } from '../../src/checkpoint/declared-names.ts';
import { LAYOUTS } from '../../src/checkpoint/keymap.ts';
import { e4m3Scale, toE4m3, toQ4_0, toQ8_0 } from '../../src/checkpoint/quantise.ts';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { WeightStore } from '../../src/checkpoint/store.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { toF32 } from '../../src/support/floats.ts';
import { compare } from '../support/close.ts';
import { fails } from '../support/fails.ts';
import { repositoryPath } from '../support/fixture.ts';
import { FIXTURES, FULL_SIZE } from '../support/full-size.ts';
import * as spell from '../support/spellings.ts';

const TINY = repositoryPath('models/tiny');
const folder = mkdtempSync(join(tmpdir(), 'fluxion-convert-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
async function converted(inputs: readonly string[], options: Partial<ConvertOptions> = {}): Promise<string> {
  const path = join(folder, `${files++}`);
  using stores = openForConversion(inputs, { decoded: 'f32' });
  await convert(stores, path, { encoding: 'bf16', names: 'single', container: 'safetensors', ...options });
  return path;
}

/** Asserts that two files hold the same tensors. */
function assertSame(path: string, expected: string): void {
  using actual = WeightStore.open(path);
  using wanted = WeightStore.open(expected);
  assert.deepEqual(actual.keys().toSorted(), wanted.keys().toSorted());
  for (const key of wanted.keys()) {
    assert.deepEqual(actual.info(key).shape, wanted.info(key).shape, key);
    assert.deepEqual(Buffer.from(actual.bytes(key)), Buffer.from(wanted.bytes(key)), key);
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
  for (const [family, name, expected] of [
    ['flux', 'dev', 780],
    ['flux', 'schnell', 776],
    ['clip', 'clip', 196],
    ['t5', 't5', 219],
    ['vae', 'vae', 244],
  ] as const) {
    const keys = FULL_SIZE[name];
    const layout = LAYOUTS[family].find(({ marker }) => Object.hasOwn(keys, marker))!;
    const names = declaredNames(family, layout, (key) => Object.hasOwn(keys, key));
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
  const back = (only: 'flux' | 't5' | 'vae') => converted([whole], { names: 'diffusers', only });
  assertSame(await back('flux'), join(TINY, 'transformer/diffusion_pytorch_model.safetensors'));
  assertSame(await back('t5'), join(TINY, 'text_encoder_2/model.safetensors'));
  assertSame(await back('vae'), join(TINY, 'vae/diffusion_pytorch_model.safetensors'));
});

test('quantised files are as small as they should be, and as near', async () => {
  const original = await converted([join(TINY, 'transformer')], { encoding: 'f32' });
  using wanted = WeightStore.open(original);
  const cases = [
    // Half a step of three bits after the point, and of 254; a whole one of 16, whose codes reach −8 but only 7.
    ['fp8', 'safetensors', 1 / 16],
    ['fp8_scaled', 'safetensors', 1 / 16],
    ['q8_0', 'gguf', 1.1 / 254],
    ['q4_0', 'gguf', 1.01 / 8],
  ] as const;
  for (const [encoding, container, limit] of cases) {
    const path = await converted([join(TINY, 'transformer')], { encoding, container });
    const [store] = openForConversion([path], { decoded: 'f32' });
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

test('T5 goes to GGUF in llama.cpp names and back', async () => {
  const path = await converted([join(TINY, 'text_encoder_2')], { encoding: 'bf16', container: 'gguf' });
  const [store] = openForConversion([path]);
  assert.ok(store!.has('enc.blk.0.attn_q.weight') && store!.has('token_embd.weight'));
  assert.equal(store!.metadata.get('general.architecture'), 't5encoder');
  assertSame(await converted([path]), join(TINY, 'text_encoder_2/model.safetensors'));
});

test('what cannot be written is refused, and nothing is left behind', async () => {
  const before = readdirSync(folder).length;
  const refused = (inputs: readonly string[], options: Partial<ConvertOptions>, message: RegExp) =>
    assert.rejects(converted(inputs, options), { name: 'FluxionError', message });
  await refused([TINY], { container: 'gguf' }, /GGUF files hold a Flux transformer or a T5 encoder alone/);
  await refused(
    [join(TINY, 'vae')],
    { encoding: 'q8_0' },
    /safetensors files do not hold q8_0; name the output \.gguf/,
  );
  await refused([join(TINY, 'transformer')], { encoding: 'fp8', container: 'gguf' }, /GGUF files do not hold fp8/);
  await refused([TINY, join(TINY, 'vae')], {}, /an autoencoder is there twice/);
  await refused([join(TINY, 'vae')], { only: 't5' }, /expected a T5 encoder, found an autoencoder/);
  const odd = join(folder, 'odd');
  writeSafetensors(odd, [...spell.t5(), { name: 'encoder.extra', dtype: 'u8', shape: [1], bytes: new Uint8Array(1) }]);
  await refused([odd], {}, /odd: 1 keys are not known: encoder\.extra/);
  const stopped = AbortSignal.abort(new Error('enough'));
  await assert.rejects(converted([TINY], { signal: stopped }), /enough/);
  writeFileSync(join(folder, 'text'), 'no weights');
  fails(() => openForConversion([join(folder, 'text')]), 'bad_file', /too few|header length/);
  assert.deepEqual(readdirSync(folder).length, before + 2);
});
