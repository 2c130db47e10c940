/** A cache folder of a test's own: environment variables are those of before again afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach } from 'node:test';

/** Gives every test of this suite an empty cache folder; `root` lasts as long as the suite. */
export function ownCache(): { readonly root: string; readonly path: string } {
  const root = mkdtempSync(join(tmpdir(), 'fluxion-cache-'));
  const environment = { ...process.env };
  let path = root;
  beforeEach(() => {
    process.env = { ...environment };
    path = mkdtempSync(join(root, 'cache-'));
    process.env['FLUXION_CACHE_DIR'] = path;
    delete process.env['FLUXION_PJRT_PLUGIN'];
  });
  after(() => {
    process.env = environment;
    rmSync(root, { recursive: true });
  });
  return {
    root,
    get path() {
      return path;
    },
  };
}
