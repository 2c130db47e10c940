/** ComfyUI's quantised layers: the numbers that comfy-kitchen itself makes of them; what is damaged or not known is refused by key and shape. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { byteSize, elementCount } from '../../../src/support/dtype.ts';
import { convertFloats, toF32 } from '../../../src/support/floats.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import type { Decoded, TensorStore } from '../../../src/weights/files/tensors.ts';
import { openTensors } from '../../../src/weights/folders/open.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { feed } from '../../support/hostile.ts';
import { headerBytes, memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';
import { layoutSafetensors, type NamedTensor, writeSafetensors } from '../../support/safetensors.ts';

const FIXTURES = repositoryPath('test/fixtures/checkpoint');

/** Layers as comfy-kitchen makes them, and the numbers they stand for (tools/reference/record_comfy_quant.py). */
const LAYERS = stored('comfy-quant.safetensors');
const VALUES = new Map(stored('comfy-quant-values.safetensors').map((tensor) => [tensor.name, tensor]));

function stored(file: string): NamedTensor[] {
  using store = WeightStore.open(join(FIXTURES, file));
  return store.keys().map((name) => {
    const { dtype, shape } = store.info(name);
    return { name, dtype, shape, bytes: store.bytes(name).slice() };
  });
}

/** A change of a tensor; none leaves it out. */
type Change = (tensor: NamedTensor) => Partial<NamedTensor> | undefined;

/** The tensors of a layer, changed by the end of their names. */
function layers(layer: string, changes: Readonly<Record<string, Change>> = {}): NamedTensor[] {
  return LAYERS.filter(({ name }) => name.slice(0, name.lastIndexOf('.')) === layer).flatMap((tensor) => {
    const change = changes[tensor.name.slice(layer.length + 1)];
    const changed = change ? change(tensor) : {};
    return changed ? [{ ...tensor, ...changed }] : [];
  });
}

function opened(
  tensors: readonly NamedTensor[],
  decoded: Decoded = 'f32',
  metadata: Record<string, string> = {},
): TensorStore {
  const bytes = Buffer.concat(layoutSafetensors(tensors, { metadata }));
  return openTensors('x.safetensors', { openFile: (path) => memoryFile(path, bytes), decoded });
}

function json(name: string, value: unknown): NamedTensor {
  const bytes = Buffer.from(JSON.stringify(value));
  return { name, dtype: 'u8', shape: [bytes.length], bytes };
}

