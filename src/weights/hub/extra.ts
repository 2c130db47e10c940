/**
 * Finds a network beside a model: a file, a folder, or a repository of the Hugging Face hub, downloaded on first use into the shared cache.
 * A repository holds one such network, a pipeline with one, or loose files.
 */

import { join } from 'node:path';
import { FluxionError, nearest } from '../../support/errors.ts';
import { kindOf } from '../files/file-bytes.ts';
import { weightSet } from '../files/weight-names.ts';
import type { Component } from '../folders/family.ts';
import { RepoCache } from './cache.ts';
import { filesIn, namesIn, type RemoteFile, shardsOf } from './files.ts';
import { offline, type PullOptions, parseHubFile, pullFiles } from './hub.ts';
import { hubSettings } from './settings.ts';

const INDEX = 'model_index.json';

/**
 * Finds a network of the given components by path, or by repository: `ORG/NAME`, `ORG/NAME@REVISION` or `ORG/NAME/FILE.safetensors`. A path
 * takes precedence over a repository of that name. Throws `not_found` for a repository without such a network, or if HF_HUB_OFFLINE forbids
 * looking.
 */
export async function findExtra(
  components: readonly Component[],
  given: string,
  options: PullOptions = {},
): Promise<string> {
  const isPath = kindOf(given.split('/')[0]!) !== 'missing';
  const place = isPath ? undefined : parseHubFile(given);
  if (!place) return given;
  const { hub, file } = place;
  const { settings = hubSettings() } = options;
  const within = (folder: string): string => (file === undefined ? folder : join(folder, file));
  const known = new RepoCache(settings.cache, hub.repo).known(hub.revision);
  if (known !== undefined && isWhole(components, known, file)) return within(known);
  if (settings.network === 'forbidden') {
    const hint = 'unset HF_HUB_OFFLINE, or give the path of a file or folder';
    throw offline(settings, `does not have ${given}`, hint);
  }
  const choose = (files: readonly RemoteFile[]): RemoteFile[] => {
    const names = files.map(({ path }) => path);
    const wanted = neededNames(components, names, file);
    if (wanted === undefined) throw notIn(components, given, names, file);
    return files.filter(({ path }) => wanted.includes(path));
  };
  return within(await pullFiles(hub, choose, { ...options, settings }));
}

/** The names of the needed files, chosen from all names in a repository; undefined if some are missing. */
function neededNames(
  components: readonly Component[],
  names: readonly string[],
  file: string | undefined,
): string[] | undefined {
  if (file !== undefined) return names.includes(file) ? [file] : undefined;
  const part = (folder: string, configFile: string): string[] | undefined => {
    const found = namesIn(names, folder);
    const weights = weightSet(found);
    const config = found.filter((name) => name === configFile);
    return weights.length === 0 ? undefined : [...config, ...weights].map((name) => folder + name);
  };
  if (!names.includes(INDEX)) return part('', components[0]!.configFile);
  const parts = components.map(({ folder, configFile }) => part(`${folder}/`, configFile));
  return parts.includes(undefined) ? undefined : [INDEX, ...parts.flatMap((of) => of!)];
}

/** Whether a snapshot has all needed files, including the shards that an index names. */
function isWhole(components: readonly Component[], folder: string, file: string | undefined): boolean {
  const within = (inner: string): string[] =>
    filesIn(join(folder, inner)).map((name) => (inner === '' ? name : `${inner}/${name}`));
  const inside = file?.includes('/') ? [file.replace(/\/[^/]*$/, '')] : [];
  const names = ['', ...components.map((component) => component.folder), ...inside].flatMap(within);
  const needed = neededNames(components, names, file);
  const indexes = needed?.filter((name) => /\.index\.[\w.]*json$|\.safetensors\.index/.test(name)) ?? [];
  const shards = indexes.flatMap((index) =>
    shardsOf(join(folder, index)).map((name) => index.replace(/[^/]*$/, '') + name),
  );
  return needed !== undefined && shards.every((name) => names.includes(name));
}

function notIn(
  components: readonly Component[],
  given: string,
  names: readonly string[],
  file: string | undefined,
): FluxionError {
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  const near = file === undefined ? undefined : nearest(file, weights, 1)[0];
  const titles = components.map(({ title }) => title).join(' and ');
  return new FluxionError(
    'not_found',
    `${given}: expected ${titles}, found ${weights.length === 0 ? 'no weights' : weights.slice(0, 5).join(', ')}`,
    {
      hint:
        weights.length === 0
          ? 'give a repository with safetensors, or a file'
          : `say which: ${near === undefined ? `${given}/${weights[0]}` : `${given.slice(0, -file!.length)}${near}`}`,
    },
  );
}
