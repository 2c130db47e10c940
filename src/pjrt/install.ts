/**
 * Installing a wheel, and those it needs beside it, with the Python tools at hand: `uv`, else `pip`, told to accept nothing but
 * the pinned files.
 *
 * A package is unpacked into a hidden folder beside its destination and renamed into place when it is whole, so a killed install leaves
 * nothing that looks installed; what it does leave is swept by the next one. Of two processes that install at once, the second to finish
 * discards its copy.
 */

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { byteText } from '../support/byte-text.ts';
import { FluxionError } from '../support/errors.ts';
import { log } from '../support/log.ts';
import { makeFolder } from '../support/make-folder.ts';

/** What to install, and the hashes it must have. */
export interface WheelRequest {
  readonly package: string;
  readonly version: string;
  readonly sha256: string;
  /** Path of the plugin inside the package, and its own hash. */
  readonly file: string;
  readonly fileSha256: string;
  /** The Python version to ask the index for, where the package is filed under one. */
  readonly python?: string | undefined;
  /** Sizes for the progress line: of the download, and of what is inside, of companions too. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  /** Packages that are unpacked beside it. */
  readonly companions?: readonly { readonly package: string; readonly version: string; readonly sha256: string }[];
}

/** How far an installation is. */
export interface InstallProgress {
  readonly phase: 'downloading' | 'unpacking' | 'verifying' | 'installed';
  /** Bytes on disk so far in this phase, and how many there will be. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly seconds: number;
}

/** Called with a line a person can read, and the same as data. */
export type OnProgress = (message: string, progress: InstallProgress) => void;

export interface InstallOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What is remembered of an installed or added plugin file; its hash holds as long as size and time do. */
export interface FileRecord {
  readonly sha256: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Name of the record beside an installed package. */
export const RECORD = 'fluxion-plugin.json';

/** Installs a wheel into `folder` and returns the path of its plugin file; returns at once when it is there already. */
export async function installWheel(wheel: WheelRequest, folder: string, options: InstallOptions = {}): Promise<string> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const installed = join(folder, wheel.file);
  if (existsSync(join(folder, RECORD)) && existsSync(installed)) return installed;
  const parent = dirname(folder);
  try {
    makeFolder(parent);
  } catch (cause) {
    throw new FluxionError('io', `cannot create ${parent}: ${message(cause)}`, {
      cause,
      hint: 'set FLUXION_CACHE_DIR to a folder that can be written to',
    });
  }
  await sweep(parent);

