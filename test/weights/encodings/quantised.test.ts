/** Quantised safetensors: fp8 plain and scaled in both spellings, bitsandbytes' 4-bit weights; what is not known is refused by name. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { elementCount } from '../../../src/support/dtype.ts';
import { convertFloats, toF32 } from '../../../src/support/floats.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import type { Decoded, TensorStore } from '../../../src/weights/files/tensors.ts';
import { openTensors } from '../../../src/weights/folders/open.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { feed } from '../../support/hostile.ts';
import { headerBytes, memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';
import { layoutSafetensors, type NamedTensor } from '../../support/safetensors.ts';

const FIXTURES = repositoryPath('test/fixtures/checkpoint');

/** Opens tensors as if they were the file `x.safetensors`. */
function opened(tensors: NamedTensor[], metadata: Record<string, string> = {}, decoded: Decoded = 'f32'): TensorStore {
  const bytes = Buffer.concat(layoutSafetensors(tensors, { metadata }));
  return openTensors('x.safetensors', { openFile: (path) => memoryFile(path, bytes), decoded });
}

/** Every 8-bit code once, as 4 rows of 64. */
function codes(name: string, dtype: 'f8e4m3' | 'f8e5m2'): NamedTensor {
  return { name, dtype, shape: [4, 64], bytes: Uint8Array.from({ length: 256 }, (_, i) => i) };
}

