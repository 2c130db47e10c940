/** What each algorithm comes to, against the same arithmetic written out: LoHa, LoKr, GLoRA, DoRA, differences, biases, norms; alphas; text encoders. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { CLIP_L, T5_XXL } from '../../../src/families/flux1/presets.ts';
import { clipPrograms } from '../../../src/models/clip.ts';
import { t5Programs } from '../../../src/models/t5.ts';
import { resizeRows } from '../../../src/support/rows.ts';
import { LoraModel, loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { hadamard, matrixOf, multiply } from '../../../src/weights/lora/matrix.ts';
import { Overlay } from '../../../src/weights/lora/overlay.ts';
import type { WeightSpec } from '../../../src/xla/graph/weights.ts';
import { assertClose } from '../../support/close.ts';
import {
  baseWeights,
  declaredWeights,
  differences,
  drawer,
  type FileOptions,
  loraFile,
  map,
  product,
  SMALL,
  SMALL_MODEL,
  SMALL_WEIGHTS,
  scalar,
  type Values,
} from '../../support/lora.ts';

const BASE = baseWeights(SMALL_WEIGHTS);
const D = 16;

/** The one difference that a file comes to. */
async function only(tensors: Record<string, Values>, weight: string, options?: FileOptions): Promise<Float32Array> {
  const adapter = await loadAdapter({ path: loraFile(tensors, options) }, SMALL_MODEL, { strict: true });
  const found = await differences(adapter, SMALL_WEIGHTS, BASE);
  assert.deepEqual([...found.keys()], [weight]);
  return found.get(weight)!;
}

const near = (actual: Float32Array, expected: Float32Array) =>
  assertClose('difference', actual, expected, { maxRelative: 1e-5 });

describe('alpha', () => {
  const draw = drawer(5);
  const [a, b] = [draw(4, D), draw(D, 4)];
  const module = 'single_transformer_blocks.0.attn.to_k';
  const key = `transformer.${module}`;
  const pair = { [`${key}.lora_A.weight`]: a, [`${key}.lora_B.weight`]: b };
  const weight = 'single_blocks.0.linear1.weight';
  const factorOf = async (tensors: Record<string, Values>, options?: FileOptions) => {
    const found = await only(tensors, weight, options);
    const plain = product(b, a).data;
    const factor = found[D * D]! / plain[0]!;
    near(
      found.slice(D * D, 2 * D * D),
      plain.map((value) => factor * value),
    );
    return Number(factor.toPrecision(6));
  };
  const settings = (values: object) => ({ metadata: { lora_adapter_metadata: JSON.stringify(values) } });

  test('is the rank where none is told, or 0', async () => {
    assert.equal(await factorOf(pair), 1);
    assert.equal(await factorOf({ ...pair, [`${key}.alpha`]: scalar(0) }), 1);
  });
  test('beside the factors is divided by the rank', async () => {
    assert.equal(await factorOf({ ...pair, [`${key}.alpha`]: scalar(6) }), 1.5);
  });
  test('is read from the header that diffusers writes, with patterns', async () => {
    assert.equal(await factorOf(pair, settings({ 'transformer.lora_alpha': 2 })), 0.5);
    const pattern = { 'attn.to_k': 8, to_q: 1 };
    assert.equal(
      await factorOf(pair, settings({ 'transformer.lora_alpha': 2, 'transformer.alpha_pattern': pattern })),
      2,
    );
    assert.equal(await factorOf(pair, settings({ 'text_encoder.lora_alpha': 2 })), 1);
    assert.equal(await factorOf(pair, settings({ 'transformer.lora_alpha': 6, 'transformer.use_rslora': true })), 3);
  });
  test('is read from an adapter_config.json beside the file', async () => {
    const path = loraFile(pair);
    writeFileSync(
      join(dirname(path), 'adapter_config.json'),
      JSON.stringify({ r: 4, lora_alpha: 10, alpha_pattern: {} }),
    );
    const adapter = await loadAdapter({ path }, SMALL_MODEL);
    const found = (await differences(adapter)).get(weight)!;
    near(
      found.slice(D * D, 2 * D * D),
      product(b, a).data.map((value) => 2.5 * value),
    );
  });
});

