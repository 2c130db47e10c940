/** What a profiler recorded, read and shown: the real recording of JAX's profiler, damaged ones, and traces that Perfetto opens. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FluxionError } from '../../../src/support/errors.ts';
import { ProtoWriter } from '../../../src/support/protobuf.ts';
import { readHloProgram } from '../../../src/xla/ahead/hlo-program.ts';
import { operationsOf } from '../../../src/xla/ahead/operations.ts';
import { operationSeconds, type Profile } from '../../../src/xla/ahead/recording.ts';
import { traceLines } from '../../../src/xla/ahead/trace.ts';
import { readXSpace } from '../../../src/xla/ahead/xspace.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { mutations } from '../../support/mutate.ts';
import { checkTrace } from '../../support/trace.ts';

const RECORDED = readFileSync(repositoryPath('test/fixtures/profile/cpu.xplane.pb'));

describe('an XSpace', () => {
  test('of two runs has every operation twice, with the times JAX shows', () => {
    const { planes, dropped } = readXSpace(RECORDED);
    assert.equal(dropped, 0);
    const [host] = planes;
    assert.equal(host?.name, '/host:CPU');
    const events = host.lines.flatMap((line) => line.events);
    const tanh = events.filter(({ stats }) => stats.get('hlo_op') === 'wrapped_tanh');
    // As they stand in the trace.json.gz that JAX wrote beside it.
    assert.deepEqual(
      tanh.map(({ start, duration }) => [start, duration]).sort((a, b) => a[0]! - b[0]!),
      [
        [361.325, 5.26],
        [718.702, 13.325],
      ],
    );
    const seconds = operationSeconds(planes);
    assert.deepEqual([...seconds.keys()], ['jit__lambda']);
    const operations = seconds.get('jit__lambda')!;
    assert.deepEqual([...operations.keys()].sort(), ['wrapped_tanh', 'ynn_fusion', 'ynn_fusion.1']);
    assert.ok(Math.abs(operations.get('wrapped_tanh')! - 18.585e-6) < 1e-12);
  });

  test('with one zero byte too many, as plugins hand it out, is the same', () => {
    assert.deepEqual(readXSpace(Buffer.concat([RECORDED, Buffer.alloc(1)])), readXSpace(RECORDED));
    assert.deepEqual(readXSpace(Buffer.alloc(1)).planes, []);
  });

  test('damaged in any way is read or refused by name', () => {
    let refused = 0;
    for (const bytes of mutations(RECORDED, 3000, 7)) {
      try {
        const { planes } = readXSpace(bytes);
        operationSeconds(planes);
      } catch (error) {
        assert.ok(error instanceof FluxionError && error.code === 'bad_file', (error as Error).stack);
        assert.match(error.message, /a profiler's recording/);
        refused++;
      }
    }
    assert.ok(refused > 1000, `${refused}`);
  });

  test('with lengths that lie is refused before anything is made of them', () => {
    const lie = Buffer.concat([Buffer.from([0x0a]), new ProtoWriter().varint(2n ** 60n).bytes()]);
    assert.throws(() => readXSpace(lie), { code: 'bad_file', message: /ends in the middle of a field/ });
    assert.throws(() => readXSpace(Buffer.alloc(40, 0xff)), { code: 'bad_file', message: /more than 10 bytes/ });
  });

  test('of more events than are kept says how many were left out', () => {
    const event = new ProtoWriter().int(1, 1).int(2, 5_000_000).int(3, 2_000_000);
    const line = new ProtoWriter().text(2, 'Stream #1');
    for (let i = 0; i < 10; i++) line.message(4, event);
    const space = new ProtoWriter().message(1, new ProtoWriter().text(2, '/device:GPU:0').message(3, line)).bytes();
    const { planes, dropped } = readXSpace(space, 4);
    assert.deepEqual([planes[0]!.lines[0]!.events.length, dropped], [4, 6]);
    assert.deepEqual(planes[0]!.lines[0]!.events[0], { name: '', start: 5, duration: 2, stats: new Map() });
  });
});

describe('seconds of operations', () => {
  const event = (name: string, start: number, duration: number, stats: [string, string][] = []) => ({
    name,
    start,
    duration,
    stats: new Map(stats),
  });

  test('of TPUs are told by the module that runs, of GPUs by name; loops hold what is in them; devices count at a mean', () => {
    const tpu = (id: number) => ({
      name: `/device:TPU:${id}`,
      lines: [
        { name: 'XLA Modules', events: [event('block(12)', 0, 100), event('join(13)', 100, 50)] },
        {
          name: 'XLA Ops',
          events: [event('fusion.1', 10, 20), event('fusion.1', 110, 10), event('fusion.1', 500, 10)],
        },
      ],
    });
    assert.deepEqual(
      operationSeconds([tpu(0), tpu(1)]),
      new Map([
        ['block', new Map([['fusion.1', 20e-6]])],
        ['join', new Map([['fusion.1', 10e-6]])],
      ]),
    );
    const own = (operation: string): [string, string][] => [
      ['hlo_module', 'block'],
      ['hlo_op', operation],
    ];
    const gpu = {
      name: '/device:GPU:0',
      lines: [
        {
          name: 'Stream #7',
          events: [event('gemm', 0, 4, own('while.3/dot.1')), event('add', 4, 1, own('while.3/add'))],
        },
        { name: 'Stream #8', events: [event('copy', 0, 2, own('copy.1')), event('memset', 9, 1)] },
      ],
    };
    const [seconds] = operationSeconds([gpu]).values();
    assert.deepEqual(Object.keys(Object.fromEntries(seconds!)), ['while.3', 'copy.1']);
    assert.ok(Math.abs(seconds!.get('while.3')! - 5e-6) < 1e-12);
  });
});

describe('operations of an optimised program', () => {
  const array = (type: number, dimensions: readonly number[]): ProtoWriter => {
    const shape = new ProtoWriter().int(2, type);
    for (const size of dimensions) shape.int(3, size);
    return shape;
  };
  const [BF16, F32] = [16, 11];
  const instruction = (
    id: number,
    opcode: string,
    shape: ProtoWriter,
    operands: readonly number[] = [],
  ): ProtoWriter => {
    const proto = new ProtoWriter().text(1, `${opcode}.${id}`).text(2, opcode).message(3, shape).int(35, id);
    for (const operand of operands) proto.int(36, operand);
    return proto;
  };
  const computation = (id: number, instructions: readonly ProtoWriter[]): ProtoWriter => {
    const proto = new ProtoWriter().int(5, id).int(6, instructions.length);
    for (const one of instructions) proto.message(2, one);
    return proto;
  };
  const read = (entry: readonly ProtoWriter[], called: readonly ProtoWriter[] = []) => {
    const module = new ProtoWriter().int(6, 1).message(3, computation(1, entry));
    for (const [i, one] of called.entries()) module.message(3, computation(i + 2, [one]));
    return operationsOf(readHloProgram(new ProtoWriter().message(1, module).bytes()));
  };

  test('count the products of libraries by their settings', () => {
    const [b, n, m, h, c] = [2, 64, 96, 3, 32];
    const matrices = [
      instruction(1, 'parameter', array(BF16, [n, c])),
      instruction(2, 'parameter', array(BF16, [c, m])),
    ];
    const call = (target: string, config: object, shape: ProtoWriter) =>
      instruction(3, 'custom-call', shape, [1, 2]).text(28, target).text(43, JSON.stringify(config));
    const matmul = call('__onednn$matmul', { onednn_matmul_config: { transpose_a: false } }, array(BF16, [n, m]));
    const attention = call(
      '__cudnn$fmhaSoftmax',
      { cudnn_fmha_backend_config: { intermediate_tensor_shape: { dimensions: [b, h, n, m].map(String) } } },
      array(BF16, [b, h, n, c]),
    );
    const queries = [
      instruction(1, 'parameter', array(BF16, [b, n, h, c])),
      instruction(2, 'parameter', array(BF16, [b, m, h, c])),
    ];
    const found = [read([...matrices, matmul]), read([...queries, attention])].flat();
    assert.deepEqual(
      found.map(({ kind, flops }) => [kind, flops]),
      [
        ['__onednn$matmul', 2 * n * c * m],
        ['__cudnn$fmhaSoftmax', 4 * b * h * n * m * c],
      ],
    );
    assert.equal(found[0]!.bytes, 2 * (n * c + c * m + n * m));
    assert.equal(found[0]!.shape, `bf16[${n}×${c}] · bf16[${c}×${m}] → bf16[${n}×${m}]`);
  });

  test('leave open what nothing tells', () => {
    const value = instruction(1, 'parameter', array(F32, [8, 8]));
    const dot = instruction(1, 'dot', array(F32, [8, 8]), [1, 1]).message(30, new ProtoWriter().int(1, 1));
    const loop = (config: string) =>
      read(
        [
          value,
          instruction(2, 'while', array(F32, [8, 8]), [1])
            .int(38, 2)
            .text(43, config),
        ],
        [dot],
      );
    assert.deepEqual(
      loop('{"known_trip_count":{"n":"6"}}').map(({ kind, flops }) => [kind, flops]),
      [['while, 6 times: dot', 6 * 2 * 8 ** 3]],
    );
    assert.deepEqual(
      loop('').map(({ kind, flops }) => [kind, flops]),
      [['while, ? times: dot', undefined]],
    );
    const own = instruction(2, 'custom-call', array(F32, [8, 8]), [1]).text(28, 'tpu_custom_call');
    assert.deepEqual(
      read([value, own]).map(({ flops }) => flops),
      [undefined],
    );
  });
});

describe('a trace', () => {
  const profile: Profile = {
    source: 'profiler',
    programs: [],
    spans: [
      { track: 'programs', name: 'b', start: 120, end: 150 },
      { track: 'stages', name: 'denoise "1"\n', start: 100, end: 200 },
      { track: 'programs', name: 'a', start: 100, end: 120 },
    ],
    planes: readXSpace(RECORDED).planes,
    dropped: 3,
  };

  test('has names for all, events in order, and what the plugin recorded beside our own', () => {
    const { events, dropped } = checkTrace([...traceLines(profile)].join('\n'));
    assert.equal(dropped, 3);
    const own = events.filter(({ process }) => process === 'fluxion');
    assert.deepEqual(
      own.map(({ track, name, ts, dur }) => [track, name, ts, dur]),
      [
        ['stages', 'denoise "1"\n', 0, 100_000],
        ['programs', 'a', 0, 20_000],
        ['programs', 'b', 20_000, 30_000],
      ],
    );
    // Its clock is another, so it begins with the first program.
    const host = events.filter(({ process }) => process === '/host:CPU');
    assert.equal(host[0]?.ts, 20_000);
    assert.ok(host.some(({ name, args }) => name === 'wrapped_tanh' && args?.['hlo_module'] === 'jit__lambda'));
  });

  test('of nothing is one all the same', () => {
    const empty = { source: 'none', programs: [], spans: [], planes: [], dropped: 0 } as const;
    assert.deepEqual(checkTrace([...traceLines(empty)].join('\n')).events, []);
  });
});
