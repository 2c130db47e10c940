/** Bytes that plugins read: compile options in protobuf form, and named values. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, alignedBytes } from '../../../src/xla/pjrt/memory.ts';
import { createOptions, decodeNamedValues } from '../../../src/xla/pjrt/named-value.ts';
import { encodeCompileOptions } from '../../../src/xla/pjrt/options.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('compile options', () => {
  test('one device', () => {
    // executable_build_options (3): device_ordinal (1) = -1, num_replicas (4) = 1, num_partitions (5) = 1
    assert.equal(hex(encodeCompileOptions()), '1a0f08ffffffffffffffffff0120012801');
  });

  test('two partitions with Shardy, devices assigned', () => {
    const bytes = hex(encodeCompileOptions({ partitions: 2, shardy: true, deviceAssignment: [[5, 300]] }));
    // use_spmd_partitioning (6), device_assignment (9) with one message per partition, use_shardy_partitioner (19)
    assert.equal(bytes, `1a25${'08ffffffffffffffffff01'}200128023001${'4a0f080110021a030a01051a040a02ac02'}980101`);
  });

  test('flags by type, in an order of their own', () => {
    const entry = (name: string, value: string) => {
      const key = `0a${name.length.toString(16).padStart(2, '0')}${Buffer.from(name).toString('hex')}`;
      const body = `${key}12${(value.length / 2).toString(16).padStart(2, '0')}${value}`;
      return `3a${(body.length / 2).toString(16).padStart(2, '0')}${body}`;
    };
    const bytes = hex(encodeCompileOptions({ flags: { s: 'xy', b: true, i: 3, f: 0.5 } }));
    const expected = [
      entry('b', '1001'),
      entry('f', '21000000000000e03f'),
      entry('i', '1803'),
      entry('s', '0a027879'),
    ].join('');
    assert.equal(bytes.slice(34), expected);
    assert.equal(bytes, hex(encodeCompileOptions({ flags: { i: 3, f: 0.5, b: true, s: 'xy' } })));
  });
});

test('named values read back as they were written', () => {
  const { create_options, num_options } = createOptions({
    text: 'grüße',
    empty: '',
    whole: -7,
    big: 2n ** 40n,
    list: [1, 2n, -3],
    fraction: { float: 0.75 },
    yes: true,
    no: false,
  });
  assert.deepEqual(
    [...decodeNamedValues(create_options!.address, num_options)],
    [
      ['text', 'grüße'],
      ['empty', ''],
      ['whole', -7],
      ['big', 2 ** 40],
      ['list', [1, 2, -3]],
      ['fraction', 0.75],
      ['yes', true],
      ['no', false],
    ],
  );
});

test('aligned memory starts where it says', () => {
  for (let i = 0; i < 20; i++) {
    const bytes = alignedBytes(100 + i);
    assert.equal(bytes.length, 100 + i);
    assert.equal(addressOf(bytes) % 64n, 0n);
  }
});