function f32(name: string, values: readonly number[], shape: readonly number[] = [values.length]): NamedTensor {
  return { name, dtype: 'f32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

function expected(layer: string): Float32Array {
  const { dtype, bytes, shape } = VALUES.get(layer)!;
  return toF32(dtype, bytes, elementCount(shape));
}

function values(store: TensorStore, key: string): Float32Array {
  const { dtype, shape } = store.info(key);
  return toF32(dtype, store.bytes(key), elementCount(shape));
}

/** All NaN alike, whose bits differ between programs. */
function oneNaN(numbers: Float32Array): Float32Array {
  return numbers.map((number) => (Number.isNaN(number) ? Number.NaN : number));
}

const ENCODINGS: Readonly<Record<string, string>> = {
  nvfp4: 'nvfp4',
  'nvfp4.padded': 'nvfp4',
  'nvfp4.any': 'nvfp4',
  'nvfp4.smoothed': 'nvfp4',
  mxfp8: 'mxfp8',
  'mxfp8.padded': 'mxfp8',
  'mxfp8.any': 'mxfp8',
  int8: 'rotated i8',
  'int8.nested': 'rotated i8',
  'int8.exact': 'rotated i8',
  int4: 'rotated i4',
  'int4.exact': 'rotated i4',
};
/** Layers whose sums round in comfy-kitchen, and here do not. */
const ROUNDED = ['int8', 'int8.nested', 'int4'];

describe('layers made by comfy-kitchen are the numbers it makes of them', () => {
  test('all of them, and nothing else, are in the file', () => {
    using store = openTensors(join(FIXTURES, 'comfy-quant.safetensors'), { decoded: 'f32' });
    const wanted = Object.keys(ENCODINGS).map((layer) => `${layer}.weight`);
    assert.deepEqual(store.keys().toSorted(), wanted.toSorted());
    assert.deepEqual([...VALUES.keys()].toSorted(), Object.keys(ENCODINGS).toSorted());
    for (const [layer, encoding] of Object.entries(ENCODINGS)) {
      const { shape } = VALUES.get(layer)!;
      const { file, ...info } = store.info(`${layer}.weight`);
      assert.deepEqual(info, { dtype: 'f32', shape, encoding }, layer);
      assert.ok(file.endsWith('comfy-quant.safetensors'));
    }
  });

  for (const layer of Object.keys(ENCODINGS)) {
    test(`${layer}: ${ROUNDED.includes(layer) ? 'within the rounding of its sums' : 'the very same'}, in every type, by any rows`, () => {
      const exact = expected(layer);
      const found = values(opened(layers(layer)), `${layer}.weight`);
      if (ROUNDED.includes(layer)) {
        // Sums of up to 256 products of the size of a row's largest.
        const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i]!)), 0);
        assert.ok(worst <= 2e-6 * largest, `${worst} of ${largest}`);
      } else assert.deepEqual(oneNaN(found), oneNaN(exact));
      for (const decoded of ['f32', 'bf16', 'f16'] as const) {
        const store = opened(layers(layer), decoded);
        const { shape } = store.info(`${layer}.weight`);
        const whole = store.bytes(`${layer}.weight`);
        assert.deepEqual(whole, convertFloats('f32', decoded, new Uint8Array(found.buffer), shape));
        const [rows, columns] = shape as [number, number];
        for (const range of [
          [0, 1],
          [1, rows],
          [rows - 1, rows],
          [2, 2],
          [0, rows],
          [Math.min(127, rows - 2), Math.min(130, rows)],
        ] as const) {
          const part = whole.slice(range[0] * columns * byteSize(decoded), range[1] * columns * byteSize(decoded));
          assert.deepEqual(store.bytes(`${layer}.weight`, range), part, `${layer}: rows ${range}`);
          const codes = layers(layer).find(({ name }) => name === `${layer}.weight`)!;
          const row = codes.bytes.length / codes.shape[0]!;
          const raw = store.raw!(`${layer}.weight`, range);
          assert.deepEqual(Buffer.from(raw), Buffer.from(codes.bytes.slice(range[0] * row, range[1] * row)));
        }
      }
    });
  }
});

describe('tiles and rows, as convert_to_quant writes them', () => {
  const bytes = Uint8Array.from({ length: 6 * 8 }, (_, i) => (i * 37 + 5) & 0x7e);
  for (const [format, dtype] of [
    ['int8_blockwise', 'i8'],
    ['float8_e4m3fn_blockwise', 'f8e4m3'],
  ] as const) {
    test(format, () => {
      const scales = [0.5, -2, 0.3, 4, 1e-3, 7, 0, 1.7, 3, 0.1, 11, 13];
      const weight: NamedTensor = { name: 'a.weight', dtype, shape: [6, 8], bytes };
      const numbers = dtype === 'i8' ? Float32Array.from(bytes) : toF32(dtype, bytes, 48);
      const wanted = numbers.map(
        (value, i) => value * Math.fround(scales[Math.floor(i / 16) * 4 + Math.floor((i % 8) / 2)]!),
      );
      const parts = [weight, f32('a.weight_scale', scales, [3, 4]), f32('a.input_scale', [1])];
      for (const description of [{ group_size: 2 }, { params: { group_size: 2 } }]) {
        const store = opened([
          ...parts,
          json('a.comfy_quant', { format, orig_dtype: 'torch.bfloat16', ...description }),
        ]);
        assert.deepEqual(store.keys(), ['a.weight']);
        assert.equal(store.info('a.weight').encoding, `scaled ${dtype}`);
        assert.equal(store.coded!('a.weight'), undefined, 'a row has no scale of its own');
        assert.deepEqual(values(store, 'a.weight'), wanted);
        assert.deepEqual(toF32('f32', store.bytes('a.weight', [1, 5]), 32), wanted.slice(8, 40));
      }
      fails(
        () => opened([...parts, json('a.comfy_quant', { format, group_size: 3 })]),
        'bad_file',
        /x\.safetensors: a\.weight: expected a matrix of squares of 3 × 3, as its description says, found (i8|f8e4m3) \[6, 8\]/,
      );
      fails(
        () => opened([...parts, json('a.comfy_quant', { format, group_size: 1 })]),
        'bad_file',
        /a\.weight_scale: expected f32 or bf16 or f16 \[6, 8\], a scale for each 1 × 1 of a\.weight, found f32 \[3, 4\]/,
      );
      fails(
        () => opened([weight, json('a.comfy_quant', { format, group_size: 2 })]),
        'bad_file',
        /a\.weight_scale: expected .*, found nothing/,
      );
    });
  }

  test('float8_e4m3fn_rowwise, hybrid_mxfp8', () => {
    const weight: NamedTensor = { name: 'a.weight', dtype: 'f8e4m3', shape: [6, 8], bytes };
    const store = opened([
      weight,
      f32('a.weight_scale', [1, 2, 3, 4, 5, 6]),
      json('a.comfy_quant', { format: 'float8_e4m3fn_rowwise' }),
    ]);
    assert.deepEqual(store.keys(), ['a.weight']);
    assert.deepEqual(
      values(store, 'a.weight'),
      toF32('f8e4m3', bytes, 48).map((value, i) => value * ((i >> 3) + 1)),
    );
    assert.deepEqual(store.coded!('a.weight', [2, 4]), {
      dtype: 'f8e4m3',
      codes: Buffer.from(bytes.subarray(16, 32)),
      scales: Float32Array.of(3, 4),
    });
    const hybrid = layers('mxfp8', { comfy_quant: ({ name }) => json(name, { format: 'hybrid_mxfp8' }) });
    const both = opened([...hybrid, f32('mxfp8.weight_scalar', [3], [])]);
    assert.deepEqual(both.keys(), ['mxfp8.weight']);
    assert.deepEqual(values(both, 'mxfp8.weight'), expected('mxfp8'));
  });
});

