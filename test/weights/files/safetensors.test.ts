/** The safetensors format: what is written is read, what is hostile is refused with the field that is wrong. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FluxionError } from '../../../src/support/errors.ts';
import { readingFile } from '../../../src/weights/files/file-bytes.ts';
import { readSafetensorsHeader, streamSafetensors } from '../../../src/weights/files/safetensors.ts';
import { WeightStore } from '../../../src/weights/files/store.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { headerBytes, memoryFile } from '../../support/memory-file.ts';
import { mutations } from '../../support/mutate.ts';
import { layoutSafetensors, type NamedTensor, writeSafetensors } from '../../support/safetensors.ts';

const TINY = repositoryPath('models/tiny/vae/diffusion_pytorch_model.safetensors');

function tensor(name: string, dtype: NamedTensor['dtype'], shape: readonly number[], bytes: number): NamedTensor {
  return { name, dtype, shape, bytes: Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + name.length) & 255) };
}

const TENSORS = [
  tensor('half', 'f16', [3], 6),
  tensor('scalar', 'f64', [], 8),
  tensor('big.weight', 'bf16', [32, 64], 4096),
  tensor('empty', 'f32', [0, 5], 0),
  tensor('bytes', 'u8', [5], 5),
  tensor('10', 'f32', [16], 64),
  tensor('9', 'f8e4m3', [3, 1], 3),
];

test('a file written is read back, the same bytes for any input order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fluxion-safetensors-'));
  try {
    const [first, second] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
    writeSafetensors(first, TENSORS, { metadata: { format: 'pt', author: 'tëst' } });
    writeSafetensors(second, TENSORS.toReversed(), { metadata: { author: 'tëst', format: 'pt' } });
    assert.deepEqual(readFileSync(first), readFileSync(second));
    assert.deepEqual(readdirSync(folder), ['a.safetensors', 'b.safetensors']);

    using store = WeightStore.open(first);
    assert.deepEqual(store.keys().toSorted(), TENSORS.map(({ name }) => name).toSorted());
    assert.deepEqual([...store.metadata], [['author', 'tëst'], ['format', 'pt']]); // biome-ignore format: pairs
    for (const { name, dtype, shape, bytes } of TENSORS) {
      assert.deepEqual(store.info(name), { dtype, shape, file: first });
      assert.deepEqual(store.bytes(name), bytes);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('alignment: data and tensors of whole lines at 64 bytes, the others at their element size', () => {
  const bytes = Buffer.concat(layoutSafetensors(TENSORS));
  const { tensors } = readSafetensorsHeader(memoryFile('x', bytes));
  assert.equal(Math.min(...[...tensors.values()].map(({ start }) => start)) % 64, 0);
  for (const { name, bytes: data, dtype } of TENSORS) {
    const { start } = tensors.get(name)!;
    const size = { f64: 8, f32: 4, f16: 2, bf16: 2 }[dtype as string] ?? 1;
    assert.equal(start % (data.length % 64 === 0 ? 64 : size), 0, name);
  }
});

test('tensors that contradict themselves are not written', async () => {
  const short = { ...tensor('a', 'f32', [2], 7), bytes: () => new Uint8Array(7) };
  const path = join(tmpdir(), 'fluxion-never.safetensors');
  await assert.rejects(streamSafetensors(path, [short]), /a: 7 bytes do not hold f32 \[2\]/);
  assert.equal(existsSync(path), false);
  assert.throws(() => layoutSafetensors([TENSORS[0]!, TENSORS[0]!]), /half: the name is taken/);
  assert.throws(() => layoutSafetensors([tensor('__metadata__', 'u8', [1], 1)]), /the name is taken/);
  await assert.rejects(streamSafetensors('/no/such/folder/x', []), /\/no\/such\/folder\/x: cannot write/);
});

test('the bundled model reads as its README says', () => {
  using file = readingFile(TINY);
  const { tensors, metadata } = readSafetensorsHeader(file);
  assert.equal(tensors.size, 184);
  assert.equal(metadata.get('format'), 'pt');
  assert.deepEqual(tensors.get('decoder.conv_in.weight')?.shape, [64, 16, 3, 3]);
});

/** Reads a header followed by `data` bytes; the message that refuses it, without the path. */
function refusal(header: Uint8Array, data: number): string {
  try {
    readSafetensorsHeader(memoryFile('bad.safetensors', Buffer.concat([header, Buffer.alloc(data)])));
  } catch (error) {
    assert.ok(error instanceof FluxionError, String(error));
    assert.equal(error.code, 'bad_file');
    assert.ok(error.message.startsWith('bad.safetensors: '), error.message);
    return error.message.slice('bad.safetensors: '.length);
  }
  return 'accepted';
}

