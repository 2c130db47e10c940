/**
 * A model in the diffusers folder layout: `model_index.json`, one folder for each part. Opening reads and checks the configs; the
 * weights of a component are opened when asked for.
 */

import { join } from 'node:path';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, listFolder } from '../files/file-bytes.ts';
import { type JsonObject, readJsonObject } from '../files/json.ts';
import type { TensorStore } from '../files/tensors.ts';
import {
  type Component,
  type ComponentName,
  componentNamed,
  type Family,
  type Part,
  tokenizerFolders,
} from './family.ts';
import { meantFolder, noModelFolder } from './model-folder.ts';
import { type OpenTensorsOptions, openTensors } from './open.ts';
import { requirePipeline } from './recognise.ts';

/** Configs (`M`), tokenizers and weights of a whole model; the weights are still on disk. */
export type ModelSource<M = unknown> = M & {
  readonly family: Family<M>;
  /** The folder or file that was opened. */
  readonly path: string;
  /** The diffusers pipeline class of a folder. */
  readonly className?: string;
  /** Folders of the text encoders' tokenizers, by the encoders' names. */
  readonly tokenizers: ReadonlyMap<string, string>;
  /** Set if the tokenizers are another model's. */
  readonly borrowsTokenizers?: true;
  /** The model's files and folders by their role; a whole folder has the empty role. */
  readonly paths: ReadonlyMap<string, string>;
  /** Set for random weights; `read` names the components that have files nevertheless. */
  readonly random?: { readonly seed: number; readonly read: ReadonlySet<string> };
  /** Opens a component's weights; the caller disposes them. */
  openWeights(component: ComponentName<M>): TensorStore;
};

/** An opened pipeline folder. */
export type PipelineFolder<M = unknown> = ModelSource<M> & {
  readonly className: string;
};

/** A pipeline folder whose parts are read on demand, so that missing ones matter only when they are needed. */
export interface PipelineParts {
  readonly path: string;
  readonly className: string;
  config(part: Part): unknown;
  /** The folder of a text encoder's tokenizer. */
  tokenizer(component: Component): string | undefined;
  openWeights(component: Component): TensorStore;
}

/** Opens a diffusers pipeline folder; throws `not_found`, `bad_file` or `unsupported` naming the file, the field or what is missing. */
export function openPipelineFolder<M>(
  family: Family<M>,
  path: string,
  options: OpenTensorsOptions = {},
): PipelineFolder<M> {
  const parts = openPipelineParts(family, path, options);
  const { components, scheduler } = family;
  const configs = {
    ...Object.fromEntries(components.map((component) => [component.name, parts.config(component)])),
    scheduler: parts.config(scheduler),
  } as M;
  requireAgreement(family, configs, parts.path);
  return {
    ...configs,
    family,
    path: parts.path,
    className: parts.className,
    tokenizers: tokenizersOf(family, parts.tokenizer),
    paths: new Map([['', parts.path]]),
    openWeights: (name) => parts.openWeights(componentNamed(family, name)),
  };
}

/** The folders of a model's tokenizers, by the names of their encoders. */
export function tokenizersOf(
  { components }: Family,
  find: (component: Component) => string | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    components.flatMap((component) => {
      const folder = find(component);
      return folder === undefined ? [] : [[component.name, folder] as const];
    }),
  );
}

/** Opens a diffusers pipeline folder without reading more than its index. */
export function openPipelineParts(family: Family, given: string, options: OpenTensorsOptions = {}): PipelineParts {
  const path = meantFolder(given);
  const index = readIndex(path);
  const folders = [
    ...family.components.map((component) => component.folder),
    ...tokenizerFolders(family),
    family.scheduler.folder,
  ];
  const folder = (name: string, needs: readonly string[]): string => {
    const found = join(path, name);
    if (kindOf(found) !== 'folder') {
      throw new FluxionError('not_found', `${path}: no ${name} folder; looked for ${found}`, {
        hint: `a complete Flux pipeline has ${folders.join(', ')}`,
      });
    }
    const names = listFolder(found);
    if (!needs.some((file) => names.includes(file))) {
      const listed = names.length === 0 ? 'it is empty' : `it has ${names.slice(0, 10).join(', ')}`;
      throw new FluxionError('not_found', `${found}: no ${needs.join(' or ')}; ${listed}`);
    }
    return found;
  };
  return {
    path,
    className: requirePipeline(index, join(path, 'model_index.json'), family),
    config(part) {
      return configIn(part, folder(part.folder, [part.configFile]));
    },
    tokenizer: ({ tokenizer }) => tokenizer && folder(tokenizer.folder, tokenizer.files),
    openWeights: (component) => openTensors(join(path, component.folder), options),
  };
}

/** Reads the config of a part in its folder; undefined if there is none. */
export function configIn<C>({ config, configFile }: Part<C>, folder: string): C | undefined {
  const file = join(folder, configFile);
  return kindOf(file) === 'file' ? config.read(readJsonObject(file), file) : undefined;
}

function readIndex(path: string): JsonObject {
  const file = join(path, 'model_index.json');
  if (kindOf(path) !== 'folder' || kindOf(file) === 'missing') throw noModelFolder(path);
  return readJsonObject(file);
}

/** Throws `bad_weights` unless the parts have the sizes that the first component was built for. */
export function requireAgreement<M>({ agreements, components }: Family<M>, configs: M, path: string): void {
  for (const [field, found, expected, from] of agreements(configs)) {
    if (expected === found) continue;
    throw new FluxionError(
      'bad_weights',
      `${path}: ${components[0].folder} ${field} is ${expected}, but ${from} gives ${found}`,
      { hint: 'the parts are of different models: choose a base model and parts that go together' },
    );
  }
}
