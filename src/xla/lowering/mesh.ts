/**
 * The device mesh: named axes whose sizes multiply to the number of devices. The sizes are MaxDiffusion's: `ici_*` counts the
 * devices of one slice, joined by a fast network; `dcn_*` counts slices. The length of an axis is the product of its two sizes.
 */

import { didYouMean, FluxionError } from '../../support/errors.ts';
import type { MeshAxis } from '../graph/axes.ts';

/** The axes that can have sizes. */
export const MESH_AXES = ['data', 'fsdp', 'context', 'tensor'] as const;
export type MeshAxisName = (typeof MESH_AXES)[number];

/** Sizes by axis, 1 if absent; -1, for at most one axis, takes the remaining devices. */
export type MeshSizes = Readonly<Partial<Record<MeshAxisName, number | undefined>>>;

export interface MeshSpec {
  /** Names of the axes from the major to the minor; all four by default. */
  readonly axes?: readonly string[] | undefined;
  /** Devices of one slice along each axis. */
  readonly ici?: MeshSizes | undefined;
  /** Slices along each axis. */
  readonly dcn?: MeshSizes | undefined;
}

export interface Mesh {
  /** From the major to the minor. */
  readonly axes: readonly MeshAxis[];
  /** Which device stands at each position. Positions are row-major over the axes; devices are numbered slice by slice. */
  readonly order: readonly number[];
}

/**
 * Fills in a size of -1 and checks the sizes against the devices, in `slices` slices of equal size. Throws `bad_config` for unknown
 * axes, and for sizes whose product is not the number of devices.
 */
export function resolveMesh({ axes = MESH_AXES, ici = {}, dcn = {} }: MeshSpec, devices: number, slices = 1): Mesh {
  checkMesh({ axes, ici, dcn });
  const perSlice = devices / slices;
  if (!Number.isInteger(perSlice)) {
    throw new FluxionError('bad_config', `${devices} devices do not make ${slices} slices of equal size`);
  }
  const outer = fill('dcn', dcn, slices, ['slice', 'slices']);
  const ofSlice = slices === 1 ? '' : ' of a slice';
  const inner = fill('ici', ici, perSlice, [`device${ofSlice}`, `devices${ofSlice}`]);
  const names = axes as readonly MeshAxisName[];
  const sizes = names.map((name) => ({ name, size: outer[name] * inner[name] }));
  const order = Array.from({ length: devices }, (_, position) => {
    let at = { slice: 0, within: 0, rest: position, stride: devices };
    for (const { name, size } of sizes) {
      const stride = at.stride / size;
      const index = Math.floor(at.rest / stride);
      at = {
        slice: at.slice * outer[name] + Math.floor(index / inner[name]),
        within: at.within * inner[name] + (index % inner[name]),
        rest: at.rest % stride,
        stride,
      };
    }
    return at.slice * perSlice + at.within;
  });
  return { axes: sizes, order };
}

/** Checks a mesh before its devices are known; throws `bad_config`. */
export function checkMesh({ axes = MESH_AXES, ici = {}, dcn = {} }: MeshSpec): void {
  for (const [i, name] of axes.entries()) {
    if (!(MESH_AXES as readonly string[]).includes(name)) throw unknownAxis('mesh_axes', name, MESH_AXES);
    if (axes.indexOf(name) !== i) throw new FluxionError('bad_config', `mesh_axes: '${name}' appears twice`);
  }
  for (const [network, given] of Object.entries({ ici, dcn })) {
    for (const name of MESH_AXES) {
      const size = given[name] ?? 1;
      const key = `${keyOf(network, name)}=${size}`;
      if (size !== -1 && !(Number.isInteger(size) && size >= 1))
        throw new FluxionError('bad_config', `${key}: expected a whole number from 1, or -1 for the remaining devices`);
      if (size === 1 || axes.includes(name)) continue;
      throw new FluxionError('bad_config', `${key}, and mesh_axes has no '${name}'`, {
        hint: `mesh_axes is [${axes.join(', ')}]: put '${name}' into it, or set the key to 1`,
      });
    }
    const open = MESH_AXES.filter((name) => given[name] === -1);
    if (open.length > 1) {
      throw new FluxionError('bad_config', `${open.map((name) => keyOf(network, name)).join(' and ')} are both -1`, {
        hint: 'only one axis can take the remaining devices; set the others to 1',
      });
    }
  }
}

/** Checks the `dcn` of independent processes, which share only the batch: all of them must lie along data. Throws `bad_config`. */
export function checkDcnOfProcesses(dcn: MeshSizes = {}, processes: number): void {
  for (const name of MESH_AXES) {
    if (name === 'data' || (dcn[name] ?? 1) === 1) continue;
    throw new FluxionError(
      'bad_config',
      `${keyOf('dcn', name)}=${dcn[name]}, and ${processes} processes that share no client share the batch alone`,
      {
        hint: 'leave all of dcn but data at 1, or give the processes a node_store, by which NVIDIA devices work as one',
      },
    );
  }
  fill('dcn', { data: dcn.data ?? -1 }, processes, ['process', 'processes']);
}

function keyOf(network: string, axis: string): string {
  return `${network}_${axis}_parallelism`;
}

/** The error for an axis that is not in the mesh. */
export function unknownAxis(where: string, name: string, known: readonly string[]): FluxionError {
  return new FluxionError('bad_config', `${where}: there is no mesh axis '${name}'`, {
    hint: didYouMean(name, known) ?? `the axes are ${known.join(', ')}`,
  });
}

/** The sizes of all axes, -1 filled in; throws `bad_config` unless their product is `available`, a number of `units`. */
function fill(
  network: 'ici' | 'dcn',
  given: MeshSizes,
  available: number,
  [unit, units]: readonly [one: string, many: string],
): Record<MeshAxisName, number> {
  const sizes = MESH_AXES.map((name) => [name, given[name] ?? 1] as const);
  const open = sizes.filter(([, size]) => size === -1);
  const fixed = sizes.filter(([, size]) => size !== -1);
  const product = fixed.reduce((n, [, size]) => n * size, 1);
  const left = open.length === 1 ? available / product : 1;
  if (!Number.isInteger(left) || product * left !== available) {
    const sum = fixed.map(([name, size]) => `${keyOf(network, name)}=${size}`).join(' × ');
    const verb = available === 1 ? 'is' : 'are';
    const asked = `${open.length === 1 ? 'a multiple of ' : ''}${product} ${product === 1 ? unit : units}`;
    throw new FluxionError('bad_config', `${sum} asks for ${asked}, and there ${verb} ${available}`, {
      hint:
        network === 'ici'
          ? 'make the product the number of devices, or one of the keys -1; cpu_devices=N presents the CPU as N devices'
          : `make the product the number of ${units}, or one of the keys -1`,
    });
  }
  return Object.fromEntries(sizes.map(([name, size]) => [name, size === -1 ? left : size])) as Record<
    MeshAxisName,
    number
  >;
}
