/** The devices a runtime uses, in the order of its mesh. */

import { checkMesh, MESH_AXES, type MeshSpec, resolveMesh } from '../lowering/mesh.ts';
import { platformOf } from '../lowering/platform.ts';
import { type AxisRule, Sharding } from '../lowering/rules.ts';
import type { Client } from '../pjrt/client.ts';
import type { Device } from '../pjrt/device.ts';

/** How many devices work together, and how they share the work. */
export interface MeshOptions extends MeshSpec {
  /** Mesh axes by logical axis; xla/lowering/rules.ts has the default. */
  readonly rules?: readonly AxisRule[] | undefined;
  /** Mesh axes that may split the batch: a list of one list. */
  readonly dataSharding?: readonly (readonly string[])[] | undefined;
}

export interface Devices {
  /** By position in the mesh, row-major over its axes. */
  readonly devices: readonly Device[];
  readonly sharding: Sharding;
}

/** Checks a mesh before a plugin is installed or loaded; throws `bad_config`. */
export function checkMeshOptions(options: MeshOptions): void {
  checkMesh(options);
  const { axes = MESH_AXES, rules, dataSharding } = options;
  new Sharding({ mesh: axes.map((name) => ({ name, size: 1 })), rules, dataSharding });
}

/**
 * Arranges all devices of a client in a mesh, including those of other processes; without a mesh, this process's first device works
 * alone. A CPU client may expose more devices; only the first `cpuDevices` are used. Each independent process (`apart`) has its own
 * mesh, of the slices that it sees. Throws `bad_config`.
 */
export function arrangeDevices(
  client: Client,
  options: MeshOptions | undefined,
  cpuDevices: number,
  apart: boolean,
): Devices {
  if (!options) return { devices: [client.defaultDevice], sharding: new Sharding({ mesh: [] }) };
  const sliceOf = (device: Device): number => Number(device.attributes.get('slice_index') ?? 0);
  const { platformName, devices } = client;
  const used = platformOf(platformName).deviceCountOption ? devices.slice(0, cpuDevices) : devices;
  const bySlice = used.toSorted((a, b) => sliceOf(a) - sliceOf(b));
  const slices = new Set(bySlice.map(sliceOf)).size;
  // For independent processes, dcn only says how they share the batch.
  const { axes, order } = resolveMesh(apart ? { ...options, dcn: { data: -1 } } : options, bySlice.length, slices);
  const { rules, dataSharding } = options;
  return {
    devices: order.map((index) => bySlice[index]!),
    sharding: new Sharding({ mesh: axes, rules, dataSharding }),
  };
}
