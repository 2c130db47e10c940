/** What files and folders of other models are is told first, wherever they are given. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { loadConfig } from '../../../src/config/load.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { TRANSFORMER } from '../../../src/families/flux1/transformer.ts';
import { elementCount } from '../../../src/support/dtype.ts';
import { describeContents, fileContents, requireGroup } from '../../../src/weights/folders/detect.ts';
import { componentNamed } from '../../../src/weights/folders/family.ts';
import { openModel } from '../../../src/weights/folders/model-source.ts';
import { fluxion, temporaryFolder } from '../../support/command-line.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { FIXTURES } from '../../support/full-size.ts';
import { hollowStore } from '../../support/memory-file.ts';
import { writeSafetensors } from '../../support/safetensors.ts';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Tensors of other models, from their own programs (tools/reference/record_foreign.py). */
const RECORDED = JSON.parse(gunzipSync(readFileSync(join(FIXTURES, 'foreign.json.gz'))).toString()) as Readonly<
  Record<string, Shapes>
>;

/** What each is told to be, and the part it is given for. */
const EXPECTED: Readonly<Record<string, readonly [what: RegExp, part: string]>> = {
  Flux2Transformer2DModel: [/^a FLUX\.2 transformer$/, 'transformer'],
  ChromaTransformer2DModel: [/^a Chroma transformer$/, 'transformer'],
  SD3Transformer2DModel: [/^a Stable Diffusion 3 transformer$/, 'transformer'],
  UNet2DConditionModel: [/^a Stable Diffusion UNet$/, 'transformer'],
  SDXLUNet: [/^a Stable Diffusion XL UNet$/, 'transformer'],
  QwenImageTransformer2DModel: [/Qwen-Image/, 'transformer'],
  ZImageTransformer2DModel: [/Z-Image/, 'transformer'],
  Lumina2Transformer2DModel: [/Lumina/, 'transformer'],
  SanaTransformer2DModel: [/Sana/, 'transformer'],
  PixArtTransformer2DModel: [/PixArt/, 'transformer'],
  AuraFlowTransformer2DModel: [/AuraFlow/, 'transformer'],
  WanTransformer3DModel: [/Wan/, 'transformer'],
  HunyuanVideoTransformer3DModel: [/HunyuanVideo/, 'transformer'],
  LTXVideoTransformer3DModel: [/LTX/, 'transformer'],
  BriaTransformer2DModel: [/Bria/, 'transformer'],
  CogView4Transformer2DModel: [/CogView/, 'transformer'],
  Kandinsky5Transformer3DModel: [/Kandinsky/, 'transformer'],
  OvisImageTransformer2DModel: [/Ovis/, 'transformer'],
  LongCatImageTransformer2DModel: [/LongCat/, 'transformer'],
  CosmosTransformer3DModel: [/Cosmos/, 'transformer'],
  AutoencoderKL: [/^a Stable Diffusion autoencoder, of 4 latent channels$/, 'vae'],
  AutoencoderKLFlux2: [/^the FLUX\.2 autoencoder$/, 'vae'],
  AutoencoderTiny: [/TAESD/, 'vae'],
  AutoencoderDC: [/Sana/, 'vae'],
  AutoencoderKLQwenImage: [/Qwen-Image/, 'vae'],
  AutoencoderKLWan: [/Wan/, 'vae'],
  CLIPVision: [/^an image encoder/, 'clip'],
  Qwen3: [/^a language model/, 't5'],
  UMT5: [/^a UMT5 encoder$/, 't5'],
  T5v1: [/^a T5 encoder of version 1\.0/, 't5'],
};

const OURS: Readonly<Record<string, string>> = {
  Fill: 'transformer',
  Control: 'transformer',
  FluxTransformer2DModel: 'transformer',
  CLIPText: 'clip',
  CLIPWhole: 'clip',
  T5: 't5',
  FluxControlNetModel: 'controlnet',
  Redux: 'redux',
  Siglip: 'image_encoder',
};

