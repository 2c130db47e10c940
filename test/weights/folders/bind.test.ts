/** Name tables and binding: every declared weight is found in every spelling of a file, what does not fit is told by name. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bflToDiffusers, FLUX_MODULES } from '../../../src/families/flux1/modules.ts';
import { FLUX_DEV, FLUX_SCHNELL } from '../../../src/families/flux1/presets.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import type { DeclaredWeight } from '../../../src/weights/folders/bind.ts';
import { fails } from '../../support/fails.ts';
import { declareClip, declareFlux, declareT5, declareVae, FIXTURES, FULL_SIZE } from '../../support/full-size.ts';
import { hollowStore } from '../../support/memory-file.ts';
import { bindTo } from '../../support/parts.ts';
import { diffusersToBfl } from '../../support/spellings.ts';

test('the Flux name table covers every full-size key, and each direction undoes the other', () => {
  const names = new Set<string>();
  for (const key of Object.keys(FULL_SIZE.dev)) {
    const found = diffusersToBfl(key);
    assert.ok(found, key);
    names.add(found.name);
    const parts = [...new Set(bflToDiffusers(found.name).map((part) => part.key))];
    assert.equal(parts[found.part], key);
    assert.equal(parts.length, found.parts);
  }
  // BFL's file has 780 tensors for dev (19 double blocks of 24 and 38 single blocks of 8, and 20 around them).
  assert.equal(names.size, 19 * 24 + 38 * 8 + 20);
  assert.equal(diffusersToBfl('transformer_blocks.0.attn.to_z.weight'), undefined);
  assert.equal(new Set(FLUX_MODULES.map(({ bfl }) => bfl)).size, FLUX_MODULES.length);
});

test('one declaration finds the same numbers in a BFL file and in what diffusers converts it to', () => {
  const cfg = { ...FLUX_DEV, heads: 2, headDim: 4, axesDimsRope: [0, 2, 2] as const };
  using bfl = WeightStore.open(join(FIXTURES, 'bfl.safetensors'));
  using diffusers = WeightStore.open(join(FIXTURES, 'diffusers.safetensors'));
  const declared = partsOf(bfl, cfg.heads * cfg.headDim);
  const [fromBfl, fromDiffusers] = [bindTo(declared, bfl, 'transformer'), bindTo(declared, diffusers, 'transformer')];
  assert.equal(fromBfl.size, declared.length);
  for (const weight of declared) {
    const expected = fromBfl.get(weight)!.bytes();
    assert.equal(expected.length, 4 * weight.shape.reduce((n, dim) => n * dim, 1));
    assert.deepEqual(fromDiffusers.get(weight)!.bytes(), expected, weight.name);
  }
  const [shift] = declared.filter(({ name }) => name === 'final_layer.adaLN_modulation.1.bias');
  assert.deepEqual(fromDiffusers.get(shift!)!.rows, [8, 16]);
  assert.deepEqual(fromBfl.get(shift!)!.rows, [0, 8]);
});

/** Declares a BFL file's tensors as the models do: fused ones in their parts of width d and the rest. */
function partsOf(store: WeightStore, d: number): DeclaredWeight[] {
  return store.keys().flatMap((name) => {
    const shape = store.info(name).shape;
    const cuts = /qkv|adaLN/.test(name) ? [d] : /linear1/.test(name) ? [d, d, d] : [];
    if (cuts.length === 0) return [{ name, shape }];
    const of = shape[0]!;
    const starts = /linear1/.test(name) ? [0, d, 2 * d, 3 * d] : Array.from({ length: of / d }, (_, i) => i * d);
    return starts.map((start, i) => {
      const end = starts[i + 1] ?? of;
      return { name, rows: { start, end, of }, shape: [end - start, ...shape.slice(1)] };
    });
  });
}

/** Every declared weight must be bound to bytes of its own size. */
function assertBinds(declared: readonly DeclaredWeight[], store: WeightStore, component: string): void {
  const bound = bindTo(declared, store, component);
  assert.equal(bound.size, declared.length);
  const small = [...bound].filter(([{ shape }]) => shape.length === 1);
  assert.ok(small.length > 0);
  for (const [{ shape }, source] of small) assert.equal(source.bytes().length, 2 * shape[0]!);
}