describe('descriptions', () => {
  const undescribed = layers('nvfp4', { comfy_quant: () => undefined });
  const header = (named: unknown) => ({
    _quantization_metadata: JSON.stringify({ format_version: '1.0', layers: named }),
  });

  test('in the header count as those beside, with or without the prefix of the model', () => {
    for (const prefix of ['', 'model.diffusion_model.']) {
      const tensors = undescribed.map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
      for (const name of new Set(['nvfp4', `${prefix}nvfp4`])) {
        const store = opened(tensors, 'f32', header({ [name]: { format: 'nvfp4' }, 'not.there': { format: 'mxfp8' } }));
        assert.deepEqual(store.keys(), [`${prefix}nvfp4.weight`]);
        assert.deepEqual(values(store, `${prefix}nvfp4.weight`), expected('nvfp4'));
      }
    }
    const named = opened(undescribed, 'f32', header({ nvfp4: 'nvfp4' }));
    assert.deepEqual(values(named, 'nvfp4.weight'), expected('nvfp4'));
    const two = ['a.', 'b.'].flatMap((prefix) =>
      undescribed.map((tensor) => ({ ...tensor, name: prefix + tensor.name })),
    );
    fails(
      () => opened(two, 'f32', header({ nvfp4: { format: 'nvfp4' } })),
      'bad_file',
      /_quantization_metadata: nvfp4: names several weights: a\.nvfp4\.weight, b\.nvfp4\.weight/,
    );
  });

  test('in the headers of all shards count', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fluxion-shards-'));
    const map: Record<string, string> = {};
    for (const layer of ['nvfp4', 'mxfp8']) {
      const file = `${layer}.safetensors`;
      const tensors = layers(layer, { comfy_quant: () => undefined });
      writeSafetensors(join(folder, file), tensors, { metadata: header({ [layer]: { format: layer } }) });
      for (const { name } of tensors) map[name] = file;
    }
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: map }));
    {
      using store = openTensors(index, { decoded: 'f32' });
      assert.deepEqual(store.keys(), ['nvfp4.weight', 'mxfp8.weight']);
      for (const layer of ['nvfp4', 'mxfp8']) assert.deepEqual(values(store, `${layer}.weight`), expected(layer));
    }
    rmSync(folder, { recursive: true });
  });

  test('beside the weight count more than those in the header', () => {
    const store = opened(layers('int8'), 'f32', header({ int8: { format: 'int8_tensorwise' } }));
    assert.equal(store.info('int8.weight').encoding, 'rotated i8');
  });

  test('that are missing leave 4-bit weights refused: the order of codes and scales is not in the file', () => {
    fails(
      () => opened(undescribed),
      'unsupported',
      /x\.safetensors: nvfp4\.weight: 4-bit weights, u8 \[144, 40\], whose layout is not described/,
    );
  });

  test('of what is not known are refused by name', () => {
    const cases: readonly [string, unknown, RegExp][] = [
      [
        'nvfp4',
        { format: 'svdquant_w4a4' },
        /nvfp4\.comfy_quant: weights in the format "svdquant_w4a4" cannot be decoded/,
      ],
      [
        'nvfp4',
        { format: 'nvfp4', convrot: true },
        /nvfp4\.comfy_quant: weights in the format "nvfp4", rotated, cannot/,
      ],
      ['mxfp8', { format: 'mxfp8', params: { convrot: true } }, /the format "mxfp8", rotated, cannot/],
    ];
    for (const [layer, description, message] of cases) {
      const tensors = layers(layer, { comfy_quant: ({ name }) => json(name, description) });
      fails(() => opened(tensors), 'unsupported', message);
    }
    fails(
      () => opened(layers('nvfp4', { comfy_quant: ({ name }) => json(name, { format: 4 }) })),
      'bad_file',
      /nvfp4\.comfy_quant: format: expected a name, found 4/,
    );
  });
});

