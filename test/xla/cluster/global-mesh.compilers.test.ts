/**
 * One client of several processes: NVIDIA's plugin in each, over a stand-in for the driver whose copies are real and whose kernels do
 * nothing. XLA exchanges the devices through the key-value store, compiles for the mesh of all, and each process has its own parts.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KeyValueStore } from '../../../src/xla/cluster/key-value.ts';
import { Runtime } from '../../../src/xla/runtime/runtime.ts';
import { run as runProgram, temporaryFolder } from '../../support/command-line.ts';
import { repositoryPath } from '../../support/fixture.ts';
import { type KeyValueServer, SERVERS } from '../../support/key-value-server.ts';
import { type Held, placedWeights } from '../../support/placed-weights.ts';
import { type StandInGpu, standInGpu } from '../../support/stand-in-gpu.ts';

interface Answer {
  readonly error?: string;
  readonly devices: readonly { readonly id: number; readonly processIndex: number; readonly kind: string }[];
  readonly addressable: readonly number[];
  readonly mesh: readonly number[];
  readonly local: readonly number[];
  readonly name: string;
  readonly nodes: { readonly id: number; readonly count: number };
  readonly partitions: readonly number[];
  readonly share: { readonly slots: number; readonly held: readonly number[]; readonly own: readonly number[] };
  readonly placed: readonly { readonly device: number; readonly shape: readonly number[] }[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly whole: readonly number[];
  readonly gathered: readonly (readonly number[])[];
  readonly compiled: { readonly programs: number; readonly fromCache: number };
  readonly weights: readonly Held[];
  readonly memory: readonly number[];
  readonly same: string;
  readonly other: string;
}

const built = standInGpu();
const skip = typeof built === 'string' ? built : false;
const gpu = built as StandInGpu;

describe('two processes, one client', { skip }, () => {
  let server: KeyValueServer;
  before(async () => {
    server = await SERVERS[0]!();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    gpu[Symbol.dispose]();
  });

  interface Start {
    readonly count?: number;
    /** Devices of each process. */
    readonly devices?: number;
    readonly ici?: Record<string, number>;
    readonly cache?: string;
    readonly interrupt?: { when: RegExp; signal: NodeJS.Signals };
  }
  const start = (
    run: string,
    id: number,
    { count = 2, devices = 1, ici = { fsdp: -1 }, cache = 'none', interrupt }: Start = {},
  ) =>
    runProgram(
      process.execPath,
      [
        repositoryPath('test/support/global-mesh-process.ts'),
        server.url,
        run,
        `${id}`,
        `${count}`,
        JSON.stringify(ici),
        cache,
      ],
      {
        cwd: repositoryPath('.'),
        env: { ...gpu.env, STAND_IN_DEVICES: `${devices}` },
        ...(interrupt && { interrupt }),
      },
    );
  const answerOf = ({ stdout, stderr }: { stdout: string; stderr: string }): Answer => {
    assert.match(stdout, /\n$/, stderr);
    return JSON.parse(stdout) as Answer;
  };
  const KIND = 'stand-in for an H100';
  const all = Array.from({ length: 12 }, (_, i) => i);
  /** What is left of rows of 3 when only some are seen. */
  const rows = (seen: readonly number[]) => all.map((value) => (seen.includes(Math.floor(value / 3)) ? value : 0));
  /** What the devices of one process hold of the same weights under the same mesh. */
  async function weightsOnCpu(cpuDevices: number, ici: Record<string, number>): Promise<Held[]> {
    await using cpu = await Runtime.open({ device: 'cpu', cacheDir: 'none', cpuDevices, mesh: { ici } });
    return await placedWeights(cpu);
  }

  test('of one device each: see all devices, place, run and read their own parts, and exchange them', async () => {
    const answers = (await Promise.all([0, 1].map((id) => start('mesh', id)))).map(answerOf);
    const weights = await weightsOnCpu(2, { fsdp: 2 });
    for (const [id, answer] of answers.entries()) {
      assert.equal(answer.error, undefined);
      assert.deepEqual(
        answer.devices,
        [0, 1].map((device) => ({ id: device, processIndex: device, kind: KIND })),
      );
      assert.deepEqual([answer.addressable, answer.mesh, answer.local], [[id], [0, 1], [id]]);
      assert.deepEqual([answer.name, answer.nodes], [`1 of 2 × ${KIND}`, { id, count: 2 }]);
      assert.deepEqual(answer.partitions, [id]);
      const slots = [2 * id, 2 * id + 1];
      assert.deepEqual(answer.share, { slots: 4, first: 0, held: slots, own: slots });
      assert.deepEqual(answer.placed, [{ device: id, shape: [2, 3] }]);
      assert.deepEqual([answer.x, answer.y, answer.whole], [rows(slots), rows(slots), all]);
      // NCCL's group is named through the store when a program first needs it.
      assert.deepEqual(answer.gathered, [all, all]);
      assert.deepEqual(answer.weights, [weights[id]]);
      // What each sees for itself is made the same.
      assert.deepEqual(answer.memory, answers[0]!.memory);
      assert.ok(answer.memory[0]! > 2 ** 30 && answer.memory[0]! < 2 ** 31 && answer.memory[1]! > 2 ** 20);
      assert.deepEqual(
        [answer.same, answer.other],
        ['the same', 'process 1 was given a different request than process 0'],
      );
    }
  });

  test('of two devices each, data × FSDP: groups within a process and between them', async () => {
    const ici = { data: 2, fsdp: 2 };
    const answers = (await Promise.all([0, 1].map((id) => start('four', id, { devices: 2, ici })))).map(answerOf);
    const weights = await weightsOnCpu(4, ici);
    for (const [id, answer] of answers.entries()) {
      assert.equal(answer.error, undefined);
      assert.deepEqual([answer.local, answer.name], [[2 * id, 2 * id + 1], `2 of 4 × ${KIND}`]);
      const slots = [2 * id, 2 * id + 1];
      assert.deepEqual(answer.share, { slots: 4, first: 0, held: slots, own: slots });
      assert.deepEqual([answer.x, answer.y, answer.whole], [rows(slots), rows(slots), all]);
      assert.deepEqual(answer.gathered, [all, all]);
      assert.deepEqual(answer.weights, weights.slice(2 * id, 2 * id + 2));
    }
  });

  test('tensor over both: both have the batch, the first hands it out', async () => {
    const ici = { tensor: 2 };
    const answers = (await Promise.all([0, 1].map((id) => start('tensor', id, { ici })))).map(answerOf);
    assert.deepEqual(
      answers.map(({ share }) => [share.held, share.own]),
      [
        [
          [0, 1, 2, 3],
          [0, 1, 2, 3],
        ],
        [[0, 1, 2, 3], []],
      ],
    );
    assert.deepEqual(
      answers.map(({ y }) => y),
      [all, all],
    );
  });

  test('of one run after another under one name, none reads what the other left; what one compiled both load', async () => {
    using folder = temporaryFolder();
    const caches = [folder.file('cache'), folder.file('other')];
    const expected = [
      // Each for itself, then both out of the first one's.
      [2, 0, 2, 0],
      [0, 2, 0, 2],
    ];
    for (const [run, counts] of expected.entries()) {
      const started = [0, 1].map((id) => start('again', id, { cache: caches[run === 0 ? id : 0]! }));
      const answers = (await Promise.all(started)).map(answerOf);
      assert.deepEqual(
        answers.flatMap(({ compiled }) => [compiled.programs, compiled.fromCache]),
        counts,
      );
      for (const answer of answers) assert.deepEqual([answer.devices.length, answer.gathered], [2, [all, all]]);
    }
  });

  test('Ctrl-C ends the waiting for a process that does not come, or that goes no further', async () => {
    const alone = start('alone', 0, { interrupt: { when: /waiting for process 1 of 2/, signal: 'SIGINT' } });
    const left = start('left', 0, { interrupt: { when: /exchanging devices/, signal: 'SIGINT' } });
    await using _other = await KeyValueStore.open({ url: server.url, run: 'left', id: 1, count: 2 });
    for (const stopped of [await alone, await left]) assert.equal(answerOf(stopped).error, 'stopped');
  });
});
