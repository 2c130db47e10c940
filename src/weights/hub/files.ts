/**
 * Chooses the files of a repository that a Flux pipeline needs: configs, tokenizers and one set of weights for each component. The rest
 * (the same weights as one file or in another format, sample pictures) can be half of a repository and is not downloaded.
 */

import { join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, listFolder } from '../files/file-bytes.ts';
import { quote, readJsonObject } from '../files/json.ts';
import { weightSet } from '../files/weight-names.ts';
import { type Family, type Part, tokenizerFolders } from '../folders/family.ts';

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
  const has = (path: string): boolean => paths.includes(path);
  if (!has(INDEX)) {
    const single = paths.filter((path) => /\.(safetensors|gguf)$/.test(path));
    throw new FluxionError('unsupported', `${repo} has no ${INDEX}, so it is not a pipeline in the diffusers layout`, {
      hint: single.length === 0 ? 'it has no weights either' : `it has ${single.slice(0, 5).map(quote).join(', ')}`,
    });
  }
  const missing: string[] = [];
  const wanted = new Set<string>([INDEX]);
  const want = (path: string): unknown => (has(path) ? wanted.add(path) : missing.push(path));
  want(configOf(family.scheduler));
  for (const component of family.components) {
    const { name, folder } = component;
    want(configOf(component));
    if (without.includes(name)) continue;
    const set = weightSet(namesIn(paths, `${folder}/`));
    if (set.length === 0) missing.push(`${folder}/*.safetensors`);
    for (const file of set) wanted.add(`${folder}/${file}`);
  }
  for (const folder of tokenizerFolders(family)) {
    const names = namesIn(paths, `${folder}/`).filter((name) => /\.(json|txt|model)$/.test(name));
    if (names.length === 0) missing.push(`${folder}/tokenizer.json`);
    for (const name of names) wanted.add(`${folder}/${name}`);
  }
  if (missing.length > 0) {
    throw new FluxionError('not_found', `${repo} is not a complete Flux pipeline: it lacks ${missing.join(', ')}`);
  }
  return files.filter(({ path }) => wanted.has(path));
}

/** Lists the pipeline files that a local folder lacks, judging by its own files; empty for a complete one. */
export function missingFiles(family: Family, folder: string, without: readonly string[] = []): string[] {
  const { components, scheduler } = family;
  const missing = [INDEX, ...[scheduler, ...components].map(configOf)].filter(
    (path) => kindOf(join(folder, path)) !== 'file',
  );
  const listed = (part: string): string[] => filesIn(join(folder, part));
  for (const { name, folder: part } of components) {
    if (without.includes(name)) continue;
    const [first, ...shards] = weightSet(listed(part));
    if (first === undefined) missing.push(`${part}/*.safetensors`);
    else if (first.endsWith('.json')) {
      const absent = shardsOf(join(folder, part, first)).filter((shard) => !shards.includes(shard));
      missing.push(...absent.map((shard) => `${part}/${shard}`));
    }
  }
  const tokenizers = components.flatMap(({ tokenizer }) => tokenizer ?? []);
  for (const { folder: part, files } of tokenizers) {
    const names = listed(part);
    if (!files.some((file) => names.includes(file))) missing.push(`${part}/${files[0]}`);
  }
  return missing;
}

/** The path of a component's config file in its repository. */
function configOf({ folder, configFile }: Part): string {
  return `${folder}/${configFile}`;
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
