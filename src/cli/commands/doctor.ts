/** `fluxion doctor`: checks this machine, one line per check, with a remedy for each problem. */

import { execFile } from 'node:child_process';
import { arch, availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../support/cache-folder.ts';
import { FluxionError } from '../../support/errors.ts';
import { glibcVersion } from '../../support/glibc.ts';
import { oneLine } from '../../support/quote.ts';
import { reasonOf } from '../../support/system-error.ts';
import {
  findPlugin,
  hashDamage,
  installerVersions,
  listPlugins,
  notableInstructions,
  type PluginStatus,
  TRIAL_ENVIRONMENT,
  trialFailure,
} from '../../xla.ts';
import { fileCommand } from '../args.ts';
import { FAILURE, OK, printJson, refuseWords, type Session } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { sizeOf, tryWriting } from '../folder.ts';
import { bytes, paint } from '../terminal/render.ts';
import type { Probe } from './doctor-probe.ts';

const HELP = `fluxion doctor

Checks what works on this machine: Node, the C library, plugins, devices, the cache folder, memory, picture encoding and the bundled
model. Each plugin is loaded in its own process, which compiles and runs a small program and compares the result. Each line says
ok, warn or fail, and what to do; the exit status is 1 if a check failed.

Examples
  fluxion doctor
  fluxion doctor --json

Options
${optionLines(JSON_FLAG)}
`;

/** One line of the report. */
interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do. */
  readonly hint?: string | undefined;
}

const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });
const warn = (name: string, detail: string, hint?: string): Check => ({ name, status: 'warn', detail, hint });
const fail = (name: string, detail: string, hint?: string): Check => ({ name, status: 'fail', detail, hint });

const GIB = 2 ** 30;
/** Bytes that the bundled model needs, with room to spare. FLUX.1 needs 24 GiB in bf16. */
const LITTLE_MEMORY = GIB;
const PROBE_TIMEOUT = 120_000;
/** Largest accepted relative error of the probe's result; TPUs and GPUs round more coarsely than the CPU. */
const CLOSE = 1e-2;

// In a function with `using`, TypeScript does not rewrite `import('….ts')`, so the built package would look for a .ts file.
const library = () => import('../../index.ts');

export default fileCommand({
  flags: JSON_FLAG,
  choices: { words: [] },
  help: HELP,

  async run({ flags, words }, session) {
    refuseWords(words);
    const checks: Check[] = [];
    for await (const check of examine(session)) {
      checks.push(check);
      if (!flags.json) process.stdout.write(`${lineOf(check)}\n`);
    }
    const failed = checks.some(({ status }) => status === 'fail');
    if (flags.json) printJson({ ok: !failed, checks });
    return failed ? FAILURE : OK;
  },
});

function lineOf({ name, status, detail, hint }: Check): string {
  const colour = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const line = `${paint(colour[status], status.padEnd(5), process.stdout)}${name.padEnd(14)}${oneLine(detail)}`;
  return hint === undefined ? line : `${line}\n${' '.repeat(19)}${paint('cyan', '→', process.stdout)} ${oneLine(hint)}`;
}

async function* examine({ signal }: Session): AsyncGenerator<Check> {
  yield node();
  yield platform();
  yield memory();
  yield await cache();
  let cpuWorks = false;
  for (const plugin of listPlugins().filter(({ used }) => used)) {
    signal.throwIfAborted();
    const check = await pluginCheck(plugin, signal);
    if (check) yield check;
    if (plugin.device === 'cpu') {
      cpuWorks = check?.status === 'ok';
      yield await installers(cpuWorks);
    }
  }
  yield await pictures();
  signal.throwIfAborted();
  yield cpuWorks ? await bundledModel(signal) : warn('bundled model', 'not tried, as the cpu plugin does not work yet');
}

function node(): Check {
  return ok('node', `${process.version} at ${process.execPath}`);
}

function platform(): Check {
  const glibc = glibcVersion();
  const detail = `${process.platform} ${arch()}${glibc ? `, glibc ${glibc}` : ''}`;
  const cpu = listPlugins().find(({ device }) => device === 'cpu')!;
  if (cpu.status !== 'unsupported') return ok('platform', detail);
  const hint =
    'use Linux with glibc on x64 or arm64, a container too, or build a plugin and run: fluxion plugins add PATH';
  return warn('platform', `${detail}: there is no packaged plugin for it`, hint);
}

function memory(): Check {
  const sets = notableInstructions();
  const processor = `${cpus()[0]?.model ?? 'unknown processor'}${sets.length > 0 ? ` (${sets.join(', ')})` : ''}`;
  const detail = `${bytes(totalmem())}, ${bytes(freemem())} free; ${availableParallelism()} cores, ${processor}`;
  if (totalmem() >= LITTLE_MEMORY) return ok('machine', detail);
  return warn('machine', detail, `the bundled model wants ${bytes(LITTLE_MEMORY)}`);
}

async function cache(): Promise<Check> {
  const folder = cacheFolder();
  const name = 'cache folder';
  try {
    await tryWriting(folder);
  } catch (error) {
    const hint = 'make it writable, or set FLUXION_CACHE_DIR to a folder that is';
    // If a plugin is installed, everything works without a writable cache, but each run compiles its programs again.
    const told = findPlugin('cpu') ? warn : fail;
    return told(name, `${folder} cannot be written: ${reasonOf(error)}`, hint);
  }
  const [plugins, programs] = ['plugins', 'executables'].map((name) => bytes(sizeOf(join(folder, name))));
  return ok(name, `${folder}: plugins ${plugins}, compiled programs ${programs}`);
}