function f32(name: string, values: readonly number[], shape: readonly number[] = []): NamedTensor {
  return { name, dtype: 'f32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

function json(name: string, value: unknown): NamedTensor {
  const bytes = Buffer.from(JSON.stringify(value));
  return { name, dtype: 'u8', shape: [bytes.length], bytes };
}

/** The values of codes times the scale of their row. */
function product({ dtype, bytes }: NamedTensor, scales: readonly number[]): Float32Array {
  return toF32(dtype, bytes, 256).map((value, i) => value * Math.fround(scales[scales.length === 1 ? 0 : i >> 6]!));
}

function values(store: TensorStore, key: string, rows?: readonly [number, number]): Float32Array {
  const { dtype, shape } = store.info(key);
  const bytes = store.bytes(key, rows);
  return toF32(dtype, bytes, rows ? (rows[1] - rows[0]) * elementCount(shape.slice(1)) : elementCount(shape));
}

for (const dtype of ['f8e4m3', 'f8e5m2'] as const) {
  test(`plain ${dtype}: values as they are, in every type`, () => {
    const weight = codes('a.weight', dtype);
    for (const decoded of ['f32', 'bf16', 'f16'] as const) {
      const store = opened([weight, { ...codes('a.bias', dtype), shape: [256] }], {}, decoded);
      assert.deepEqual(store.info('a.weight'), {
        dtype: decoded,
        shape: [4, 64],
        file: 'x.safetensors',
        encoding: dtype,
      });
      assert.deepEqual(store.bytes('a.weight'), convertFloats(dtype, decoded, weight.bytes, [256]));
      assert.deepEqual(values(store, 'a.bias'), values(store, 'a.weight'));
      assert.deepEqual(values(store, 'a.weight', [1, 3]), values(store, 'a.weight').subarray(64, 192));
    }
  });

  test(`scaled ${dtype}, older spelling: the marker and the scales are used up`, () => {
    const weight = codes('p.a.weight', dtype);
    for (const scales of [[0.3], [0.5, -2, 0, 1e-3]]) {
      const store = opened([
        weight,
        f32('p.a.scale_weight', scales, scales.length === 1 ? [] : [4, 1]),
        f32('p.a.scale_input', [1]),
        { name: 'p.scaled_fp8', dtype, shape: [0], bytes: new Uint8Array(0) },
        f32('p.a.bias', [1, 2, 3, 4], [4]),
      ]);
      assert.deepEqual(store.keys().toSorted(), ['p.a.bias', 'p.a.weight']);
      assert.equal(store.info('p.a.weight').encoding, `scaled ${dtype}`);
      assert.deepEqual(values(store, 'p.a.weight'), product(weight, scales));
      assert.deepEqual(values(store, 'p.a.weight', [3, 4]), product(weight, scales).subarray(192));
      assert.equal(store.has('p.a.scale_weight'), false);
      fails(() => store.info('p.a.scale_weight'), 'not_found', /no tensor 'p\.a\.scale_weight'/);
    }
  });
}

test('scaled fp8, newer spelling: by tensor or by header', () => {
  const weight = codes('a.weight', 'f8e4m3');
  const format = { format: 'float8_e4m3fn' };
  const parts = [weight, f32('a.weight_scale', [0.7]), f32('a.input_scale', [1])];
  const metadata = { _quantization_metadata: JSON.stringify({ format_version: '1.0', layers: { a: format } }) };
  for (const store of [opened([...parts, json('a.comfy_quant', format)]), opened(parts, metadata)]) {
    assert.deepEqual(store.keys(), ['a.weight']);
    assert.deepEqual(values(store, 'a.weight'), product(weight, [0.7]));
  }
});

test('int8: a scale for all rows or for each', () => {
  const weight: NamedTensor = { ...codes('a.weight', 'f8e4m3'), dtype: 'i8' };
  const integers = Float32Array.from(new Int8Array(weight.bytes.slice().buffer));
  for (const scales of [[0.5], [0.25, 2, 1, 3]]) {
    const shape = scales.length === 1 ? [] : [4, 1];
    const format = json('a.comfy_quant', { format: 'int8_tensorwise' });
    const store = opened([weight, f32('a.weight_scale', scales, shape), format]);
    assert.deepEqual(store.keys(), ['a.weight']);
    assert.equal(store.info('a.weight').encoding, 'scaled i8');
    const wanted = integers.map((value, i) => value * scales[scales.length === 1 ? 0 : i >> 6]!);
    assert.deepEqual(values(store, 'a.weight'), wanted);
    assert.deepEqual(values(store, 'a.weight', [2, 4]), wanted.subarray(128));
  }
  assert.equal(opened([weight]).info('a.weight').dtype, 'i8', 'integers without a scale are integers');
});

test('formats that are not known are refused by name, scales that do not fit by shape', () => {
  const weight = codes('a.weight', 'f8e4m3');
  fails(
    () => opened([weight, json('a.comfy_quant', { format: 'awq_w4a16' })]),
    'unsupported',
    /x\.safetensors: a\.comfy_quant: weights in the format "awq_w4a16" cannot be decoded/,
  );
  const metadata = { _quantization_metadata: JSON.stringify({ layers: { b: { format: 'asym_w4a8_int8' } } }) };
  fails(() => opened([weight], metadata), 'unsupported', /_quantization_metadata: b: .*"asym_w4a8_int8"/);
  fails(
    () => opened([weight], { _quantization_metadata: '[]' }),
    'bad_file',
    /_quantization_metadata: expected a JSON/,
  );
  fails(
    () => opened([weight, f32('a.scale_weight', [1, 2, 3], [3])]),
    'unsupported',
    /a\.scale_weight: expected one scale, or one for each of the 4 rows of a\.weight, found f32 \[3\]/,
  );
  // A scale of nothing stays a key that no weight uses.
  assert.deepEqual(
    opened([weight, f32('b.scale_weight', [1])])
      .keys()
      .toSorted(),
    ['a.weight', 'b.scale_weight'],
  );
  const int8 = { name: 'a.SCB', dtype: 'f32', shape: [1], bytes: new Uint8Array(4) } as const;
  fails(() => opened([int8]), 'unsupported', /a\.SCB: weights in bitsandbytes' int8 format cannot be decoded/);
});

test('4-bit weights are the very numbers bitsandbytes unpacks', () => {
  using expected = WeightStore.open(join(FIXTURES, 'nf4-values.safetensors'));
  const names = expected.keys();
  assert.deepEqual(names.toSorted(), ['fp4', 'half', 'nested', 'nf4', 'straddling']);
  for (const name of names) {
    const { dtype, shape } = expected.info(name);
    using store = openTensors(join(FIXTURES, 'nf4.safetensors'), { decoded: dtype as 'f32' | 'bf16' });
    assert.deepEqual(store.keys().toSorted(), names.map((other) => `${other}.weight`).toSorted());
    const key = `${name}.weight`;
    assert.deepEqual(store.info(key).shape, shape);
    assert.equal(store.info(key).encoding, name === 'fp4' ? 'fp4' : 'nf4');
    assert.deepEqual(values(store, key), values(expected, name), name);
    assert.deepEqual(values(store, key, [2, 5]), values(expected, name, [2, 5]), name);
  }
});

test('4-bit weights whose parts contradict each other are refused', () => {
  const state = { quant_type: 'nf4', blocksize: 64, dtype: 'float32', shape: [2, 64] };
  const parts = (change: object, absmax = 2): NamedTensor[] => [
    { name: 'a.weight', dtype: 'u8', shape: [64, 1], bytes: new Uint8Array(64) },
    f32('a.weight.absmax', Array(absmax).fill(1), [absmax]),
    f32('a.weight.quant_map', Array(16).fill(1), [16]),
    json('a.weight.quant_state.bitsandbytes__nf4', { ...state, ...change }),
  ];
  assert.deepEqual(values(opened(parts({})), 'a.weight'), new Float32Array(128).fill(1));
  fails(() => opened(parts({}, 3)), 'bad_file', /a\.weight\.absmax: expected 2 elements for \[2, 64\], found 3/);
  fails(() => opened(parts({ shape: [3, 64] })), 'bad_file', /a\.weight: expected 96 elements for \[3, 64\], found 64/);
  fails(() => opened(parts({ shape: 'x' })), 'bad_file', /shape: expected a list of dimensions, found "x"/);
  fails(() => opened(parts({ blocksize: 0 })), 'bad_file', /blocksize: expected a power of two, found 0/);
  const renamed = parts({}).map((part) => ({ ...part, name: part.name.replace('__nf4', '__int3') }));
  fails(() => opened(renamed), 'unsupported', /bitsandbytes' int3 format/);
});

test('500 mutated files of each spelling are read or refused by path', () => {
  const scale = (name: string) => f32(name, [0.5, 1, 2, 3], [4, 1]);
  const older = [
    codes('a.weight', 'f8e4m3'),
    scale('a.scale_weight'),
    { name: 'scaled_fp8', dtype: 'f8e4m3', shape: [0], bytes: new Uint8Array(0) } as const,
  ];
  const newer = [
    codes('a.weight', 'f8e5m2'),
    scale('a.weight_scale'),
    json('a.comfy_quant', { format: 'float8_e5m2' }),
  ];
  const integers = [
    { ...codes('a.weight', 'f8e4m3'), dtype: 'i8' } as const,
    scale('a.weight_scale'),
    json('a.comfy_quant', { format: 'int8_tensorwise' }),
  ];
  const metadata = {
    _quantization_metadata: JSON.stringify({ format_version: '1.0', layers: { a: { format: 'float8_e4m3fn' } } }),
  };
  const files = {
    'older fp8': layoutSafetensors(older),
    'newer fp8': layoutSafetensors(newer),
    int8: layoutSafetensors(integers),
    'told by the header': layoutSafetensors([codes('a.weight', 'f8e4m3'), scale('a.weight_scale')], { metadata }),
    nf4: [readFileSync(join(FIXTURES, 'nf4.safetensors'))],
  };
  for (const [name, runs] of Object.entries(files)) {
    const whole = Buffer.concat(runs);
    const end = 8 + Number(whole.readBigUInt64LE());
    // Headers keep their length true, so that the damage is met by what is behind the container.
    const headers = [...mutations(whole.subarray(8, end), 250, 5)].map((json) =>
      Buffer.concat([headerBytes(json), whole.subarray(end)]),
    );
    const bodies = [...mutations(whole.subarray(end), 125, 6)].map((body) =>
      Buffer.concat([
        whole.subarray(0, end),
        body.subarray(0, whole.length - end),
        Buffer.alloc(Math.max(0, whole.length - end - body.length), 1),
      ]),
    );
    const outcomes = feed(name, [...headers, ...bodies, ...mutations(whole, 125, 7)], 'bf16');
    assert.ok(outcomes.refused > 150 && outcomes.accepted > 20, `${name}: ${JSON.stringify(outcomes)}`);
    assert.equal(outcomes.accepted + outcomes.refused, 500);
  }
});
