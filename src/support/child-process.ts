/**
 * Programs of other people, run so that the current folder decides nothing: a cloned repository with a `pip/`, a `uv.toml` or a
 * `python3` in it must not run.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Folders of PATH that do not depend on the current one. */
function searchPath(env: Environment): string[] {
  const path = env['PATH'] ?? env['Path'] ?? '';
  return path.split(delimiter).filter((folder) => isAbsolute(folder));
}

/**
 * The absolute path of a program on PATH, or undefined. Entries of PATH that are empty or relative mean the current folder and are
 * skipped, as is the current folder itself, which Windows searches first.
 */
export function findProgram(name: string, env: Environment = process.env): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return searchPath(env)
    .map((folder) => join(folder, file))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

/** Settings of pip and uv that say where packages come from and how they are reached; others could name programs to run. */
const INDEX_SETTING =
  /^(PIP|UV)_.*(INDEX|FIND_LINKS|CERT|PROXY|TIMEOUT|RETRIES|HOST|CONFIG_FILE|CACHE|NATIVE_TLS|USE_FEATURE|OFFLINE|KEYRING)/;
/** Those that hold paths, which may be relative to the current folder. */
const PATHS = /(FIND_LINKS|CERT|CONFIG_FILE|CACHE_DIR)$/;

/**
 * The environment for Python's installers, which run in a folder of ours: without what makes Python or an installer run other code
 * (`PYTHON*`, and all of `PIP_*` and `UV_*` but where packages come from), and with the paths among the rest made absolute.
 */
export function installerEnvironment(env: Environment = process.env): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || /^PYTHON/i.test(name)) return [];
    if (/^path$/i.test(name)) return [[name, searchPath(env).join(delimiter)]];
    if (!/^(PIP|UV)_/i.test(name)) return [[name, value]];
    if (!INDEX_SETTING.test(name.toUpperCase())) return [];
    return [[name, PATHS.test(name) ? value.split(' ').map(absolute).join(' ') : value]];
  });
  return Object.fromEntries(kept);
}

/** A path made absolute; addresses, and paths from a home folder, stay. */
function absolute(path: string): string {
  return path === '' || path.startsWith('~') || /^[a-z][a-z0-9+.-]+:/i.test(path) ? path : resolve(path);
}
