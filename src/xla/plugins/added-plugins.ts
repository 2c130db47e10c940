/** Plugin files that the user added, remembered in `plugins.json` of the cache folder. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder } from '../../support/cache-folder.ts';
import { log } from '../../support/log.ts';
import { readRegular } from '../../support/regular-file.ts';
import { explaining, reasonOf } from '../../support/system-error.ts';
import { writeWhole } from '../../support/write-file.ts';
import { hashFile } from './install.ts';
import { type FileRecord, isRecord } from './plugin-record.ts';
import { DEVICE_NAMES, type DeviceName, PLUGINS } from './plugin-table.ts';
import { tryPlugin } from './trial.ts';

/** A plugin the user added. */
export interface AddedPlugin extends FileRecord {
  readonly device: DeviceName | undefined;
  readonly path: string;
  readonly apiVersion: string;
}

const MAX_LIST = 1 << 20;

/**
 * Adds a plugin file: loads it in a separate process (a file that is no plugin may crash that process), asks which
 * device it serves, and remembers it. `device` names the device if this machine lacks it and the file's name does not
 * tell.
 */
export async function addPlugin(path: string, { device }: { device?: DeviceName } = {}): Promise<AddedPlugin> {
  const real = explaining(path, () => realpathSync(path));
  const { apiVersion, platform } = await tryPlugin(real);
  const { size, mtimeMs } = statSync(real);
  const known = PLUGINS.find(({ file }) => file !== undefined && basename(file) === basename(real));
  const served = device ?? deviceOf(platform) ?? known?.device;
  const added: AddedPlugin = { device: served, path: real, apiVersion, sha256: await hashFile(real), size, mtimeMs };
  const others = addedPlugins().filter((plugin) => plugin.path !== real);
  writeAdded([...others, added]);
  return added;
}

/** The device kind for a platform name as clients report it. */
function deviceOf(platform: string | undefined): DeviceName | undefined {
  const name = platform?.toLowerCase();
  return (
    DEVICE_NAMES.find((device) => device === name) ?? (name === 'gpu' ? 'cuda' : name === 'mps' ? 'metal' : undefined)
  );
}

function addedFile(): string {
  return join(cacheFolder(), 'plugins.json');
}

let told = false;

/** The plugins added by hand, oldest first; none, and a warning, where their list cannot be read. */
export function addedPlugins(): AddedPlugin[] {
  const path = addedFile();
  if (!existsSync(path)) return [];
  try {
    const list: unknown = JSON.parse(readRegular(path, MAX_LIST).toString('utf8'));
    if (!Array.isArray(list)) throw new Error('it is not a list');
    return list.filter((entry) => isRecord(entry) && typeof (entry as Partial<AddedPlugin>).path === 'string');
  } catch (error) {
    if (!told) log('warn', `cannot read ${path}: ${reasonOf(error)}; add your plugins again: fluxion plugins add PATH`);
    told = true;
    return [];
  }
}

/** Forgets added plugins; their files stay. */
export function forgetPlugins(plugins: readonly AddedPlugin[]): void {
  const paths = new Set(plugins.map(({ path }) => path));
  writeAdded(addedPlugins().filter(({ path }) => !paths.has(path)));
}

/** Tries an added plugin again if its file has changed, and updates its record; throws `plugin` if it does not work. */
export async function renewAdded(path: string): Promise<void> {
  const added = addedPlugins().find((plugin) => plugin.path === path);
  const { size, mtimeMs } = explaining(path, () => statSync(path));
  if (!added || (added.size === size && added.mtimeMs === mtimeMs)) return;
  await addPlugin(path, added.device === undefined ? {} : { device: added.device });
}

function writeAdded(plugins: readonly AddedPlugin[]): void {
  const path = addedFile();
  explaining(path, () => writeWhole(path, `${JSON.stringify(plugins, null, 2)}\n`));
}