describe('algorithms', () => {
  const draw = drawer(6);
  const proj = 'lycoris_transformer_blocks_1_attn_to_out_0';
  const weight = 'double_blocks.1.img_attn.proj.weight';

  for (const [name, rank] of [
    ['as one low-rank product', 4],
    ['of too large a rank for that', 17],
  ] as const) {
    test(`LoHa, ${name}`, async () => {
      const [b1, a1, b2, a2] = [draw(D, rank), draw(rank, D), draw(D, rank), draw(rank, D)];
      const tensors = {
        [`${proj}.hada_w1_a`]: b1, [`${proj}.hada_w1_b`]: a1, [`${proj}.hada_w2_a`]: b2, [`${proj}.hada_w2_b`]: a2,
        [`${proj}.alpha`]: scalar(2),
      }; // biome-ignore format: one factor after the other
      const other = product(b2, a2).data;
      near(
        await only(tensors, weight),
        product(b1, a1).data.map((value, i) => (2 / rank) * value * other[i]!),
      );
    });
  }

  test('the product of products is one product', () => {
    const of = ({ rows, columns, data }: Values) => matrixOf(rows, columns, data);
    const [b1, a1, b2, a2] = [draw(5, 2), draw(2, 7), draw(5, 3), draw(3, 7)];
    const { a, b } = hadamard([of(b1), of(a1)], [of(b2), of(a2)]);
    assert.deepEqual([a.rows, b.columns], [6, 6]);
    const other = product(b2, a2).data;
    near(
      multiply(b, a),
      product(b1, a1).data.map((value, i) => value * other[i]!),
    );
  });

  const kron = (x: Values, y: Values, scale: number) =>
    Float32Array.from({ length: x.data.length * y.data.length }, (_, at) => {
      const columns = x.columns * y.columns;
      const [i, j] = [Math.floor(at / columns), at % columns];
      const left = x.data[Math.floor(i / y.rows) * x.columns + Math.floor(j / y.columns)]!;
      return scale * left * y.data[(i % y.rows) * y.columns + (j % y.columns)]!;
    });

  test('LoKr, both factors whole: an alpha means nothing', async () => {
    const [w1, w2] = [draw(4, 2), draw(4, 8)];
    const tensors = { [`${proj}.lokr_w1`]: w1, [`${proj}.lokr_w2`]: w2, [`${proj}.alpha`]: scalar(9_999_999_999) };
    near(await only(tensors, weight), kron(w1, w2, 1));
    // What trainers write as 9,999,999,999 is infinite in f16.
    const infinite = loraFile(tensors, { dtypes: { [`${proj}.alpha`]: 'f16' } });
    near((await differences(await loadAdapter({ path: infinite }, SMALL_MODEL))).get(weight)!, kron(w1, w2, 1));
  });
  test('LoKr of PEFT is scaled by the rank that is set', async () => {
    const [w1, w2] = [draw(4, 2), draw(4, 8)];
    const path = loraFile({ [`${proj}.lokr_w1`]: w1, [`${proj}.lokr_w2`]: w2 });
    writeFileSync(join(dirname(path), 'adapter_config.json'), JSON.stringify({ peft_type: 'LOKR', r: 8, alpha: 4 }));
    near((await differences(await loadAdapter({ path }, SMALL_MODEL))).get(weight)!, kron(w1, w2, 0.5));
  });
  test('LoKr, the second or both in factors', async () => {
    const [w1, b, a] = [draw(2, 2), draw(8, 3), draw(3, 8)];
    const tensors = {
      [`${proj}.lokr_w1`]: w1,
      [`${proj}.lokr_w2_a`]: b,
      [`${proj}.lokr_w2_b`]: a,
      [`${proj}.alpha`]: scalar(6),
    };
    near(await only(tensors, weight), kron(w1, product(b, a), 2));
    const [b1, a1] = [draw(2, 1), draw(1, 2)];
    const { [`${proj}.lokr_w1`]: _, ...rest } = tensors;
    near(
      await only({ ...rest, [`${proj}.lokr_w1_a`]: b1, [`${proj}.lokr_w1_b`]: a1 }, weight),
      kron(product(b1, a1), product(b, a), 2),
    );
  });
  test('LoKr on a fused layer is sliced after it is whole', async () => {
    const [w1, w2] = [draw(7, 2), draw(16, 8)];
    const stem = 'lora_unet_single_blocks_0_linear1';
    near(
      await only({ [`${stem}.lokr_w1`]: w1, [`${stem}.lokr_w2`]: w2 }, 'single_blocks.0.linear1.weight'),
      kron(w1, w2, 1),
    );
  });

  test('GLoRA, in both orders of its factors', async () => {
    const whole = BASE.get(weight)!;
    const [up, down, inner, outer] = [draw(D, 2), draw(2, D), draw(D, 2), draw(2, D)];
    const changed = product(product(whole, inner), outer).data;
    const wanted = product(up, down).data.map((value, i) => 1.5 * (value + changed[i]!));
    const stem = 'diffusion_model.double_blocks.1.img_attn.proj';
    const file = (a1: Values, a2: Values, b1: Values, b2: Values) => ({
      [`${stem}.a1.weight`]: a1, [`${stem}.a2.weight`]: a2, [`${stem}.b1.weight`]: b1, [`${stem}.b2.weight`]: b2, [`${stem}.alpha`]: scalar(3),
    }); // biome-ignore format: one factor after the other
    near(await only(file(inner, outer, up, down), weight), wanted);
    near(await only(file(outer, inner, down, up), weight), wanted);
  });

  test('differences of weights and biases; those that are zero are none', async () => {
    const [diff, bias] = [draw(D, D), draw(D)];
    const stem = 'diffusion_model.double_blocks.1.img_attn.proj';
    const zeros = { 'diffusion_model.img_in.diff': map(draw(D, 64), () => 0) };
    const path = loraFile({ [`${stem}.diff`]: diff, [`${stem}.diff_b`]: bias, ...zeros });
    const found = await differences(await loadAdapter({ path }, SMALL_MODEL, { strict: true }));
    assert.deepEqual([...found.keys()].sort(), ['double_blocks.1.img_attn.proj.bias', weight]);
    near(found.get(weight)!, diff.data);
    near(found.get('double_blocks.1.img_attn.proj.bias')!, bias.data);
  });

  test('differences and DoRA of one part of a fused layer', async () => {
    const name = 'single_blocks.1.linear1.weight';
    const base = BASE.get(name)!.data;
    const stem = 'transformer.single_transformer_blocks.1.attn.to_v';
    const diff = draw(D, D);
    const placed = (values: Float32Array) => {
      const all = new Float32Array(base.length);
      all.set(values, 2 * D * D);
      return all;
    };
    near(await only({ [`${stem}.diff`]: diff }, name), placed(diff.data));
    const [a, b, lengths] = [draw(2, D), draw(D, 2), map(draw(1, D), (value) => 2 + value)];
    const own = base.slice(2 * D * D, 3 * D * D);
    const delta = product(b, a).data;
    const after = own.map((value, i) => value + delta[i]!);
    const norms = Array.from({ length: D }, (_, j) => Math.hypot(...after.filter((_, i) => i % D === j)));
    const wanted = after.map((value, i) => (value * lengths.data[i % D]!) / norms[i % D]! - own[i]!);
    const pair = { [`${stem}.lora_A.weight`]: a, [`${stem}.lora_B.weight`]: b };
    near(await only({ ...pair, [`${stem}.dora_scale`]: lengths }, name), placed(wanted));
  });

  test('biases of the factors, halves exchanged in the last modulation alone', async () => {
    const [a, b, onA, onB] = [draw(3, D), draw(2 * D, 3), draw(3), draw(2 * D)];
    for (const [stem, exchanged] of [
      ['transformer.norm_out.linear', true],
      ['final_layer.adaLN_modulation.1', false],
    ] as const) {
      const tensors = {
        [`${stem}.lora_A.weight`]: a,
        [`${stem}.lora_B.weight`]: b,
        [`${stem}.lora_A.bias`]: onA,
        [`${stem}.lora_B.bias`]: onB,
      };
      const found = await differences(await loadAdapter({ path: loraFile(tensors) }, SMALL_MODEL, { strict: true }));
      const wanted = product(b, onA).data.map((value, i) => value + onB.data[i]!);
      const swap = (x: Float32Array) =>
        Float32Array.from([...x.subarray(x.length / 2), ...x.subarray(0, x.length / 2)]);
      near(found.get('final_layer.adaLN_modulation.1.bias')!, exchanged ? swap(wanted) : wanted);
      const delta = product(b, a).data;
      near(found.get('final_layer.adaLN_modulation.1.weight')!, exchanged ? swap(delta) : delta);
    }
  });

  test('norms are replaced, or changed by differences', async () => {
    const norm = 'double_blocks.0.txt_attn.norm.key_norm';
    const scale = draw(8);
    const before = BASE.get(`${norm}.scale`)!.data;
    const replaced = scale.data.map((value, i) => value - before[i]!);
    near(await only({ [`${norm}.scale`]: scale }, `${norm}.scale`), replaced);
    near(
      await only({ 'transformer.transformer_blocks.0.attn.norm_added_k.weight': scale }, `${norm}.scale`, {
        shapes: { 'transformer.transformer_blocks.0.attn.norm_added_k.weight': [8] },
      }),
      replaced,
    );
    near(await only({ [`diffusion_model.${norm}.w_norm`]: scale }, `${norm}.scale`), scale.data);
  });
});

