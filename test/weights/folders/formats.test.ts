/** Full-size files in every spelling: they are recognised by content, their configs are read off their shapes, and they bind. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CLIP_L, FLUX_DEV, FLUX_SCHNELL, FLUX_VAE, T5_XXL } from '../../../src/families/flux1/presets.ts';
import type { TensorStore } from '../../../src/weights/files/tensors.ts';
import { bindWeights, type DeclaredWeight } from '../../../src/weights/folders/bind.ts';
import {
  deriveClipConfig,
  deriveT5Config,
  deriveTransformerConfig,
  deriveVaeConfig,
  publishedScheduler,
} from '../../../src/weights/folders/derive-config.ts';
import { describeContents, fileContents, requireGroup, summarise } from '../../../src/weights/folders/detect.ts';
import type { ModelFamily } from '../../../src/weights/folders/keymap.ts';
import { ldmVaeName, llamaT5Name } from '../../../src/weights/folders/respell.ts';
import { fails } from '../../support/fails.ts';
import {
  declareClip,
  declareFlux,
  declareT5,
  declareVae,
  FIXTURES,
  FULL_SIZE,
  type Keys,
} from '../../support/full-size.ts';
import { hollowStore } from '../../support/memory-file.ts';

type Entries = readonly (readonly [key: string, shape: readonly number[]])[];

/** Names of others by ours, from their own programs (tools/reference/record_spellings.py). */
const SPELLINGS = JSON.parse(gunzipSync(readFileSync(join(FIXTURES, 'spellings.json.gz'))).toString()) as Readonly<
  Record<'ldm_vae' | 'llama_t5', Readonly<Record<string, string>>>
>;

const DECLARED: Readonly<Record<ModelFamily, () => readonly DeclaredWeight[]>> = {
  flux: () => declareFlux(FLUX_DEV),
  clip: declareClip,
  t5: declareT5,
  vae: () => Object.values(declareVae()).flat(),
};

function prefixed(prefix: string, entries: Entries): Entries {
  return entries.map(([key, shape]) => [prefix + key, shape]);
}

/** Whole tensors as the models declare them: BFL's names and shapes. */
function bfl(declared: readonly DeclaredWeight[]): Entries {
  const whole = declared.map(({ name, rows, shape }) => [name, [rows?.of ?? shape[0]!, ...shape.slice(1)]] as const);
  return [...new Map(whole)];
}

function ldmVae(): Entries {
  return Object.entries(FULL_SIZE.vae).map(([key, shape]) => {
    const isLinear = shape.length === 2;
    return [SPELLINGS.ldm_vae[key]!, isLinear ? [...shape, 1, 1] : shape];
  });
}

function llamaT5(): Entries {
  return Object.entries(FULL_SIZE.t5).map(([key, shape]) => [SPELLINGS.llama_t5[key]!, shape]);
}

function transformers4Clip(keys: Keys): Entries {
  return prefixed('text_model.', Object.entries(keys));
}

test('names of the autoencoder in latent-diffusion programs and of T5 in llama.cpp are those of their own programs', () => {
  for (const [ours, theirs] of Object.entries(SPELLINGS.ldm_vae)) assert.equal(ldmVaeName(ours, 4), theirs);
  for (const [ours, theirs] of Object.entries(SPELLINGS.llama_t5)) assert.equal(llamaT5Name(ours), theirs);
  assert.equal(Object.keys(SPELLINGS.ldm_vae).length, 244);
  assert.equal(Object.keys(SPELLINGS.llama_t5).length, 219);
});

const GROUPS: readonly [family: ModelFamily, layout: string, prefix: string, entries: () => Entries][] = [
  ['flux', 'diffusers', '', () => Object.entries(FULL_SIZE.dev)],
  ['flux', 'BFL', '', () => bfl(DECLARED.flux())],
  ['flux', 'BFL', 'model.diffusion_model.', () => bfl(DECLARED.flux())],
  ['clip', 'transformers 5', '', () => Object.entries(FULL_SIZE.clip)],
  ['clip', 'transformers 4', '', () => transformers4Clip(FULL_SIZE.clip)],
  ['t5', 'transformers', '', () => Object.entries(FULL_SIZE.t5)],
  ['t5', 'llama.cpp', '', llamaT5],
  ['vae', 'diffusers', '', () => Object.entries(FULL_SIZE.vae)],
  ['vae', 'latent diffusion', '', ldmVae],
  ['vae', 'latent diffusion', 'first_stage_model.', ldmVae],
];

for (const [family, layout, prefix, entries] of GROUPS) {
  test(`${family} in ${layout} names${prefix === '' ? '' : ` behind '${prefix}'`}: recognised, described, bound`, () => {
    using store = hollowStore(prefixed(prefix, entries()));
    const contents = fileContents(store);
    assert.deepEqual(contents.strays, []);
    const [group, ...others] = contents.groups;
    assert.deepEqual(others, []);
    const summary = summarise(store, group!);
    assert.deepEqual([summary.family, summary.layout, summary.prefix], [family, layout, prefix]);
    assert.equal(summary.tensors, store.keys().length);
    assert.deepEqual(Object.keys(summary.encodings), ['bf16']);
    assertConfig(store, family);
    const declared = DECLARED[family]();
    assert.equal(bindWeights(declared, store, family).size, declared.length);
  });
}

/** What a published config says that no shape tells: transformers 4 wrote 2 for CLIP's last token. */
const IDS = ['eosTokenId', 'bosTokenId', 'padTokenId'];

