/** Which devices this machine has, and the errors for those it lacks. */

import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { FluxionError } from '../../support/errors.ts';
import { addedPlugins } from './added-plugins.ts';
import { PLUGINS, type PluginEntry } from './plugin-table.ts';
import { isInPod } from './tpu.ts';

/** Read before anything is loaded, as libtpu itself sets these variables. */
const inPod = isInPod(process.env);

/** Tells whether this machine shows the device of a plugin. */
export function isPresent({ device, deviceFiles }: PluginEntry): boolean {
  if (device === 'cpu') return true;
  if (device === 'metal') return process.platform === 'darwin' && process.arch === 'arm64';
  return (device === 'tpu' && inPod) || deviceFiles.some(deviceExists);
}

/** Looks for a device file. The first device may be assigned to someone else, so a name that ends in 0 stands for any number. */
function deviceExists(path: string): boolean {
  if (existsSync(path)) return true;
  const start = basename(path).match(/^(.*)0$/)?.[1];
  if (start === undefined) return false;
  const names = attempt(() => readdirSync(dirname(path)), []);
  return names.some((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)));
}

/** The error for devices that this machine lacks, with the plugin's reason if there is one. */
export function noDevice(entries: readonly PluginEntry[], said?: string): FluxionError {
  const titles = entries.map(({ title }) => title.split(',')[0]).join(' or ');
  const files = entries.flatMap(({ deviceFiles }) => deviceFiles).join(', ');
  const looked = files === '' ? '' : ` (looked for ${files})`;
  return new FluxionError('unsupported', `there is no ${titles} in this machine${looked}${said ? `: ${said}` : ''}`, {
    hint: "use the CPU: hardware=cpu, or device: 'cpu' in the library; a container needs access to its devices, as docker run --gpus all gives",
  });
}

/** Explains why a plugin made no client: its device is missing, or else the plugin's own reason. */
export function clientFailure(path: string, error: Error): FluxionError {
  const device = addedPlugins().find((plugin) => plugin.path === path)?.device;
  const entry = PLUGINS.find(
    ({ device: served, file }) => served === device || (file !== undefined && basename(file) === basename(path)),
  );
  if (entry && !isPresent(entry)) return noDevice([entry], error.message);
  return new FluxionError('plugin', `the devices of ${entry?.title ?? path} cannot be opened: ${error.message}`, {
    cause: error,
    hint: `check the driver of the device; ${entry?.notes ?? "'fluxion doctor' tries every plugin"}`,
  });
}
