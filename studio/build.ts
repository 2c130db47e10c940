/** Builds the studio into `dist/studio`: beside it first, so that a page that is being served is whole at any time. */

import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { build } from 'vite';
import config from './vite.config.ts';

export async function buildStudio(): Promise<void> {
  const { outDir } = config.build;
  const fresh = `${outDir}-${randomUUID()}`;
  try {
    await build({ ...config, configFile: false, logLevel: 'warn', build: { ...config.build, outDir: fresh } });
    await rm(outDir, { recursive: true, force: true });
    await rename(fresh, outDir).catch((error: NodeJS.ErrnoException) => {
      // Another process that built at the same time was first.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

if (import.meta.main) await buildStudio();