/** Checks one device's plugin; undefined for a device that is neither here nor has a plugin. */
async function pluginCheck(plugin: PluginStatus, signal: AbortSignal): Promise<Check | undefined> {
  const { device, title, present, status, manual, damage, package: packageName, version, xla } = plugin;
  const found = findPlugin(device);
  const named = found?.source === 'environment' && (found.device ?? 'cpu') === device ? found.path : undefined;
  const path = named ?? plugin.path;
  const name = `plugin ${device}`;
  if (path === undefined) {
    if (!present || status === 'unsupported') return undefined;
    if (status === 'manual') return warn(name, `${title} is here, and its plugin is not installed`, manual);
    const hint = `it installs itself on first use, or now: fluxion plugins install ${device}`;
    return warn(name, damage === undefined ? 'not installed yet' : `damaged: ${damage}`, hint);
  }
  const source = named || status === 'added' ? path : `${packageName} ${version}${xla ? ` (XLA of ${xla})` : ''}`;
  try {
    const changed = await hashDamage(path, signal);
    if (changed !== undefined) {
      const again = status === 'added' ? `fluxion plugins add ${path}` : `fluxion plugins install ${device}`;
      const hint = `fluxion plugins remove ${status === 'added' ? path : device}, then: ${again}`;
      return fail(name, `${path} was changed: ${changed}`, hint);
    }
    const { apiVersion, stablehlo, devices, deviceMemory, compileSeconds, relativeError } = await probe(path, signal);
    const kinds = [...new Set(devices)].map((kind) => `${devices.filter((other) => other === kind).length} × ${kind}`);
    const room = deviceMemory === undefined ? '' : ` with ${bytes(deviceMemory)}`;
    const detail = `${kinds.join(', ')}${room}; ${source}; PJRT API ${apiVersion}${stablehlo ? `, StableHLO ${stablehlo}` : ''}; compiled and ran a program in ${compileSeconds.toFixed(2)} s`;
    if (relativeError <= CLOSE) return ok(name, detail);
    const wrong = `${detail}, and its result is wrong by ${relativeError.toPrecision(2)}`;
    return fail(name, wrong, 'install another version of the plugin or of its driver');
  } catch (error) {
    signal.throwIfAborted();
    const { message, code, hint: own } = error as FluxionError;
    if (code === 'bad_config') return fail(name, message, own);
    // A plugin without its device is not an error of the machine.
    const compiles = 'it can still compile for one: fluxion compile --help';
    if (!present) return warn(name, `${source}; there is no ${title} in this machine`, compiles);
    const detail = message.startsWith(path) ? message : `${path} does not work: ${message}`;
    const again = 'run: fluxion plugins remove cpu, then: fluxion plugins install cpu';
    return fail(name, detail, device === 'cpu' ? again : plugin.notes);
  }
}

/** Runs the probe on a plugin; rejects with its process's error, or the signal that ended it. */
async function probe(path: string, signal: AbortSignal): Promise<Probe> {
  const script = fileURLToPath(import.meta.url).replace(/doctor\.(ts|js)$/, 'doctor-probe.$1');
  try {
    const options = { timeout: PROBE_TIMEOUT, signal, env: { ...process.env, ...TRIAL_ENVIRONMENT } };
    const { stdout } = await promisify(execFile)(process.execPath, [script, path], options);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Probe;
  } catch (failure) {
    throw trialFailure(path, failure);
  }
}

/** The tools that install plugins. */
async function installers(installed: boolean): Promise<Check> {
  const found = await installerVersions();
  if (found.length > 0) return ok('installers', found.join(', '));
  const hint = 'install uv (one file, no Python needed), or Python 3 with pip';
  return (installed ? warn : fail)('installers', 'neither uv nor pip was found; they install plugins', hint);
}

async function pictures(): Promise<Check> {
  try {
    const { default: sharp } = await import('sharp');
    const { encode } = await library();
    const data = Uint8Array.of(10, 20, 30, 250, 240, 230);
    const png = await encode({ width: 2, height: 1, data }, 'png');
    const same = (await sharp(png).raw().toBuffer()).equals(data);
    if (!same) throw new Error('a PNG came back with other pixels');
    return ok('pictures', `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`);
  } catch (error) {
    const hint = "reinstall it: npm install sharp (with --include=optional, and for this machine's platform)";
    return fail('pictures', `sharp does not work: ${(error as Error).message}`, hint);
  }
}

async function bundledModel(signal: AbortSignal): Promise<Check> {
  const name = 'bundled model';
  try {
    const start = performance.now();
    const { Flux } = await library();
    await using flux = await Flux.load('tiny', { device: 'cpu', signal });
    const took = ((performance.now() - start) / 1000).toFixed(2);
    return ok(name, `${flux.path} opens in ${took} s`);
  } catch (error) {
    signal.throwIfAborted();
    const hint = error instanceof FluxionError ? error.hint : undefined;
    return fail(name, (error as Error).message, hint ?? 'reinstall fluxion');
  }
}
