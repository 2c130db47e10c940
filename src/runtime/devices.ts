/** The devices a runtime uses, in the order of its mesh. */

import { type MeshSpec, resolveMesh } from '../parallel/mesh.ts';
import { type AxisRule, Sharding } from '../parallel/rules.ts';
import type { Client } from '../pjrt/client.ts';
import type { Device } from '../pjrt/device.ts';

/** How many devices work together, and how they share the work. */
export interface MeshOptions extends MeshSpec {
  /** Which mesh axes split what, by meaning; see parallel/rules.ts for what is assumed where none are given. */
  readonly rules?: readonly AxisRule[] | undefined;
  /** Mesh axes that may split the batch: a list of one list. */
  readonly dataSharding?: readonly (readonly string[])[] | undefined;
}

export interface Devices {
  /** By position in the mesh, row-major over its axes. */
  readonly devices: readonly Device[];
  readonly sharding: Sharding;
}

/** Arranges all devices of this process in a mesh; without one, its first device works alone. Throws `bad_config`. */
export function arrangeDevices(client: Client, options: MeshOptions | undefined): Devices {
  if (!options) return { devices: [client.defaultDevice], sharding: new Sharding({ mesh: [] }) };
  const sliceOf = (device: Device): number => Number(device.attributes.get('slice_index') ?? 0);
  const bySlice = client.addressableDevices.toSorted((a, b) => sliceOf(a) - sliceOf(b));
  const { axes, order } = resolveMesh(options, bySlice.length, new Set(bySlice.map(sliceOf)).size);
  const { rules, dataSharding } = options;
  return {
    devices: order.map((index) => bySlice[index]!),
    sharding: new Sharding({ mesh: axes, rules, dataSharding }),
  };
}