/** The config read off a file's shapes is the published one. */
function assertConfig(store: TensorStore, family: ModelFamily): void {
  const [derived, published] = {
    flux: () => [deriveTransformerConfig(store), FLUX_DEV],
    clip: () => [deriveClipConfig(store), CLIP_L],
    t5: () => [deriveT5Config(store), T5_XXL],
    vae: () => [deriveVaeConfig(store), FLUX_VAE],
  }[family]() as [object, object];
  for (const [field, value] of Object.entries(published)) {
    if (!IDS.includes(field)) assert.deepEqual(derived[field as keyof typeof derived], value, `${family}.${field}`);
  }
}

test('schnell, pruned and control transformers are told from dev by keys and shapes', () => {
  using schnell = hollowStore(bfl(declareFlux(FLUX_SCHNELL)));
  const config = deriveTransformerConfig(schnell);
  assert.equal(config.guidanceEmbeds, false);
  assert.equal(summarise(schnell, fileContents(schnell).groups[0]!).variant, 'schnell');
  assert.deepEqual([publishedScheduler(config).shift, publishedScheduler(config).useDynamicShifting], [1, false]);

  const pruned = { ...FLUX_DEV, layers: 8, singleLayers: 12 };
  using store = hollowStore(bfl(declareFlux(pruned)));
  const { layers, singleLayers, inChannels, outChannels } = deriveTransformerConfig(store);
  assert.deepEqual([layers, singleLayers, inChannels, outChannels], [8, 12, 64, 64]);
  assert.equal(summarise(store, fileContents(store).groups[0]!).variant, 'dev');

  for (const [width, what] of [
    [128, /found a FLUX\.1 Control transformer \(Canny or Depth\)/],
    [384, /found a FLUX\.1 Fill transformer/],
  ] as const) {
    for (const names of [bfl(declareFlux(FLUX_DEV)), Object.entries(FULL_SIZE.dev)]) {
      const wider = names.map(
        ([key, shape]) => [key, /img_in\.weight|x_embedder\.weight/.test(key) ? [shape[0]!, width] : shape] as const,
      );
      using tool = hollowStore(wider);
      fails(() => requireGroup(fileContents(tool), 'flux'), 'unsupported', what);
    }
  }
});

test('what shapes cannot tell is that of a known model of the same shapes, else that of FLUX.1', () => {
  using vae = hollowStore(Object.entries(FULL_SIZE.vae));
  const known = { ...deriveVaeConfig(vae), scalingFactor: 0.5, normGroups: 16 };
  assert.deepEqual(deriveVaeConfig(vae, known), known);
  assert.equal(deriveVaeConfig(vae, { ...known, latentChannels: 4 }).scalingFactor, 0.3611);
  using clip = hollowStore(Object.entries(FULL_SIZE.clip));
  assert.equal(deriveClipConfig(clip, { ...deriveClipConfig(clip), heads: 6 }).heads, 6);
  assert.equal(deriveClipConfig(clip).eosTokenId, 49_407);
});

describe('an all-in-one file', () => {
  const entries = (): Entries => [
    ...prefixed('model.diffusion_model.', bfl(DECLARED.flux())),
    ...prefixed('text_encoders.clip_l.transformer.', transformers4Clip(FULL_SIZE.clip)),
    ['text_encoders.clip_l.logit_scale', []],
    ['text_encoders.clip_l.transformer.text_projection.weight', [768, 768]],
    ...prefixed('text_encoders.t5xxl.transformer.', Object.entries(FULL_SIZE.t5)),
    ['text_encoders.t5xxl.logit_scale', []],
    ...prefixed('vae.', ldmVae()),
  ];

  test('holds four groups, each of which binds on its own, extras aside', () => {
    using store = hollowStore(entries());
    const contents = fileContents(store);
    assert.deepEqual(
      contents.groups.map(({ family, prefix }) => [family, prefix]),
      [
        ['flux', 'model.diffusion_model.'],
        ['clip', 'text_encoders.clip_l.transformer.'],
        ['t5', 'text_encoders.t5xxl.transformer.'],
        ['vae', 'vae.'],
      ],
    );
    assert.deepEqual(contents.strays, []);
    for (const { family } of contents.groups) {
      assert.equal(requireGroup(contents, family).family, family);
      const declared = DECLARED[family]();
      assert.equal(bindWeights(declared, store, family).size, declared.length);
      assertConfig(store, family);
    }
  });

  test('with a key too many is refused, in a group or beside them', () => {
    using inside = hollowStore([...entries(), ['vae.decoder.extra.weight', [64]]]);
    fails(
      () => bindWeights(DECLARED.vae(), inside, 'vae'),
      'bad_weights',
      /1 unexpected:\s+vae\.decoder\.extra\.weight/,
    );
    using beside = hollowStore([...entries(), ['model.extra.weight', [64]]]);
    fails(
      () => requireGroup(fileContents(beside), 'vae'),
      'bad_weights',
      /1 keys belong to none of the models in it: model\.extra\.weight/,
    );
  });
});

test('a file of something else is told for what it is', () => {
  using vae = hollowStore(ldmVae());
  fails(
    () => requireGroup(fileContents(vae), 't5'),
    'bad_weights',
    /^hollow\.safetensors: expected a T5 encoder, found an autoencoder$/m,
  );
  using chroma = hollowStore([['distilled_guidance_layer.in_proj.weight', [1]]]);
  fails(() => requireGroup(fileContents(chroma), 'flux'), 'unsupported', /found a Chroma transformer/);
  using other = hollowStore([['weird', [1]]]);
  assert.match(describeContents(fileContents(other)), /nothing that is recognised; its keys begin weird/);
});
