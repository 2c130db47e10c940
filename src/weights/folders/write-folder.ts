/**
 * Writes folders in the layout of diffusers: one model with its config and its weights, in shards if they are large; or a whole pipeline. A
 * folder appears whole or not at all.
 */

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { byteLength } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { partialName } from '../../support/write-file.ts';
import { kindOf } from '../files/file-bytes.ts';
import { type LazyTensor, streamSafetensors } from '../files/safetensors.ts';
import type { TensorStore } from '../files/tensors.ts';
import { type Component, type Family, type Part, tokenizerFolders } from './family.ts';
import { declaredShapes } from './layout.ts';
import { configIn } from './pipeline-folder.ts';

/** One component to write. */
export interface FolderPart {
  readonly component: Component;
  /** The source: its shapes and the config beside it determine the written config. */
  readonly store: TensorStore;
  readonly tensors: readonly LazyTensor[];
}

export interface FolderOptions {
  /** Torch's name for the type of most tensors. */
  readonly dtype: string;
  /** Bytes of weights in one file. */
  readonly shardSize: number;
  /** The folder whose `tokenizer`, `tokenizer_2` and, if present, `scheduler` are copied. */
  readonly base?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes a folder of one component, or of a complete pipeline. Throws `io`, and `bad_weights` for an incomplete pipeline. */
export async function writeFolder(
  family: Family,
  path: string,
  parts: readonly FolderPart[],
  options: FolderOptions,
): Promise<void> {
  using folder = new PartialFolder(path);
  if (parts.length === 1) await writePart(folder.path, parts[0]!, options);
  else await writePipeline(family, folder.path, parts, options);
  folder.finish();
}

async function writePipeline(
  family: Family,
  path: string,
  parts: readonly FolderPart[],
  options: FolderOptions,
): Promise<void> {
  const { components, scheduler } = family;
  const missing = components.filter((component) => !parts.some((part) => part.component === component));
  if (missing.length > 0) {
    throw new FluxionError(
      'bad_weights',
      `a pipeline folder also needs ${missing.map(({ title }) => title).join(', ')}`,
      { hint: '--part writes one model alone; more inputs may be given' },
    );
  }
  const configs: Record<string, unknown> = {};
  for (const part of parts) {
    const { name, folder } = part.component;
    configs[name] = await writePart(join(path, folder), part, options);
  }
  const { base } = options;
  const known = base === undefined ? undefined : configIn(scheduler, join(base, scheduler.folder));
  writeConfig(join(path, scheduler.folder), scheduler, known ?? scheduler.published(configs), options);
  for (const name of tokenizerFolders(family)) {
    const from = base === undefined ? undefined : join(base, name);
    if (from !== undefined && kindOf(from) === 'folder') {
      cpSync(from, join(path, name), { recursive: true, dereference: true });
    }
  }
  writeJson(path, 'model_index.json', indexOf(family));
}

/** The fields of `model_index.json`: the class of every part. */
function indexOf({ components, scheduler, pipelines, absent }: Family): Record<string, unknown> {
  const parts = [...components, ...components.flatMap(({ tokenizer }) => tokenizer ?? []), scheduler];
  const classes = [
    ...parts.map((part) => [part.folder, part.class] as const),
    ...absent.map((name) => [name, [null, null]] as const),
  ];
  const sorted = classes.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { _class_name: pipelines[0], ...Object.fromEntries(sorted) };
}

/** Writes a component's folder; returns its config. */
async function writePart(path: string, part: FolderPart, options: FolderOptions): Promise<unknown> {
  const { component, store, tensors } = part;
  const { weights, folder } = component;
  const { base } = options;
  const known = knownConfig(component, [dirname(store.path), ...(base === undefined ? [] : [join(base, folder)])]);
  const config = component.config.derive(declaredShapes(store, component), known);
  writeConfig(path, component, config, options);
  const metadata = { format: 'pt' };
  const shards = shardsOf(tensors, options.shardSize);
  if (shards.length === 1) {
    await streamSafetensors(join(path, `${weights}.safetensors`), tensors, { metadata, signal: options.signal });
    return config;
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
  return config;
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
  return byteLength(dtype, shape);
}

/** The first config found in these folders. */
function knownConfig(component: Component, folders: readonly string[]): unknown {
  for (const folder of folders) {
    try {
      const found = configIn(component, folder);
      if (found !== undefined) return found;
    } catch (error) {
      // A config of another model that happens to be beside the file.
      if (!(error instanceof FluxionError)) throw error;
    }
  }
  return undefined;
}

function writeConfig(folder: string, { config, configFile }: Part, value: unknown, { dtype }: FolderOptions): void {
  writeJson(folder, configFile, config.write(value, dtype));
}

function writeJson(folder: string, name: string, value: unknown): void {
  makeFolder(folder);
  writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);
}

/** A folder under a temporary name, removed unless it is finished. */
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
