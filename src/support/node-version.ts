/** Imported first by every entry point of the package, so that an outdated Node fails with this error before any other code runs. */

import { FluxionError } from './errors.ts';

const NEEDED = 24;

if (Number(process.versions.node.split('.', 1)[0]) < NEEDED) {
  throw new FluxionError(
    'unsupported',
    `fluxion needs Node ${NEEDED} or newer, and this is ${process.version} (${process.execPath})`,
    { hint: 'https://nodejs.org/download, or: npx -p node@24 node PROGRAM.js' },
  );
}
