/** The text of `fluxion --version`: versions of the program, of Node and of installed plugins. */

import { packageVersion } from '../support/version.ts';
import { listPlugins } from '../xla.ts';

/** The versions as data. */
export interface Versions {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly plugins: readonly { readonly device: string; readonly package: string; readonly version: string }[];
}

/** Reads the versions. */
export function versionData(): Versions {
  const plugins = listPlugins()
    .filter(({ status, used }) => used && ['installed', 'added'].includes(status))
    .map(({ device, status, package: name, version: released, path }) =>
      status === 'added'
        ? { device, package: path!, version: 'added by hand' }
        : { device, package: name, version: released },
    );
  return { version: packageVersion(), node: process.version, platform: `${process.platform}-${process.arch}`, plugins };
}

/** Formats the versions; the first line has the program's alone. */
export function versionLines({ version, node, platform, plugins }: Versions): string[] {
  const rows = plugins.map(({ device, package: name, version: released }) => `${device} plugin  ${name} ${released}`);
  const installed = rows.length > 0 ? rows : ['plugins     none yet: the CPU plugin installs itself on first use'];
  return [`fluxion ${version}`, `node        ${node}, ${platform}`, ...installed];
}
