/**
 * Writes folders in the layout of diffusers: one model with its config and its weights, in shards if they are large; or a whole pipeline. A
 * folder appears whole or not at all.
 */

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unlessRefused } from '../../support/attempt.ts';
import { FluxionError } from '../../support/errors.ts';
import { makeFolder } from '../../support/make-folder.ts';
import { partialName } from '../../support/write-file.ts';
import { kindOf } from '../files/file-bytes.ts';
import { type LazyTensor, sizeOf, sizeOfAll, streamSafetensors } from '../files/safetensors.ts';
import type { TensorStore } from '../files/tensors.ts';
import { type Component, type Family, tokenizerFolders } from './family.ts';
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
  const partial = partialName(path);
  mkdirSync(partial);
  using cleaning = new DisposableStack();
  cleaning.defer(() => rmSync(partial, { recursive: true, force: true }));
  if (parts.length === 1) await writePart(partial, parts[0]!, options);
  else await writePipeline(family, partial, parts, options);
  renameSync(partial, path);
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
  const { base, dtype } = options;
  const known = base === undefined ? undefined : configIn(scheduler, join(base, scheduler.folder));
  const config = scheduler.config.write(known ?? scheduler.published(configs), dtype);
  writeJson(join(path, scheduler.folder), scheduler.configFile, config);
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
  const { weights, folder, configFile } = component;
  const { base, dtype, shardSize, signal } = options;
  const folders = [dirname(store.path), ...(base === undefined ? [] : [join(base, folder)])];
  // A config of another model may happen to be beside the file.
  const configs = folders.map((folder) => unlessRefused(() => configIn(component, folder)));
  const known = configs.find((config) => config !== undefined);
  const config = component.config.derive(declaredShapes(store, component), known);
  writeJson(path, configFile, component.config.write(config, dtype));
  const shards = shardsOf(tensors, shardSize);
  const number = (n: number): string => String(n).padStart(5, '0');
  const map: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const part = shards.length === 1 ? '' : `-${number(i + 1)}-of-${number(shards.length)}`;
    const name = `${weights}${part}.safetensors`;
    for (const tensor of shard) map[tensor.name] = name;
    await streamSafetensors(join(path, name), shard, { metadata: { format: 'pt' }, signal });
  }
  if (shards.length > 1) {
    const index = { metadata: { total_size: sizeOfAll(tensors) }, weight_map: map };
    writeJson(path, `${weights}.safetensors.index.json`, index);
  }
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

function writeJson(folder: string, name: string, value: unknown): void {
  makeFolder(folder);
  writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);
}
