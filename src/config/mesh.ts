/** The arithmetic of MaxDiffusion's mesh sizes: devices of a slice (ICI) and slices (DCN), as products over four axes. */

import { FluxionError } from '../support/errors.ts';
import type { Config } from './schema.ts';

const AXES = ['data', 'fsdp', 'context', 'tensor'] as const;

/** Checks that the mesh has `devices` devices in one slice, -1 standing for what is left. Throws `bad_config` or `unsupported` with the sum. */
export function checkMesh(config: Config, devices = 1): void {
  checkProduct(config, 'dcn', 1, 'slices');
  checkProduct(config, 'ici', devices, 'devices');
}

function checkProduct(config: Config, network: 'ici' | 'dcn', available: number, unit: string): void {
  const keys = AXES.map((axis) => `${network}_${axis}_parallelism` as const);
  const open = keys.filter((key) => config[key] === -1);
  if (open.length > 1) {
    throw new FluxionError('bad_config', `${open.join(' and ')} are both -1`, {
      hint: 'only one axis can take the devices that are left; set the others to 1',
    });
  }
  const fixed = keys.filter((key) => config[key] !== -1);
  const asked = fixed.reduce((product, key) => product * config[key], 1);
  if (asked === available || (open.length === 1 && available % asked === 0)) return;
  const sum = fixed.map((key) => `${key}=${config[key]}`).join(' × ');
  throw new FluxionError('unsupported', `${sum} asks for ${asked} ${unit}, and there is ${available}`, {
    hint: 'one picture is made on one device so far: set these keys to 1, or one of them to -1',
  });
}
