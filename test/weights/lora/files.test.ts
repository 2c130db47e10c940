/** LoRA files as they are found: reports, what does not fit, damage, other models' files, places; and the names of them in prompts. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { takeLoraTags } from '../../../src/api/lora-tags.ts';
import { FLUX1, publishedScheduler } from '../../../src/families/flux1/flux1.ts';
import { loraEvents } from '../../../src/pipeline/loras.ts';
import { decide } from '../../../src/pipeline/request.ts';
import { FluxionError } from '../../../src/support/errors.ts';
import { describeLora, LoraModel, loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { locateByName, locateLora } from '../../../src/weights/lora/locate.ts';
import { allFinite } from '../../../src/weights/lora/matrix.ts';
import { type Applied, Overlay, rankBucket } from '../../../src/weights/lora/overlay.ts';
import { parseLora } from '../../../src/weights/lora/parse.ts';
import type { WeightSpec } from '../../../src/xla/graph/weights.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { drawer, loraFile, map, SMALL_MODEL, SMALL_WEIGHTS, scalar, type Values } from '../../support/lora.ts';
import { headerBytes, memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';

const draw = drawer(11);
const load = (tensors: Record<string, Values>, strict = false) =>
  loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL, { strict });
const module = 'transformer.transformer_blocks.0.attn.to_q';
const pair = { [`${module}.lora_A.weight`]: draw(2, 16), [`${module}.lora_B.weight`]: draw(16, 2) };

describe('a report', () => {
  test('names dialect, algorithms, modules, ranks, alphas and what matched nothing', async () => {
    const { report, hash } = await load({
      ...pair,
      'transformer.proj_out.lora_A.weight': draw(5, 16),
      'transformer.proj_out.lora_B.weight': draw(64, 5),
      'transformer.proj_out.alpha': scalar(2.5),
      'text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight': draw(2, 12),
      'transformer.transformer_blocks.7.attn.to_q.lora_A.weight': draw(2, 16),
      'transformer.transformer_blocks.7.attn.to_q.lora_B.weight': draw(16, 2),
      ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`odd.${i}`, scalar(i)])),
      'bundle_emb.token.x': scalar(1),
    });
    assert.equal(report.name, 'test');
    assert.equal(report.dialect, 'diffusers');
    assert.deepEqual(report.algorithms, ['LoRA']);
    assert.deepEqual(report.modules, { transformer: 2, clip: 0, t5: 0 });
    assert.deepEqual(report.ranks, [2, 5]);
    assert.deepEqual(report.alphas, [2.5]);
    assert.equal(report.unmatched.count, 15);
    assert.equal(report.unmatched.first.length, 10);
    assert.match(hash, /^[0-9a-f]{12}$/);
  });

  test('can be had without a model', () => {
    const { dialect, modules, ranks } = describeLora(FLUX1, { path: loraFile(pair) });
    assert.deepEqual(
      { dialect, modules, ranks },
      { dialect: 'diffusers', modules: { transformer: 1, clip: 0, t5: 0 }, ranks: [2] },
    );
  });
});

describe('what does not fit', () => {
  test('nothing matched is an error', async () => {
    await assert.rejects(load({ 'foo.lora_A.weight': draw(2, 2) }), {
      code: 'bad_weights',
      message: /none of its 1 tensors.*foo\.lora_A/,
    });
  });
  test('half a pair is unmatched', async () => {
    await assert.rejects(load({ [`${module}.lora_A.weight`]: draw(2, 16) }), {
      code: 'bad_weights',
      message: /none of its/,
    });
  });
  test('something unmatched is told, and an error where that is asked for', async () => {
    const tensors = { ...pair, 'transformer.transformer_blocks.0.attn.to_w.lora_A.weight': draw(2, 16) };
    assert.equal((await load(tensors)).report.unmatched.count, 1);
    await assert.rejects(load(tensors, true), { code: 'bad_weights', message: /1 keys of the LoRA 'test'.*to_w/ });
  });
  for (const [key, what] of [
    ['lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight', /Stable Diffusion 1, 2 or XL/],
    ['lora_unet_input_blocks_1_1_proj_in.lora_down.weight', /Stable Diffusion 1, 2 or XL/],
    ['lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight', /Stable Diffusion 3/],
    ['transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj.lora_A.weight', /FLUX\.2/],
    ['diffusion_model.blocks.0.self_attn.q.lora_A.weight', /Wan/],
  ] as const) {
    test(`another model's file is named: ${what.source}`, async () => {
      await assert.rejects(load({ [key]: draw(2, 16) }), { code: 'unsupported', message: what });
    });
  }
  test('another model’s file is refused whole, whatever of it would fit', async () => {
    const clip = 'text_model_encoder_layers_0_self_attn_q_proj';
    for (const [foreign, what] of [
      [`lora_te2_${clip}.lora_down.weight`, /Stable Diffusion 1, 2 or XL/],
      ['lora_unet_down_blocks_1_attentions_0_proj_in.lora_down.weight', /Stable Diffusion 1, 2 or XL/],
      ['transformer.transformer_blocks.0.img_mlp.net.2.lora_A.weight', /Qwen-Image/],
      ['transformer.double_blocks.0.img_mlp.fc1.lora_A.weight', /HunyuanVideo/],
    ] as const) {
      const tensors = { ...pair, [`lora_te1_${clip}.lora_down.weight`]: draw(2, 12), [foreign]: draw(2, 16) };
      await assert.rejects(load(tensors), { code: 'unsupported', message: what });
    }
  });
  test('an algorithm that is not applied is named', async () => {
    for (const [suffix, name] of [
      ['oft_blocks', /OFT/],
      ['on_input', /IA3/],
    ] as const) {
      const tensors = { [`oft_unet_double_blocks_0_img_attn_proj.${suffix}`]: draw(2, 2) };
      await assert.rejects(load(tensors), { code: 'unsupported', message: name });
    }
  });
  for (const [what, tensors, message] of [
    [
      'A too wide',
      { [`${module}.lora_A.weight`]: draw(2, 17) },
      /to_q\.lora_A\.weight: expected \[2, 16\], found \[2, 17\]/,
    ],
    [
      'B too long',
      { [`${module}.lora_B.weight`]: draw(15, 2) },
      /to_q\.lora_B\.weight: expected \[16, 2\], found \[15, 2\]/,
    ],
    [
      'unequal ranks',
      { [`${module}.lora_B.weight`]: draw(16, 3) },
      /to_q\.lora_B\.weight: expected \[16, 2\], found \[16, 3\]/,
    ],
    ['a magnitude', { [`${module}.dora_scale`]: draw(3) }, /dora_scale: expected \[16, 1\], found \[3\]/],
    ['a bias', { [`${module}.diff_b`]: draw(3) }, /diff_b: expected \[16, 1\], found \[3\]/],
  ] as const) {
    test(`shapes: ${what}`, async () => {
      await assert.rejects(load({ ...pair, ...tensors }), { code: 'bad_weights', message });
    });
  }
  test('factors are not multiplied before their shapes are known to fit, and nothing is read', async () => {
    const stem = 'lycoris_transformer_blocks_0_attn_to_q';
    const [wide, tall] = [draw(8000, 1), draw(1, 8000)];
    const [one, rank] = [draw(1, 1), draw(1, 200)];
    const files: readonly Record<string, Values>[] = [
      { [`${stem}.lokr_w1_a`]: wide, [`${stem}.lokr_w1_b`]: tall, [`${stem}.lokr_w2`]: one },
      { [`${stem}.lokr_w1`]: one, [`${stem}.lokr_w2_a`]: wide, [`${stem}.lokr_w2_b`]: tall },
      { [`${stem}.lokr_w1`]: wide, [`${stem}.lokr_w2`]: tall },
      {
        [`${stem}.hada_w1_a`]: draw(16, 200),
        [`${stem}.hada_w1_b`]: draw(200, 16),
        [`${stem}.hada_w2_a`]: draw(16, 1),
        [`${stem}.hada_w2_b`]: rank,
      },
      {
        [`${stem}.a1.weight`]: wide,
        [`${stem}.a2.weight`]: tall,
        [`${stem}.b1.weight`]: wide,
        [`${stem}.b2.weight`]: tall,
      },
      {
        [`${module}.lora_A.weight`]: draw(1, 16),
        [`${module}.lora_B.weight`]: wide,
        [`${module}.lora_A.bias`]: draw(1),
      },
    ];
    for (const tensors of files) {
      // A file of its header alone: whatever asks for values fails otherwise.
      const path = loraFile({ ...pair, ...tensors });
      const bytes = readFileSync(path);
      bytes.fill(0xff, 8 + Number(bytes.readBigUInt64LE(0)));
      writeFileSync(path, bytes);
      const before = process.memoryUsage().rss;
      await assert.rejects(loadAdapter({ path }, SMALL_MODEL), { code: 'bad_weights', message: /expected .*found/ });
      assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20);
    }
  });
  test('tensors that no algorithm of a module needs are told', async () => {
    const { report } = await load({
      ...pair,
      [`${module}.hada_w1_a`]: draw(16, 2),
      [`${module}.b1.weight`]: draw(2, 16),
    });
    assert.deepEqual(report.unmatched.first.toSorted(), [`${module}.b1.weight`, `${module}.hada_w1_a`]);
    assert.equal(report.modules.transformer, 1);
  });
  for (const [part, what] of [
    ['transformer', /expected a LoRA, found a Flux transformer/],
    ['vae', /expected a LoRA, found an autoencoder/],
    ['text_encoder', /expected a LoRA, found a CLIP text encoder/],
    ['text_encoder_2', /expected a LoRA, found a T5 encoder/],
    ['', /expected a LoRA, found a whole model/],
    ['transformer/config.json', /expected a file with weights/],
  ] as const) {
    test(`a checkpoint: ${part || 'a model'}`, async () => {
      const folder = repositoryPath(join('models/tiny', part));
      await assert.rejects(loadAdapter({ path: folder }, SMALL_MODEL), { code: 'unsupported', message: what });
    });
  }
  test('a piece of a checkpoint, whose norms alone would be taken', async () => {
    const tensors = {
      'double_blocks.0.img_attn.norm.query_norm.scale': draw(8),
      'double_blocks.0.img_attn.qkv.weight': draw(48, 16),
    };
    await assert.rejects(load(tensors), { code: 'unsupported', message: /found a part of a Flux transformer/ });
  });
  test('LoKr factors of another size', async () => {
    const stem = 'lycoris_transformer_blocks_0_attn_to_q';
    await assert.rejects(load({ [`${stem}.lokr_w1`]: draw(2, 2), [`${stem}.lokr_w2`]: draw(8, 7) }), {
      code: 'bad_weights',
      message: /lokr_w2: expected factors of \[16, 16\], found \[2, 2\] ⊗ \[8, 7\]/,
    });
  });
  test('a rank beyond all reason', async () => {
    const tensors = { [`${module}.lora_A.weight`]: draw(4097, 16), [`${module}.lora_B.weight`]: draw(16, 4097) };
    await assert.rejects(load(tensors), { code: 'bad_weights', message: /rank 4097 is more than the 4096 allowed/ });
  });
});

describe('damage', () => {
  test('values that are no numbers are refused by key', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const hurt = {
        ...pair,
        [`${module}.lora_B.weight`]: map(pair[`${module}.lora_B.weight`]!, (v, i) => (i === 5 ? bad : v)),
      };
      await assert.rejects(load(hurt), { code: 'bad_file', message: /to_q\.lora_B\.weight: holds NaN or infinity/ });
    }
  });
  test('in 16 bits too, wherever they are', () => {
    for (const [dtype, infinity] of [
      ['bf16', 0x7f80],
      ['f16', 0x7c00],
    ] as const) {
      for (const at of [0, 1, 2, 6]) {
        const bits = Uint16Array.from({ length: 7 }, (_, i) => (i === at ? infinity | 0x8001 : infinity - 1));
        const bytes = new Uint8Array(bits.buffer);
        assert.equal(allFinite({ dtype, bytes }, 7), false, `${dtype} at ${at}`);
        assert.equal(allFinite({ dtype, bytes: bytes.subarray(0, 2 * at) }, at), true, `${dtype} before ${at}`);
        assert.equal(allFinite({ dtype, bytes: bytes.subarray(2 * at + 2) }, 6 - at), true, `${dtype} after ${at}`);
      }
    }
  });
  test('an alpha that is no number', async () => {
    for (const [alpha, message] of [
      [scalar(Number.NaN), /to_q\.alpha: holds NaN or infinity/],
      [draw(3), /to_q\.alpha: expected one number, found \[3, 1\]/],
    ] as const) {
      const path = loraFile(
        { ...pair, [`${module}.alpha`]: alpha },
        { shapes: { [`${module}.alpha`]: alpha.rows === 1 ? [] : [3, 1] } },
      );
      await assert.rejects(loadAdapter({ path }, SMALL_MODEL), { code: 'bad_file', message });
    }
  });
  test('the same part twice', async () => {
    await assert.rejects(load({ ...pair, [`${module}.lora_down.weight`]: draw(2, 16) }), {
      code: 'bad_file',
      message: /are the same part/,
    });
  });
  test('a file that is cut short', async () => {
    const path = loraFile(pair);
    writeFileSync(path, readFileSync(path).subarray(0, -7));
    await assert.rejects(loadAdapter({ path }, SMALL_MODEL), { code: 'bad_file', message: /beyond the file/ });
  });
  test('settings in the header that are no JSON are told, and the weights are used', async () => {
    const path = loraFile(pair, { metadata: { lora_adapter_metadata: '{"transformer.lora_alpha": ' } });
    const { report } = await loadAdapter({ path }, SMALL_MODEL);
    assert.equal(report.modules.transformer, 1);
    assert.match(report.warnings.join(), /lora_adapter_metadata: not valid JSON .* left out/);
  });
  test('500 mutated files of several kinds load or are refused by path', async () => {
    const stem = 'lycoris_single_transformer_blocks_0_attn_to_k';
    const kinds: Record<string, Values>[] = [
      { ...pair, [`${module}.alpha`]: scalar(2), [`${module}.dora_scale`]: draw(1, 16), [`${module}.lora_B.bias`]: draw(16) },
      { 'lora_unet_single_blocks_0_linear1.hada_w1_a': draw(112, 2), 'lora_unet_single_blocks_0_linear1.hada_w1_b': draw(2, 16),
        'lora_unet_single_blocks_0_linear1.hada_w2_a': draw(112, 2), 'lora_unet_single_blocks_0_linear1.hada_w2_b': draw(2, 16),
        [`${stem}.lokr_w1`]: draw(4, 4), [`${stem}.lokr_w2_a`]: draw(4, 2), [`${stem}.lokr_w2_b`]: draw(2, 4), [`${stem}.alpha`]: scalar(1) },
      { 'diffusion_model.img_in.diff': draw(16, 64), 'diffusion_model.final_layer.adaLN_modulation.1.diff_b': draw(32),
        'double_blocks.0.img_attn.norm.query_norm.scale': draw(8), 'double_blocks.0.processor.qkv_lora1.down.weight': draw(2, 16),
        'double_blocks.0.processor.qkv_lora1.up.weight': draw(48, 2) },
    ]; // biome-ignore format: one module after the other
    const outcomes = { loaded: 0, refused: 0 };
    for (const [i, tensors] of kinds.entries()) {
      const path = loraFile(tensors);
      const bytes = readFileSync(path);
      const end = 8 + Number(bytes.readBigUInt64LE(0));
      const headers = [...mutations(bytes.subarray(8, end), 110, 20 + i)].map((header) =>
        Buffer.concat([headerBytes(header), bytes.subarray(end)]),
      );
      for (const damaged of [...headers, ...mutations(bytes, i === 0 ? 58 : 56, 30 + i)]) {
        try {
          await loadAdapter({ path }, SMALL_MODEL, { openFile: (name) => memoryFile(name, damaged) });
          outcomes.loaded++;
        } catch (error) {
          assert.ok(error instanceof FluxionError, (error as Error).stack);
          assert.ok(error.message.startsWith(`${path}: `), error.message);
          outcomes.refused++;
        }
      }
    }
    assert.equal(outcomes.loaded + outcomes.refused, 500);
    assert.ok(outcomes.loaded > 20 && outcomes.refused > 150, JSON.stringify(outcomes));
  });
  test('hostile headers fail as files do, and nothing else', () => {
    const tensors: Record<string, Values> = {
      ...pair,
      'lora_unet_single_blocks_0_linear1.hada_w1_a': draw(112, 2),
      'lora_te1_text_model_encoder_layers_0_mlp_fc1.alpha': scalar(1),
      'double_blocks.0.img_attn.norm.query_norm.scale': draw(8),
    };
    const path = loraFile(tensors, { metadata: { lora_adapter_metadata: '{"transformer.lora_alpha": 4}' } });
    const bytes = readFileSync(path);
    const end = 8 + Number(bytes.readBigUInt64LE(0));
    let read = 0;
    for (const header of mutations(bytes.subarray(8, end), 1500, 3)) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      const damaged = Buffer.concat([length, header, bytes.subarray(end)]);
      try {
        parseLora(FLUX1, path, { openFile: (name) => memoryFile(name, damaged) });
        read++;
      } catch (error) {
        assert.ok(error instanceof FluxionError && error.code === 'bad_file', String(error));
      }
    }
    assert.ok(read > 20, `${read} of the damaged files were read: the damage is too coarse to reach the parser`);
  });
});

describe('places', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-places-'));
  const file = loraFile(pair, { name: 'anime' });
  copyFileSync(file, join(folder, 'anime.safetensors'));

  test('a file, with or without its ending; a folder of one; a folder and a name', () => {
    const path = join(folder, 'anime.safetensors');
    assert.equal(locateLora({ path }).path, path);
    assert.equal(locateLora({ path, weightName: 'ignored.safetensors' }).path, path);
    assert.equal(locateLora({ path: join(folder, 'anime') }).path, path);
    assert.equal(locateLora({ path: folder }).path, path);
    assert.deepEqual(locateLora({ path: folder, weightName: 'anime.safetensors' }), {
      path,
      config: undefined,
      name: 'anime',
    });
    fails(() => locateLora({ path: folder, weightName: '../anime.safetensors' }), 'not_found');
    fails(
      () => locateLora({ path: folder, weightName: 'b.safetensors' }),
      'not_found',
      /'b\.safetensors'/,
      /one of anime/,
    );
  });
  test('the usual name of a file gives way to its folder’s', () => {
    const path = join(folder, 'ink');
    mkdirSync(path);
    copyFileSync(file, join(path, 'pytorch_lora_weights.safetensors'));
    copyFileSync(file, join(path, 'other.safetensors'));
    assert.equal(locateLora({ path }).name, 'ink');
  });
  test('a repository in the cache of the Hugging Face tools; one that is not there', () => {
    const revision = 'a'.repeat(40);
    const cached = join(folder, 'hub', 'models--me--style');
    mkdirSync(join(cached, 'snapshots', revision), { recursive: true });
    mkdirSync(join(cached, 'refs'));
    writeFileSync(join(cached, 'refs', 'main'), revision);
    copyFileSync(file, join(cached, 'snapshots', revision, 'x.safetensors'));
    const before = process.env['HF_HUB_CACHE'];
    process.env['HF_HUB_CACHE'] = join(folder, 'hub');
    try {
      const { path, name } = locateLora({ path: 'me/style' });
      assert.deepEqual([dirname(path), name], [join(cached, 'snapshots', revision), 'x']);
      fails(
        () => locateLora({ path: 'me/other' }),
        'not_found',
        /no LoRA at 'me\/other'/,
        /the local cache .* does not have me\/other/,
      );
    } finally {
      if (before === undefined) delete process.env['HF_HUB_CACHE'];
      else process.env['HF_HUB_CACHE'] = before;
    }
  });
  test('by name in folders of a folder of LoRAs', () => {
    const [inner, other] = [join(folder, 'many/styles'), join(folder, 'many/people')];
    for (const place of [inner, other, join(inner, 'oil')]) mkdirSync(place, { recursive: true });
    for (const place of [
      join(inner, 'chalk'),
      join(other, 'chalk'),
      join(other, 'ann'),
      join(inner, 'oil/pytorch_lora_weights'),
    ])
      copyFileSync(file, `${place}.safetensors`);
    assert.equal(locateByName(folder, 'many/people/ann'), join(other, 'ann.safetensors'));
    assert.equal(locateByName(folder, 'people\\ann'), join(other, 'ann.safetensors'));
    assert.equal(locateByName(folder, 'ann'), join(other, 'ann.safetensors'));
    assert.equal(locateByName(folder, 'ann.safetensors'), join(other, 'ann.safetensors'));
    assert.equal(locateByName(folder, 'oil'), join(inner, 'oil'));
    fails(
      () => locateByName(folder, 'chalk'),
      'not_found',
      /2 LoRAs 'chalk'/,
      /many\/people\/chalk, many\/styles\/chalk/,
    );
    fails(() => locateByName(folder, 'chalc'), 'not_found', /did you mean 'chalk'/);
    for (const name of ['many/../../x', '/etc/passwd', '..\\x', 'many/./x', 'many//x'])
      fails(() => locateByName(folder, name), 'not_found', /is not a LoRA name/);
  });
  test('what stands in recipes is never a path', async () => {
    for (const [name, shown] of [
      ['/home/ann/private/ink.safetensors', 'ink'],
      ['C:\\Users\\ann\\ink.safetensors', 'ink'],
      ['~/loras/ink', 'ink'],
      ['~ann', 'anime'],
      ['../ink', 'ink'],
      ['home/ann/ink', 'ink'],
      [file, 'anime'],
      ['night/fall', 'night/fall'],
      ['ink', 'ink'],
    ] as const) {
      assert.equal((await loadAdapter({ path: file, name }, SMALL_MODEL)).report.name, shown, name);
    }
  });
  test('by name in a folder of LoRAs', () => {
    assert.equal(locateByName(folder, 'anime'), join(folder, 'anime.safetensors'));
    assert.equal(locateByName(folder, 'ink'), join(folder, 'ink'));
    fails(() => locateByName(folder, 'animo'), 'not_found', /did you mean 'anime'/);
    for (const name of ['../anime', '..', '', 'a\0b']) fails(() => locateByName(folder, name), 'not_found');
  });
});

describe('names in prompts', () => {
  test('are taken out, with their scales', () => {
    assert.deepEqual(takeLoraTags('<lora:ink:0.8>, a house <lora:my style v1:-1.5> at <lora:x> night'), {
      text: 'a house at night',
      tags: [
        { name: 'ink', scale: 0.8 },
        { name: 'my style v1', scale: -1.5 },
        { name: 'x', scale: 1 },
      ],
    });
    assert.equal(takeLoraTags('  two  blanks, no tag ').text, '  two  blanks, no tag ');
  });
  test('are read in any case, with blanks', () => {
    assert.deepEqual(takeLoraTags('a < lora: ink : 0.5 > b <LORA:x>'), {
      text: 'a b',
      tags: [
        { name: 'ink', scale: 0.5 },
        { name: 'x', scale: 1 },
      ],
    });
  });
  test('that are nearly tags are no text', () => {
    for (const prompt of [
      'a <lora ink:0.5>',
      'a <lroa:ink:1>',
      'a <loras:ink:1>',
      'a <lora=ink>',
      'a <lora:ink:0.8',
      'a <lora:>',
      'a <lyco:ink:1>',
      'a ＜lora：ink：1＞',
      'a &lt;lora:ink:1&gt;',
      'a lora:ink:0.8',
      'a (lora:ink:1)',
      '<lora:ok:1> and <lora ink>',
    ])
      fails(() => takeLoraTags(prompt), 'bad_request', /<lora:NAME:SCALE>/);
    for (const prompt of [
      'a flower',
      'Lora, a girl',
      'lora: a portrait',
      'a <b> sign',
      '1 < 2',
      'x <3',
      'the explorer: 1',
    ])
      assert.deepEqual(takeLoraTags(prompt), { text: prompt, tags: [] });
  });
  test('of the second prompt count too, once', () => {
    const of = (prompt: string, prompt2?: string) => {
      const { prompts } = decide(
        { prompt, prompt2 },
        { width: 64, height: 64, steps: 4, guidance: 0, maxSequenceLength: 32, strength: 0.6 },
        publishedScheduler({ guidanceEmbeds: false }),
        8,
      );
      return prompts[0]!.loraTags.map(({ name }) => name);
    };
    assert.deepEqual(of('a <lora:x:1>'), ['x']);
    assert.deepEqual(of('a <lora:x:1>', 'b <lora:x:1> <lora:y>'), ['x', 'y']);
  });
  test('a scale that is none is refused', () => {
    for (const tag of ['<lora:a:much>', '<lora:a:>']) fails(() => takeLoraTags(tag), 'bad_request', /number for SCALE/);
  });
});

describe('events', () => {
  test('tell of every LoRA, those of equal content and one that is used twice too', async () => {
    const [first, second] = ['one', 'two'].map((name) => loraFile(pair, { name }));
    const load = async (path: string): Promise<Applied> => ({
      adapter: await loadAdapter({ path }, SMALL_MODEL),
      scale: 1,
    });
    const loras = [await load(first!), await load(second!), await load(second!)];
    const told = [...loraEvents([{ loras }, { loras }])].map((event) => event.type === 'lora' && event.lora.name);
    assert.deepEqual(told, ['one', 'two', 'two']);
  });
});

describe('factors beside weights', () => {
  const name = 'double_blocks.0.img_attn.qkv.weight';
  const rows = { start: 0, end: 16, of: 48 };
  const spec = (factor: 'A' | 'B' | 'scale', rank: number, pictures = 1): WeightSpec => {
    const shape = { A: [rank, 16], B: [16, rank], scale: [pictures, rank] }[factor];
    return { name, rows, factor, dtype: 'f32', shape, axes: [] };
  };
  const values = (bytes: Uint8Array | undefined) => [...new Float32Array(bytes!.slice().buffer)];

  test('are joined along the rank and padded with zeros; strengths and alphas are in the scale', async () => {
    const other = {
      [`${module}.lora_A.weight`]: draw(3, 16),
      [`${module}.lora_B.weight`]: draw(16, 3),
      [`${module}.alpha`]: scalar(6),
    };
    const overlay = new Overlay(
      [
        [
          { adapter: await load(pair), scale: 0.5 },
          { adapter: await load(other), scale: -1 },
        ],
      ],
      'beside',
    );
    assert.equal(overlay.rank, 5);
    assert.deepEqual(values(overlay.factor(spec('scale', 8))), [0.5, 0.5, -2, -2, -2, 0, 0, 0]);
    const a = values(overlay.factor(spec('A', 8)));
    assert.deepEqual(a.slice(0, 32), [...pair[`${module}.lora_A.weight`]!.data]);
    assert.deepEqual(a.slice(32, 80), [...other[`${module}.lora_A.weight`]!.data]);
    assert.ok(a.slice(80).every((value) => value === 0) && a.length === 128);
    const b = values(overlay.factor(spec('B', 8)));
    assert.deepEqual(b.slice(8, 16), [
      ...[2, 3].map((i) => pair[`${module}.lora_B.weight`]!.data[i]),
      ...[3, 4, 5].map((i) => other[`${module}.lora_B.weight`]!.data[i]),
      0,
      0,
      0,
    ]);
  });

  test('another strength is another scale, and the same A and B', async () => {
    const adapter = await load(pair);
    const [weak, strong] = [0.5, 2].map((scale) => new Overlay([[{ adapter, scale }]], 'beside'));
    for (const factor of ['A', 'B'] as const) assert.equal(weak!.tag(spec(factor, 8)), strong!.tag(spec(factor, 8)));
    assert.notEqual(weak!.tag(spec('scale', 8)), strong!.tag(spec('scale', 8)));
    const plain = SMALL_WEIGHTS.find((known) => known.name === name)!;
    assert.equal(weak!.tag(plain), undefined, 'the weight itself stays');
    assert.equal(new Overlay([[{ adapter, scale: 0 }]], 'merged').tag(plain), undefined, 'a strength of 0 is nothing');
    assert.notEqual(new Overlay([[{ adapter, scale: 1 }]], 'merged').tag(plain), undefined);
  });

  test('each picture of a batch has strengths of its own, and shares what others use too', async () => {
    const third = { [`${module}.lora_A.weight`]: draw(1, 16), [`${module}.lora_B.weight`]: draw(16, 1) };
    const [first, second] = [await load(pair), await load(third)];
    const batch = new Overlay(
      [
        [{ adapter: first, scale: 0.5 }],
        [],
        [
          { adapter: second, scale: 3 },
          { adapter: first, scale: -2 },
        ],
      ],
      'beside',
    );
    assert.equal(batch.rank, 3, 'one adapter of two pictures takes its rank once');
    assert.deepEqual(values(batch.factor(spec('scale', 4, 4))), [
      ...[0.5, 0.5, 0, 0],
      ...[0, 0, 0, 0],
      ...[-2, -2, 3, 0],
      ...[0, 0, 0, 0],
    ]);
    const twice = new Overlay(
      [
        [
          { adapter: first, scale: 1 },
          { adapter: first, scale: 2 },
        ],
      ],
      'beside',
    );
    assert.deepEqual(
      values(twice.factor(spec('scale', 4, 2))),
      [1, 1, 2, 2, 1, 1, 2, 2],
      'one list is for all pictures',
    );
    const [weak, strong] = [1, 2].map((scale) => [{ adapter: first, scale }]);
    assert.throws(() => new Overlay([weak!, strong!], 'merged'), /cannot share a batch/);
    assert.equal(new Overlay([weak!, weak!], 'merged').rank, 0);
  });

  test('ranks come in buckets', () => {
    assert.deepEqual([0, 1, 16, 17, 300, 5000].map(rankBucket), [0, 16, 16, 32, 512, 8192]);
  });

  test('a model without the module has nothing beside it', async () => {
    const bare = new LoraModel(
      FLUX1,
      SMALL_WEIGHTS.filter((known) => !known.name.startsWith('guidance_in')),
    );
    const key = 'transformer.time_text_embed.guidance_embedder.linear_1';
    const path = loraFile({ ...pair, [`${key}.lora_A.weight`]: draw(2, 256), [`${key}.lora_B.weight`]: draw(16, 2) });
    assert.equal((await loadAdapter({ path }, bare)).report.unmatched.count, 2);
    assert.equal((await loadAdapter({ path }, SMALL_MODEL)).report.unmatched.count, 0);
  });
});
