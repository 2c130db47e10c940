/** Networks that go beside a model: their configs, read, written and derived; files and folders of something else; sizes of another model. */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CONTROLNET, controlNetAgreements } from '../../../src/families/flux1/controlnet.ts';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { IMAGE_ENCODER } from '../../../src/families/flux1/image-encoder.ts';
import { FLUX_DEV, REDUX_DEV, SIGLIP_SO400M } from '../../../src/families/flux1/presets.ts';
import { REDUX, reduxAgreements } from '../../../src/families/flux1/redux.ts';
import type { ControlNetConfig } from '../../../src/models/controlnet.ts';
import { parseJsonObject } from '../../../src/weights/files/json.ts';
import { openExtra, requireExtraFits } from '../../../src/weights/folders/extras.ts';
import type { Component } from '../../../src/weights/folders/family.ts';
import { declaredShapes } from '../../../src/weights/folders/layout.ts';
import { openPipelineFolder } from '../../../src/weights/folders/pipeline-folder.ts';
import { temporaryFolder } from '../../support/command-line.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { hollowStore } from '../../support/memory-file.ts';

const MODELS = repositoryPath('test/fixtures/conditions/models');
const RANDOM = openPipelineFolder(FLUX1, repositoryPath('test/fixtures/random-flux'));
const TRUNK = {
  inChannels: 64,
  heads: 2,
  headDim: 16,
  jointAttentionDim: 56,
  pooledDim: 40,
  axesDimsRope: [4, 4, 8],
} as const;
const UNION: ControlNetConfig = {
  ...TRUNK,
  layers: 3,
  singleLayers: 0,
  guidanceEmbeds: true,
  modes: 5,
  hintChannels: undefined,
  patchSize: 1,
};
const XLABS: ControlNetConfig = {
  ...TRUNK,
  layers: 2,
  singleLayers: 0,
  guidanceEmbeds: false,
  modes: undefined,
  hintChannels: 16,
  patchSize: 2,
};

/** Reads a config from text as a file's. */
function read<C>(component: Component<C>, values: unknown): C {
  return component.config.read(parseJsonObject(JSON.stringify(values), 'config.json'), 'config.json');
}

describe('the config of a network beside a model', () => {
  test('is read from its folder, and from its folder in a pipeline', () => {
    assert.deepEqual(openExtra(FLUX1, CONTROLNET, `${MODELS}/controlnet-union`).config, UNION);
    assert.deepEqual(openExtra(FLUX1, CONTROLNET, `${MODELS}/controlnet-xlabs`).config, XLABS);
    assert.deepEqual(openExtra(FLUX1, REDUX, `${MODELS}/redux`).config, { reduxDim: 24, textDim: 56 });
    assert.equal(openExtra(FLUX1, IMAGE_ENCODER, `${MODELS}/redux`).path, `${MODELS}/redux/image_encoder`);
  });

  test('is derived from the shapes in a file, but for how heads share their rotary channels', () => {
    const file = `${MODELS}/controlnet-xlabs.safetensors`;
    assert.deepEqual(openExtra(FLUX1, CONTROLNET, file, {}, UNION).config, XLABS);
    fails(() => openExtra(FLUX1, CONTROLNET, file), 'unsupported', /how heads of 16 divide their rotary channels/);
    const union = `${MODELS}/controlnet-union/diffusion_pytorch_model.safetensors`;
    assert.deepEqual(openExtra(FLUX1, CONTROLNET, union, {}, XLABS).config, UNION);
    const encoder = openExtra(FLUX1, IMAGE_ENCODER, `${MODELS}/redux/image_encoder/model.safetensors`).config;
    assert.deepEqual([encoder.layers, encoder.imageSize, encoder.patchSize, encoder.intermediate], [2, 42, 14, 40]);
    const redux = openExtra(FLUX1, REDUX, `${MODELS}/redux/image_embedder/diffusion_pytorch_model.safetensors`).config;
    assert.deepEqual(redux, { reduxDim: 24, textDim: 56 });
  });

  test('of SigLIP SO400M is known by its shapes: pictures of 384 pixels, of which 378 are seen', () => {
    const layer = (i: number): [string, number[]][] => [
      [`vision_model.encoder.layers.${i}.mlp.fc1.weight`, [4304, 1152]],
    ];
    using store = hollowStore([
      ['vision_model.embeddings.patch_embedding.weight', [1152, 3, 14, 14]],
      ['vision_model.embeddings.position_embedding.weight', [729, 1152]],
      ...Array.from({ length: 27 }, (_, i) => layer(i)).flat(),
    ]);
    assert.deepEqual(IMAGE_ENCODER.config.derive(declaredShapes(store, IMAGE_ENCODER)), SIGLIP_SO400M);
  });

  test('is written as it is read', () => {
    for (const [component, configs] of [
      [CONTROLNET, [UNION, XLABS]],
      [IMAGE_ENCODER, [SIGLIP_SO400M]],
      [REDUX, [REDUX_DEV]],
    ] as readonly [Component<unknown>, readonly unknown[]][])
      for (const config of configs)
        assert.deepEqual(read(component, component.config.write(config, 'bfloat16')), config);
  });

  test('has defaults, and is refused where it cannot be', () => {
    const net = { _class_name: 'FluxControlNetModel' };
    assert.equal(read(CONTROLNET, net).modes, undefined);
    assert.equal(read(CONTROLNET, { ...net, num_mode: null, conditioning_embedding_channels: null }).layers, 19);
    const refused: [values: object, message: RegExp][] = [
      [{ num_mode: 0 }, /num_mode: expected an integer from 1 to/],
      [
        { conditioning_embedding_channels: 16 },
        /conditioning_embedding_channels: expected in_channels \/ patch_size² \(64 \/ 1²\), found 16/,
      ],
      [{ extra_condition_channels: 4 }, /extra_condition_channels: expected none, found 4/],
      [{ axes_dims_rope: [16, 56, 58] }, /axes_dims_rope: expected a sum of 128/],
      [{ patch_size: 1e9 }, /patch_size: expected an integer from 1 to/],
      [{ num_layers: 5000 }, /num_layers/],
      [{ _class_name: 'FluxTransformer2DModel' }, /_class_name: expected 'FluxControlNetModel'/],
      [{ _class_name: 'QwenImageControlNetModel' }, /this is a ControlNet \(QwenImageControlNetModel\)/],
    ];
    for (const [values, message] of refused) assert.throws(() => read(CONTROLNET, { ...net, ...values }), { message });
    const siglip = { model_type: 'siglip_vision_model', hidden_size: 1152, num_attention_heads: 16 };
    assert.equal(read(IMAGE_ENCODER, { model_type: 'siglip', vision_config: siglip }).width, 1152);
    assert.throws(() => read(IMAGE_ENCODER, { ...siglip, num_attention_heads: 7 }), { message: /does not divide/ });
    assert.throws(() => read(IMAGE_ENCODER, { model_type: 'clip_vision_model' }), { message: /an image encoder/ });
    assert.throws(() => read(IMAGE_ENCODER, { ...siglip, patch_size: 999 }), { message: /patch_size/ });
  });
});

