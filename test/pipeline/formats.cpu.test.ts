/** The bundled model written in every spelling draws the same picture: the very same where nothing is lost, else one as near as the format is. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Flux, type LoadOptions } from '../../src/index.ts';
import { multipliesBf16 } from '../../src/support/processor.ts';
import { liveCounts } from '../../src/xla/pjrt/lifetime.ts';
import { psnr } from '../support/close.ts';
import { repositoryPath } from '../support/fixture.ts';
import { type NamedTensor, writeSafetensors } from '../support/safetensors.ts';
import * as spell from '../support/spellings.ts';

const TINY = repositoryPath('models/tiny');
const REQUEST = {
  prompt: 'a red house in the mountains at sunset',
  seed: 3,
  steps: 8,
  maxSequenceLength: 32,
  width: 128,
  height: 128,
};

const folder: string = mkdtempSync(join(tmpdir(), 'fluxion-formats-'));
let expected: Uint8Array;
before(async () => {
  expected = await draw(TINY, {});
});
after(() => {
  rmSync(folder, { recursive: true });
  assert.deepEqual(liveCounts(), {});
});

async function draw(model: string, options: LoadOptions): Promise<Uint8Array> {
  await using flux = await Flux.load(model, { device: 'cpu', ...options });
  const [image] = await flux.generate(REQUEST);
  return image!.data;
}

/** Writes a safetensors file under a name that says nothing. */
function safetensors(tensors: readonly NamedTensor[]): string {
  const path = join(folder, `${files++}.bin`);
  writeSafetensors(path, tensors);
  return path;
}

