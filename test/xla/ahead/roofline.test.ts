/** The arithmetic of `fluxion compile`: targets, links, rooflines, and what is read from optimised programs. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEVICE_MODELS, deviceModelOf, networkRate, parseTarget } from '../../../src/xla/ahead/device-models.ts';
import { receivedBytes, summariseProgram } from '../../../src/xla/ahead/hlo.ts';
import { roofline } from '../../../src/xla/ahead/roofline.ts';

const V6E = { flops: 918e12, bandwidth: 1.6e12, network: 200e9 };

describe('roofline', () => {
  test('the slower of computing and reading counts, what is received is added', () => {
    assert.deepEqual(roofline({ flops: 918e9, bytes: 0.8e9, received: 0 }, V6E), { seconds: 1e-3, bound: 'compute' });
    assert.deepEqual(roofline({ flops: 918e9, bytes: 3.2e9, received: 0 }, V6E), { seconds: 2e-3, bound: 'memory' });
    const gathered = roofline({ flops: 918e9, bytes: 0, received: 0.4e9 }, V6E);
    assert.deepEqual(gathered, { seconds: 3e-3, bound: 'network' });
  });

  test('nothing to receive takes no time without a network', () => {
    const alone = { ...V6E, network: 0 };
    assert.equal(roofline({ flops: 918e9, bytes: 0, received: 0 }, alone).seconds, 1e-3);
  });
});

test('devices are known by the names their plugins give them, and others are not', () => {
  const known = { 'TPU v4': 'v4', 'TPU v5 lite': 'v5e', 'TPU v5': 'v5p', 'TPU v6 lite': 'v6e', TPU7x: 'tpu7x', 'NVIDIA H100 80GB HBM3': 'h100', 'NVIDIA H200': 'h200' };
  for (const [kind, name] of Object.entries(known)) assert.equal(deviceModelOf(kind), DEVICE_MODELS[name], kind);
  for (const kind of ['cpu', 'NVIDIA H100 PCIe', 'NVIDIA H100 NVL', 'TPU v3', '']) assert.equal(deviceModelOf(kind), undefined, kind);
}); // biome-ignore format: one list

describe('targets', () => {
  test('slices of TPUs, GPUs and processors, with the devices they are', () => {
    const counts = { 'v6e:2x2': 4, 'v6e:2x4': 8, 'v4:2x2x1': 4, 'tpu7x:2x2x1': 8, 'v6e:1x1': 1, h200: 1, 'h200:2': 2, 'cpu:4': 4, cpu: 1 };
    for (const [name, devices] of Object.entries(counts)) assert.equal(parseTarget(name).devices, devices, name);
  }); // biome-ignore format: one list

  test('what is no target says what there is', () => {
    for (const [name, said, hint] of [
      ['v6', /no target 'v6'/, /did you mean 'v4'|'v6e'/],
      ['', /no target ''/, /^there are v4, /],
      ['v6e', /chips along 2 dimensions/, /v6e:2x2, /],
      ['v6e:2x2x2', /2 dimensions/, /v6e:2x2, /],
      ['v6e:2x2:3', /2 dimensions/, /v6e:2x2, /],
      ['v4:2x2', /3 dimensions/, /v4:2x2x1, /],
      ['v6e:0x2', /2 dimensions/, /v6e:2x2, /],
      ['v6e:-2x2', /2 dimensions/, /v6e:2x2, /],
      ['v6e:1e1x2', /2 dimensions/, /v6e:2x2, /],
      ['v6e:9999x9999', /4096 at most/, /v6e:2x2, /],
      ['v6e:3x1', /v6e:3x1: there is no such slice/, /v6e:2x2, /],
      ['v6e:4096x1', /no such slice/, /v6e:2x2, /],
      ['v5e:3x3', /no such slice/, /the first two numbers are even/],
      ['v5p:3x2x1', /no such slice/, /v5p:2x2x1, /],
      ['h200:two', /1 to 4096 devices/, /h200:2, /],
      ['h100:0', /1 to 4096 devices/, /h100:8/],
      ['cpu:99999999999999999999', /1 to 4096 devices/, /cpu:4/],
      ['constructor', /no target/, /there are/],
    ] as const) {
      const told = { code: 'bad_config', message: said, hint };
      assert.throws(() => parseTarget(name), told, name);
    }
  });

  test('slices within a host may be lines of its chips', () => {
    for (const name of ['v6e:2x1', 'v6e:4x1', 'v4:1x1x2', 'v4:2x2x3']) assert.ok(parseTarget(name).devices > 1, name);
  });

  test('a link for every neighbour: one in a dimension of two, two in a longer one', () => {
    const links = (name: string) => networkRate(parseTarget(name)) / parseTarget(name).model!.link;
    assert.equal(links('v6e:1x1'), 0);
    assert.equal(links('v6e:2x2'), 2);
    assert.equal(links('v6e:4x4'), 4);
    assert.equal(links('v4:2x2x1'), 2);
    assert.equal(links('v5p:4x4x4'), 6);
    assert.equal(links('h200:8'), 1);
  });

  test('every device has figures that hang together, and says whose they are', () => {
    for (const [name, model] of Object.entries(DEVICE_MODELS)) {
      assert.match(model.source, /data sheet|https:\/\//, name);
      // A mistyped power of ten in either figure leaves this range.
      const balance = model.flops / model.bandwidth;
      assert.ok(balance > 100 && balance < 700, `${name}: ${balance} FLOP/byte`);
      assert.ok(model.link < model.bandwidth / 3, `${name}: links are slower than memory`);
      assert.equal(model.platform === 'cuda', model.targetConfig !== undefined, name);
      if (model.targetConfig) assert.ok(model.targetConfig.includes(`device_memory_size: ${model.memory}`), name);
    }
  });
});

/** The part of protobuf's wire format that a program needs, for sizes below 2²⁸. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value)]);
const BF16 = 16;
const array = (dims: readonly number[]): number[] => [...number(2, BF16), ...bytes(3, dims.flatMap(varint))];
const tuple = (shapes: readonly (readonly number[])[]): number[] => [
  ...number(2, 13),
  ...shapes.flatMap((shape) => bytes(4, shape)),
];
const instruction = (opcode: string, shape: readonly number[], more: readonly number[] = []): number[] =>
  bytes(2, [...text(1, 'x'), ...text(2, opcode), ...bytes(3, shape), ...more]);
const program = (...instructions: number[][]): Uint8Array => Uint8Array.from(bytes(1, bytes(3, instructions.flat())));

describe('optimised programs', () => {
  test('collectives are counted with their bytes, started ones by their result', () => {
    const groups = bytes(49, bytes(1, [0, 1]));
    const summary = summariseProgram(
      program(
        instruction('all-gather', array([4, 100])),
        instruction('all-gather-start', tuple([array([1, 100]), array([4, 100])])),
        instruction('all-gather-done', array([4, 100])),
        instruction('all-reduce', array([1000]), groups),
        instruction('add', array([7])),
        instruction('custom-call', array([7]), text(28, 'tpu_custom_call')),
      ),
      4,
    );
    assert.deepEqual(summary, {
      collectives: [
        { kind: 'all-gather', count: 2, bytes: 1600, received: 1200 },
        { kind: 'all-reduce', count: 1, bytes: 2000, received: 2000 },
      ],
      customCalls: ['tpu_custom_call'],
      products: 0,
      moved: 0,
      widened: 0,
    });
  });

  test('products count what they sum over, library calls and convolutions too', () => {
    const numbered = (id: number, opcode: string, shape: readonly number[], more: readonly number[] = []) =>
      instruction(opcode, shape, [...number(35, id), ...more]);
    const operands = bytes(36, [1, 2]);
    const inputs = (left: readonly number[], right: readonly number[]) => [
      numbered(1, 'parameter', array(left)),
      numbered(2, 'parameter', array(right)),
    ];
    const products = (...instructions: number[][]) => summariseProgram(program(...instructions), 1).products;
    const dot = numbered(3, 'dot', array([8, 5, 6]), [...operands, ...bytes(30, bytes(1, [2]))]);
    assert.equal(products(...inputs([8, 5, 7], [8, 7, 6]), dot), 2 * 8 * 5 * 6 * 7);
    const config = JSON.stringify({
      gemm_backend_config: { dot_dimension_numbers: { lhs_contracting_dimensions: ['1'] } },
    });
    const call = [...operands, ...text(28, '__cublas$lt$matmul'), ...text(43, config)];
    const library = numbered(3, 'custom-call', tuple([array([5, 6]), array([1000])]), call);
    assert.equal(products(...inputs([5, 7], [7, 6]), library), 2 * 5 * 6 * 7);
    // A kernel of 3 × 3 from 4 features to 6, which are its last dimension.
    const convolution = numbered(3, 'convolution', array([1, 10, 10, 6]), [...operands, ...bytes(16, number(4, 3))]);
    assert.equal(products(...inputs([1, 10, 10, 4], [3, 3, 4, 6]), convolution), 2 * 600 * 36);
  });

  test('copies that stand alone and arguments made wide are told', () => {
    const { moved, widened } = summariseProgram(
      program(
        instruction('parameter', array([30, 20])),
        instruction('copy', array([30, 20])),
        instruction('transpose', array([20, 30])),
        instruction('convert', [...number(2, 11), ...bytes(3, [30, 20])]),
        instruction('convert', [...number(2, 11), ...bytes(3, [30, 21])]),
      ),
      1,
    );
    assert.deepEqual([moved, widened], [2400, 2400]);
  });

  test('groups are read in their short form too', () => {
    const short = bytes(87, bytes(2, [...number(1, 2), ...number(2, 8)]));
    const { collectives } = summariseProgram(program(instruction('reduce-scatter', array([100]), short)), 4);
    assert.equal(collectives[0]!.received, 7 * 200);
  });

  test('a ring hands every device what it has not', () => {
    assert.equal(receivedBytes('all-gather', 400, 4), 300);
    assert.equal(receivedBytes('all-to-all', 400, 4), 300);
    assert.equal(receivedBytes('all-reduce', 400, 4), 600);
    assert.equal(receivedBytes('reduce-scatter', 100, 4), 300);
    assert.equal(receivedBytes('collective-permute', 400, 4), 400);
  });

  test('what is cut off is refused', () => {
    const whole = program(instruction('all-gather', array([4, 100])));
    assert.throws(() => summariseProgram(whole.subarray(0, -1), 4), { code: 'bad_file' });
    assert.throws(() => summariseProgram(Uint8Array.of(0x0b), 4), { code: 'bad_file' });
  });
});
