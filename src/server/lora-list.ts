/** The LoRAs that requests may name: all in the server's folder, and the bundled one. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerLora } from '../api/served.ts';
import { BUNDLED_LORA, describeLora } from '../pipeline/loras.ts';
import { unlessRefused } from '../support/attempt.ts';
import { Recent } from '../support/recent.ts';

const MOST = 1000;

/** Descriptions by file, size and time, with room for a whole list and the bundled LoRA. */
const described = new Recent<string, ServerLora | undefined>(MOST + 1);

/** Lists the LoRAs of a folder and its subfolders; leaves out other files. */
export async function listLoras(folder: string | undefined): Promise<ServerLora[]> {
  const bundled = await describe(BUNDLED_LORA, BUNDLED_LORA, 0, 0);
  if (folder === undefined) return bundled ? [bundled] : [];
  const names = (await readdir(folder, { recursive: true }).catch(() => []))
    .filter((name) => name.endsWith('.safetensors'))
    .sort()
    .slice(0, MOST);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const file = await stat(path).catch(() => undefined);
      // A broken link, or a file that was removed meanwhile.
      if (!file) return undefined;
      const { size, mtimeMs } = file;
      return describe(path, name.replaceAll('\\', '/').replace(/\.safetensors$/, ''), size, mtimeMs);
    }),
  );
  return [...(bundled ? [bundled] : []), ...found.filter((lora) => lora !== undefined)];
}

async function describe(path: string, name: string, bytes: number, time: number): Promise<ServerLora | undefined> {
  return described.get(JSON.stringify([path, bytes, time]), () => {
    const report = unlessRefused(() => describeLora({ path }));
    return report && { name, bytes, dialect: report.dialect, ranks: report.ranks, control: report.control };
  });
}
