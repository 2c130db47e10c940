/** GGUF: what the gguf package writes is read, value by value; what is hostile is refused with the field that is wrong. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FluxionError } from '../../../src/support/errors.ts';
import { convertFloats, toF32 } from '../../../src/support/floats.ts';
import { readingFile } from '../../../src/weights/files/file-bytes.ts';
import { readGgufHeader } from '../../../src/weights/files/gguf.ts';
import { ggufStore } from '../../../src/weights/files/gguf-store.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import { openTensors } from '../../../src/weights/folders/open.ts';
import { fails } from '../../support/fails.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { type GgufEntry, ggufBytes } from '../../support/gguf-file.ts';
import { memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';

const FIXTURES = repositoryPath('test/fixtures/checkpoint');
const TYPES = join(FIXTURES, 'types.gguf');

// biome-ignore format: one line a family
const NAMES = [
  'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ4_NL', 'IQ4_XS', 'F32', 'F16', 'BF16',
];

test('every type decodes to the very values of the gguf package', () => {
  using file = openTensors(TYPES, { decoded: 'f32' });
  using expected = WeightStore.open(join(FIXTURES, 'types.safetensors'));
  assert.deepEqual(file.keys().toSorted(), NAMES.toSorted());
  for (const name of NAMES) {
    const { dtype, shape, encoding } = file.info(name);
    assert.deepEqual(shape, expected.info(name).shape, name);
    assert.equal(encoding, /F/.test(name) ? undefined : name);
    const values = toF32('f32', expected.bytes(name), shape[0]! * shape[1]!);
    assert.ok(new Set(values).size > 15, name);
    assert.deepEqual(toF32(dtype, file.bytes(name), values.length), values, name);
    assert.deepEqual(toF32(dtype, file.bytes(name, [1, 3]), 2 * shape[1]!), values.subarray(shape[1]), name);
    assert.equal(file.bytes(name, [2, 2]).length, 0);
  }
});

test('decoded to bf16 and f16 the values are rounded as everywhere', () => {
  using expected = WeightStore.open(join(FIXTURES, 'types.safetensors'));
  for (const decoded of ['bf16', 'f16'] as const) {
    using file = openTensors(TYPES, { decoded });
    for (const name of NAMES.filter((type) => !/F/.test(type))) {
      const { shape } = expected.info(name);
      assert.equal(file.info(name).dtype, decoded);
      assert.deepEqual(file.bytes(name), convertFloats('f32', decoded, expected.bytes(name), shape), name);
    }
  }
});

test('metadata: text and numbers are kept, long lists described', () => {
  using file = readingFile(TYPES);
  const { metadata } = readGgufHeader(file);
  const expected = {
    'general.architecture': 'flux',
    'general.name': 'Größe',
    'test.u8': 200,
    'test.i16': -3,
    'test.f32': 0.25,
    'test.f64': -0.5,
    'test.u64': 2n ** 63n,
    'test.bool': true,
    'test.shape': [3, 1, 4],
    'test.words': '60 values',
    'test.many': '100 values',
  };
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(metadata.get(key), value, key);
});

const F32: GgufEntry = { name: 'a', type: 0, shape: [2, 3], data: new Uint8Array(24) };

/** The message that refuses a file, without its path. */
function refusal(bytes: Uint8Array): string {
  try {
    readGgufHeader(memoryFile('bad.gguf', bytes));
  } catch (error) {
    assert.ok(error instanceof FluxionError, String(error));
    assert.match(error.code, /^(bad_file|unsupported)$/);
    assert.ok(error.message.startsWith('bad.gguf: '), error.message);
    return error.message.slice('bad.gguf: '.length);
  }
  return 'accepted';
}

