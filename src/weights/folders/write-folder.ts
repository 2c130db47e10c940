/**
 * Folders as diffusers has them: one for a single model, with its config and its weights, in shards where they are large; or a whole pipeline.
 * A folder appears when it is whole, or not at all.
 */

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { byteSize, elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { partialName } from '../../support/write-file.ts';
import { kindOf, readingFile } from '../files/file-bytes.ts';
import { type JsonObject, readJsonObject } from '../files/json.ts';
import { type LazyTensor, streamSafetensors } from '../files/safetensors.ts';
import type { TensorStore } from '../files/tensors.ts';
import {
  type ConfigJson,
  clipJson,
  FOLDERS,
  pipelineJson,
  schedulerJson,
  t5Json,
  transformerJson,
  vaeJson,
} from './config-json.ts';
import {
  deriveClipConfig,
  deriveT5Config,
  deriveTransformerConfig,
  deriveVaeConfig,
  publishedScheduler,
} from './derive-config.ts';
import { FAMILY_NAMES } from './detect.ts';
import type { ModelFamily } from './keymap.ts';
import {
  readClipConfig,
  readSchedulerConfig,
  readT5Config,
  readTransformerConfig,
  readVaeConfig,
} from './model-config.ts';

/** One model to write. */
export interface FolderPart {
  readonly family: ModelFamily;
  /** Where it comes from: its shapes, and the config beside them, decide what is written as its config. */
  readonly store: TensorStore;
  readonly tensors: readonly LazyTensor[];
}

export interface FolderOptions {
  /** What most tensors are, as torch calls it. */
  readonly dtype: string;
  /** Bytes of weights in one file. */
  readonly shardSize: number;
  /** A folder with `tokenizer` and `tokenizer_2`, and perhaps a `scheduler`, to copy. */
  readonly base?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FAMILIES = Object.keys(FOLDERS) as ModelFamily[];
const TOKENIZERS = ['tokenizer', 'tokenizer_2'] as const;

/** Writes a model's folder, or a pipeline's for several models, of which none may lack. Throws `io`, and `bad_weights` for an incomplete pipeline. */
export async function writeFolder(path: string, parts: readonly FolderPart[], options: FolderOptions): Promise<void> {
  using folder = new PartialFolder(path);
  if (parts.length === 1) await writePart(folder.path, parts[0]!, options);
  else await writePipeline(folder.path, parts, options);
  folder.finish();
}

async function writePipeline(path: string, parts: readonly FolderPart[], options: FolderOptions): Promise<void> {
  const missing = FAMILIES.filter((family) => !parts.some((part) => part.family === family));
  if (missing.length > 0) {
    const names = missing.map((family) => FAMILY_NAMES[family]).join(', ');
    throw new FluxionError('bad_weights', `a pipeline folder also needs ${names}`, {
      hint: '--part writes one model alone; more inputs may be given',
    });
  }
  for (const part of parts) await writePart(join(path, FOLDERS[part.family].folder), part, options);
  const { base } = options;
  const scheduler = base === undefined ? undefined : join(base, 'scheduler', 'scheduler_config.json');
  const transformer = parts.find(({ family }) => family === 'flux')!;
  const schedule =
    scheduler !== undefined && kindOf(scheduler) === 'file'
      ? readSchedulerConfig(readJsonObject(scheduler, readingFile), scheduler)
      : publishedScheduler(deriveTransformerConfig(transformer.store));
  writeJson(join(path, 'scheduler'), 'scheduler_config.json', schedulerJson(schedule));
  for (const name of TOKENIZERS) {
    const from = base === undefined ? undefined : join(base, name);
    if (from !== undefined && kindOf(from) === 'folder') {
      cpSync(from, join(path, name), { recursive: true, dereference: true });
    }
  }
  writeJson(path, 'model_index.json', pipelineJson());
}

async function writePart(path: string, { family, store, tensors }: FolderPart, options: FolderOptions): Promise<void> {
  const { folder, weights } = FOLDERS[family];
  const { base } = options;
  const places = [dirname(store.path), ...(base === undefined ? [] : [join(base, folder)])];
  writeJson(path, 'config.json', configOf(family, store, options.dtype, places));
  const metadata = { format: 'pt' };
  const shards = shardsOf(tensors, options.shardSize);
  if (shards.length === 1) {
    await streamSafetensors(join(path, `${weights}.safetensors`), tensors, { metadata, signal: options.signal });
    return;
  }
  const map: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const number = (n: number): string => String(n).padStart(5, '0');
    const name = `${weights}-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    for (const tensor of shard) map[tensor.name] = name;
    await streamSafetensors(join(path, name), shard, { metadata, signal: options.signal });
  }
  const total = tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
  writeJson(path, `${weights}.safetensors.index.json`, { metadata: { total_size: total }, weight_map: map });
}

/** Fills one file after the other, in the order of the tensors. */
function shardsOf(tensors: readonly LazyTensor[], limit: number): LazyTensor[][] {
  const shards: LazyTensor[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    const bytes = sizeOf(tensor);
    if (size + bytes > limit && shards.at(-1)!.length > 0) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)!.push(tensor);
    size += bytes;
  }
  return shards;
}

function sizeOf({ dtype, shape }: LazyTensor): number {
  return elementCount(shape) * byteSize(dtype);
}

/** What the shapes tell, and for the rest what a config in one of these places says. */
function configOf(family: ModelFamily, store: TensorStore, dtype: string, places: readonly string[]): ConfigJson {
  const known = <T>(read: (json: JsonObject, path: string) => T): T | undefined => {
    for (const file of places.map((place) => join(place, 'config.json'))) {
      if (kindOf(file) !== 'file') continue;
      try {
        return read(readJsonObject(file, readingFile), file);
      } catch (error) {
        // Of another model, which the file happens to lie beside.
        if (!(error instanceof FluxionError)) throw error;
      }
    }
    return undefined;
  };
  switch (family) {
    case 'flux':
      return transformerJson(deriveTransformerConfig(store, known(readTransformerConfig)));
    case 'clip':
      return clipJson(deriveClipConfig(store, known(readClipConfig)), dtype);
    case 't5':
      return t5Json(deriveT5Config(store, known(readT5Config)), dtype);
    case 'vae':
      return vaeJson(deriveVaeConfig(store, known(readVaeConfig)));
    default:
      return family satisfies never;
  }
}

function writeJson(folder: string, name: string, value: unknown): void {
  makeFolder(folder);
  writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);
}

/** A folder under a temporary name, gone unless it is finished. */
class PartialFolder implements Disposable {
  readonly path: string;
  readonly #target: string;

  constructor(target: string) {
    this.#target = target;
    this.path = partialName(target);
    mkdirSync(this.path);
  }

  finish(): void {
    renameSync(this.path, this.#target);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