describe('a file for a network beside a model', () => {
  test('that holds something else is refused by what it holds', () => {
    const transformer = repositoryPath('test/fixtures/random-flux/transformer');
    fails(
      () => openExtra(FLUX1, CONTROLNET, `${transformer}/diffusion_pytorch_model.safetensors.index.json`),
      'bad_weights',
      /expected a FLUX\.1 ControlNet, found a Flux transformer/,
      /transformer=/,
    );
    fails(
      () => openExtra(FLUX1, IMAGE_ENCODER, `${MODELS}/redux/image_embedder`),
      'bad_weights',
      /expected a SigLIP image encoder, found a FLUX\.1 Redux projector/,
      /redux=/,
    );
    fails(() => openExtra(FLUX1, CONTROLNET, `${MODELS}/nothing-here`), 'not_found');
    fails(() => openExtra(FLUX1, CONTROLNET, repositoryPath('models/tiny')), 'not_found', /controlnet/);
  });

  test('that takes other channels of control than latents, as for inpainting', () => {
    using store = hollowStore(
      Object.entries({
        'controlnet_x_embedder.weight': [256, 68],
        'x_embedder.weight': [256, 64],
        'context_embedder.weight': [256, 512],
        'time_text_embed.text_embedder.linear_1.weight': [256, 64],
        'transformer_blocks.0.attn.norm_q.weight': [32],
        'transformer_blocks.0.attn.to_out.0.weight': [256, 256],
      }),
    );
    fails(
      () => CONTROLNET.config.derive(declaredShapes(store, CONTROLNET)),
      'unsupported',
      /takes 68 control channels beside 64 latent channels/,
    );
  });

  test('with its config beside another’s weights is refused when they are bound, and a damaged config before', () => {
    using folder = temporaryFolder();
    cpSync(`${MODELS}/controlnet`, folder.path, { recursive: true });
    const config = join(folder.path, 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').slice(0, 40));
    fails(() => openExtra(FLUX1, CONTROLNET, folder.path), 'bad_file');
  });
});

test('a network of another model’s sizes is refused', () => {
  const net = openExtra(FLUX1, CONTROLNET, `${MODELS}/controlnet`);
  fails(
    () => requireExtraFits(net, controlNetAgreements(net.config, FLUX_DEV, 8)),
    'bad_weights',
    /controlnet: num_attention_heads × attention_head_dim is 32, but the transformer's gives 3072/,
    /the ControlNet was made for another model/,
  );
  requireExtraFits(net, controlNetAgreements(net.config, { ...RANDOM.transformer, heads: 2, headDim: 16 }, 8));
  const pixels = openExtra(FLUX1, CONTROLNET, `${MODELS}/controlnet-xlabs`);
  fails(
    () => requireExtraFits(pixels, controlNetAgreements(pixels.config, RANDOM.transformer, 16)),
    'bad_weights',
    /patch_size is 2, but the model's autoencoder gives 4/,
  );
  const redux = openExtra(FLUX1, REDUX, `${MODELS}/redux`);
  const encoder = openExtra(FLUX1, IMAGE_ENCODER, `${MODELS}/redux`);
  requireExtraFits(redux, reduxAgreements(redux.config, encoder.config, RANDOM.transformer));
  fails(
    () => requireExtraFits(redux, reduxAgreements(redux.config, SIGLIP_SO400M, RANDOM.transformer)),
    'bad_weights',
    /redux_dim is 24, but the image encoder's hidden_size gives 1152/,
  );
});
