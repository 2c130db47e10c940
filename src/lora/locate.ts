/** Where a LoRA lies: a file, a folder, or the cache in which the Hugging Face tools keep what they downloaded. Nothing is fetched. */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { kindOf, listFolder } from '../checkpoint/file-bytes.ts';
import { FluxionError, nearest } from '../support/errors.ts';

/** A LoRA file that was found. */
export interface Located {
  readonly path: string;
  /** PEFT's adapter_config.json beside it. */
  readonly config: string | undefined;
  /** The file's name, or the folder's where the file's says nothing. */
  readonly name: string;
}

/** File names by which the tools save one LoRA a folder. */
const USUAL = ['pytorch_lora_weights.safetensors', 'adapter_model.safetensors', 'lora.safetensors'];

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
      const snapshot = snapshotOf(path);
      if (snapshot !== undefined) return located(inFolder(snapshot, weightName), basename(path));
      const hub = isRepository(path);
      throw new FluxionError('not_found', `there is no LoRA at '${path}'`, {
        hint: hub
          ? `if it is a Hugging Face repository: it is not in the local cache, and LoRAs are not downloaded yet; download its file and pass the path`
          : 'pass the path of a .safetensors file, or of a folder and its weight_name',
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

function isRepository(path: string): boolean {
  return /^[\w.-]+\/[\w.-]+$/.test(path) && !/^\.|\.safetensors$/.test(path);
}

/** The folder of a repository's main revision in the Hugging Face cache (https://huggingface.co/docs/huggingface_hub/guides/manage-cache). */
function snapshotOf(repository: string): string | undefined {
  if (!isRepository(repository)) return undefined;
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const cache =
    HF_HUB_CACHE || join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub');
  const folder = join(cache, `models--${repository.replace('/', '--')}`);
  try {
    const revision = readFileSync(join(folder, 'refs', 'main'), 'utf8').trim();
    const snapshot = join(folder, 'snapshots', revision);
    return /^[0-9a-f]{40}$/.test(revision) && kindOf(snapshot) === 'folder' ? snapshot : undefined;
  } catch {
    return undefined;
  }
}
