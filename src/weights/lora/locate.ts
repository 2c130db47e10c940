/**
 * Finds a LoRA: a file, a folder, or a repository of the Hugging Face hub, downloaded on first use into the cache that other tools share;
 * later the name refers to what was downloaded.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FluxionError, nearest } from '../../support/errors.ts';
import { someOf } from '../../support/quote.ts';
import { danglingLink } from '../../support/regular-file.ts';
import { kindOf, listFolder } from '../files/file-bytes.ts';
import { quote } from '../files/json.ts';
import { RepoCache } from '../hub/cache.ts';
import type { RemoteFile } from '../hub/files.ts';
import { type HubModel, offline, type PullOptions, parseHubFile, pullFiles } from '../hub/hub.ts';
import { hubSettings } from '../hub/settings.ts';

/** A LoRA file that was found. */
export interface Located {
  readonly path: string;
  /** PEFT's adapter_config.json beside it. */
  readonly config: string | undefined;
  /** The file's name, or the folder's if the file has a usual name. */
  readonly name: string;
}

/** The bundled LoRA, for the bundled model. */
export const BUNDLED_LORA = 'tiny-lora';

/** File names that tools use for a folder with one LoRA. */
const PEFT_FILE = 'adapter_model.safetensors';
const USUAL = ['pytorch_lora_weights.safetensors', PEFT_FILE, 'lora.safetensors'];

/** The file that marks a model's folder. */
const PIPELINE = 'model_index.json';
/** Bounds of the search through a folder of LoRAs. */
const MAX_DEPTH = 6;
const MAX_ENTRIES = 50_000;

const BUNDLED = new URL('../../../models/tiny-lora/', import.meta.url);

interface LoraPlace {
  readonly path: string;
  readonly weightName?: string | undefined;
}

/**
 * Finds the file of a LoRA given by path, by folder and `weightName`, or by repository (`ORG/NAME`, or `ORG/NAME/FILE.safetensors`). Throws
 * `not_found` listing the places searched.
 */
export function locateLora({ path, weightName }: LoraPlace): Located {
  if (path === '' || path.includes('\0')) throw new FluxionError('not_found', 'a LoRA has an empty path');
  switch (kindOf(path)) {
    case 'file':
      if (!path.endsWith('.json')) return located(path);
      throw new FluxionError('unsupported', `${path}: expected a file with weights, found its settings`, {
        hint: 'pass the .safetensors file, or the folder',
      });
    case 'folder':
      return located(inFolder(path, weightName));
    case 'missing': {
      if (existsSync(`${path}.safetensors`)) return located(`${path}.safetensors`);
      if (path === BUNDLED_LORA) return located(inFolder(fileURLToPath(BUNDLED), weightName));
      const found = onHub({ path, weightName });
      const { hub } = found ?? {};
      const snapshot = hub && new RepoCache(hubSettings().cache, hub.repo).known(hub.revision);
      if (hub && snapshot) return located(inFolder(snapshot, found?.weightName, hub.repo), basename(hub.repo));
      const dangling = danglingLink(path, { code: 'ENOENT' });
      if (dangling) throw dangling;
      throw new FluxionError('not_found', `there is no LoRA at '${path}'`, {
        hint: hub
          ? `the local cache of the Hugging Face hub does not have ${hub.repo} either`
          : 'pass the path of a .safetensors file, or of a folder and its weight_name; LoRAs given by name are looked up in lora_dir',
      });
    }
  }
}

/**
 * Downloads a LoRA given by repository unless it is already here; `locateLora` handles all others. Throws `not_found` for a missing
 * repository or file, or if HF_HUB_OFFLINE forbids looking, and `io` if access is denied.
 */
export async function fetchLora({ path, weightName: given }: LoraPlace, options: PullOptions = {}): Promise<void> {
  const missing = kindOf(path) === 'missing' && !existsSync(`${path}.safetensors`);
  const found = missing ? onHub({ path, weightName: given }) : undefined;
  if (!found) return;
  const { hub, weightName } = found;
  const { settings = hubSettings() } = options;
  const snapshot = new RepoCache(settings.cache, hub.repo).known(hub.revision);
  if (snapshot !== undefined && chosen(safetensorsIn(snapshot), weightName) !== undefined) return;
  if (settings.network === 'forbidden') {
    // If several are here, locateLora asks for one.
    if (weightName === undefined && snapshot !== undefined && safetensorsIn(snapshot).length > 1) return;
    const what = weightName === undefined ? `a LoRA of ${hub.repo}` : `'${weightName}' of ${hub.repo}`;
    throw offline(settings, `does not have ${what}`, 'unset HF_HUB_OFFLINE, or pass the path of the file');
  }
  await pullFiles(hub, (files) => loraFiles(files, hub.repo, weightName), { ...options, settings });
}

/** A repository's LoRA file, and PEFT's settings beside it. */
function loraFiles(files: readonly RemoteFile[], repo: string, weightName: string | undefined): RemoteFile[] {
  const names = files.map(({ path }) => path).filter((path) => path.endsWith('.safetensors'));
  const name = chosen(names, weightName);
  if (name === undefined && files.some(({ path }) => path === PIPELINE)) throw wholeModel(repo);
  if (name === undefined) throw notIn(repo, names, weightName);
  const config = name.replace(/[^/]*$/, 'adapter_config.json');
  return files.filter(({ path }) => path === name || path === config);
}

/**
 * Finds a LoRA by the name that prompts use for it, in a folder of LoRAs: its path there without `.safetensors`, or its file's name
 * if no other file has it. Throws `not_found` with the nearest names, or with the paths of all files of that name.
 */
