/** Lists the Hugging Face hub's cache: every repository at every revision, complete or partial, whichever program downloaded it. */

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { readJsonObject } from '../files/json.ts';
import type { Family } from '../folders/family.ts';
import { RepoCache } from './cache.ts';
import { missingFiles } from './files.ts';
import { type HubSettings, hubSettings } from './settings.ts';

/** A repository in the cache, at one revision. */
export interface CachedRepo {
  readonly repo: string;
  /** Branch or tag, or the commit if none names it. */
  readonly revision: string;
  /** Folder of its files. */
  readonly path: string;
  /** `_class_name` of its model_index.json; undefined if it is not a pipeline. */
  readonly pipeline: string | undefined;
  /** Files that a Flux pipeline still lacks; empty for a complete one. */
  readonly missing: readonly string[];
  /** Names of its .safetensors and .gguf files, if it is not a pipeline. */
  readonly weights: readonly string[];
  /** Bytes on disk, including unfinished downloads. */
  readonly bytes: number;
}

/** Most entries read in one folder, and most folders below a snapshot. */
const MOST = 10_000;
const DEPTH = 4;

/** Lists the repositories in the hub's cache, sorted by name; empty without a cache. Makes no request. */
export function cachedRepos(family: Family, settings: HubSettings = hubSettings()): CachedRepo[] {
  return entriesOf(settings.cache).flatMap((entry) => {
    const [, org, name] = /^models--([^-].*?)--(.+)$/.exec(entry.name) ?? [];
    if (org === undefined || name === undefined) return [];
    const repo = `${org}/${name}`;
    const cache = new RepoCache(settings.cache, repo);
    const arriving = entriesOf(join(cache.folder, 'blobs'))
      .filter((blob) => blob.name.endsWith('.incomplete'))
      .reduce((sum, blob) => sum + diskBytes(join(cache.folder, 'blobs', blob.name)), 0);
    const revisions = revisionsOf(cache);
    if (revisions.length === 0 && arriving > 0) revisions.push(['main', 'unknown']);
    return revisions.map(([revision, commit]) => describe(family, repo, revision, cache.snapshot(commit), arriving));
  });
}

/** Revisions with their commits: branches and tags first, then commits without a name. */
function revisionsOf(cache: RepoCache): [revision: string, commit: string][] {
  const named = filesBelow(join(cache.folder, 'refs')).flatMap((revision): [string, string][] => {
    const commit = cache.commitOf(revision);
    return commit === undefined ? [] : [[revision, commit]];
  });
  const known = new Set(named.map(([, commit]) => commit));
  const nameless = entriesOf(join(cache.folder, 'snapshots'))
    .filter(({ name }) => !known.has(name) && cache.commitOf(name) !== undefined)
    .map(({ name }): [string, string] => [name, name]);
  return [...named, ...nameless];
}

function describe(family: Family, repo: string, revision: string, path: string, arriving: number): CachedRepo {
  const files = filesBelow(path);
  const sizes = files.map((file) => statSync(join(path, file), { throwIfNoEntry: false })?.size ?? 0);
  const index = join(path, 'model_index.json');
  const name = attempt(() => readJsonObject(index).get('_class_name'), undefined);
  let missing: string[];
  try {
    missing = missingFiles(family, path);
  } catch (error) {
    missing = [(error as Error).message];
  }
  return {
    repo,
    revision,
    path,
    pipeline: typeof name === 'string' ? name : undefined,
    missing,
    weights: files.filter((file) => /\.(safetensors|gguf)$/.test(file)),
    bytes: sizes.reduce((sum, size) => sum + size, arriving),
  };
}

/** Bytes that a file takes on disk, since unfinished downloads have holes. */
function diskBytes(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Math.min(stat.size, stat.blocks * 512);
}

/** Paths of the files below a folder, with `/`. */
function filesBelow(folder: string, depth = DEPTH): string[] {
  return entriesOf(folder).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return depth === 0 ? [] : filesBelow(join(folder, entry.name), depth - 1).map((path) => `${entry.name}/${path}`);
  });
}

function entriesOf(folder: string): Dirent[] {
  const entries = attempt(() => readdirSync(folder, { withFileTypes: true }), []);
  return entries.slice(0, MOST).sort((a, b) => (a.name < b.name ? -1 : 1));
}
