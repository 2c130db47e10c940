/** Lists folders named on the command line. */

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { explaining } from '../support/system-error.ts';
import { readingUsage, UsageError } from './command.ts';

/** Lists a folder named on the command line; throws a usage error if it is not a folder. */
export function entriesOf(folder: string): Dirent[] {
  return readingUsage(() =>
    explaining(folder, () => {
      if (statSync(folder).isDirectory()) return readdirSync(folder, { withFileTypes: true });
      throw new UsageError('io', `${folder}: expected a folder, found a file`, {
        hint: `'fluxion inspect ${folder}' explains a file`,
      });
    }),
  );
}
