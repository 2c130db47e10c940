/** Finds and runs external programs independently of the current folder: a `pip/`, `uv.toml` or `python3` in a cloned repository must not run. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { attempt } from './attempt.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The absolute folders of PATH. */
function searchPath(env: Environment): string[] {
  const path = env['PATH'] ?? env['Path'] ?? '';
  return path.split(delimiter).filter((folder) => isAbsolute(folder));
}

/**
 * Returns the absolute path of a program on PATH, or undefined. Skips empty and relative entries of PATH, which depend on the current
 * folder, and the current folder itself, which Windows searches first.
 */
export function findProgram(name: string, env: Environment = process.env): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return searchPath(env)
    .map((folder) => join(folder, file))
    .find((path) => {
      const isRunnable = attempt(() => accessSync(path, constants.X_OK) ?? true, false);
      return isRunnable && statSync(path, { throwIfNoEntry: false })?.isFile();
    });
}

/** Settings of pip and uv for package sources and the network; others could name programs to run. */
const INDEX_SETTING =
  /^(PIP|UV)_.*(INDEX|FIND_LINKS|CERT|PROXY|TIMEOUT|RETRIES|HOST|CONFIG_FILE|CACHE|NATIVE_TLS|USE_FEATURE|OFFLINE|KEYRING)/;
/** Settings that hold paths, which may be relative to the current folder. */
const PATHS = /(FIND_LINKS|CERT|CONFIG_FILE|CACHE_DIR)$/;

/**
 * The environment for Python's installers, which run in a private folder. It lacks variables that could make them run other code
 * (`PYTHON*`, and `PIP_*` and `UV_*` except package sources), and its paths are absolute.
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

/** Makes a path absolute; returns addresses and paths from a home folder unchanged. */
function absolute(path: string): string {
  return path === '' || path.startsWith('~') || /^[a-z][a-z0-9+.-]+:/i.test(path) ? path : resolve(path);
}