describe('layers that are damaged are refused by key and shape', () => {
  const shaped =
    (shape: readonly number[]) =>
    ({ dtype, bytes }: NamedTensor) => {
      const length = elementCount(shape) * byteSize(dtype);
      return { shape, bytes: Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length) };
    };
  const describedAs =
    (value: unknown) =>
    ({ name }: NamedTensor) =>
      json(name, value);
  const cases: readonly [string, string, Readonly<Record<string, Change>>, RegExp][] = [
    ['nvfp4', 'scales of another shape', { weight_scale: shaped([128, 8]) },
      /nvfp4\.weight_scale: expected f8e4m3 or u8 \[256, 8\], the scales of nvfp4\.weight in tiles of 128 rows × 4 blocks, found f8e4m3 \[128, 8\]/],
    ['nvfp4', 'scales of another type', { weight_scale: (t) => ({ ...shaped(t.shape)({ ...t, dtype: 'f32' }), dtype: 'f32' }) },
      /nvfp4\.weight_scale: expected f8e4m3 or u8 \[256, 8\], .*, found f32 \[256, 8\]/],
    ['nvfp4', 'no scales', { weight_scale: () => undefined }, /nvfp4\.weight_scale: expected .*, found nothing/],
    ['nvfp4', 'no scale of the whole', { weight_scale_2: () => undefined },
      /nvfp4\.weight_scale_2: expected one number, the scale of all of nvfp4\.weight, found nothing/],
    ['nvfp4', 'two scales of the whole', { weight_scale_2: shaped([2]) }, /nvfp4\.weight_scale_2: expected one number, .*, found f32 \[2\]/],
    ['nvfp4', 'half a block', { weight: shaped([144, 36]) },
      /nvfp4\.weight: expected u8, rows of whole blocks of 8 bytes, for nvfp4, found u8 \[144, 36\]/],
    ['nvfp4', 'no weight', { weight: () => undefined },
      /nvfp4\.weight: expected the weight that nvfp4\.comfy_quant describes, found nothing/],
    ['nvfp4.padded', 'an original shape that is not within', { comfy_quant: describedAs({ format: 'nvfp4', orig_shape: [130, 81] }) },
      /nvfp4\.padded\.weight: expected \[130, 81\], as its description says, padded to multiples of 16, found u8 \[144, 40\]/],
    ['nvfp4.padded', 'no original shape', { comfy_quant: describedAs({ format: 'nvfp4', orig_shape: [0, 'a'] }) },
      /nvfp4\.padded\.comfy_quant: orig_shape: expected rows and columns, found \[0, "a"\]/],
    ['nvfp4.smoothed', 'a factor too few', { pre_quant_scale: shaped([63]) },
      /nvfp4\.smoothed\.pre_quant_scale: expected 64 numbers, a factor for each column of nvfp4\.smoothed\.weight, found f32 \[63\]/],
    ['mxfp8', 'codes of another type', { weight: () => ({ dtype: 'f8e5m2' }) },
      /mxfp8\.weight: expected f8e4m3, rows of whole blocks of 32 bytes, for mxfp8, found f8e5m2 \[131, 160\]/],
    ['mxfp8', 'scales of another shape', { weight_scale: shaped([256, 5]) },
      /mxfp8\.weight_scale: expected u8 \[256, 8\], .*, found u8 \[256, 5\]/],
    ['int8', 'groups that do not divide', { comfy_quant: describedAs({ format: 'int8_tensorwise', convrot: true, convrot_groupsize: 1024 }) },
      /int8\.weight: expected columns in rotated groups of 1024, a power of 4, as its description says, found i8 \[5, 512\]/],
    ['int8', 'groups of no power of 4', { comfy_quant: describedAs({ format: 'int8_tensorwise', convrot: true, convrot_groupsize: 32 }) },
      /int8\.weight: expected columns in rotated groups of 32, a power of 4/],
    ['int8', 'groups of nothing', { comfy_quant: describedAs({ format: 'int8_tensorwise', convrot: true, convrot_groupsize: '256' }) },
      /int8\.comfy_quant: convrot_groupsize: expected a positive integer, found "256"/],
    ['int8', 'a scale too few', { weight_scale: shaped([4, 1]) },
      /int8\.weight_scale: expected 5 numbers, a scale for each row of int8\.weight, found f32 \[4, 1\]/],
    ['int8', 'no scales', { weight_scale: () => undefined, comfy_quant: describedAs({ format: 'int8_tensorwise' }) },
      /int8\.weight_scale: expected one scale, or one for each row of int8\.weight, found nothing/],
    ['int4', 'codes of another type', { weight: () => ({ dtype: 'f8e4m3' }) },
      /int4\.weight: expected a matrix of i8, which hold 4-bit integers, .*, found f8e4m3 \[5, 96\]/],
    ['int8', 'floats where integers are described', { weight: () => ({ dtype: 'f8e4m3' }), comfy_quant: describedAs({ format: 'int8_tensorwise' }) },
      /int8\.weight: expected i8, as its format int8_tensorwise has, found f8e4m3 \[5, 512\]/],
  ]; // biome-ignore format: two lines a case
  for (const [layer, damage, change, message] of cases) {
    test(`${layer}: ${damage}`, () => fails(() => opened(layers(layer, change)), 'bad_file', message));
  }

  test('factors of columns belong to nvfp4 alone, and stay a key that nothing uses elsewhere', () => {
    const store = opened([...layers('mxfp8'), f32('mxfp8.pre_quant_scale', [1])]);
    assert.deepEqual(store.keys().toSorted(), ['mxfp8.pre_quant_scale', 'mxfp8.weight']);
  });
});

