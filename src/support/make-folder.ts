/** Creates a folder and its parents. Node's recursive mkdir never returns if the system answers ENOENT, as Linux does below /proc. */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Creates a folder and its missing parents; does nothing if it exists. Throws the system's error. */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let place = resolve(path); !existsSync(place) && place !== dirname(place); place = dirname(place)) {
    missing.unshift(place);
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Another process may have created it meanwhile.
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
    }
  }
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path); // throws EEXIST
}