function file(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.bin`);
  writeFileSync(path, bytes);
  return path;
}
let files = 0;

describe('lossless: the same bytes', () => {
  const cases: readonly [string, () => LoadOptions][] = [
    ['transformer, BFL single file', () => ({ transformer: safetensors(spell.bflTransformer()) })],
    ['transformer behind a prefix', () => ({ transformer: safetensors(spell.renamed(spell.bflTransformer(), (name) => `model.diffusion_model.${name}`)) })],
    ['transformer, GGUF BF16', () => ({ transformer: file(spell.gguf(spell.bflTransformer(), 'BF16', 'flux')) })],
    ['transformer, GGUF F32, where only the container differs', () => ({ transformer: file(spell.gguf(spell.bflTransformer(), 'F32', 'flux')) })],
    ['autoencoder in latent-diffusion names', () => ({ vae: safetensors(spell.ldmVae()) })],
    ['clip_l and t5xxl files', () => ({ clip: safetensors(spell.clip()), t5: safetensors(spell.t5()) })],
    ['clip_l in OpenAI’s names', () => ({ clip: safetensors(spell.openAiClip()) })],
    ['autoencoder without its encoder', () => ({ vae: safetensors(spell.decoderAlone()) })],
    ['transformer behind the same prefix twice', () => ({ transformer: safetensors(spell.renamed(spell.bflTransformer(), (name) => `model.diffusion_model.model.diffusion_model.${name}`)) })],
    ['transformer compiled and wrapped', () => ({ transformer: safetensors(spell.renamed(spell.bflTransformer(), (name) => `module._orig_mod.transformer.${name.replace(/^(\w+_blocks\.\d+)\./, '$1._orig_mod.')}`)) })],
    ['T5, GGUF in llama.cpp names', () => ({ t5: file(spell.gguf(spell.llamaT5(), 'BF16', 't5encoder')) })],
    [
      'all four out of one file',
      () => {
        const path = safetensors(spell.allInOne());
        return { transformer: path, clip: path, t5: path, vae: path };
      },
    ],
    ['component folders with configs of their own', () => ({ transformer: join(TINY, 'transformer'), vae: join(TINY, 'vae') })],
  ]; // biome-ignore format: one case a line
  for (const [name, options] of cases) {
    test(name, async () => assert.deepEqual(await draw(TINY, options()), expected));
  }

  test('transformer, GGUF F16, whose range the weights fit', async () => {
    const transformer = file(spell.gguf(spell.bflTransformer(), 'F16', 'flux'));
    assert.deepEqual(await draw(TINY, { transformer, dtype: 'f32' }), await draw(TINY, { dtype: 'f32' }));
    const found = await draw(TINY, { transformer });
    // Where bf16 is multiplied natively, XLA has other kernels for f16 weights than for bf16 ones: sums differ in their last bits.
    if (multipliesBf16()) assert.ok(psnr(found, expected) > 60);
    else assert.deepEqual(found, expected);
  });
});

describe('quantised: as near as the format is', () => {
  const cases: readonly [string, number, () => LoadOptions][] = [
    ['transformer, plain fp8 e4m3', 36, () => ({ transformer: safetensors(spell.plainFp8(spell.bflTransformer(), 'f8e4m3')) })],
    ['transformer, plain fp8 e5m2', 28, () => ({ transformer: safetensors(spell.plainFp8(spell.bflTransformer(), 'f8e5m2')) })],
    ['transformer, scaled fp8, older spelling', 42, () => ({ transformer: safetensors(spell.scaledFp8(spell.bflTransformer(), 'older')) })],
    ['transformer, scaled fp8, newer spelling', 42, () => ({ transformer: safetensors(spell.scaledFp8(spell.bflTransformer(), 'newer')) })],
    ['transformer, nvfp4', 33, () => ({ transformer: safetensors(spell.comfyQuant(spell.bflTransformer(), 'nvfp4')) })],
    ['transformer, mxfp8', 38, () => ({ transformer: safetensors(spell.comfyQuant(spell.bflTransformer(), 'mxfp8')) })],
    ['transformer, rotated int8', 53, () => ({ transformer: safetensors(spell.comfyQuant(spell.bflTransformer(), 'int8_tensorwise')) })],
    ['T5, nvfp4', 55, () => ({ t5: safetensors(spell.comfyQuant(spell.t5(), 'nvfp4')) })],
    ['T5, scaled fp8', 55, () => ({ t5: safetensors(spell.scaledFp8(spell.t5(), 'older')) })],
    ['transformer, GGUF Q8_0', 52, () => ({ transformer: file(spell.gguf(spell.bflTransformer(), 'Q8_0', 'flux')) })],
    ['transformer, GGUF Q4_0', 30, () => ({ transformer: file(spell.gguf(spell.bflTransformer(), 'Q4_0', 'flux')) })],
    ['T5, GGUF Q8_0', 55, () => ({ t5: file(spell.gguf(spell.llamaT5(), 'Q8_0', 't5encoder')) })],
  ]; // biome-ignore format: one case a line
  for (const [name, least, options] of cases) {
    test(name, async (t) => {
      const found = psnr(await draw(TINY, options()), expected);
      t.diagnostic(`PSNR ${found.toFixed(1)} dB`);
      assert.ok(found > least && Number.isFinite(found), `${found} dB`);
    });
  }
});

describe('8-bit floats stay what they are in the file under quantization=fp8', () => {
  const cases: readonly [string, number, (tensors: readonly NamedTensor[]) => NamedTensor[]][] = [
    ['plain: the same sums', 80, (tensors) => spell.plainFp8(tensors, 'f8e4m3')],
    // As floats they are rounded to bf16 once multiplied by their scale.
    ['scaled, older spelling', 60, (tensors) => spell.scaledFp8(tensors, 'older')],
    ['scaled, newer spelling', 60, (tensors) => spell.scaledFp8(tensors, 'newer')],
  ];
  for (const [name, least, spelt] of cases) {
    test(name, async (t) => {
      const files = { transformer: safetensors(spelt(spell.bflTransformer())), t5: safetensors(spelt(spell.t5())) };
      const floats = await draw(TINY, { ...files, dtype: 'f32' });
      for (const residency of ['resident', 'streamed'] as const) {
        const found = psnr(await draw(TINY, { ...files, dtype: 'f32', quantization: 'fp8', residency }), floats);
        t.diagnostic(`${residency}: PSNR ${found.toFixed(1)} dB`);
        assert.ok(found > least, `${residency}: ${found} dB`);
      }
    });
  }
});

describe('single files as the model', () => {
  test('a file without autoencoder, one beside it, and tokenizers: configs are read off shapes', async () => {
    // Shapes do not tell CLIP's heads: 64 channels each are assumed, where the bundled model has 32.
    const clip = join(folder, 'clip');
    cpSync(join(TINY, 'text_encoder'), clip, { recursive: true });
    const config = JSON.parse(readFileSync(join(clip, 'config.json'), 'utf8'));
    writeFileSync(join(clip, 'config.json'), JSON.stringify({ ...config, num_attention_heads: 2 }));
    const model = safetensors(spell.allInOne().filter(({ name }) => !name.startsWith('vae.')));
    const found = await draw(model, { vae: join(TINY, 'vae'), tokenizer: TINY, timeShift: true });
    assert.deepEqual(found, await draw(TINY, { clip }));
    assert.notDeepEqual(found, expected);
  });

  test('is called by its name, and its fingerprint is that of its content', async () => {
    const transformer = join(folder, 'my-tune.v2.safetensors');
    writeSafetensors(transformer, spell.bflTransformer());
    const recipe = async (options: LoadOptions) => {
      await using flux = await Flux.load(TINY, { device: 'cpu', ...options });
      const [image] = await flux.generate({ ...REQUEST, steps: 1 });
      return image!.recipe;
    };
    const [own, again, changed, base] = [
      await recipe({ transformer }),
      await recipe({ transformer }),
      await recipe({ transformer: safetensors(spell.plainFp8(spell.bflTransformer(), 'f8e4m3')) }),
      await recipe({}),
    ];
    assert.equal(own!.model.name, 'my-tune.v2');
    assert.equal(own!.model.fingerprint, again!.model.fingerprint);
    assert.equal(new Set([own, changed, base].map((each) => each!.model.fingerprint)).size, 3);
  });
});

describe('what is missing or does not fit is told', () => {
  const message = async (model: string, options: LoadOptions): Promise<string> => {
    try {
      await draw(model, options);
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      return `${message}\n${hint}`.replaceAll(folder, '…');
    }
    return 'loaded';
  };

  test('a transformer alone is no model', async () => {
    const path = safetensors(spell.bflTransformer());
    assert.match(
      await message(path, {}),
      /holds a Flux transformer; a model also needs a CLIP text encoder, a T5 encoder, an autoencoder, the tokenizers\nuse it beside a model folder, as transformer=\d+\.bin with pretrained_model_name_or_path=FOLDER; or add clip=FILE t5=FILE vae=FILE tokenizer=FOLDER/,
    );
    assert.match(
      await message(path, { clip: path, t5: path, vae: path, tokenizer: TINY }),
      /expected a CLIP text encoder, found a Flux transformer/,
    );
  });

  test('an all-in-one file needs tokenizers, and a folder that has them', async () => {
    const path = safetensors(spell.allInOne());
    assert.match(await message(path, {}), /a model also needs the tokenizers\n.*add tokenizer=FOLDER/);
    assert.match(
      await message(path, { tokenizer: folder }),
      /no tokenizer\.json or vocab\.json\ntokenizer=FOLDER takes a folder/,
    );
  });

  test('a file in the wrong place, or none', async () => {
    assert.match(
      await message(TINY, { vae: safetensors(spell.clip()) }),
      /expected an autoencoder, found a CLIP text encoder/,
    );
    assert.match(await message(TINY, { vae: join(folder, 'none') }), /none: no such file or folder/);
    const wide = spell
      .bflTransformer()
      .map((tensor) => (tensor.name === 'txt_in.weight' ? { ...tensor, shape: [96, 256] } : tensor));
    assert.match(
      await message(TINY, { transformer: safetensors(wide) }),
      /joint_attention_dim is 256, but text_encoder_2 d_model gives 128/,
    );
  });
});
