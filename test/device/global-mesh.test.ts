/**
 * One client of several processes: NVIDIA's plugin in each, over a stand-in for the driver whose copies are real and whose kernels do
 * nothing. XLA exchanges the devices through the key-value store, compiles for the mesh of all, and each process has its own parts.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Runtime } from '../../src/runtime/runtime.ts';
import { run as runProgram } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';
import { type KeyValueServer, startServer } from '../support/key-value-server.ts';
import { type Held, placedWeights } from '../support/placed-weights.ts';
import { type StandInGpu, standInGpu } from '../support/stand-in-gpu.ts';

interface Answer {
  readonly error?: string;
  readonly devices: readonly { readonly id: number; readonly processIndex: number; readonly kind: string }[];
  readonly addressable: readonly number[];
  readonly mesh: readonly number[];
  readonly local: readonly number[];
  readonly name: string;
  readonly nodes: { readonly id: number; readonly count: number };
  readonly partitions: readonly number[];
  readonly share: { readonly places: number; readonly held: readonly number[]; readonly own: readonly number[] };
  readonly placed: readonly { readonly device: number; readonly shape: readonly number[] }[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly whole: readonly number[];
  readonly gathered: readonly number[];
  readonly weights: Held;
}

const built = standInGpu();
const skip = typeof built === 'string' ? built : false;
const gpu = built as StandInGpu;

describe('two processes, one client', { skip }, () => {
  let server: KeyValueServer;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    gpu[Symbol.dispose]();
  });

  const start = (run: string, id: number, count: number, interrupt?: { when: RegExp; signal: NodeJS.Signals }) =>
    runProgram(
      process.execPath,
      [repositoryPath('test/support/global-mesh-process.ts'), server.url, run, `${id}`, `${count}`],
      { cwd: repositoryPath('.'), env: gpu.env, ...(interrupt && { interrupt }) },
    );
  const answerOf = ({ stdout, stderr }: { stdout: string; stderr: string }): Answer => {
    assert.match(stdout, /\n$/, stderr);
    return JSON.parse(stdout) as Answer;
  };

  test('see all devices, place, run and read their own parts, and exchange them', async () => {
    const answers = (await Promise.all([0, 1].map((id) => start('mesh', id, 2)))).map(answerOf);
    // What two devices of one process hold of the same weights.
    await using cpu = await Runtime.open({ device: 'cpu', cacheDir: 'none', cpuDevices: 2, mesh: { ici: { fsdp: -1 } } });
    const weights = await placedWeights(cpu);
    const all = Array.from({ length: 12 }, (_, i) => i);
    for (const [id, answer] of answers.entries()) {
      assert.equal(answer.error, undefined);
      const kind = 'stand-in for an H100';
      assert.deepEqual(
        answer.devices,
        [0, 1].map((device) => ({ id: device, processIndex: device, kind })),
      );
      assert.deepEqual([answer.addressable, answer.mesh, answer.local], [[id], [0, 1], [id]]);
      assert.deepEqual([answer.name, answer.nodes], [`1 of 2 × ${kind}`, { id, count: 2 }]);
      assert.deepEqual(answer.partitions, [id]);
      const places = [2 * id, 2 * id + 1];
      assert.deepEqual(answer.share, { places: 4, first: 0, held: places, own: places });
      assert.deepEqual(answer.placed, [{ device: id, shape: [2, 3] }]);
      const own = all.map((value) => (places.includes(Math.floor(value / 3)) ? value : 0));
      assert.deepEqual([answer.x, answer.y, answer.whole], [own, own, all]);
      // NCCL's group is named through the store when a program first needs it.
      assert.deepEqual(answer.gathered, all);
      assert.deepEqual(answer.weights, weights[id]);
    }
  });

  test('of one run after another under one name, none reads what the other left', async () => {
    for (const _ of [0, 1]) {
      const answers = (await Promise.all([1, 0].map((id) => start('again', id, 2)))).map(answerOf);
      assert.deepEqual(
        answers.map(({ devices }) => devices?.length),
        [2, 2],
      );
    }
  });

  test('Ctrl-C ends the waiting for a process that does not come', async () => {
    const stopped = await start('alone', 0, 2, { when: /waiting for process 1 of 2/, signal: 'SIGINT' });
    assert.equal(answerOf(stopped).error, 'stopped');
  });
});
