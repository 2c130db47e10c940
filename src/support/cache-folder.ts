/** Where downloaded plugins and compiled programs are kept between runs. */

import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's cache folder: `FLUXION_CACHE_DIR`, or the operating system's place for caches. It need not exist yet. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const own = env['FLUXION_CACHE_DIR'];
  if (own) return own;
  switch (platform) {
    case 'darwin':
      return join(homedir(), 'Library', 'Caches', 'fluxion');
    case 'win32':
      return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'fluxion', 'Cache');
    default:
      // The XDG Base Directory Specification has empty and relative values ignored.
      return join(
        env['XDG_CACHE_HOME']?.startsWith('/') ? env['XDG_CACHE_HOME'] : join(homedir(), '.cache'),
        'fluxion',
      );
  }
}
