/** The version of this package. */

import { readFileSync } from 'node:fs';

/** Reads the version on demand, because a bundle may lack package.json. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
