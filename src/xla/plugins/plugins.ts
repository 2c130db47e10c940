/**
 * Finding the plugin for a device: one named in the environment, one the user added, or one installed into the cache folder (the CPU's by
 * itself on first use).
 */

import { existsSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { didYouMean, FluxionError } from '../../support/errors.ts';
import { glibcVersion } from '../../support/glibc.ts';
import { log } from '../../support/log.ts';
import { processesUsing } from '../../support/process-mark.ts';
import { explaining, reasonOf } from '../../support/system-error.ts';
import { userPath } from '../../support/user-path.ts';
import { addedPlugins, forgetPlugins, renewAdded } from './added-plugins.ts';
import { hashFile, type InstallOptions, installWheel } from './install.ts';
import { damageOf, findRecord } from './plugin-record.ts';
import {
  DEVICE_NAMES,
  type DeviceName,
  HOST,
  PLUGINS,
  type PluginEntry,
  pluginEntries,
  type Wheel,
} from './plugin-table.ts';
import { isPresent, noDevice } from './presence.ts';

/** A device to run on: one kind, the best GPU, or the best of all. */
export type DeviceRequest = DeviceName | 'gpu' | 'auto';

/** GPUs, in the order they are tried. */
const GPUS: readonly DeviceName[] = ['cuda', 'rocm', 'metal'];

/** A plugin file that was found, and how. */
export interface FoundPlugin {
  /** Undefined where the file was named without saying what it serves. */
  readonly device: DeviceName | undefined;
  readonly path: string;
  readonly source: 'environment' | 'added' | 'installed';
}

/** A row of `fluxion plugins list`. */
export interface PluginStatus extends PluginEntry {
  /** `available` installs by itself, `manual` by the steps in `manual`; `unsupported` has no package for this machine. */
  readonly status: 'installed' | 'added' | 'available' | 'manual' | 'unsupported';
  readonly path: string | undefined;
  /** Whether this machine shows such a device. */
  readonly present: boolean;
  /** Whether this is the plugin that serves the device, now or after its installation. */
  readonly used: boolean;
  /** The fault of an installed package, or undefined. A faulty package is installed again at its next use. */
  readonly damage: string | undefined;
}

/** Finds the plugin of a device without installing anything. `FLUXION_PJRT_PLUGIN` (`PATH` or `DEVICE:PATH`) goes first. */
export function findPlugin(
  device: DeviceName,
  env: Readonly<Record<string, string | undefined>> = process.env,
): FoundPlugin | undefined {
  const named = fromEnvironment(env);
  if (named && (named.device === undefined || named.device === device)) return named;
  const added = addedPlugins().findLast((plugin) => plugin.device === device && existsSync(plugin.path));
  if (added) return { device, path: added.path, source: 'added' };
  const path = pluginEntries(device).map(installedPath).find(Boolean);
  return path === undefined ? undefined : { device, path, source: 'installed' };
}

/** The path of a package's plugin, if that package is installed and whole. */
function installedPath(entry: PluginEntry): string | undefined {
  const damage = installDamage(entry);
  if (damage) log('info', `${installFolder(entry)} is damaged, and installed again at its next use: ${damage}`);
  return damage === undefined && entry.file !== undefined && existsSync(installFolder(entry))
    ? join(installFolder(entry), entry.file)
    : undefined;
}

/** Returns the fault of a package's installation folder; `undefined` if the folder is whole or missing. */
function installDamage(entry: PluginEntry): string | undefined {
  const wheel = entry.wheels[HOST];
  const folder = installFolder(entry);
  if (entry.file === undefined || !existsSync(folder)) return undefined;
  if (!wheel) return 'this machine has no such package';
  return damageOf(folder, { file: entry.file, fileSha256: wheel.fileSha256, companions: companionsOf(entry, wheel) });
}

/** The packages that a plugin is installed with on this machine. */
function companionsOf(entry: PluginEntry, { companions = [] }: Wheel): NonNullable<Wheel['companions']> {
  return companions.filter(({ needed }) => needed === 'always' || isPresent(entry));
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): FoundPlugin | undefined {
  const value = env['FLUXION_PJRT_PLUGIN'];
  if (!value) return undefined;
  const colon = value.indexOf(':');
  const device = DEVICE_NAMES.find((name) => name === value.slice(0, colon));
  const path = resolve(userPath(device === undefined ? value : value.slice(colon + 1), env));
  if (!existsSync(path)) {
    throw new FluxionError('not_found', `FLUXION_PJRT_PLUGIN names ${path}, which does not exist`, {
      hint: 'correct the path, or unset the variable',
    });
  }
  return { device, path, source: 'environment' };
}

/** How a plugin is made ready. */
export interface EnsureOptions extends InstallOptions {
  /** `compile` needs no device. `run`, the default, throws before anything is installed if this machine shows no such device. */
  readonly purpose?: 'run' | 'compile';
}

/**
 * Returns the path of the plugin for a device, and installs the plugin first if it can. `auto` takes the best device of
 * this machine that has a plugin, otherwise the CPU. Throws `unsupported` if this machine has no such device.
 */
export async function ensurePlugin(request: DeviceRequest = 'auto', options: EnsureOptions = {}): Promise<string> {
  const named = fromEnvironment(process.env);
  const devices = devicesOf(request);
  if (named && (named.device === undefined || request === 'auto' || devices.includes(named.device))) return named.path;
  const here = devices.filter((device) => pluginEntries(device).some(isPresent));
  if (request === 'auto') return pluginOf(here.find((device) => findPlugin(device)) ?? 'cpu', options);
  // An added plugin may serve a device that this machine shows under a file we do not know.
  const able =
    options.purpose === 'compile' ? devices : [...here, ...devices.filter((d) => findPlugin(d)?.source === 'added')];
  const [first] = able;
  if (first === undefined) throw noDevice(devices.map((device) => pluginEntries(device)[0]));
  return pluginOf(able.find((device) => findPlugin(device)) ?? first, options);
}

/** The devices that are asked for, best first. */
function devicesOf(request: DeviceRequest): readonly DeviceName[] {
  if (request === 'auto') return [...new Set(PLUGINS.map(({ device }) => device))];
  return request === 'gpu' ? GPUS : [entriesNamed(request)[0].device];
}

/** Milliseconds until a package that could not be installed is tried again, while another one serves. */
const RETRY_AFTER = 24 * 3600 * 1000;

/** Returns the plugin of a device, after installing the best package; if that fails, another installed package serves. */
async function pluginOf(device: DeviceName, options: InstallOptions): Promise<string> {
  const found = findPlugin(device);
  const [best] = pluginEntries(device);
  if (!found) return installPlugin(device, options);
  if (found.source === 'added') await renewAdded(found.path);
  if (found.source !== 'installed' || found.path === installedPath(best)) return found.path;
  const refused = join(cacheFolder(), 'plugins', `.${best.package}-${best.version}.refused`);
  const tried = statSync(refused, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Math.abs(Date.now() - tried) < RETRY_AFTER) return found.path;
  try {
    return await installEntry(best, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    log('warn', `${best.package} ${best.version} cannot be installed, another plugin is used: ${reasonOf(error)}`);
    // A cache folder that cannot be written is no reason to refuse the other plugin.
    attempt(() => writeFileSync(refused, ''), undefined);
    return found.path;
  }
}

/**
 * Installs the plugin of a device, or the package of that name, into the cache folder and returns its path. Tries a
 * device's packages in order. Throws with what to do if none can be installed.
 */
export async function installPlugin(name: string, options: InstallOptions = {}): Promise<string> {
  const [best, ...others] = entriesNamed(name);
  try {
    return await installEntry(best, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    for (const entry of others) {
      log('warn', `${best.package} ${best.version} cannot be installed: ${reasonOf(error)}`);
      const path = await installEntry(entry, options).catch(() => undefined);
      if (path !== undefined) return path;
    }
    throw error;
  }
}

async function installEntry(entry: PluginEntry, options: InstallOptions): Promise<string> {
  const wheel = wheelFor(entry);
  const { package: packageName, version, file } = entry;
  const companions = companionsOf(entry, wheel);
  const total = (size: 'bytes' | 'unpackedBytes') => companions.reduce((sum, one) => sum + one[size], wheel[size]);
  const sizes = { bytes: total('bytes'), unpackedBytes: total('unpackedBytes') };
  const request = { package: packageName, version, file: file!, ...wheel, companions, ...sizes };
  return installWheel(request, installFolder(entry), options);
}

function entriesNamed(name: string): readonly [PluginEntry, ...PluginEntry[]] {
  const entry = PLUGINS.find((e) => e.package === name);
  if (entry) return [entry];
  const device = DEVICE_NAMES.find((known) => known === name);
  if (device) return pluginEntries(device);
  throw new FluxionError('not_found', `no plugin is called '${name}'`, {
    hint: didYouMean(String(name), DEVICE_NAMES, `there are ${DEVICE_NAMES.join(', ')}`),
  });
}

/** What decides whether a package fits a machine. */
interface Host {
  /** As `wheels` names it. */
  readonly name: string;
  /** Undefined where the C library is not glibc. */
  readonly glibc: string | undefined;
}

/** Returns the package of a plugin for a machine, or throws `unsupported` with why there is none and what to do instead. */
export function wheelFor(entry: PluginEntry, host: Host = { name: HOST, glibc: glibcVersion() }): Wheel {
  const { device, title, manual, wheels } = entry;
  if (Object.keys(wheels).length === 0) {
    throw new FluxionError('unsupported', `the plugin for ${device} (${title}) is not installed automatically yet`, {
      hint: manual,
    });
  }
  const elsewhere = `run on one of ${Object.keys(wheels).join(', ')} (a container will do), or build a plugin and run: fluxion plugins add PATH`;
  const wheel = wheels[host.name];
  if (!wheel) {
    throw new FluxionError('unsupported', `the plugin for ${device} has no package for ${host.name}`, {
      hint: elsewhere,
    });
  }
  if (wheel.glibc === undefined) return wheel;
  if (host.glibc === undefined) {
    throw new FluxionError(
      'unsupported',
      `the plugin for ${device} needs glibc ${wheel.glibc}; this system has another C library, such as musl`,
      { hint: `use a distribution with glibc, such as Debian or Ubuntu: ${elsewhere}` },
    );
  }
  if (host.glibc.localeCompare(wheel.glibc, undefined, { numeric: true }) < 0) {
    throw new FluxionError('unsupported', `the plugin for ${device} needs glibc ${wheel.glibc}, found ${host.glibc}`, {
      hint: `upgrade the operating system, or ${elsewhere}`,
    });
  }
  return wheel;
}

/** A plugin's folder. Without its device's libraries, a plugin has a folder of its own: it must not count as whole once the device is there. */
function installFolder(entry: PluginEntry): string {
  const separable = entry.wheels[HOST]?.companions?.some(({ needed }) => needed === 'with the device') ?? false;
  const part = separable && !isPresent(entry) ? '-compiler' : '';
  return join(cacheFolder(), 'plugins', `${entry.package}-${entry.version}-${HOST}${part}`);
}

/** Every known plugin with its state on this machine. */
export function listPlugins(): PluginStatus[] {
  return PLUGINS.map((entry) => {
    const [best] = pluginEntries(entry.device);
    const used = findPlugin(entry.device, {});
    // A plugin added by hand appears in the row of the device's best package.
    const path = used?.source === 'installed' || entry !== best ? installedPath(entry) : used?.path;
    const source = path === used?.path ? used?.source : 'installed';
    return {
      ...entry,
      status: (path === undefined ? automatic(entry) : source) as PluginStatus['status'],
      path,
      present: isPresent(entry),
      used: used ? path === used.path : entry === best,
      damage: installDamage(entry),
    };
  });
}

function automatic(entry: PluginEntry): 'available' | 'manual' | 'unsupported' {
  if (entry.manual !== undefined) return 'manual';
  return attempt(() => wheelFor(entry), undefined) ? 'available' : 'unsupported';
}

/**
 * Removes a plugin: deletes what was installed for a device or package, and forgets what was added for a device or
 * path. Returns the paths; throws `not_found` if there are none.
 */
export function removePlugin(name: string): string[] {
  const path = existsSync(name) ? realpathSync(name) : resolve(name);
  const byPath = addedPlugins().filter((plugin) => plugin.path === path);
  const entries =
    byPath.length > 0
      ? []
      : DEVICE_NAMES.some((device) => device === name)
        ? PLUGINS.filter(({ device }) => device === name)
        : entriesNamed(name);
  const added = byPath.length > 0 ? byPath : addedPlugins().filter(({ device }) => device === name);
  const folder = join(cacheFolder(), 'plugins');
  const names = existsSync(folder) ? explaining(folder, () => readdirSync(folder)) : [];
  const installed = names.filter((one) => entries.some((entry) => one.startsWith(`${entry.package}-`)));
  const removed = installed.map((one) => join(folder, one));
  for (const one of removed) {
    const [user] = processesUsing(one);
    if (user !== undefined)
      throw new FluxionError('io', `process ${user} uses ${one}`, {
        hint: 'wait for it, or end it, and run this again',
      });
  }
  for (const one of removed) explaining(one, () => rmSync(one, { recursive: true }));
  if (added.length > 0) forgetPlugins(added);
  if (removed.length + added.length === 0)
    throw new FluxionError('not_found', `no plugin for ${name} is installed or added`, {
      hint: 'fluxion plugins list',
    });
  return [...removed, ...added.map((plugin) => plugin.path)];
}

/** Compares a plugin with the hash it was installed or added with; returns what is wrong, or undefined if nothing is. */
export async function hashDamage(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const known = findRecord(path) ?? addedPlugins().find((plugin) => plugin.path === path);
  if (!known) return undefined;
  const sha256 = await hashFile(path, signal);
  return sha256 === known.sha256 ? undefined : `its sha256 is ${sha256}, and was ${known.sha256} when it was installed`;
}

/**
 * A string that changes when a plugin file does, for cache keys. Cheap: the hash recorded at installation if size and time still match,
 * otherwise size and time themselves.
 */
export function pluginFingerprint(path: string): string {
  const real = realpathSync(path);
  const { size, mtimeMs } = statSync(real);
  const record = findRecord(real) ?? addedPlugins().find((plugin) => plugin.path === real);
  return record?.size === size && record.mtimeMs === mtimeMs ? `sha256:${record.sha256}` : `stat:${size}:${mtimeMs}`;
}
