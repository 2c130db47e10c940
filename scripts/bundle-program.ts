/**
 * Bundles the command line of a build, `dist/cli`, into a few files in `dist/program`: finding and opening hundreds of modules takes a third of
 * a short command. The library stays one file for each source, and threads and child processes run those files.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

/** Packages of many small modules that every command with a configuration loads. All others are loaded as they are installed. */
const BUNDLED = ['@huggingface/tokenizers', 'yaml', 'zod'];

/** Bundles the program of a built package, the folder that has `dist`. */
export async function bundleProgram(root: string): Promise<void> {
  const target = join(root, 'dist/program');
  const bundle = await rolldown({
    input: join(root, 'dist/cli/main.js'),
    platform: 'node',
    external: (id) => isPackage(id) && !BUNDLED.includes(id),
    plugins: [ownAddresses(target)],
  });
  await bundle.write({ dir: target, entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' });
  await bundle.close();
  const licences = BUNDLED.map(
    (name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`,
  );
  writeFileSync(join(target, 'LICENSES'), licences.join('\n\n'));
}

function isPackage(id: string): boolean {
  return !/^[./\\]|^\w:[/\\]/.test(id);
}

/** Modules find files beside themselves by their address, so each keeps the address that it has in `dist`. */
function ownAddresses(target: string): Plugin {
  return {
    name: 'own-addresses',
    transform(code, id) {
      if (id.startsWith('\0') || !code.includes('import.meta.url')) return null;
      const path = relative(target, id).replaceAll('\\', '/');
      return code.replaceAll('import.meta.url', () => `new URL(${JSON.stringify(path)}, import.meta.url).href`);
    },
  };
}

if (import.meta.main) await bundleProgram(dirname(dirname(fileURLToPath(import.meta.url))));