export function locateByName(folder: string, name: string): string {
  const wanted = safePath(name);
  if (wanted === undefined) {
    throw new FluxionError('not_found', `${quote(name)} is not a LoRA name`, {
      hint: 'it is a path inside of lora_dir, without .safetensors, or the name of a file there',
    });
  }
  const exact = pathByName(folder, name);
  if (exact !== undefined) return exact;
  const known = lorasUnder(folder);
  const same = known.filter((path) => path.endsWith(`/${wanted}`));
  if (same.length === 1) return pathByName(folder, same[0]!)!;
  if (same.length > 1) {
    throw new FluxionError('not_found', `${folder} has ${same.length} LoRAs '${name}'`, {
      hint: `say which: ${someOf(same)}`,
    });
  }
  const near = nearest(wanted, new Set(known.flatMap((path) => [path, basename(path)])), 2).map(
    (entry) => `'${entry}'`,
  );
  throw new FluxionError('not_found', `there is no LoRA ${quote(name)} in ${folder}`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : known.length > 0
          ? `it has ${someOf(known)}`
          : 'it has no .safetensors file',
  });
}

/** Finds a LoRA at a path in a folder, with or without `.safetensors`; undefined if it is missing, or outside the folder. */
export function pathByName(folder: string, name: string): string | undefined {
  const path = safePath(name);
  if (path === undefined) return undefined;
  return [join(folder, `${path}.safetensors`), join(folder, path)].find((place) => kindOf(place) !== 'missing');
}

/** A path without `.safetensors`; undefined if it leaves its folder. */
function safePath(name: string): string | undefined {
  const parts = name.replaceAll('\\', '/').split('/');
  if (name.includes('\0') || parts.some((part) => /^\.*$/.test(part))) return undefined;
  return parts.join('/').replace(/\.safetensors$/, '');
}

/** LoRAs in a folder and its subfolders: files, without `.safetensors`, and folders that hold a file with a usual name. */
function lorasUnder(folder: string): string[] {
  const found = new Set<string>();
  let left = MAX_ENTRIES;
  const walk = (inner: string, depth: number): void => {
    for (const name of listFolder(join(folder, inner))) {
      if (left-- <= 0) return;
      const path = inner === '' ? name : `${inner}/${name}`;
      if (name.endsWith('.safetensors')) found.add(USUAL.includes(name) && inner !== '' ? inner : path.slice(0, -12));
      else if (depth < MAX_DEPTH && !name.startsWith('.') && kindOf(join(folder, path)) === 'folder')
        walk(path, depth + 1);
    }
  };
  walk('', 0);
  return [...found];
}

function located(path: string, repository?: string): Located {
  const config = join(dirname(path), 'adapter_config.json');
  // If PEFT's own weight file is beside this one, the settings belong to that file.
  const others = basename(path) !== PEFT_FILE && kindOf(join(dirname(path), PEFT_FILE)) === 'file';
  const stem = basename(path).replace(/\.safetensors$/, '');
  const folder = repository ?? basename(dirname(path));
  return {
    path,
    config: kindOf(config) === 'file' && !others ? config : undefined,
    name: USUAL.includes(basename(path)) && folder !== '.' && folder !== '' ? folder : stem,
  };
}

/** `shown` is the user's name for the folder. */
function inFolder(folder: string, weightName: string | undefined, shown: string = folder): string {
  const names = safetensorsIn(folder);
  const name = chosen(names, weightName);
  // A named file need not end in .safetensors: its content decides.
  const path = join(folder, name ?? weightName ?? '');
  const inside = !(weightName ?? '').split(/[/\\]/).includes('..');
  if (inside && kindOf(path) === 'file') return path;
  if (weightName === undefined && kindOf(join(folder, PIPELINE)) === 'file') throw wholeModel(shown);
  throw notIn(shown, names, weightName);
}

/** Paths, with `/`, of weight files in a folder and its subfolders. */
function safetensorsIn(folder: string): string[] {
  return listFolder(folder).flatMap((name) => {
    if (name.endsWith('.safetensors')) return [name];
    if (kindOf(join(folder, name)) !== 'folder') return [];
    return listFolder(join(folder, name)).flatMap((inner) =>
      inner.endsWith('.safetensors') ? [`${name}/${inner}`] : [],
    );
  });
}

/** The requested file; otherwise a file with a usual name, or the only one. Subfolders count if the folder itself has none. */
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
  return new FluxionError('not_found', `${place}: ${what}${weightName === undefined ? ' that may be a LoRA' : ''}`, {
    hint:
      names.length > 0
        ? `${near === undefined ? '' : `did you mean '${near}'? `}weight_name chooses one of ${someOf(names)}; so does the path ${place}/${near ?? names[0]}`
        : 'it has no .safetensors file',
  });
}

/** A path that may be a repository's name, with or without a file in it; undefined if its first folder exists here. */
function onHub({
  path,
  weightName,
}: LoraPlace): { readonly hub: HubModel; readonly weightName: string | undefined } | undefined {
  const { hub, file } = parseHubFile(path) ?? {};
  if (!hub || (file !== undefined && kindOf(path.split('/')[0]!) !== 'missing')) return undefined;
  return { hub, weightName: file ?? weightName };
}

function wholeModel(place: string): FluxionError {
  return new FluxionError('unsupported', `${place}: expected a LoRA, found a whole model`, {
    hint: 'to open a model, set pretrained_model_name_or_path',
  });
}
