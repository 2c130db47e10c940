/** The first import of every door of the package: on a Node that is too old, its error comes before the rest is run. */

import { FluxionError } from './errors.ts';

const NEEDED = 24;

if (Number(process.versions.node.split('.', 1)[0]) < NEEDED) {
  throw new FluxionError(
    'unsupported',
    `fluxion needs Node ${NEEDED} or newer, and this is ${process.version} (${process.execPath})`,
    { hint: 'https://nodejs.org/download, or: npx -p node@24 node PROGRAM.js' },
  );
}
