/** Where a LoRA lies: a file, a folder, or the cache in which the Hugging Face tools keep what they downloaded. Nothing is fetched. */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOf, listFolder } from '../checkpoint/file-bytes.ts';
import { type HubModel, parseHubName } from '../checkpoint/hub.ts';
import { RepoCache } from '../checkpoint/hub-cache.ts';
import { hubSettings } from '../checkpoint/hub-settings.ts';
import { FluxionError, nearest } from '../support/errors.ts';

/** A LoRA file that was found. */
export interface Located {
  readonly path: string;
  /** PEFT's adapter_config.json beside it. */
  readonly config: string | undefined;
  /** The file's name, or the folder's where the file's says nothing. */
  readonly name: string;
}

/** The LoRA that comes with the program, for the model that does. */
export const BUNDLED_LORA = 'tiny-lora';

/** File names by which the tools save one LoRA a folder. */
const USUAL = ['pytorch_lora_weights.safetensors', 'adapter_model.safetensors', 'lora.safetensors'];

const BUNDLED = new URL('../../models/tiny-lora/', import.meta.url);

/** Finds the file of a LoRA given by path, by folder and `weightName`, or by repository. Throws `not_found` saying where was looked. */
export function locateLora({
  path,
  weightName,
}: {
  readonly path: string;
  readonly weightName?: string | undefined;
}): Located {
  if (path === '' || path.includes('\0')) throw new FluxionError('not_found', 'a LoRA has an empty path');
  switch (kindOf(path)) {
    case 'file':
      return located(path);
    case 'folder':
      return located(inFolder(path, weightName));
    case 'missing': {
      if (existsSync(`${path}.safetensors`)) return located(`${path}.safetensors`);
      if (path === BUNDLED_LORA) return located(inFolder(fileURLToPath(BUNDLED), weightName));
      const hub = path.endsWith('.safetensors') ? undefined : parseHubName(path);
      const snapshot = hub && snapshotOf(hub);
      if (hub && snapshot) return located(inFolder(snapshot, weightName), basename(hub.repo));
      throw new FluxionError('not_found', `there is no LoRA at '${path}'`, {
        hint: hub
          ? `the local cache of the Hugging Face hub does not have ${hub.repo} either, and LoRAs are not downloaded by themselves yet: 'hf download ${hub.repo}' fetches it`
          : 'pass the path of a .safetensors file, or of a folder and its weight_name; lora_dir is where LoRAs given by name lie',
      });
    }
  }
}

/** Finds a LoRA by the name that prompts use for it, in a folder of LoRAs. Throws `not_found` with the nearest names. */
export function locateByName(folder: string, name: string): string {
  if (/[/\\\0]|^\.*$/.test(name)) throw new FluxionError('not_found', `'${name}' is no name of a LoRA`);
  for (const candidate of [join(folder, `${name}.safetensors`), join(folder, name)]) {
    if (kindOf(candidate) !== 'missing') return candidate;
  }
  const known = listFolder(folder).map((entry) => entry.replace(/\.safetensors$/, ''));
  const near = nearest(name, known, 2).map((entry) => `'${entry}'`);
  throw new FluxionError('not_found', `there is no LoRA '${name}' in ${folder}`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : undefined,
  });
}

function located(path: string, repository?: string): Located {
  const config = join(dirname(path), 'adapter_config.json');
  const stem = basename(path).replace(/\.safetensors$/, '');
  const folder = repository ?? basename(dirname(path));
  return {
    path,
    config: kindOf(config) === 'file' ? config : undefined,
    name: USUAL.includes(basename(path)) && folder !== '.' && folder !== '' ? folder : stem,
  };
}

function inFolder(folder: string, weightName: string | undefined): string {
  const names = listFolder(folder).filter((name) => name.endsWith('.safetensors'));
  const wanted =
    weightName ?? USUAL.find((name) => names.includes(name)) ?? (names.length === 1 ? names[0] : undefined);
  if (wanted !== undefined) {
    // A name from a config may point into a subfolder, and nowhere else.
    const path = join(folder, wanted);
    if (!wanted.split(/[/\\]/).includes('..') && kindOf(path) === 'file') return path;
  }
  throw new FluxionError('not_found', `${folder}: no LoRA file${weightName === undefined ? '' : ` '${weightName}'`}`, {
    hint:
      names.length > 0 ? `weight_name chooses one of ${names.slice(0, 10).join(', ')}` : 'it has no .safetensors file',
  });
}

/** The folder of a repository's files in the cache that the Hugging Face tools share, as far as they are there. */
function snapshotOf({ repo, revision }: HubModel): string | undefined {
  const cache = new RepoCache(hubSettings().cache, repo);
  const commit = cache.commitOf(revision);
  const folder = commit && cache.snapshot(commit);
  return folder && kindOf(folder) === 'folder' ? folder : undefined;
}
