/** The version of this package. */

import { readFileSync } from 'node:fs';

/** Reads the version; only when it is asked for, as a bundle need not have the file. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