test('the models’ declarations bind to the full-size keys of diffusers and transformers, and to BFL’s', () => {
  for (const [name, cfg] of [
    ['dev', FLUX_DEV],
    ['schnell', FLUX_SCHNELL],
  ] as const) {
    using store = hollowStore(Object.entries(FULL_SIZE[name]));
    const declared = declareFlux(cfg);
    assertBinds(declared, store, 'transformer');

    const fused = new Map<string, number[]>();
    for (const { name: key, rows, shape } of declared) fused.set(key, [rows?.of ?? shape[0]!, ...shape.slice(1)]);
    for (const prefix of ['', 'model.diffusion_model.', 'diffusion_model.']) {
      const keys = [...fused].map(([key, shape]) => [prefix + key, shape] as const);
      // An all-in-one file has other groups beside the transformer's.
      using single = hollowStore(prefix === '' ? keys : [...keys, ['vae.decoder.conv_in.bias', [512]]]);
      assertBinds(declared, single, 'transformer');
    }
  }
});

test('CLIP binds with and without its prefix, T5 under either name of its table', () => {
  const clip = declareClip();
  const plain = Object.entries(FULL_SIZE.clip);
  const prefixed = plain.map(([key, shape]) => [`text_model.${key}`, shape] as const);
  for (const keys of [plain, prefixed]) {
    const extras = [
      ['text_projection.weight', [768, 768]],
      ['logit_scale', []],
      [keys === plain ? 'embeddings.position_ids' : 'text_model.embeddings.position_ids', [1, 77]],
    ] as const;
    using store = hollowStore([...keys, ...extras]);
    assertBinds(clip, store, 'clip');
  }
  const t5 = declareT5();
  const keys = Object.entries(FULL_SIZE.t5);
  const table = FULL_SIZE.t5['shared.weight']!;
  const without = keys.filter(([key]) => key !== 'shared.weight');
  for (const variant of [
    keys,
    [...keys, ['encoder.embed_tokens.weight', table]],
    [...without, ['encoder.embed_tokens.weight', table]],
  ]) {
    using store = hollowStore(variant as [string, number[]][]);
    assertBinds(t5, store, 't5');
  }
  using none = hollowStore(without);
  fails(() => bindTo(t5, none, 't5'), 'bad_weights', /1 missing:\s+shared\.weight/);
});

test('the VAE binds whole or one direction alone, in new and old attention names, as linear or 1×1 convolution', () => {
  const { decode, encode } = declareVae();
  const keys = Object.entries(FULL_SIZE.vae);
  using store = hollowStore(keys);
  assertBinds([...decode, ...encode], store, 'vae');
  fails(() => bindTo(decode, store, 'vae'), 'bad_weights', /106 unexpected:\s+encoder\./);
  using decoder = hollowStore(keys.filter(([key]) => !key.startsWith('encoder.')));
  assert.equal(bindTo(decode, decoder, 'vae').size, decode.length);

  const roles: Record<string, string> = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
  const old = keys.map(([key, shape]) => [key.replace(/to_[qkv]|to_out\.0/, (role) => roles[role]!), shape] as const);
  using oldStore = hollowStore(old);
  assertBinds([...decode, ...encode], oldStore, 'vae');

  const convolutions = keys.map(([key, shape]) => [key, /to_.*weight/.test(key) ? [...shape, 1, 1] : shape] as const);
  using convolutionStore = hollowStore(convolutions);
  assertBinds([...decode, ...encode], convolutionStore, 'vae');
});

