/** What a shared picture tells of the files it was made with: their names and hashes, and nothing of the machine they are on. */

import { homedir } from 'node:os';
import { basename, resolve } from 'node:path';
import type { BesideFiles, PartFiles } from '../api/recipe.ts';
import { type Flux1Parts, PART_NAMES } from '../families/flux1/flux1.ts';
import { BUNDLED, BUNDLED_FOLDER } from '../families/flux1/published.ts';
import { fingerprint } from '../weights/files/fingerprint.ts';
import { parseHubName } from '../weights/hub/hub.ts';
import type { ExtraPaths } from './extras.ts';

/** A snapshot folder in the hub's cache, and the path of a file in it. */
const SNAPSHOT = /[/\\]models--([\w.-]+?)--([\w.-]+)[/\\]snapshots[/\\][^/\\]+(?:[/\\](.+))?$/;

/** Names a file or folder: `ORG/NAME` or `ORG/NAME/FILE` for one in the hub's cache, else the last part of its path. */
export function travellingName(path: string): string {
  const full = resolve(path);
  if (full === resolve(BUNDLED_FOLDER)) return BUNDLED;
  const [, owner, name, file] = SNAPSHOT.exec(full) ?? [];
  if (owner !== undefined && name !== undefined) return [owner, name, ...(file?.split(/[/\\]/) ?? [])].join('/');
  return full === homedir() ? 'model' : basename(full);
}

/** The name of a model in recipes: the given name, or the last part of a given path. */
export function recipeName(name: string): string {
  const isPath = /[/\\]/.test(name) || name.startsWith('~');
  if (!isPath) return name;
  const parts = name.split(/[/\\]/).filter((part) => !/^[.~]/.test(part) && part !== '');
  const isOurs = parts.includes(basename(homedir()));
  return parseHubName(name) && !isOurs ? name : (parts.findLast((part) => part !== basename(homedir())) ?? 'model');
}

/** The given parts, by name and hash; `undefined` if none was given. */
export function partFiles(parts: Flux1Parts): PartFiles | undefined {
  const given = PART_NAMES.flatMap((part) => {
    const path = parts[part];
    return path === undefined ? [] : [[part, { name: travellingName(path), hash: fileHash(path) }] as const];
  });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** Networks beside a model, by name and hash; `undefined` if there are none. */
export function besideFiles({ controlnet, redux }: ExtraPaths): BesideFiles | undefined {
  const file = (path: string) => ({ name: travellingName(path), hash: fileHash(path) });
  if (controlnet.length === 0 && !redux) return undefined;
  return {
    ...(controlnet.length > 0 && { controlnet: controlnet.map(file) }),
    ...(redux && { redux: [file(redux.projector)] }),
    ...(redux && redux.encoder !== redux.projector && { imageEncoder: [file(redux.encoder)] }),
  };
}

/** A short hash of a file or folder; large files are sampled. */
export function fileHash(path: string): string {
  return fingerprint(new Map([['', path]]));
}
