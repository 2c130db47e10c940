/** Finds the folder a user means by a path near it: a repository in the hub's cache, or a file in a model's folder. */

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { readRegular } from '../../support/regular-file.ts';
import { kindOf, listFolder, notThere } from '../files/file-bytes.ts';

const INDEX = 'model_index.json';

/**
 * Returns the model folder that a path leads to: `models--ORG--NAME` in the hub's cache leads to the snapshot of `main`, and
 * `model_index.json` to its folder. Any other path is returned unchanged. Throws `not_found` for a repository without a snapshot.
 */
export function meantFolder(path: string): string {
  if (basename(path) === INDEX && kindOf(path) === 'file') return dirname(path);
  const snapshots = join(path, 'snapshots');
  if (kindOf(path) !== 'folder' || kindOf(join(path, INDEX)) !== 'missing' || kindOf(snapshots) !== 'folder')
    return path;
  const main = join(path, 'refs', 'main');
  const commit = kindOf(main) === 'file' ? readRegular(main, 1000).toString().trim() : '';
  if (/^[0-9a-f]{40}$/.test(commit) && kindOf(join(snapshots, commit)) === 'folder') return join(snapshots, commit);
  const all = readdirSync(snapshots);
  if (all.length === 1) return join(snapshots, all[0]!);
  throw new FluxionError(
    'not_found',
    `${path}: a repository of the hub's cache with ${all.length} snapshots and no branch 'main'`,
    {
      hint:
        all.length === 0
          ? `download it again: fluxion pull ${repoOf(path) ?? 'ORG/NAME'}`
          : `give one: ${join(snapshots, all[0]!)}`,
    },
  );
}

/** The name on the hub of a folder in its cache, such as `ORG/NAME` for `models--ORG--NAME` or a snapshot in it. */
export function repoOf(path: string): string | undefined {
  const [, org, name] =
    /(?:^|[/\\])models--([\w.-]+?)--([\w.-]+?)(?:[/\\]snapshots[/\\][0-9a-f]+)?[/\\]?$/.exec(path) ?? [];
  return org === undefined || name === undefined ? undefined : `${org}/${name}`;
}

/** The error for a path that is not a model folder, suggesting the folder that may be meant. */
export function noModelFolder(path: string): FluxionError {
  if (kindOf(path) === 'missing') return notThere(path);
  const above = dirname(join(path, '.'));
  const below = listFolder(path).find((name) => kindOf(join(path, name, INDEX)) === 'file');
  const hint =
    kindOf(join(above, INDEX)) === 'file'
      ? `it is one component of a model: give ${above}, or use it as a part of another, such as transformer=${path}`
      : below !== undefined
        ? `${join(path, below)} is one`
        : 'give the folder that holds the folders of all its parts';
  return new FluxionError('not_found', `${path}: no ${INDEX}, so this is not a diffusers pipeline folder`, { hint });
}