  const staging = join(parent, `.${basename(folder)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  const progress = new ProgressMeter(wheel, staging, onProgress);
  try {
    makeFolder(join(staging, 'tmp'));
    await fetchWheel(wheel, staging, signal);
    progress.enter('verifying', wheel.unpackedBytes);
    const file = join(staging, 'package', wheel.file);
    const sha256 = await hashFile(file, signal).catch((cause) => {
      signal?.throwIfAborted();
      throw new FluxionError('plugin', `${wheel.package} ${wheel.version} has no readable ${wheel.file}`, { cause });
    });
    if (sha256 !== wheel.fileSha256)
      throw wrongHash(wheel, `${wheel.file} has sha256 ${sha256}, not ${wheel.fileSha256}`);
    const { size, mtimeMs } = await stat(file);
    const record = { package: wheel.package, version: wheel.version, file: wheel.file, sha256, size, mtimeMs };
    await writeFile(join(staging, 'package', RECORD), `${JSON.stringify(record, null, 2)}\n`);
    await moveInto(join(staging, 'package'), folder);
    progress.enter('installed', wheel.unpackedBytes);
    return installed;
  } catch (error) {
    if (error instanceof FluxionError || signal?.aborted) throw error;
    throw explain(wheel, staging, 'writing the files', String(error));
  } finally {
    progress.stop();
    await rm(staging, { recursive: true, force: true });
  }
}

/** Renames a finished package into place; where another process was faster, its copy stays. A folder without a record is replaced. */
async function moveInto(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (existsSync(join(to, RECORD))) return;
      if (attempt > 0) throw error;
      await rm(to, { recursive: true, force: true });
    }
  }
}

/** Removes what installations that no longer run have left behind. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(name.match(/^\..+\.(\d+)\.[0-9a-f]{8}$/)?.[1]);
    if (!pid || pid === process.pid || isRunning(pid)) continue;
    log('debug', `removing the unfinished installation ${name}`);
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The tools that can install a wheel, best first, each by the commands it may go by. */
const INSTALLERS: readonly { readonly commands: readonly (readonly string[])[]; readonly flags: readonly string[] }[] =
  [
    { commands: [['uv', 'pip']], flags: [] },
    {
      commands: [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']],
      flags: ['--no-compile', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'],
    },
  ];

/** Unpacks the wheel into `staging/package` with the first installer that manages to. */
async function fetchWheel(wheel: WheelRequest, staging: string, signal: AbortSignal | undefined): Promise<void> {
  const requirements = join(staging, 'requirements.txt');
  const lines = [wheel, ...(wheel.companions ?? [])].map(
    (w) => `${w.package}==${w.version} --hash=sha256:${w.sha256}\n`,
  );
  await writeFile(requirements, lines.join(''));
  const target = join(staging, 'package');
  const python = wheel.python === undefined ? [] : ['--python-version', wheel.python];
  const pinned = [
    ...python,
    '--no-deps',
    '--only-binary',
    ':all:',
    '--require-hashes',
    '--target',
    target,
    '-r',
    requirements,
  ];
  let failure: FluxionError | undefined;
  for (const { commands, flags } of INSTALLERS) {
    for (const command of commands) {
      const [program = '', ...prefix] = command;
      const { code, output } = await run(program, [...prefix, 'install', ...flags, ...pinned], staging, signal);
      if (code === 127 || /No module named '?pip/.test(output)) continue;
      if (code === 0 && existsSync(join(target, wheel.file))) return;
      failure = explain(wheel, staging, command.join(' '), output);
      if (failure.code === 'io' || /wrong hash/.test(failure.message)) throw failure;
      log('debug', `${failure.message}\n${output}`);
      await rm(target, { recursive: true, force: true });
      break;
    }
  }
  if (failure) throw failure;
  throw new FluxionError('plugin', `installing ${wheel.package} needs uv or pip, and neither was found`, {
    hint: `install uv (one file, no Python needed) or Python 3 with pip and run this again; or ${byHand(wheel)}`,
  });
}

function byHand(wheel: WheelRequest): string {
  return `download the wheel ${wheel.package} ${wheel.version} on another machine, unzip it, and run: fluxion plugins add PATH/${wheel.file}`;
}

/** Runs a program and collects what it prints; exit status 127 when there is no such program. An abort ends it and rejects. */
function run(
  program: string,
  args: readonly string[],
  staging: string,
  signal: AbortSignal | undefined,
): Promise<{ code: number; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number; output: string }>();
  const temporary = join(staging, 'tmp');
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    // Downloads land in the staging folder, where they are swept; settings that contradict --target are overruled.
    env: {
      ...process.env,
      TMPDIR: temporary,
      TMP: temporary,
      TEMP: temporary,
      PIP_USER: '0',
      PIP_REQUIRE_VIRTUALENV: '0',
    },
    ...(signal && { signal }),
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.on('error', (error) => {
    if (!signal?.aborted) resolve({ code: 127, output: String(error) });
  });
  child.on('close', (code) => {
    if (signal?.aborted) reject(signal.reason);
    else resolve({ code: code ?? 1, output });
  });
  return promise;
}

const NETWORK =
  /NewConnectionError|Max retries exceeded|Temporary failure in name resolution|Name or service not known|getaddrinfo|ConnectTimeout|Connection refused|Connection reset|Network is unreachable|ProxyError|SSLError|error sending request|dns error|Could not connect/i;

/** Turns an installer's last words into what happened and what to do. */
export function explain(wheel: WheelRequest, staging: string, installer: string, output: string): FluxionError {
  const what = `${wheel.package} ${wheel.version}`;
  const last = output.trim().split('\n').slice(-3).join(' ').slice(0, 600);
  if (/DO NOT MATCH THE HASHES|hash mismatch|hashes? (do|does) not match/i.test(output)) {
    return wrongHash(wheel, `the index served a file with another hash than ${wheel.sha256}`);
  }
  if (/No space left on device|Errno 28|ENOSPC|os error 28|not enough space/i.test(output)) {
    return new FluxionError('io', `the disk ran full while installing ${what} into ${dirname(staging)}`, {
      hint: `free ${byteText(wheel.bytes + wheel.unpackedBytes)} there, or set FLUXION_CACHE_DIR to a folder on a larger disk`,
    });
  }
  if (NETWORK.test(output)) {
    return new FluxionError('plugin', `${installer} could not reach the package index for ${what}: ${last}`, {
      hint: `connect to the network, or set the installer's index or proxy (PIP_INDEX_URL, UV_INDEX_URL, HTTPS_PROXY); without a network, ${byHand(wheel)}`,
    });
  }
  if (
    /No matching distribution|Could not find a version|not found in the package registry|no version of/i.test(output)
  ) {
    return new FluxionError('plugin', `${installer} found no ${what} for this machine: ${last}`, {
      hint: `upgrade pip (20.3 or later) or install uv; if the index is a mirror, it may lack the package; or ${byHand(wheel)}`,
    });
  }
  return new FluxionError('plugin', `${installer} could not install ${what}: ${last || 'it said nothing'}`, {
    hint: `run it again; or ${byHand(wheel)}`,
  });
}