describe('DoRA', () => {
  const draw = drawer(7);
  const whole = BASE.get('double_blocks.0.img_attn.qkv.weight')!;
  const rows = whole.rows;
  const [a, b] = [draw(3, D), draw(rows, 3)];
  const stem = 'diffusion_model.double_blocks.0.img_attn.qkv';
  const pair = { [`${stem}.lora_down.weight`]: a, [`${stem}.lora_up.weight`]: b, [`${stem}.alpha`]: scalar(6) };
  const delta = product(b, a).data;
  const adapted = whole.data.map((value, i) => value + 2 * delta[i]!);
  const name = 'double_blocks.0.img_attn.qkv.weight';

  test('by column, over all rows of a fused layer', async () => {
    const lengths = map(draw(1, D), (value) => 2 + value);
    const norms = Array.from({ length: D }, (_, j) => Math.hypot(...adapted.filter((_, i) => i % D === j)));
    const wanted = adapted.map((value, i) => (value * lengths.data[i % D]!) / norms[i % D]! - whole.data[i]!);
    near(await only({ ...pair, [`${stem}.dora_scale`]: lengths }, name), wanted);
  });

  test('by row, under every name', async () => {
    const lengths = map(draw(rows), (value) => 2 + value);
    const norms = Array.from({ length: rows }, (_, i) => Math.hypot(...adapted.slice(i * D, (i + 1) * D)));
    const wanted = adapted.map((value, i) => {
      const row = Math.floor(i / D);
      return (value * lengths.data[row]!) / norms[row]! - whole.data[i]!;
    });
    for (const suffix of ['dora_scale', 'magnitude', 'lora_magnitude_vector', 'lora_magnitude_vector.default.weight'])
      near(
        await only({ ...pair, [`${stem}.${suffix}`]: lengths }, name, { shapes: { [`${stem}.${suffix}`]: [rows] } }),
        wanted,
      );
    near(
      await only({ ...pair, [`${stem}.dora_scale`]: lengths }, name, { shapes: { [`${stem}.dora_scale`]: [rows, 1] } }),
      wanted,
    );
  });

  test('by column, of the modulation whose halves are exchanged', async () => {
    const last = BASE.get('final_layer.adaLN_modulation.1.weight')!;
    const swap = (x: Float32Array) => Float32Array.from([...x.subarray(x.length / 2), ...x.subarray(0, x.length / 2)]);
    const [down, up, lengths] = [draw(2, D), draw(2 * D, 2), map(draw(1, D), (value) => 3 + value)];
    const key = 'lora_transformer_norm_out_linear';
    const tensors = {
      [`${key}.lora_down.weight`]: down,
      [`${key}.lora_up.weight`]: up,
      [`${key}.dora_scale`]: lengths,
    };
    const added = swap(product(up, down).data);
    const after = last.data.map((value, i) => value + added[i]!);
    const norms = Array.from({ length: D }, (_, j) => Math.hypot(...after.filter((_, i) => i % D === j)));
    const wanted = after.map((value, i) => (value * lengths.data[i % D]!) / norms[i % D]! - last.data[i]!);
    near(await only(tensors, 'final_layer.adaLN_modulation.1.weight'), wanted);
  });
});