const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32'): object => ({
  dtype,
  shape,
  data_offsets: offsets,
});

const HOSTILE: readonly [what: string, json: unknown, data: number, message: RegExp][] = [
  ['no object', '[1]', 0, /header: expected a JSON object/],
  ['no JSON', '{"a":', 0, /header: not valid JSON at character 5: expected a value, found the end/],
  ['trailing text', '{} x', 0, /expected the end, found "x"/],
  ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 0, /header: not valid UTF-8/],
  ['a deep value', `{"a":${'['.repeat(100_000)}`, 0, /nested deeper than 32/],
  ['a duplicate key', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":1}', 1, /duplicate key "a"/],
  ['a duplicate field', '{"a":{"dtype":"U8","dtype":"U8"}}', 1, /duplicate key "dtype"/],
  ['an escaped duplicate', '{"a":1,"\\u0061":1}', 1, /duplicate key "a"/],
  ['an entry of the wrong type', { a: 5 }, 0, /a: expected an object, found 5/],
  ['__proto__', '{"__proto__":{"dtype":"U8","shape":[1]}}', 0, /__proto__\.data_offsets: expected/],
  ['an unknown dtype', { a: entry([1], [0, 4], 'F4') }, 4, /a\.dtype: expected one of F64, .* found "F4"/],
  ['a missing dtype', { a: { shape: [1], data_offsets: [0, 4] } }, 4, /a\.dtype: .* found nothing/],
  ['an unknown field', { a: { ...entry([1], [0, 4]), strides: [1] } }, 4, /a: no such field as "strides"/],
  ['a negative dimension', { a: entry([-1], [0, 4]) }, 4, /a\.shape: expected non-negative integers, found \[-1\]/],
  ['a fractional dimension', { a: entry([1.5], [0, 6]) }, 6, /a\.shape: expected non-negative integers/],
  ['an unsafe dimension', { a: entry([2 ** 53], [0, 4]) }, 4, /a\.shape: expected non-negative integers/],
  ['an overflowing shape', { a: entry([2 ** 40, 2 ** 40], [0, 4]) }, 4, /a\.shape: .* overflows/],
  ['nine dimensions', { a: entry(Array(9).fill(1), [0, 4]) }, 4, /a\.shape: rank 9 is more than 8/],
  ['a shape that is text', { a: entry('[1]', [0, 4]) }, 4, /a\.shape: expected an array, found "\[1\]"/],
  ['reversed offsets', { a: entry([1], [4, 0]) }, 4, /a\.data_offsets: expected \[start, end\]/],
  ['three offsets', { a: entry([1], [0, 4, 8]) }, 4, /a\.data_offsets: expected \[start, end\]/],
  ['offsets past the end', { a: entry([2], [0, 8]) }, 4, /a\.data_offsets: end 8 is beyond the file's 4 bytes/],
  ['a size that differs', { a: entry([2], [0, 4]) }, 4, /a\.data_offsets: 4 bytes, but F32 \[2\] takes 8/],
  ['an overlap', { a: entry([2], [0, 8]), b: entry([1], [4, 8]) }, 8, /b\.data_offsets: overlaps a/],
  ['a gap', { a: entry([1], [0, 4]), b: entry([1], [8, 12]) }, 12, /b\.data_offsets: leaves a gap of 4 bytes after a/],
  ['a gap at the start', { a: entry([1], [4, 8]) }, 8, /a\.data_offsets: leaves a gap of 4 bytes after the header/],
  ['bytes of no tensor', { a: entry([1], [0, 4]) }, 5, /1 bytes after the last tensor do not belong to any tensor/],
  ['metadata of numbers', { __metadata__: { a: 1 } }, 0, /__metadata__\."a": expected a string, found 1/],
  ['metadata of text', { __metadata__: 'x' }, 0, /__metadata__: expected an object/],
  ['a name with control characters', { 'a\u001b[2J': entry([1], [0, 4]) }, 4, /tensor name "a\\u001b\[2J"/],
  ['a name without end', { ['a'.repeat(5000)]: entry([1], [0, 4]) }, 4, /expected 1 to 1024 printable characters/],
];

for (const [what, json, data, message] of HOSTILE) {
  test(`refused: ${what}`, () => assert.match(refusal(headerBytes(json), data), message));
}

test('accepted: an empty file, empty tensors, trailing spaces', () => {
  assert.equal(refusal(headerBytes({}), 0), 'accepted');
  assert.equal(
    refusal(
      headerBytes(`${JSON.stringify({ a: entry([0], [0, 0]), b: entry([1], [0, 4]), c: entry([3, 0], [4, 4]) })}   `),
      4,
    ),
    'accepted',
  );
});

test('header lengths are bounded before anything is allocated', () => {
  const length = (value: bigint): Uint8Array => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  assert.match(refusal(length(2n ** 63n), 0), /header length \d+ is more than the 100000000 bytes allowed/);
  assert.match(refusal(length(100_000_001n), 0), /more than the 100000000 bytes allowed/);
  assert.match(refusal(length(9n), 0), /header length 9 is more than the 8 bytes that follow it/);
  assert.match(refusal(new Uint8Array(3), 0), /3 bytes are too few/);
});

test('what the file is instead is hinted at', () => {
  const kinds: [content: string, hint: RegExp][] = [
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /git lfs pull/],
    ['GGUF\u0003\0\0\0\u0001\0\0\0\0\0\0\0', /GGUF/],
    ['PK\u0003\u0004 archive/data.pkl', /pickle/],
    ['<!DOCTYPE html><html>', /web page/],
  ];
  for (const [content, hint] of kinds) {
    assert.throws(
      () => readSafetensorsHeader(memoryFile('x', Buffer.from(content, 'latin1'))),
      (error) => error instanceof FluxionError && hint.test(`${error.message} ${error.hint}`),
    );
  }
});

