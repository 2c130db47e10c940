/** Several processes: every picture of a batch is handed out once, whatever the mesh; and the environment of TPU machines. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Share, shareOf } from '../../../src/xla/cluster/nodes.ts';
import { resolveMesh } from '../../../src/xla/lowering/mesh.ts';
import { Sharding } from '../../../src/xla/lowering/rules.ts';
import type { Device } from '../../../src/xla/pjrt/device.ts';
import { tpuEnvironment } from '../../../src/xla/plugins/tpu.ts';

/** The shares of `processes` processes of `each` devices under one mesh. */
function shares(
  pictures: number,
  processes: number,
  each: number,
  ici: Record<string, number>,
  axes?: string[],
): Share[] {
  const mesh = resolveMesh({ ici, ...(axes && { axes }) }, processes * each);
  const devices = mesh.order.map((index) => ({ processIndex: Math.floor(index / each) }) as Device);
  const sharding = new Sharding({ mesh: mesh.axes });
  return Array.from({ length: processes }, (_, process) => {
    const local = devices.flatMap((device, i) => (device.processIndex === process ? [i] : []));
    return shareOf(pictures, sharding, devices, local, { id: 0, count: 1 });
  });
}

describe('one client: what a process has of a batch', () => {
  test('data over two processes of two devices', () => {
    const [first, second] = shares(7, 2, 2, { data: -1 });
    assert.deepEqual(first, { slots: 8, first: 0, held: [0, 1, 2, 3], own: [0, 1, 2, 3] });
    assert.deepEqual(second, { slots: 8, first: 0, held: [4, 5, 6, 7], own: [4, 5, 6, 7] });
  });

  test('tensor over both: both have all, the first hands out', () => {
    const [first, second] = shares(3, 2, 1, { tensor: 2 });
    assert.deepEqual(first, { slots: 3, first: 0, held: [0, 1, 2], own: [0, 1, 2] });
    assert.deepEqual(second, { slots: 3, first: 0, held: [0, 1, 2], own: [] });
  });

  test('slots that are not side by side', () => {
    const [first, second] = shares(4, 2, 2, { data: 2, tensor: 2 }, ['tensor', 'data']);
    assert.deepEqual(first, { slots: 4, first: 0, held: [0, 1, 2, 3], own: [0, 1, 2, 3] });
    assert.deepEqual(second?.own, []);
  });

  test('every place is handed out by one process', () => {
    const meshes: Record<string, number>[] = [
      { data: -1 },
      { fsdp: -1 },
      { data: 2, tensor: -1 },
      { data: 2, fsdp: 2, context: -1 },
      { tensor: 2, data: -1 },
    ];
    for (const ici of meshes)
      for (const axes of [undefined, ['tensor', 'context', 'data', 'fsdp'], ['context', 'fsdp', 'tensor', 'data']])
        for (const [processes, each] of [
          [1, 8],
          [2, 4],
          [4, 2],
          [8, 1],
          [2, 8],
        ] as const)
          for (const pictures of [1, 5, 8, 13]) {
            const all = shares(pictures, processes, each, ici, axes);
            const { slots } = all[0]!;
            assert.ok(slots >= pictures && all.every((share) => share.slots === slots));
            const given = all.flatMap(({ own }) => own).sort((a, b) => a - b);
            assert.deepEqual(
              given,
              Array.from({ length: slots }, (_, i) => i),
              JSON.stringify({ ici, axes, processes, each }),
            );
            for (const { own, held } of all)
              assert.deepEqual(
                own.filter((place) => !held.includes(place)),
                [],
              );
          }
  });
});

describe('processes apart', () => {
  test('have as many slots each, in order', () => {
    const { axes, order } = resolveMesh({ ici: { data: 2, tensor: 2 } }, 4);
    const sharding = new Sharding({ mesh: axes });
    const devices = order.map(() => ({ processIndex: 0 }) as Device);
    for (const [pictures, count, slots] of [
      [1, 1, 2],
      [5, 1, 6],
      [5, 2, 4],
      [5, 3, 2],
      [12, 3, 4],
    ] as const)
      for (let id = 0; id < count; id++) {
        const held = Array.from({ length: slots }, (_, i) => i);
        const share = shareOf(pictures, sharding, devices, [0, 1, 2, 3], { id, count });
        assert.deepEqual(share, { slots, first: id * slots, held, own: held });
      }
  });
});

test('libtpu is kept from asking for a machine where there is none, and not on a machine of a pod', () => {
  const nothing = () => false;
  assert.deepEqual(tpuEnvironment({}, nothing), { TPU_SKIP_MDS_QUERY: '1' });
  assert.deepEqual(tpuEnvironment({ TPU_SKIP_MDS_QUERY: '0' }, nothing), {});
  assert.deepEqual(tpuEnvironment({ TPU_WORKER_HOSTNAMES: 'a,b', TPU_WORKER_ID: '1' }, nothing), {});
  assert.deepEqual(
    tpuEnvironment({}, (path) => path === '/dev/accel0'),
    {},
  );
  assert.deepEqual(
    tpuEnvironment({}, (path) => path === '/dev/vfio/0'),
    {},
  );
});
