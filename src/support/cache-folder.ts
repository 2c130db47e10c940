/** The folder that keeps downloaded plugins and compiled programs between runs. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { userPath } from './user-path.ts';

/** The user's cache folder: `FLUXION_CACHE_DIR`, or the operating system's place for caches. It need not exist yet. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const own = env['FLUXION_CACHE_DIR'];
  if (own) return resolve(userPath(own, env));
  switch (platform) {
    case 'darwin':
      return join(homedir(), 'Library', 'Caches', 'fluxion');
    case 'win32':
      return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'fluxion', 'Cache');
    default: {
      const xdg = userPath(env['XDG_CACHE_HOME'] ?? '', env);
      // The XDG Base Directory Specification says to ignore empty and relative values.
      return join(xdg.startsWith('/') ? xdg : join(homedir(), '.cache'), 'fluxion');
    }
  }
}
