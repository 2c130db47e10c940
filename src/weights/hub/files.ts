/**
 * Which files of a repository a Flux pipeline is opened from: configs, tokenizers and one set of weights for each component. The
 * rest (the same weights as one file or in another format, samples, flow charts) can be half of a repository and stays there.
 */

import { join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, listFolder, readingFile } from '../files/file-bytes.ts';
import { quote, readJsonObject } from '../files/json.ts';
import { shardSet } from '../files/shards.ts';
import type { WeightedComponent } from '../folders/pipeline-folder.ts';

/** A file of a repository as the hub lists it. */
export interface RemoteFile {
  /** Path in the repository, with `/` between its parts. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** SHA-256 of the bytes, or for small files git's SHA-1 of a blob; also the file's name in the cache. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

/** Components whose weights come from elsewhere, so that the repository's are not needed. */
export type Without = readonly WeightedComponent[];

const INDEX = 'model_index.json';
const TOKENIZERS = ['tokenizer', 'tokenizer_2'] as const;
const WEIGHTED: readonly WeightedComponent[] = ['transformer', 'text_encoder', 'text_encoder_2', 'vae'];
const SCHEDULER = 'scheduler/scheduler_config.json';

/** Chooses what a pipeline needs; throws `unsupported` where the repository is not one, `not_found` where it is incomplete. */
export function neededFiles(files: readonly RemoteFile[], repo: string, without: Without = []): RemoteFile[] {
  const has = (path: string): boolean => files.some((file) => file.path === path);
  if (!has(INDEX)) {
    const single = files.filter(({ path }) => /\.(safetensors|gguf)$/.test(path)).map(({ path }) => path);
    throw new FluxionError('unsupported', `${repo} has no ${INDEX}, so it is not a pipeline in the diffusers layout`, {
      hint: single.length === 0 ? 'it has no weights either' : `it has ${single.slice(0, 5).map(quote).join(', ')}`,
    });
  }
  const missing: string[] = [];
  const wanted = new Set<string>([INDEX]);
  const want = (path: string): unknown => (has(path) ? wanted.add(path) : missing.push(path));
  want(SCHEDULER);
  for (const component of WEIGHTED) {
    want(`${component}/config.json`);
    if (without.includes(component)) continue;
    const names = namesIn(files, component);
    const set = weightSet(names);
    if (set.length === 0) missing.push(`${component}/*.safetensors`);
    for (const name of set) wanted.add(`${component}/${name}`);
  }
  for (const component of TOKENIZERS) {
    const names = namesIn(files, component).filter((name) => /\.(json|txt|model)$/.test(name));
    if (names.length === 0) missing.push(`${component}/tokenizer.json`);
    for (const name of names) wanted.add(`${component}/${name}`);
  }
  if (missing.length > 0) {
    throw new FluxionError('not_found', `${repo} is not a complete Flux pipeline: it lacks ${missing.join(', ')}`);
  }
  return files.filter(({ path }) => wanted.has(path));
}

/** Lists what a local folder lacks of a pipeline, as far as its own files tell; empty for one that can be opened. */
export function missingFiles(folder: string, without: Without = []): string[] {
  const missing = [INDEX, SCHEDULER, ...WEIGHTED.map((component) => `${component}/config.json`)].filter(
    (path) => kindOf(join(folder, path)) !== 'file',
  );
  const listed = (component: string): string[] => {
    const path = join(folder, component);
    return kindOf(path) === 'folder' ? listFolder(path).filter((name) => kindOf(join(path, name)) === 'file') : [];
  };
  for (const component of WEIGHTED) {
    if (without.includes(component)) continue;
    const [first, ...shards] = weightSet(listed(component));
    if (first === undefined) missing.push(`${component}/*.safetensors`);
    else if (first.endsWith('.json')) {
      const expected = readJsonObject(join(folder, component, first), readingFile).get('weight_map');
      const names = new Set(expected instanceof Map ? expected.values() : []);
      for (const name of names) if (!shards.some((shard) => shard === name)) missing.push(`${component}/${name}`);
    }
  }
  for (const component of TOKENIZERS) {
    const names = listed(component);
    if (!names.some((name) => ['tokenizer.json', 'vocab.json', 'spiece.model'].includes(name))) {
      missing.push(`${component}/tokenizer.json`);
    }
  }
  return missing;
}

/** Names of the files directly in a folder. */
function namesIn(files: readonly RemoteFile[], folder: string): string[] {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`) && !path.includes('/', folder.length + 1))
    .map(({ path }) => path.slice(folder.length + 1));
}

/** The files of one set of weights, in the order that `findWeights` (store.ts) prefers them: one file, or an index and its shards. */
function weightSet(names: readonly string[]): string[] {
  for (const infix of ['', '.bf16', '.fp16', '.fp32']) {
    for (const base of ['diffusion_pytorch_model', 'model']) {
      const single = `${base}${infix}.safetensors`;
      if (names.includes(single)) return [single];
      const indices = [`${base}.safetensors.index${infix}.json`, `${base}${infix}.safetensors.index.json`];
      const index = indices.find((name) => names.includes(name));
      if (index === undefined) continue;
      const shard = /^-\d+-of-\d+\.safetensors$/;
      const start = `${base}${infix}`;
      return [index, ...names.filter((name) => name.startsWith(start) && shard.test(name.slice(start.length)))];
    }
  }
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  const sets = weights.map((name) => shardSet(name)?.names ?? [name]);
  const isOne = sets[0]?.every((name) => weights.includes(name)) && sets[0].length === weights.length;
  return isOne ? [...sets[0]!] : [];
}