test('500 mutated files of each format are read or refused by path', () => {
  const files: Record<string, Uint8Array[]> = Object.fromEntries(
    ['nvfp4.padded', 'nvfp4.smoothed', 'mxfp8.any', 'int8.nested', 'int4'].map((layer) => [
      layer,
      layoutSafetensors(layers(layer)),
    ]),
  );
  files.all = [readFileSync(join(FIXTURES, 'comfy-quant.safetensors'))];
  for (const [name, parts] of Object.entries(files)) {
    const whole = Buffer.concat(parts);
    const end = 8 + Number(whole.readBigUInt64LE());
    // Headers keep their length true, and descriptions are damaged by themselves, so that the damage is met by what is behind the container.
    const headers = [...mutations(whole.subarray(8, end), 250, 5)].map((json) =>
      Buffer.concat([headerBytes(json), whole.subarray(end)]),
    );
    const at = whole.indexOf('{"format"', end);
    const description = whole.subarray(at, whole.indexOf('}', at) + 1);
    const described = [...mutations(description, 250, 6)].map((json) => {
      const text = Buffer.alloc(description.length, ' ');
      json.subarray(0, text.length).forEach((byte, i) => {
        text[i] = byte;
      });
      return Buffer.concat([whole.subarray(0, at), text, whole.subarray(at + text.length)]);
    });
    const outcomes = feed(name, [...headers, ...described]);
    assert.ok(outcomes.refused > 150 && outcomes.accepted > 10, `${name}: ${JSON.stringify(outcomes)}`);
    assert.equal(outcomes.accepted + outcomes.refused, 500);
  }
});
