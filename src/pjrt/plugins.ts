/**
 * Finding the plugin for a device: one named in the environment, one the user added, or one installed into the cache folder (the CPU's by
 * itself on first use).
 */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../support/cache-folder.ts';
import { FluxionError, nearest } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { makeFolder } from '../support/make-folder.ts';
import { userPath } from '../support/user-path.ts';
import { type FileRecord, hashFile, type InstallOptions, installWheel, readRecord } from './install.ts';
import { DEVICE_NAMES, type DeviceName, PLUGINS, type PluginEntry, pluginEntries, type Wheel } from './plugin-table.ts';

/** A plugin file that was found, and how. */
export interface FoundPlugin {
  /** Undefined where the file was named without saying what it serves. */
  readonly device: DeviceName | undefined;
  readonly path: string;
  readonly source: 'environment' | 'added' | 'installed';
}

/** A plugin the user added, remembered in `plugins.json` of the cache folder. */
export interface AddedPlugin extends FileRecord {
  readonly device: DeviceName | undefined;
  readonly path: string;
  readonly apiVersion: string;
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

/** The path of a package's plugin, if that package is installed. */
function installedPath(entry: PluginEntry): string | undefined {
  if (entry.file === undefined) return undefined;
  const path = join(installFolder(entry), entry.file);
  return readRecord(path) && existsSync(path) ? path : undefined;
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

/**
 * Returns the path of the plugin for a device, installing it first where that is possible. `auto` takes the best device that this machine
 * shows and a plugin is at hand for, and otherwise the CPU.
 */
export async function ensurePlugin(
  device: DeviceName | 'auto' = 'auto',
  options: InstallOptions = {},
): Promise<string> {
  if (device !== 'auto') return pluginOf(device, options);
  const named = fromEnvironment(process.env);
  if (named) return named.path;
  for (const entry of PLUGINS) {
    if (isPresent(entry) && findPlugin(entry.device)) return pluginOf(entry.device, options);
  }
  return pluginOf('cpu', options);
}

/** How long a package that could not be installed is left alone while an older one serves. */
const RETRY_AFTER = 24 * 3600 * 1000;

/** Returns the plugin of a device, after installing the best package; an older one that is installed serves where that fails. */
async function pluginOf(device: DeviceName, options: InstallOptions): Promise<string> {
  const found = findPlugin(device);
  const [best] = pluginEntries(device);
  if (!found) return installPlugin(device, options);
  if (found.source !== 'installed' || found.path === installedPath(best)) return found.path;
  const refused = join(cacheFolder(), 'plugins', `.${best.package}-${best.version}.refused`);
  const tried = statSync(refused, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Math.abs(Date.now() - tried) < RETRY_AFTER) return found.path;
  try {
    return await installEntry(best, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    log('warn', `${best.package} ${best.version} cannot be installed, an older plugin is used: ${messageOf(error)}`);
    try {
      writeFileSync(refused, '');
    } catch {
      // A cache folder that cannot be written is no reason to refuse the older plugin.
    }
    return found.path;
  }
}

/**
 * Installs the plugin of a device, or the package of that name, into the cache folder and returns its path. Of a device's packages the
 * first that can be installed is taken. Throws with what to do if none can be installed.
 */
export async function installPlugin(name: string, options: InstallOptions = {}): Promise<string> {
  const [best, ...others] = entriesNamed(name);
  try {
    return await installEntry(best, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    for (const entry of others) {
      log('warn', `${best.package} ${best.version} cannot be installed: ${messageOf(error)}`);
      const path = await installEntry(entry, options).catch(() => undefined);
      if (path !== undefined) return path;
    }
    throw error;
  }
}

async function installEntry(entry: PluginEntry, options: InstallOptions): Promise<string> {
  const wheel = wheelFor(entry);
  const { package: packageName, version, file } = entry;
  const companions = (wheel.companions ?? []).filter(({ needed }) => needed === 'always' || isPresent(entry));
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
  const near = nearest(name, DEVICE_NAMES, 1)[0];
  throw new FluxionError('not_found', `no plugin is called '${name}'`, {
    hint: `${near ? `did you mean '${near}'? ` : ''}there are ${DEVICE_NAMES.join(', ')}`,
  });
}

/** What decides whether a package fits a machine. */
export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** Undefined where the C library is not glibc. */
  readonly glibc: string | undefined;
}

function thisHost(): Host {
  // Without this the report looks up the name of every open connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return { platform: process.platform, arch: process.arch, glibc: header?.glibcVersionRuntime };
}

/** Returns the package of a plugin for a machine, or throws `unsupported` with why there is none and what to do instead. */
export function wheelFor(entry: PluginEntry, host: Host = thisHost()): Wheel {
  const { device, title, manual, wheels } = entry;
  if (Object.keys(wheels).length === 0) {
    throw new FluxionError('unsupported', `the plugin for ${device} (${title}) is not installed automatically yet`, {
      hint: manual,
    });
  }
  const platform = `${host.platform}-${host.arch}`;
  const elsewhere = `run on one of ${Object.keys(wheels).join(', ')} (a container will do), or build a plugin and run: fluxion plugins add PATH`;
  const wheel = wheels[platform];
  if (!wheel) {
    throw new FluxionError('unsupported', `the plugin for ${device} has no package for ${platform}`, {
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

/** Where a plugin is installed: one without its device's libraries in a folder of its own, so that it is not taken for whole once there is such a device. */
function installFolder(entry: PluginEntry): string {
  const host = `${process.platform}-${process.arch}`;
  const separable = entry.wheels[host]?.companions?.some(({ needed }) => needed === 'with the device') ?? false;
  const part = separable && !isPresent(entry) ? '-compiler' : '';
  return join(cacheFolder(), 'plugins', `${entry.package}-${entry.version}-${host}${part}`);
}

function isPresent(entry: PluginEntry): boolean {
  if (entry.device === 'cpu') return true;
  if (entry.device === 'metal') return process.platform === 'darwin' && process.arch === 'arm64';
  return entry.deviceFiles.some((path) => existsSync(path));
}

/** Every known plugin with its state on this machine. */
export function listPlugins(): PluginStatus[] {
  return PLUGINS.map((entry) => {
    const [best] = pluginEntries(entry.device);
    const used = findPlugin(entry.device, {});
    // What was added by hand stands in the row of the device's best package.
    const path = used?.source === 'installed' || entry !== best ? installedPath(entry) : used?.path;
    const found = path === undefined ? undefined : { path, source: path === used?.path ? used.source : 'installed' };
    const status = found ? found.source : automatic(entry);
    return {
      ...entry,
      status: status as PluginStatus['status'],
      path: found?.path,
      present: isPresent(entry),
      used: used ? path === used.path : entry === best,
    };
  });
}

function automatic(entry: PluginEntry): 'available' | 'manual' | 'unsupported' {
  if (entry.manual !== undefined) return 'manual';
  try {
    wheelFor(entry);
    return 'available';
  } catch {
    return 'unsupported';
  }
}

/**
 * Adds a plugin file: loads it in a process of its own (a file that is no plugin may crash what loads it), asks what it serves, and remembers
 * it. `device` says what it serves, where its device is not in this machine and its file goes by no known name.
 */
export async function addPlugin(path: string, { device }: { device?: DeviceName } = {}): Promise<AddedPlugin> {
  if (!existsSync(path)) throw new FluxionError('not_found', `no file at ${path}`, { hint: 'check the path' });
  const real = realpathSync(path);
  const { apiVersion, platform } = await inspectInChild(real);
  const { size, mtimeMs } = statSync(real);
  const known = PLUGINS.find(({ file }) => file !== undefined && basename(file) === basename(real));
  const served = device ?? deviceOf(platform) ?? known?.device;
  const added: AddedPlugin = { device: served, path: real, apiVersion, sha256: await hashFile(real), size, mtimeMs };
  const others = addedPlugins().filter((plugin) => plugin.path !== real);
  writeAdded([...others, added]);
  return added;
}

/** What a plugin says about itself when it is loaded. */
export interface PluginReport {
  readonly apiVersion: string;
  /** The platform's name, where a client could be made. */
  readonly platform: string | undefined;
}

async function inspectInChild(path: string): Promise<PluginReport> {
  const script = `
    const { Plugin, Client } = await import(process.argv[1]);
    const say = (answer) => process.stdout.write('\\n' + JSON.stringify(answer), () => process.exit(0));
    try {
      const plugin = Plugin.load(process.argv[2]);
      let platform;
      try { using client = await Client.create(plugin); platform = client.platformName; } catch {}
      say({ apiVersion: plugin.apiVersion, platform });
    } catch (error) { say({ refused: error.message }); }`;
  const module = import.meta.url.replace(/plugins\.(ts|js)$/, 'client.$1');
  const args = ['--input-type=module', '-e', script, module, path];
  let reason: string;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    const answer = JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as PluginReport | { refused: string };
    if (!('refused' in answer)) return answer;
    reason = answer.refused;
  } catch (error) {
    const { stderr = '', signal } = error as { stderr?: string; signal?: string };
    reason = signal ? `loading it ended with ${signal}` : stderr.trim().slice(-300);
  }
  throw new FluxionError('plugin', `${path} is not a PJRT plugin that works here: ${reason}`, {
    hint: 'give the shared library itself (such as xla_cpu_pjrt.so), built for this operating system and processor',
  });
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

/** The plugins added by hand, oldest first. */
export function addedPlugins(): AddedPlugin[] {
  const path = addedFile();
  if (!existsSync(path)) return [];
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!Array.isArray(list)) throw new Error('it is not a list');
    return list as AddedPlugin[];
  } catch (cause) {
    throw new FluxionError('bad_file', `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      hint: 'delete it and add your plugins again',
    });
  }
}

function writeAdded(plugins: readonly AddedPlugin[]): void {
  makeFolder(cacheFolder());
  const staging = `${addedFile()}.${process.pid}`;
  writeFileSync(staging, `${JSON.stringify(plugins, null, 2)}\n`);
  renameSync(staging, addedFile());
}

/**
 * A string that changes when a plugin file does, for cache keys. Cheap: the hash recorded at installation where size and time still agree,
 * and otherwise size and time themselves.
 */
export function pluginFingerprint(path: string): string {
  const real = realpathSync(path);
  const { size, mtimeMs } = statSync(real);
  const record = readRecord(real) ?? addedPlugins().find((plugin) => plugin.path === real);
  return record?.size === size && record.mtimeMs === mtimeMs ? `sha256:${record.sha256}` : `stat:${size}:${mtimeMs}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