describe('text encoders', () => {
  const clip = clipPrograms(
    { ...CLIP_L, width: 12, intermediate: 20, heads: 2, vocabSize: 8 },
    { batch: 1, tokens: 4, compute: 'f32', storage: 'f32' },
  );
  const t5 = t5Programs(
    { ...T5_XXL, width: 10, dKv: 3, heads: 2, dFf: 14, vocabSize: 8 },
    { batch: 1, tokens: 4, compute: 'f32', storage: 'f32' },
  );
  const under = (scope: string, specs: readonly WeightSpec[]) =>
    specs.map((spec) => ({ ...spec, name: `${scope}.${spec.name}` }));
  const specs = [
    ...under('text_model.encoder.layers.1', clip.layer.weights),
    ...under('encoder.block.1', t5.layer.weights),
  ];
  const model = new LoraModel(FLUX1, specs);
  const draw = drawer(8);
  const clipKey = 'text_model.encoder.layers.1.self_attn.q_proj';
  const t5Key = 'encoder.block.1.layer.1.DenseReluDense.wi_0';
  const flat = (name: string) => name.replaceAll('.', '_');

  for (const [name, c, t] of [
    ['diffusers', `text_encoder.${clipKey}`, `text_encoder_2.${t5Key}`],
    ['diffusers on transformers 5', `text_encoder.${clipKey.replace('text_model.', '')}`, `text_encoder_2.${t5Key}`],
    ['kohya', `lora_te1_${flat(clipKey)}`, `lora_te3_${flat(t5Key)}`],
    ['kohya without a number', `lora_te_${flat(clipKey)}`, `lora_te2_${flat(t5Key)}`],
    ['ai-toolkit', `lora_te1.${clipKey}`, `lora_te2.${t5Key}`],
    ['ComfyUI', `text_encoders.clip_l.transformer.${clipKey}`, `text_encoders.t5xxl.transformer.${t5Key}`],
    ['ComfyUI, short', `clip_l.transformer.${clipKey}`, `t5xxl.transformer.${t5Key}`],
  ] as const) {
    test(name, async () => {
      const [a, b, e, f] = [draw(2, 12), draw(12, 2), draw(3, 10), draw(14, 3)];
      const path = loraFile({
        [`${c}.lora_down.weight`]: a, [`${c}.lora_up.weight`]: b, [`${c}.alpha`]: scalar(4),
        [`${t}.lora_down.weight`]: e, [`${t}.lora_up.weight`]: f,
      }); // biome-ignore format: one module a line
      const adapter = await loadAdapter({ path }, model, { strict: true });
      assert.deepEqual(adapter.report.modules, { transformer: 0, clip: 1, t5: 1 });
      const found = await differences(adapter, specs);
      near(
        found.get(`${clipKey}.weight`)!,
        product(b, a).data.map((value) => 2 * value),
      );
      near(found.get(`${t5Key}.weight`)!, product(f, e).data);
    });
  }
});

