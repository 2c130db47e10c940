/** Finds the user's own configuration file, which every source named by a run overrides. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { userPath } from '../support/user-path.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the personal file lies: what `FLUXION_CONFIG` says, or `fluxion/config.yml` in the operating system's place for settings. */
export function personalConfigPath(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const own = env['FLUXION_CONFIG'];
  if (own) return userPath(own, env);
  const xdg = env['XDG_CONFIG_HOME'];
  // The XDG Base Directory Specification says to ignore empty and relative values.
  if (xdg?.startsWith('/')) return join(xdg, 'fluxion', 'config.yml');
  const roaming = env['APPDATA'] || join(homedir(), 'AppData', 'Roaming');
  return join(platform === 'win32' ? roaming : join(homedir(), '.config'), 'fluxion', 'config.yml');
}

/** Finds the personal file; undefined if there is none, or if `FLUXION_CONFIG` is empty. Never throws: reading reports a missing file. */
export function findPersonalConfig(env: Environment = process.env): string | undefined {
  if (env['FLUXION_CONFIG'] === '') return undefined;
  const path = personalConfigPath(env);
  return env['FLUXION_CONFIG'] || existsSync(path) ? path : undefined;
}
