/**
 * Where a LoRA lies: a file, a folder, or a repository of the Hugging Face hub, which is downloaded the first time into the cache that
 * the tools share; from then on its name stands for what was downloaded.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOf, listFolder } from '../checkpoint/file-bytes.ts';
import { type HubModel, type PullOptions, parseHubName, pullFiles } from '../checkpoint/hub.ts';
import { RepoCache } from '../checkpoint/hub-cache.ts';
import type { RemoteFile } from '../checkpoint/hub-files.ts';
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
const PEFT_FILE = 'adapter_model.safetensors';
const USUAL = ['pytorch_lora_weights.safetensors', PEFT_FILE, 'lora.safetensors'];

const BUNDLED = new URL('../../models/tiny-lora/', import.meta.url);

interface Place {
  readonly path: string;
  readonly weightName?: string | undefined;
}

/** Finds the file of a LoRA given by path, by folder and `weightName`, or by repository. Throws `not_found` saying where was looked. */
export function locateLora({ path, weightName }: Place): Located {
  if (path === '' || path.includes('\0')) throw new FluxionError('not_found', 'a LoRA has an empty path');
  switch (kindOf(path)) {
    case 'file':
      return located(path);
    case 'folder':
      return located(inFolder(path, weightName));
    case 'missing': {
      if (existsSync(`${path}.safetensors`)) return located(`${path}.safetensors`);
      if (path === BUNDLED_LORA) return located(inFolder(fileURLToPath(BUNDLED), weightName));
      const hub = hubName(path);
      const snapshot = hub && snapshotOf(hub);
      if (hub && snapshot) return located(inFolder(snapshot, weightName), basename(hub.repo));
      throw new FluxionError('not_found', `there is no LoRA at '${path}'`, {
        hint: hub
          ? `the local cache of the Hugging Face hub does not have ${hub.repo} either`
          : 'pass the path of a .safetensors file, or of a folder and its weight_name; lora_dir is where LoRAs given by name lie',
      });
    }
  }
}

/**
 * Downloads a LoRA given by repository unless it is here already; all others are left to `locateLora`. Throws `not_found` for a repository,
 * or a file in it, that is not there or that HF_HUB_OFFLINE forbids to look for, and `io` for one that may not be had.
 */
export async function fetchLora({ path, weightName }: Place, options: PullOptions = {}): Promise<void> {
  const hub = kindOf(path) === 'missing' && !existsSync(`${path}.safetensors`) ? hubName(path) : undefined;
  if (!hub) return;
  const { settings = hubSettings() } = options;
  const snapshot = snapshotOf(hub, settings);
  if (snapshot !== undefined && chosen(safetensorsIn(snapshot), weightName) !== undefined) return;
  if (settings.network === 'forbidden') {
    const what = weightName === undefined ? `a LoRA of ${hub.repo}` : `'${weightName}' of ${hub.repo}`;
    throw new FluxionError(
      'not_found',
      `${settings.cache} does not have ${what}, and HF_HUB_OFFLINE forbids downloading it`,
      {
        hint: 'unset HF_HUB_OFFLINE, or pass the path of the file',
      },
    );
  }
  await pullFiles(hub, (files) => loraFiles(files, hub.repo, weightName), { ...options, settings });
}

/** The file of a LoRA in a repository, and PEFT's settings beside it. */
function loraFiles(files: readonly RemoteFile[], repo: string, weightName: string | undefined): RemoteFile[] {
  const names = files.map(({ path }) => path).filter((path) => path.endsWith('.safetensors'));
  const name = chosen(names, weightName);
  if (name === undefined) throw notIn(repo, names, weightName);
  const config = name.replace(/[^/]*$/, 'adapter_config.json');
  return files.filter(({ path }) => path === name || path === config);
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
  // PEFT's own file beside this one is whose settings those are.
  const others = basename(path) !== PEFT_FILE && kindOf(join(dirname(path), PEFT_FILE)) === 'file';
  const stem = basename(path).replace(/\.safetensors$/, '');
  const folder = repository ?? basename(dirname(path));
  return {
    path,
    config: kindOf(config) === 'file' && !others ? config : undefined,
    name: USUAL.includes(basename(path)) && folder !== '.' && folder !== '' ? folder : stem,
  };
}

function inFolder(folder: string, weightName: string | undefined): string {
  const names = safetensorsIn(folder);
  const name = chosen(names, weightName);
  // What is named need not end in .safetensors; what it is, its content tells.
  const path = join(folder, name ?? weightName ?? '');
  const inside = !(weightName ?? '').split(/[/\\]/).includes('..');
  if (inside && kindOf(path) === 'file') return path;
  throw notIn(folder, names, weightName);
}

/** Files with weights in a folder and the folders in it, by path with `/`. */
function safetensorsIn(folder: string): string[] {
  return listFolder(folder).flatMap((name) => {
    if (name.endsWith('.safetensors')) return [name];
    if (kindOf(join(folder, name)) !== 'folder') return [];
    return listFolder(join(folder, name)).flatMap((inner) =>
      inner.endsWith('.safetensors') ? [`${name}/${inner}`] : [],
    );
  });
}

/** The file asked for; else one of a usual name, or the only one, where folders in it count if there is none beside them. */
function chosen(names: readonly string[], weightName: string | undefined): string | undefined {
  if (weightName !== undefined) return names.find((name) => name === weightName.replaceAll('\\', '/'));
  const top = names.filter((name) => !name.includes('/'));
  const among = top.length > 0 ? top : names;
  return USUAL.find((name) => among.includes(name)) ?? (among.length === 1 ? among[0] : undefined);
}

function notIn(place: string, names: readonly string[], weightName: string | undefined): FluxionError {
  const what =
    weightName === undefined ? (names.length > 1 ? `${names.length} files` : 'no file') : `no file '${weightName}'`;
  const near = weightName === undefined ? undefined : nearest(weightName, names, 1)[0];
  const some = names.slice(0, 10).join(', ') + (names.length > 10 ? `, … (${names.length} in all)` : '');
  return new FluxionError('not_found', `${place}: ${what}${weightName === undefined ? ' that may be a LoRA' : ''}`, {
    hint:
      names.length > 0
        ? `${near === undefined ? '' : `did you mean '${near}'? `}weight_name chooses one of ${some}`
        : 'it has no .safetensors file',
  });
}

/** A path that may be a repository's name. */
function hubName(path: string): HubModel | undefined {
  return path.endsWith('.safetensors') ? undefined : parseHubName(path);
}

/** The folder of a repository's files in the cache that the Hugging Face tools share, as far as they are there. */
function snapshotOf({ repo, revision }: HubModel, { cache } = hubSettings()): string | undefined {
  const known = new RepoCache(cache, repo);
  const commit = known.commitOf(revision);
  const folder = commit && known.snapshot(commit);
  return folder && kindOf(folder) === 'folder' ? folder : undefined;
}