test('headers that lie are refused before anything is allocated', () => {
  const cases: [what: string, bytes: Uint8Array, message: RegExp][] = [
    ['an honest file', ggufBytes([F32]), /^accepted$/],
    ['no file', new Uint8Array(0), /^this is not a GGUF file$/],
    ['another version', ggufBytes([F32], { version: 7 }), /^unknown GGUF version 7$/],
    ['the other byte order', ggufBytes([F32], { version: 3 * 2 ** 24 }), /^big-endian GGUF files are not read$/],
    ['too many tensors', ggufBytes([F32], { tensorCount: 2n ** 40n }), /^number of tensors: \d+ is more than 100000$/],
    ['more tensors than bytes', ggufBytes([F32], { tensorCount: 90_000n }), /^number of tensors: 90000 do not fit/],
    ['an absurd count', ggufBytes([F32], { tensorCount: 2n ** 63n }), /^number of tensors: \d+ is out of range$/],
    ['rank 5', ggufBytes([{ ...F32, shape: [1, 1, 1, 2, 3] }]), /^a: rank 5 is more than 4$/],
    ['a huge dimension', ggufBytes([{ ...F32, shape: [2 ** 40, 2 ** 40] }]), /^a: \[.*\] overflows$/],
    ['an unknown type', ggufBytes([{ ...F32, type: 99 }]), /^a: unknown tensor type 99$/],
    ['rows of part blocks', ggufBytes([{ ...F32, type: 8 }]), /^a: rows of 3 are not whole blocks of Q8_0, 32 each$/],
    ['data past the end', ggufBytes([{ ...F32, shape: [200, 3] }]), /^a: ends at byte \d+, beyond the file's \d+$/],
    ['an offset that is not aligned', ggufBytes([{ ...F32, offset: 4n }]), /^a: offset 4 is not aligned to 32$/],
    ['an overlap', ggufBytes([F32, { ...F32, name: 'b', offset: 0n }]), /^(b: overlaps a|a: overlaps b)$/],
    ['a tensor twice', ggufBytes([F32, F32]), /^duplicate tensor "a"$/],
    ['a name with control characters', ggufBytes([{ ...F32, name: 'a\u001b[2J' }]), /^tensor 0: "a\\u001b\[2J"/],
    ['a key twice', ggufBytes([F32], { text: [['k', 'x'], ['k', 'y']] }), /^duplicate metadata key "k"$/], // biome-ignore format: pairs
    ['an odd alignment', ggufBytes([F32], { text: [['general.alignment', '64']] }), /^general\.alignment: expected a multiple of 8/],
  ]; // biome-ignore format: one case a line
  for (const [what, bytes, message] of cases) assert.match(refusal(bytes), message, what);
});

test('a file cut anywhere in its header is refused', () => {
  const whole = readFileSync(TYPES);
  using file = readingFile(TYPES);
  const end = Math.max(...[...readGgufHeader(file).tensors.values()].map((tensor) => tensor.end));
  assert.ok(end <= whole.length && whole.length - end < 32);
  for (let length = 0; length < end; length += 1 + (length >> 5)) {
    assert.notEqual(refusal(whole.subarray(0, length)), 'accepted', `cut at ${length}`);
  }
});

test('500 mutated files are read or refused by path', () => {
  const original = readFileSync(TYPES);
  const outcomes = { accepted: 0, refused: 0 };
  const small = ggufBytes([F32, { ...F32, name: 'b' }], { text: [['general.name', 'small']] });
  for (const bytes of [...mutations(original.subarray(0, 1600), 200, 5), ...mutations(small, 300, 6)]) {
    const padded = bytes.length > 500 ? Buffer.concat([bytes, original.subarray(1600)]) : bytes;
    try {
      using store = ggufStore(memoryFile('mutated.gguf', padded), 'bf16');
      for (const key of store.keys()) store.bytes(key);
      outcomes.accepted++;
    } catch (error) {
      assert.ok(error instanceof FluxionError, String(error));
      assert.ok(error.message.startsWith('mutated.gguf: '), error.message);
      outcomes.refused++;
    }
  }
  assert.equal(outcomes.accepted + outcomes.refused, 500);
  assert.ok(outcomes.refused > 200 && outcomes.accepted > 20, JSON.stringify(outcomes));
});

test('types that cannot be decoded are told when they are used, and shapes that a key overrides are kept', () => {
  const odd = ggufStore(memoryFile('x.gguf', ggufBytes([{ name: 'a', type: 16, shape: [256], data: new Uint8Array(66) }])), 'f32'); // biome-ignore format: one line
  assert.deepEqual(odd.info('a'), { dtype: 'f32', shape: [256], file: 'x.gguf', encoding: 'IQ2_XXS' });
  fails(() => odd.bytes('a'), 'unsupported', /x\.gguf: a: tensors of type IQ2_XXS cannot be decoded/);

  const block = Uint8Array.from({ length: 68 }, (_, i) => (i % 34 === 0 ? 0 : i % 34 === 1 ? 0x3c : i % 34));
  const bytes = ggufBytes([{ name: 'a', type: 8, shape: [64], data: block }], { shapes: [['a', [4, 16]]] });
  const store = ggufStore(memoryFile('x.gguf', bytes), 'f32');
  assert.deepEqual(store.info('a').shape, [4, 16]);
  const values = toF32('f32', store.bytes('a'), 64);
  assert.deepEqual(toF32('f32', store.bytes('a', [1, 3]), 32), values.subarray(16, 48));
  assert.match(
    refusal(ggufBytes([{ name: 'a', type: 8, shape: [64], data: block }], { shapes: [['a', [4, 15]]] })),
    /orig_shape\.a: does not have the elements of \[64\]/,
  );
  store[Symbol.dispose]();
  fails(() => store.bytes('a'), 'disposed', /a read after the weights were closed/);
});