describe('control LoRAs', () => {
  const draw = drawer(9);
  const [a, b, scale] = [draw(3, 128), draw(D, 3), draw(8)];
  const path = loraFile(
    {
      'img_in.lora_A.weight': a,
      'img_in.lora_B.weight': b,
      'img_in.lora_B.bias': draw(D),
      'single_blocks.0.norm.query_norm.scale': scale,
    },
    { name: 'control' },
  );

  test('fit a model whose first layer takes the control picture', async () => {
    const wide = declaredWeights({ ...SMALL, inChannels: 128 });
    const adapter = await loadAdapter({ path }, new LoraModel(FLUX1, wide), { strict: true });
    assert.equal(adapter.report.dialect, 'BFL control');
    near((await differences(adapter, wide)).get('img_in.weight')!, product(b, a).data);
  });

  test('widen the first layer of a model for latents alone, where others add zeros', async () => {
    const control = await loadAdapter({ path }, SMALL_MODEL, { strict: true });
    assert.ok(control.report.control);
    const [down, up] = [draw(2, 64), draw(D, 2)];
    const keys = { 'img_in.lora_A.weight': down, 'img_in.lora_B.weight': up, 'img_in.diff': draw(D, 64) };
    const style = await loadAdapter({ path: loraFile(keys) }, SMALL_MODEL, { strict: true });
    assert.ok(!style.report.control);
    const wide: WeightSpec = { ...FIRST, shape: [D, 128], zeros: 64 };
    const applied = [control, style].map((adapter, i) => ({ adapter, scale: i + 1 }));
    const rows = (start: number, end: number) => BASE.get(FIRST.name)!.data.slice(start * 64, end * 64);
    const { product: sum, difference } = (await new Overlay([applied], 'merged').change(wide, {
      rows,
      multiply: never,
    }))!;
    const padded = (values: Float32Array) => resizeRows(values, 64, 128);
    const expected = product(b, a).data.map((value, i) => value + 2 * padded(product(up, down).data)[i]!);
    near(multiply(matrixOf(D, sum!.rank, sum!.b), matrixOf(sum!.rank, 128, sum!.a)), expected);
    near(
      difference!,
      padded(keys['img_in.diff'].data).map((value) => 2 * value),
    );
    const factor = new Overlay([applied], 'beside').factor({ ...wide, factor: 'A', shape: [16, 128] })!;
    const beside = new Float32Array(factor.buffer, factor.byteOffset);
    assert.deepEqual([...beside], [...a.data, ...padded(down.data), ...new Float32Array(11 * 128)]);
  });

  test('leave alone what a Control model has beside the latents, if they are made for latents alone', async () => {
    const wide = new LoraModel(FLUX1, declaredWeights({ ...SMALL, inChannels: 384 }));
    const keys = { 'img_in.lora_A.weight': draw(2, 64), 'img_in.lora_B.weight': draw(D, 2) };
    const adapter = await loadAdapter({ path: loraFile(keys) }, wide, { strict: true });
    const factor = new Overlay([[{ adapter, scale: 1 }]], 'beside').factor({ ...FIRST, factor: 'A', shape: [2, 384] })!;
    const expected = resizeRows(keys['img_in.lora_A.weight'].data, 64, 384);
    assert.deepEqual([...new Float32Array(factor.buffer, factor.byteOffset)], [...expected]);
  });

  test('are refused by a model with other channels beside the latents', async () => {
    const wide = new LoraModel(FLUX1, declaredWeights({ ...SMALL, inChannels: 384 }));
    await assert.rejects(loadAdapter({ path }, wide), {
      code: 'bad_weights',
      message: /img_in\.lora_A\.weight: expected \[3, 384\], found \[3, 128\]/,
    });
  });
});

/** The first layer's weight. */
const FIRST = SMALL_WEIGHTS.find(({ name }) => name === 'img_in.weight')!;
const never = () => Promise.reject(new Error('no product of whole weights'));
