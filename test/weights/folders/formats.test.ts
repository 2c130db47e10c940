/** Full-size files in every spelling: they are recognised by content, their configs are read off their shapes, and they bind. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { AUTOENCODER } from '../../../src/families/flux1/autoencoder.ts';
import { CLIP } from '../../../src/families/flux1/clip.ts';
import { FLUX1, publishedScheduler } from '../../../src/families/flux1/flux1.ts';
import { FLUX_DEV, FLUX_SCHNELL, FLUX_VAE } from '../../../src/families/flux1/presets.ts';
import { T5 } from '../../../src/families/flux1/t5.ts';
import { toolOf } from '../../../src/families/flux1/tools.ts';
import { TRANSFORMER } from '../../../src/families/flux1/transformer.ts';
import type { TensorStore } from '../../../src/weights/files/tensors.ts';
import type { DeclaredWeight } from '../../../src/weights/folders/bind.ts';
import { describeContents, fileContents, requireGroup, summarise } from '../../../src/weights/folders/detect.ts';
import type { Component } from '../../../src/weights/folders/family.ts';
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
import { bindTo, derived, spelt } from '../../support/parts.ts';

type Entries = readonly (readonly [key: string, shape: readonly number[]])[];

/** Names of others by ours, from their own programs (tools/reference/record_spellings.py). */
const SPELLINGS = JSON.parse(gunzipSync(readFileSync(join(FIXTURES, 'spellings.json.gz'))).toString()) as Readonly<
  Record<'ldm_vae' | 'llama_t5', Readonly<Record<string, string>>>
>;

const DECLARED: Readonly<Record<string, () => readonly DeclaredWeight[]>> = {
  transformer: () => declareFlux(FLUX_DEV),
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
  for (const [ours, theirs] of Object.entries(SPELLINGS.ldm_vae))
    assert.equal(spelt(AUTOENCODER, 'latent diffusion', ours), theirs);
  for (const [ours, theirs] of Object.entries(SPELLINGS.llama_t5)) assert.equal(spelt(T5, 'llama.cpp', ours), theirs);
  assert.equal(Object.keys(SPELLINGS.ldm_vae).length, 244);
  assert.equal(Object.keys(SPELLINGS.llama_t5).length, 219);
});

const GROUPS: readonly [name: string, layout: string, prefix: string, entries: () => Entries][] = [
  ['transformer', 'diffusers', '', () => Object.entries(FULL_SIZE.dev)],
  ['transformer', 'BFL', '', () => bfl(DECLARED['transformer']!())],
  ['transformer', 'BFL', 'model.diffusion_model.', () => bfl(DECLARED['transformer']!())],
  ['clip', 'transformers 5', '', () => Object.entries(FULL_SIZE.clip)],
  ['clip', 'transformers 4', '', () => transformers4Clip(FULL_SIZE.clip)],
  ['t5', 'transformers', '', () => Object.entries(FULL_SIZE.t5)],
  ['t5', 'llama.cpp', '', llamaT5],
  ['vae', 'diffusers', '', () => Object.entries(FULL_SIZE.vae)],
  ['vae', 'latent diffusion', '', ldmVae],
  ['vae', 'latent diffusion', 'first_stage_model.', ldmVae],
];

for (const [name, layout, prefix, entries] of GROUPS) {
  test(`${name} in ${layout} names${prefix === '' ? '' : ` behind '${prefix}'`}: recognised, described, bound`, () => {
    using store = hollowStore(prefixed(prefix, entries()));
    const contents = fileContents(store, FLUX1);
    assert.deepEqual(contents.strays, []);
    const [group, ...others] = contents.groups;
    assert.deepEqual(others, []);
    const summary = summarise(store, group!);
    assert.deepEqual([summary.component, summary.layout, summary.prefix], [name, layout, prefix]);
    assert.equal(summary.tensors, store.keys().length);
    assert.deepEqual(Object.keys(summary.encodings), ['bf16']);
    assertConfig(store, group!.component);
    const declared = DECLARED[name]!();
    assert.equal(bindTo(declared, store, name).size, declared.length);
  });
}

/** What a published config says that no shape tells: transformers 4 wrote 2 for CLIP's last token. */
const IDS = ['eosTokenId', 'bosTokenId', 'padTokenId'];

/** The config read off a file's shapes is a published one. */
function assertConfig(store: TensorStore, component: Component): void {
  const config = derived(component, store) as object;
  const [published] = Object.values(component.published);
  for (const [field, value] of Object.entries(published as object)) {
    if (!IDS.includes(field))
      assert.deepEqual(config[field as keyof typeof config], value, `${component.name}.${field}`);
  }
}

