/** How the studio is built: static files without a request to anywhere else, and nothing inline that a strict content security policy forbids. */

import { fileURLToPath } from 'node:url';
import type { UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default {
  root: here('./'),
  // Relative, so that the page works below another path too.
  base: './',
  publicDir: false,
  resolve: { alias: { 'fluxion/client': here('../src/client.ts') } },
  build: {
    outDir: here('../dist/studio'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    // An asset inside another file would be a data address.
    assetsInlineLimit: 0,
  },
} satisfies UserConfig;