describe('a file of another model', () => {
  test('is named by its tensors, with and without a prefix, and refused for the part it is given for', () => {
    assert.deepEqual(Object.keys({ ...EXPECTED, ...OURS }).sort(), Object.keys(RECORDED).sort());
    for (const [name, [what, part]] of Object.entries(EXPECTED)) {
      for (const prefix of name === 'AutoencoderTiny' || name === 'Qwen3' ? [''] : ['', 'model.diffusion_model.']) {
        const keys = Object.entries(RECORDED[name]!).map(([key, shape]) => [prefix + key, shape] as const);
        using store = hollowStore(keys);
        const contents = fileContents(store, FLUX1);
        assert.match(describeContents(contents), what, `${name} ${prefix}`);
        fails(
          () => requireGroup(contents, componentNamed(FLUX1, part)),
          'unsupported',
          /expected an? .*, found .*; this program runs FLUX\.1/,
        );
      }
    }
  });

  test('and ours are ours', () => {
    for (const [name, part] of Object.entries(OURS)) {
      using store = hollowStore(Object.entries(RECORDED[name]!));
      const contents = fileContents(store, FLUX1);
      assert.deepEqual([contents.groups.map(({ component }) => component.name), contents.foreign], [[part], []], name);
    }
  });

  test('a network that goes beside a model is no part of one, and the other way round', () => {
    const refuses = (name: string, part: string, message: RegExp, hint: RegExp) => {
      using store = hollowStore(Object.entries(RECORDED[name]!));
      fails(() => requireGroup(fileContents(store, FLUX1), componentNamed(FLUX1, part)), 'bad_weights', message, hint);
    };
    refuses(
      'FluxControlNetModel',
      'transformer',
      /expected a Flux transformer, found a FLUX\.1 ControlNet/,
      /controlnet=/,
    );
    refuses('Siglip', 'clip', /expected a CLIP text encoder, found a SigLIP image encoder/, /image_encoder=/);
    refuses('Redux', 'transformer', /found a FLUX\.1 Redux projector/, /redux=/);
    refuses(
      'FluxTransformer2DModel',
      'controlnet',
      /expected a FLUX\.1 ControlNet, found a Flux transformer/,
      /transformer=/,
    );
  });

  test('weights that only other programs read, and adapters', () => {
    const block = 'transformer_blocks.0.attn.to_q';
    const cases: [keys: string[], what: RegExp][] = [
      [[`${block}.qweight`, `${block}.wscales`, `${block}.lora_down`, `${block}.smooth_factor`], /nunchaku/],
      [[`${block}.weight._data`, `${block}.weight._scale`, 'x_embedder.weight'], /optimum-quanto/],
      [[`${block}.qweight`, `${block}.qzeros`, `${block}.scales`], /GPTQ or AWQ/],
      [[`${block}.weight`, `${block}.scales`, `${block}.biases`, 'x_embedder.weight'], /MLX/],
      [[`transformer.${block}.lora_A.weight`], /\ba LoRA\b/],
      [['lora_unet_double_blocks_0_img_attn_proj.lora_down.weight'], /\ba LoRA\b/],
      [['double_blocks.0.processor.qkv_lora1.down.weight'], /\ba LoRA\b/],
      [['double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight'], /\ban IP-Adapter\b/],
      [['emb_params'], /\ba textual inversion\b/],
    ];
    for (const [keys, what] of cases) {
      using store = hollowStore(keys.map((key) => [key, [4, 64]]));
      assert.match(describeContents(fileContents(store, FLUX1)), what);
      fails(() => requireGroup(fileContents(store, FLUX1), TRANSFORMER), 'unsupported', what);
    }
  });
});

/** Writes a file with zeros of these shapes, cut to what is told apart by. */
function write(path: string, shapes: Shapes): void {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const small = shape.map((size, i) => Math.min(size, i === 1 ? 384 : 64));
    return { name, dtype: 'bf16', shape: small, bytes: new Uint8Array(2 * elementCount(small)) } as const;
  });
  writeSafetensors(path, tensors);
}

const TINY = repositoryPath('models/tiny');

/** A copy of the bundled model with other values in one of its JSON files. */
function altered(folder: string, file: string, values: Readonly<Record<string, unknown>>): string {
  cpSync(TINY, folder, { recursive: true });
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...values }));
  return folder;
}

describe('a folder of another model', () => {
  test('is told by the classes in its JSON, before any weight is read', () => {
    using folder = temporaryFolder();
    const cases: [file: string, values: Record<string, unknown>, what: RegExp][] = [
      ['model_index.json', { _class_name: 'Flux2KleinPipeline' }, /this is FLUX\.2/],
      ['model_index.json', { _class_name: 'ChromaPipeline' }, /this is Chroma/],
      ['transformer/config.json', { _class_name: 'ChromaTransformer2DModel' }, /this is Chroma/],
      ['vae/config.json', { _class_name: 'AutoencoderKLFlux2' }, /this is FLUX\.2/],
      ['text_encoder_2/config.json', { architectures: ['Qwen3ForCausalLM'] }, /this is a language model/],
    ];
    for (const [i, [file, values, what]] of cases.entries()) {
      fails(() => openModel(FLUX1, altered(folder.file(String(i)), file, values)), 'unsupported', what, /fluxion pull/);
    }
  });

  test('what goes beside a model is told by the option for it', () => {
    using folder = temporaryFolder();
    const cases: [file: string, values: Record<string, unknown>, what: RegExp, hint: RegExp][] = [
      [
        'model_index.json',
        { _class_name: 'FluxPriorReduxPipeline' },
        /this is FLUX\.1 Redux .*beside a model/,
        /add redux=.*\/0$/,
      ],
      [
        'transformer/config.json',
        { _class_name: 'FluxControlNetModel' },
        /this is a ControlNet of FLUX\.1/,
        /controlnet=.*\/1\/transformer$/,
      ],
      ['text_encoder/config.json', { model_type: 'siglip_vision_model' }, /this is an image encoder/, /image_encoder=/],
    ];
    for (const [i, [file, values, what, hint]] of cases.entries())
      fails(() => openModel(FLUX1, altered(folder.file(String(i)), file, values)), 'unsupported', what, hint);
  });

  test('Kontext opens: its network is dev’s', () => {
    using folder = temporaryFolder();
    const path = altered(folder.file('kontext'), 'model_index.json', { _class_name: 'FluxKontextPipeline' });
    assert.equal(openModel(FLUX1, path).path, path);
  });

  test('an autoencoder of another width than the transformer’s latents is refused when opened', () => {
    using folder = temporaryFolder();
    const path = altered(folder.file('m'), 'vae/config.json', { latent_channels: 99 });
    fails(() => openModel(FLUX1, path), 'bad_weights', /out_channels is \d+, but vae latent_channels × 4 gives 396/);
  });
});

