/**
 * The Python tools that unpack a wheel: `uv`, else `pip`, told to accept nothing but the pinned files, and run isolated in a folder of
 * ours, so that no code of the current folder runs.
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { promisify } from 'node:util';
import { byteText } from '../../support/byte-text.ts';
import { findProgram, installerEnvironment } from '../../support/child-process.ts';
import { FluxionError } from '../../support/errors.ts';
import { log } from '../../support/log.ts';
import type { Companion, Wheel } from './plugin-table.ts';

/** What to install, and the hashes it must have. The sizes include companions: they are for the progress line. */
export interface WheelRequest extends Omit<Wheel, 'companions'> {
  readonly package: string;
  readonly version: string;
  /** Path of the plugin inside the package. */
  readonly file: string;
  /** Packages that are unpacked beside it. */
  readonly companions?: readonly Pick<Companion, 'package' | 'version' | 'sha256'>[];
}

/** The tools that can install a wheel, best first, each with the commands that may start it. Python runs isolated: `-I`. */
const INSTALLERS: readonly { readonly commands: readonly (readonly string[])[]; readonly flags: readonly string[] }[] =
  [
    { commands: [['uv', 'pip']], flags: [] },
    {
      commands: [['python3', '-I', '-m', 'pip'], ['python', '-I', '-m', 'pip'], ['pip3'], ['pip']],
      flags: ['--no-compile', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'],
    },
  ];

/** The installers of this machine with their versions, such as `pip 25.1`. */
export async function installerVersions(): Promise<string[]> {
  const versions = INSTALLERS.flatMap(({ commands }) => commands).map(async ([name = '', ...prefix]) => {
    const program = findProgram(name);
    if (program === undefined) return '';
    // A folder that nobody else writes into.
    const options = { timeout: 20_000, cwd: parse(process.execPath).root, env: installerEnvironment() };
    const args = [...prefix.filter((word) => word !== 'pip' || prefix.length > 1), '--version'];
    const { stdout } = await promisify(execFile)(program, args, options).catch(() => ({ stdout: '' }));
    return stdout.trim().split(' from ')[0]!;
  });
  return [...new Set(await Promise.all(versions))].filter((version) => version !== '');
}

/** Unpacks the wheel into `package` of the absolute folder `staging` with the first installer that succeeds; throws `plugin` or `io`. */
export async function fetchWheel(wheel: WheelRequest, staging: string, signal: AbortSignal | undefined): Promise<void> {
  const requirements = join(staging, 'requirements.txt');
  const lines = [wheel, ...(wheel.companions ?? [])].map(
    (w) => `${w.package}==${w.version} --hash=sha256:${w.sha256}\n`,
  );
  await writeFile(requirements, lines.join(''));
  const target = join(staging, 'package');
  const python = wheel.python === undefined ? [] : ['--python-version', wheel.python];
  const pinned = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '--target', target, '-r', requirements];
  let failure: FluxionError | undefined;
  for (const { commands, flags } of INSTALLERS) {
    for (const command of commands) {
      const [program = '', ...prefix] = command;
      const { code, output } = await run(
        program,
        [...prefix, 'install', ...flags, ...python, ...pinned],
        staging,
        signal,
      );
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

/** Runs a program in the staging folder and collects what it prints; exit status 127 when there is no such program. An abort ends it and rejects. */
function run(
  name: string,
  args: readonly string[],
  staging: string,
  signal: AbortSignal | undefined,
): Promise<{ code: number; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number; output: string }>();
  const program = findProgram(name);
  if (program === undefined) return Promise.resolve({ code: 127, output: `no ${name} on PATH` });
  // Downloads land in the staging folder, where they are swept; settings that contradict --target are overruled.
  const temporary = join(staging, 'tmp');
  const own = { TMPDIR: temporary, TMP: temporary, TEMP: temporary, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    cwd: temporary,
    env: { ...installerEnvironment(), ...own },
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

/** Turns an installer's last output into an error that says what happened and what to do. */
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

/** The error for a download that is not the pinned file. */
export function wrongHash(wheel: WheelRequest, what: string): FluxionError {
  return new FluxionError('plugin', `${wheel.package} ${wheel.version} was refused: ${what} (wrong hash)`, {
    hint: 'nothing was installed; a proxy, mirror or cache between here and the package index altered or replaced the file: try again on another network',
  });
}
