/** Making a folder with those above it. Node's own way does not return where the system answers ENOENT, as Linux does below /proc. */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes a folder and the missing ones above it; does nothing where it is there already. Throws the system's error. */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let place = resolve(path); !existsSync(place) && place !== dirname(place); place = dirname(place)) {
    missing.unshift(place);
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
    }
  }
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path); // throws EEXIST
}