test('every command names it before anything is compiled', async () => {
  using folder = temporaryFolder();
  write(folder.file('chroma.safetensors'), RECORDED['ChromaTransformer2DModel']!);
  write(folder.file('flux2.safetensors'), RECORDED['Flux2Transformer2DModel']!);
  mkdirSync(folder.file('controlnet'));
  write(folder.file('controlnet/diffusion_pytorch_model.safetensors'), RECORDED['FluxControlNetModel']!);
  const sd = folder.file('sd-vae.safetensors');
  write(sd, RECORDED['AutoencoderKL']!);
  const lines: [words: string[], what: RegExp][] = [
    [['generate', 'a cat', 'transformer=chroma.safetensors'], /found a Chroma transformer/],
    [['generate', 'a cat', 'vae=sd-vae.safetensors'], /found a Stable Diffusion autoencoder/],
    [['generate', 'a cat', 'pretrained_model_name_or_path=flux2.safetensors'], /found a FLUX\.2 transformer/],
    [['convert', 'chroma.safetensors', 'out.gguf'], /found a Chroma transformer/],
    [['compile', 'transformer=chroma.safetensors', '--target', 'cpu:1'], /found a Chroma transformer/],
    [['bench', 'transformer=chroma.safetensors'], /found a Chroma transformer/],
  ];
  for (const [words, what] of lines) {
    const { status, stdout, stderr } = await fluxion(words, { cwd: folder.path });
    assert.notEqual(status, 0, words.join(' '));
    assert.match(stderr, what, words.join(' '));
    assert.match(stderr, /this program runs FLUX\.1 text-to-image/, words.join(' '));
    assert.doesNotMatch(stderr, /compile\n/, words.join(' '));
    assert.equal(stdout, '');
  }
  const given = await fluxion(['generate', 'a cat', '--dry-run', 'transformer=controlnet'], { cwd: folder.path });
  assert.match(
    given.stderr,
    /expected a Flux transformer, found a FLUX\.1 ControlNet\n.*use it as controlnet=controlnet/s,
  );
  const { status, stdout } = await fluxion(['inspect', 'chroma.safetensors'], { cwd: folder.path });
  assert.equal(status, 0);
  assert.match(stdout, /holds\s+a Chroma transformer\n/);
  assert.doesNotMatch(stdout, /Flux transformer/);
});

test('MaxDiffusion’s configurations of other models are told by the model they name, not by their first unknown key', () => {
  using folder = temporaryFolder();
  const cases: [text: string, what: RegExp][] = [
    [
      'image_paths: []\nflux_name: "flux2klein"\n',
      /this is a configuration of FLUX\.2 \[klein\], which is not supported/,
    ],
    ["pretrained_model_name_or_path: 'black-forest-labs/FLUX.2-klein-9B'\nx: 1\n", /FLUX\.2 \[klein\]/],
    ["pretrained_model_name_or_path: 'black-forest-labs/FLUX.2-dev'\n", /FLUX\.2,/],
    ["pretrained_model_name_or_path: 'Wan-AI/Wan2.1-T2V-14B-Diffusers'\nmodel_name: wan2.1\n", /Wan, a video model/],
    ["pretrained_model_name_or_path: 'stabilityai/stable-diffusion-xl-base-1.0'\n", /Stable Diffusion XL/],
    ["pretrained_model_name_or_path: 'Lightricks/LTX-Video'\n", /LTX/],
    ["pretrained_model_name_or_path: 'Tongyi-MAI/Z-Image-Turbo'\n", /Z-Image/],
    ["pretrained_model_name_or_path: 'black-forest-labs/FLUX.1-Redux-dev'\n", /Redux/],
  ];
  for (const [text, what] of cases) {
    writeFileSync(folder.file('a.yml'), text);
    fails(() => loadConfig({ file: folder.file('a.yml') }), 'unsupported', what, /base_flux_schnell\.yml/);
  }
  for (const file of ['base_flux_dev.yml', 'base_flux_schnell.yml', 'base_flux_tiny.yml'])
    assert.ok(loadConfig({ file }));
});