test('a checkpoint that does not fit is refused with everything that differs', () => {
  const declared = declareFlux(FLUX_SCHNELL);
  const edit = (change: (keys: Map<string, readonly number[]>) => void): (() => unknown) => {
    const keys = new Map(Object.entries(FULL_SIZE.schnell));
    change(keys);
    return () => bindTo(declared, hollowStore(keys), 'transformer');
  };
  const rename = (keys: Map<string, readonly number[]>, from: string, to: string): void => {
    keys.set(to, keys.get(from)!);
    keys.delete(from);
  };
  const proj = 'transformer_blocks.3.attn.to_out.0.weight';
  fails(
    edit((keys) => rename(keys, proj, 'transformer_blocks.3.attn.to_out.weight')),
    'bad_weights',
    /^hollow\.safetensors: does not fit the transformer weights \(diffusers names\)$/m,
    /1 missing:\s+transformer_blocks\.3\.attn\.to_out\.0\.weight \(nearest in the file: transformer_blocks\.3\.attn\.to_out\.weight\)/,
    /1 unexpected:\s+transformer_blocks\.3\.attn\.to_out\.weight/,
  );
  fails(
    edit((keys) => keys.set('transformer_blocks.3.attn.to_q.weight', [3072, 64])),
    'bad_weights',
    /double_blocks\.3\.img_attn\.qkv\.weight: expected \[9216, 3072\], found \[3072, 64\] \+ \[3072, 3072\] \+ \[3072, 3072\] in hollow\.safetensors/,
  );
  fails(
    edit((keys) => keys.set('proj_out.bias', [65])),
    'bad_weights',
    /final_layer\.linear\.bias: expected \[64\], found \[65\] in hollow\.safetensors/,
  );
  fails(
    edit((keys) => {
      for (const key of [...keys.keys()]) if (key.startsWith('transformer_blocks.18.')) keys.delete(key);
    }),
    'bad_weights',
    /32 missing:(\n {4}transformer_blocks\.18\..*){10}\n {4}… and 22 more/,
  );
  fails(
    edit((keys) => keys.set('time_text_embed.guidance_embedder.linear_1.weight', [3072, 256])),
    'bad_weights',
    /1 unexpected:\s+time_text_embed\.guidance_embedder\.linear_1\.weight/,
  );
  fails(
    () => bindTo(declared, hollowStore(Object.entries(FULL_SIZE.schnell), 'I16'), 'transformer'),
    'bad_weights',
    /expected floating point, found i16/,
  );
});

test('rows must be covered once: left out, doubled and spanning declarations are told', () => {
  const store = hollowStore([
    ['img_in.weight', [4, 2]],
    ['double_blocks.0.img_attn.qkv.weight', [12, 2]],
  ]);
  const whole = { name: 'img_in.weight', shape: [4, 2] };
  const rows = (start: number, end: number): DeclaredWeight => ({
    name: 'double_blocks.0.img_attn.qkv.weight',
    rows: { start, end, of: 12 },
    shape: [end - start, 2],
  });
  assert.equal(bindTo([whole, rows(0, 4), rows(4, 12)], store, 'transformer').size, 3);
  fails(
    () => bindTo([whole, rows(0, 4), rows(8, 12)], store, 'transformer'),
    'bad_weights',
    /qkv\.weight: rows 4 to 8 are used by no weight/,
  );
  fails(
    () => bindTo([whole, rows(0, 8), rows(4, 12)], store, 'transformer'),
    'bad_weights',
    /qkv\.weight: rows 4 to 8 are used twice/,
  );
  fails(
    () => bindTo([whole, rows(0, 8)], store, 'transformer'),
    'bad_weights',
    /qkv\.weight: rows 8 to 12 are used by no weight/,
  );

  const split = hollowStore([
    ['x_embedder.weight', [4, 2]],
    ...['q', 'k', 'v'].map((x) => [`transformer_blocks.0.attn.to_${x}.weight`, [4, 2]] as const),
  ]);
  fails(
    () => bindTo([whole, rows(0, 12)], split, 'transformer'),
    'bad_weights',
    /rows 0 to 12 are kept in several tensors: transformer_blocks\.0\.attn\.to_q\.weight, /,
  );
});

test('files of other models are recognised', () => {
  const kinds: [key: string, what: RegExp][] = [
    ['double_stream_modulation_img.linear.weight', /found a FLUX\.2 transformer; this program runs FLUX\.1/],
    ['distilled_guidance_layer.in_proj.weight', /found a Chroma transformer/],
    ['lora_unet_double_blocks_0_img_attn_proj.lora_down.weight', /found a LoRA/],
    ['transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight', /found a LoRA/],
    ['input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight', /found a Stable Diffusion UNet/],
  ];
  for (const [key, what] of kinds)
    fails(() => bindTo([], hollowStore([[key, [1]]]), 'transformer'), 'unsupported', what);
  fails(
    () => bindTo([], hollowStore([['first_stage_model.decoder.up.0.block.0.conv1.weight', [1]]]), 'transformer'),
    'bad_weights',
    /a part of an autoencoder, such as one file of several/,
  );
  fails(
    () => bindTo([], hollowStore([['weird', [1]]]), 'vae'),
    'bad_weights',
    /expected an autoencoder, found nothing that is recognised; its keys begin weird/,
  );
});