test('schnell, pruned and control transformers are told from dev by keys and shapes', () => {
  using schnell = hollowStore(bfl(declareFlux(FLUX_SCHNELL)));
  const config = derived(TRANSFORMER, schnell);
  assert.equal(config.guidanceEmbeds, false);
  assert.equal(summarise(schnell, fileContents(schnell, FLUX1).groups[0]!).variant, 'schnell');
  assert.deepEqual([publishedScheduler(config).shift, publishedScheduler(config).useDynamicShifting], [1, false]);

  const pruned = { ...FLUX_DEV, layers: 8, singleLayers: 12 };
  using store = hollowStore(bfl(declareFlux(pruned)));
  const { layers, singleLayers, inChannels, outChannels } = derived(TRANSFORMER, store);
  assert.deepEqual([layers, singleLayers, inChannels, outChannels], [8, 12, 64, 64]);
  assert.equal(summarise(store, fileContents(store, FLUX1).groups[0]!).variant, 'dev');

  for (const [width, tool] of [
    [64, 'plain'],
    [128, 'control'],
    [384, 'fill'],
    [96, undefined],
  ] as const) {
    for (const names of [bfl(declareFlux(FLUX_DEV)), Object.entries(FULL_SIZE.dev)]) {
      const wider = names.map(
        ([key, shape]) => [key, /img_in\.weight|x_embedder\.weight/.test(key) ? [shape[0]!, width] : shape] as const,
      );
      using store = hollowStore(wider);
      const { inChannels, outChannels } = derived(TRANSFORMER, store);
      assert.deepEqual([inChannels, outChannels, toolOf({ inChannels }, FLUX_VAE)], [width, 64, tool]);
    }
  }
});

test('what shapes cannot tell is that of a known model of the same shapes, else that of FLUX.1', () => {
  using vae = hollowStore(Object.entries(FULL_SIZE.vae));
  const known = { ...derived(AUTOENCODER, vae), scalingFactor: 0.5, normGroups: 16 };
  assert.deepEqual(derived(AUTOENCODER, vae, known), known);
  assert.equal(derived(AUTOENCODER, vae, { ...known, latentChannels: 4 }).scalingFactor, 0.3611);
  using clip = hollowStore(Object.entries(FULL_SIZE.clip));
  assert.equal(derived(CLIP, clip, { ...derived(CLIP, clip), heads: 6 }).heads, 6);
  assert.equal(derived(CLIP, clip).eosTokenId, 49_407);
});

describe('an all-in-one file', () => {
  const entries = (): Entries => [
    ...prefixed('model.diffusion_model.', bfl(DECLARED['transformer']!())),
    ...prefixed('text_encoders.clip_l.transformer.', transformers4Clip(FULL_SIZE.clip)),
    ['text_encoders.clip_l.logit_scale', []],
    ['text_encoders.clip_l.transformer.text_projection.weight', [768, 768]],
    ...prefixed('text_encoders.t5xxl.transformer.', Object.entries(FULL_SIZE.t5)),
    ['text_encoders.t5xxl.logit_scale', []],
    ...prefixed('vae.', ldmVae()),
  ];

  test('holds four groups, each of which binds on its own, extras aside', () => {
    using store = hollowStore(entries());
    const contents = fileContents(store, FLUX1);
    assert.deepEqual(
      contents.groups.map(({ component, prefix }) => [component.name, prefix]),
      [
        ['transformer', 'model.diffusion_model.'],
        ['clip', 'text_encoders.clip_l.transformer.'],
        ['t5', 'text_encoders.t5xxl.transformer.'],
        ['vae', 'vae.'],
      ],
    );
    assert.deepEqual(contents.strays, []);
    for (const { component } of contents.groups) {
      assert.equal(requireGroup(contents, component).component, component);
      const declared = DECLARED[component.name]!();
      assert.equal(bindTo(declared, store, component.name).size, declared.length);
      assertConfig(store, component);
    }
  });

  test('with a key too many is refused, in a group or beside them', () => {
    using inside = hollowStore([...entries(), ['vae.decoder.extra.weight', [64]]]);
    fails(
      () => bindTo(DECLARED['vae']!(), inside, 'vae'),
      'bad_weights',
      /1 unexpected:\s+vae\.decoder\.extra\.weight/,
    );
    using beside = hollowStore([...entries(), ['model.extra.weight', [64]]]);
    fails(
      () => requireGroup(fileContents(beside, FLUX1), AUTOENCODER),
      'bad_weights',
      /1 keys do not belong to any of the models in it: model\.extra\.weight/,
    );
  });
});

test('a file of something else is told for what it is', () => {
  using vae = hollowStore(ldmVae());
  fails(
    () => requireGroup(fileContents(vae, FLUX1), T5),
    'bad_weights',
    /^hollow\.safetensors: expected a T5 encoder, found an autoencoder$/m,
  );
  using chroma = hollowStore([['distilled_guidance_layer.in_proj.weight', [1]]]);
  fails(() => requireGroup(fileContents(chroma, FLUX1), TRANSFORMER), 'unsupported', /found a Chroma transformer/);
  using other = hollowStore([['weird', [1]]]);
  assert.match(describeContents(fileContents(other, FLUX1)), /nothing that is recognised; its keys begin weird/);
});
