/**
 * Chooses the files of a repository that a Flux pipeline needs: configs, tokenizers and one set of weights for each component. The rest
 * (the same weights as one file or in another format, sample pictures) can be half of a repository and is not downloaded.
 */

import { join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, listFolder } from '../files/file-bytes.ts';
import { quote, readJsonObject } from '../files/json.ts';
import { weightSet } from '../files/weight-names.ts';
import type { Family, Part } from '../folders/family.ts';

/** A file of a repository as the hub lists it. */
export interface RemoteFile {
  /** Path in the repository, with `/` between its parts. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** SHA-256 of the bytes, or for small files git's SHA-1 of a blob; also the file's name in the cache. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

const INDEX = 'model_index.json';

/** Chooses the files of a pipeline, except the weights of components in `without`; throws `unsupported` if the repository is not one, `not_found` if it is incomplete. */
export function neededFiles(
  family: Family,
  files: readonly RemoteFile[],
  repo: string,
  without: readonly string[] = [],
): RemoteFile[] {
  const paths = files.map(({ path }) => path);
  if (!paths.includes(INDEX)) {
    const single = paths.filter((path) => /\.(safetensors|gguf)$/.test(path));
    throw new FluxionError('unsupported', `${repo} has no ${INDEX}, so it is not a pipeline in the diffusers layout`, {
      hint: single.length === 0 ? 'it has no weights either' : `it has ${single.slice(0, 5).map(quote).join(', ')}`,
    });
  }
  const { found, missing } = pipelineFiles(family, without, (folder) => namesIn(paths, `${folder}/`));
  if (missing.length > 0) {
    throw new FluxionError('not_found', `${repo} is not a complete Flux pipeline: it lacks ${missing.join(', ')}`);
  }
  return files.filter(({ path }) => path === INDEX || found.has(path));
}

/** Lists the pipeline files that a local folder lacks, judging by its own files; empty for a complete one. */
export function missingFiles(family: Family, folder: string, without: readonly string[] = []): string[] {
  const index = kindOf(join(folder, INDEX)) === 'file' ? [] : [INDEX];
  const listed = (part: string): string[] => filesIn(join(folder, part));
  return [...index, ...pipelineFiles(family, without, listed, (path) => shardsOf(join(folder, path))).missing];
}

/**
 * The files of a pipeline besides its index, and those that it lacks. `listed` gives the names in one of its folders; `shards` reads an
 * index of weights, if that is here.
 */
function pipelineFiles(
  { components, scheduler }: Family,
  without: readonly string[],
  listed: (folder: string) => string[],
  shards?: (index: string) => string[],
): { readonly found: ReadonlySet<string>; readonly missing: readonly string[] } {
  const found = new Set<string>();
  const missing: string[] = [];
  const want = (folder: string, names: readonly string[], needed: string): void => {
    if (names.length === 0) missing.push(`${folder}/${needed}`);
    for (const name of names) found.add(`${folder}/${name}`);
  };
  const wantConfig = ({ folder, configFile }: Part): void =>
    want(folder, listed(folder).includes(configFile) ? [configFile] : [], configFile);
  wantConfig(scheduler);
  for (const component of components) {
    wantConfig(component);
    const { name, folder } = component;
    if (without.includes(name)) continue;
    const set = weightSet(listed(folder));
    want(folder, set, '*.safetensors');
    const named = set[0]?.endsWith('.json') ? (shards?.(`${folder}/${set[0]}`) ?? []) : [];
    missing.push(...named.filter((shard) => !set.includes(shard)).map((shard) => `${folder}/${shard}`));
  }
  for (const { folder, files } of components.flatMap(({ tokenizer }) => tokenizer ?? [])) {
    const names = listed(folder).filter((name) => /\.(json|txt|model)$/.test(name));
    want(folder, files.some((file) => names.includes(file)) ? names : [], files[0]!);
  }
  return { found, missing };
}

/** The files in a folder of a repository, without those below it; `folder` ends in a slash, or is empty. */
export function namesIn(paths: readonly string[], folder: string): string[] {
  const inside = paths.filter((path) => path.startsWith(folder) && !path.includes('/', folder.length));
  return inside.map((path) => path.slice(folder.length));
}

/** The files in a folder of this machine; none if it is missing. */
export function filesIn(folder: string): string[] {
  if (kindOf(folder) !== 'folder') return [];
  return listFolder(folder).filter((name) => kindOf(join(folder, name)) === 'file');
}

/** The shards that an index of weights names. */
export function shardsOf(index: string): string[] {
  const map = readJsonObject(index).get('weight_map');
  return map instanceof Map ? [...new Set(map.values())].map(String) : [];
}
