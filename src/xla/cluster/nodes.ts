/**
 * Several processes that make the pictures of a run together, in one of two ways. Independent processes, each with its own client, share
 * only the batch: every process makes its own pictures on its own devices, on any platform. With one shared client, all devices form one
 * mesh, of which a process sees its own part.
 */

import { FluxionError } from '../../support/errors.ts';
import { withoutSecrets } from '../../support/shown-url.ts';
import { checkDcnOfProcesses } from '../lowering/mesh.ts';
import { Sharding } from '../lowering/rules.ts';
import type { Device } from '../pjrt/device.ts';
import type { MeshOptions } from '../runtime/devices.ts';
import { partsOfMesh } from '../runtime/placement.ts';

/** Which of several processes this one is. */
export interface NodeOptions {
  /** From 0. */
  readonly id: number;
  /** How many there are. */
  readonly count: number;
  /** Where the processes of a run meet to share one client; without it they are independent. */
  readonly store?: NodeStore | undefined;
}

/** A Valkey or Redis server, and the name under which the processes of one run meet there. */
export interface NodeStore {
  /** Such as `valkey://host:6379`. */
  readonly url: string;
  readonly run: string;
}

/** The part of a batch that one process makes. */
export interface Share {
  /** Slots of this process's programs; those beyond the batch run empty. */
  readonly slots: number;
  /** The index in the batch of the picture in the first slot. */
  readonly first: number;
  /** Slots on this process's devices, ascending. */
  readonly held: readonly number[];
  /** The held slots that no earlier process holds as well: this process returns their pictures. */
  readonly own: readonly number[];
}

/** Checks options before the devices are known; throws `bad_config`. */
export function checkNodes({ id, count, store }: NodeOptions, mesh: MeshOptions | undefined): void {
  if (!Number.isInteger(count) || count < 1)
    throw new FluxionError('bad_config', `num_nodes=${count}: expected a whole number from 1`);
  if (!Number.isInteger(id) || id < 0 || id >= count) {
    throw new FluxionError(
      'bad_config',
      `node_id=${id}: expected a whole number from 0 to ${count - 1}, as num_nodes is ${count}`,
      { hint: `the ${count === 1 ? 'one process is' : `${count} processes are numbered`} from 0` },
    );
  }
  if (count === 1) {
    if (store) {
      throw new FluxionError('bad_config', 'node_store is for several processes, but num_nodes is 1', {
        hint: 'set num_nodes to the number of processes, or leave node_store out',
      });
    }
    return;
  }
  if (store) checkStore(store, mesh);
  else checkApart(count, mesh);
}

/** Checks that a mesh lets independent processes split the batch. */
function checkApart(count: number, mesh: MeshOptions | undefined): void {
  checkDcnOfProcesses(mesh?.dcn, count);
  if (!mesh) return;
  const { rules, dataSharding, axes = ['data'] } = mesh;
  const sharding = new Sharding({
    mesh: axes.map((name) => ({ name, size: name === 'data' ? count : 1 })),
    rules,
    dataSharding,
  });
  if (sharding.parts('activation_batch') === count) return;
  throw new FluxionError(
    'bad_config',
    `${count} processes share the batch along data, and data_sharding or logical_axis_rules keep data from splitting it`,
    {
      hint: 'let data split activation_batch, or give the processes a node_store, by which NVIDIA devices work as one',
    },
  );
}

function checkStore({ url, run }: NodeStore, mesh: MeshOptions | undefined): void {
  if (!/^(valkey|redis)s?:\/\/[^/]+/.test(url)) {
    throw new FluxionError(
      'bad_config',
      `node_store=${withoutSecrets(url)}: expected valkey://HOST:PORT or redis://HOST:PORT`,
      {
        hint: 'of a server that all processes reach; valkeys:// and rediss:// use TLS, and a password is written redis://:PASSWORD@HOST:PORT',
      },
    );
  }
  if (run === '') {
    throw new FluxionError('bad_config', 'node_store needs a run_name', {
      hint: 'processes that give the same run_name find each other in the store: choose one for this run',
    });
  }
  if (!mesh) {
    throw new FluxionError('bad_config', 'processes that share one client need a mesh', {
      hint: 'such as mesh: { ici: { data: -1 } }, all devices along data',
    });
  }
}

/** The slice of a batch that the devices at the `local` positions of a mesh compute; `apart` is this process's number among independent ones. */
export function shareOf(
  pictures: number,
  sharding: Sharding,
  devices: readonly Device[],
  local: readonly number[],
  apart: { readonly id: number; readonly count: number },
): Share {
  const parts = sharding.parts('activation_batch');
  const slots = Math.ceil(pictures / (parts * apart.count)) * parts;
  const split = sharding.split({ axes: ['activation_batch'] }, [slots]);
  const all = partsOfMesh({ shape: [slots], split, mesh: sharding.mesh });
  const slotsOf = (positions: readonly number[]): number[] =>
    [...new Set(positions.map((i) => all[i]!))]
      .flatMap(({ start: [first], shape: [count] }) => Array.from({ length: count! }, (_, i) => first! + i))
      .sort((a, b) => a - b);
  const mine = devices[local[0]!]!.processIndex;
  const first = local.filter((i) => devices[all.indexOf(all[i]!)]!.processIndex === mine);
  return { slots, first: apart.id * slots, held: slotsOf(local), own: slotsOf(first) };
}