function wrongHash(wheel: WheelRequest, what: string): FluxionError {
  return new FluxionError('plugin', `${wheel.package} ${wheel.version} was refused: ${what} (wrong hash)`, {
    hint: 'nothing was installed; a proxy, mirror or cache between here and the package index altered or replaced the file: try again on another network',
  });
}

/** Hashes a file with SHA-256. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) }))
    hash.update(chunk);
  return hash.digest('hex');
}

/** Reads the record of the package that holds `file`, if an installation put it there. */
export function readRecord(file: string): FileRecord | undefined {
  for (
    let folder = dirname(file), depth = 0;
    depth < 6 && folder !== dirname(folder);
    folder = dirname(folder), depth++
  ) {
    const path = join(folder, RECORD);
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as FileRecord;
  }
  return undefined;
}

/** Tells how far the installer is by what it has put on disk, since neither pip nor uv says so in a form meant for programs. */
class ProgressMeter {
  readonly #wheel: WheelRequest;
  readonly #staging: string;
  readonly #report: OnProgress | undefined;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  #phase: InstallProgress['phase'] = 'downloading';
  /** The most bytes seen in this phase: files that move from one folder to another are gone in between. */
  #most = 0;

  constructor(wheel: WheelRequest, staging: string, report: OnProgress | undefined) {
    this.#wheel = wheel;
    this.#staging = staging;
    this.#report = report;
    this.#timer = setInterval(() => this.#look(), 250);
    this.#timer.unref();
    this.#say(0, wheel.bytes);
  }

  enter(phase: InstallProgress['phase'], bytes: number): void {
    this.#phase = phase;
    this.#say(bytes, bytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#phase === 'verifying' || this.#phase === 'installed') return;
    const { bytes, unpackedBytes } = this.#wheel;
    const { download, unpacked } = measure(this.#staging);
    // The installers' own small files come first.
    if (this.#phase === 'downloading' && unpacked > 1e6) {
      this.#phase = 'unpacking';
      this.#most = 0;
    }
    const [now, total] = this.#phase === 'unpacking' ? [unpacked, unpackedBytes] : [download, bytes];
    this.#most = Math.min(total, Math.max(this.#most, now));
    this.#say(this.#most, total);
  }

  #say(bytes: number, totalBytes: number): void {
    const seconds = (performance.now() - this.#start) / 1000;
    const amount =
      this.#phase === 'downloading' || this.#phase === 'unpacking'
        ? `, ${byteText(bytes)} of ${byteText(totalBytes)}`
        : '';
    const line = `${this.#phase} ${this.#wheel.package} ${this.#wheel.version}${amount}, ${seconds.toFixed(0)} s`;
    this.#report?.(line, { phase: this.#phase, bytes, totalBytes, seconds });
  }
}

/** Bytes downloaded (wheels) and unpacked (everything else) under a folder. Files and folders come and go while it looks. */
function measure(folder: string): { download: number; unpacked: number } {
  const found = { download: 0, unpacked: 0 };
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const { download, unpacked } = measure(path);
      found.download += download;
      found.unpacked += unpacked;
    } else if (entry.isFile()) {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      found[entry.name.endsWith('.whl') ? 'download' : 'unpacked'] += size;
    }
  }
  return found;
}

/** What is in a folder; nothing where it has gone meanwhile. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