test('500 mutated files are read or refused by path', () => {
  const original = readFileSync(TINY);
  const length = Number(original.readBigUInt64LE());
  const outcomes = { accepted: 0, refused: 0 };
  // A short header, so that most damage hits something that matters.
  const small = layoutSafetensors(TENSORS, { metadata: { format: 'pt' } });
  const headers = [...mutations(original.subarray(8, 8 + length), 100, 1), ...mutations(small[0]!.subarray(8), 300, 2)];
  const data = original.length - 8 - length;
  const files = headers.map((json, i) => Buffer.concat([headerBytes(json), Buffer.alloc(i < 100 ? data : 4176)]));
  for (const bytes of [...files, ...mutations(Buffer.concat(small), 100, 3)]) {
    try {
      readSafetensorsHeader(memoryFile('mutated.safetensors', bytes));
      outcomes.accepted++;
    } catch (error) {
      assert.ok(error instanceof FluxionError, String(error));
      assert.equal(error.code, 'bad_file');
      assert.ok(error.message.startsWith('mutated.safetensors: '), error.message);
      outcomes.refused++;
    }
  }
  assert.equal(outcomes.accepted + outcomes.refused, 500);
  assert.ok(outcomes.refused > 300 && outcomes.accepted > 0, JSON.stringify(outcomes));
});
