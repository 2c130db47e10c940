/**
 * Opens a whole model from the files people have: a diffusers folder, a single file with some or all of the weights, and other files in
 * place of single parts. Without a config.json, a part's config is derived from its shapes; missing tokenizers must be given.
 */

import { basename, dirname, extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { unlessRefused } from '../../support/attempt.ts';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, notThere } from '../files/file-bytes.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { WeightOrigin } from './bind.ts';
import { type FileContents, fileContents, groupOf, requireGroup, type TensorGroup } from './detect.ts';
import {
  type Component,
  type ComponentName,
  componentNamed,
  type Family,
  type ModelParts,
  tokenizerFolders,
} from './family.ts';
import { declaredShapes } from './layout.ts';
import { meantFolder, repoOf } from './model-folder.ts';
import { type OpenTensorsOptions, openTensors } from './open.ts';
import {
  configIn,
  type ModelSource,
  openPipelineFolder,
  openPipelineParts,
  type PipelineParts,
  requireAgreement,
  tokenizersOf,
} from './pipeline-folder.ts';

/** Paths of parts, and of the folder with tokenizers, by name. */
type Paths = Readonly<Record<string, string | undefined>>;

/**
 * Opens a model: a folder in the diffusers layout or a file with weights, with replaced parts. Reads only configs and headers. Throws
 * `not_found`, `bad_file`, `bad_weights` or `unsupported` naming the file and what is missing.
 */
export function openModel<M>(
  family: Family<M>,
  given: string,
  others: ModelParts<M> = {},
  options: OpenTensorsOptions = {},
): ModelSource<M> {
  const path = meantFolder(given);
  const parts = pathsOf(family, others);
  if (kindOf(path) !== 'file') {
    const whole = Object.keys(parts).length === 0;
    return whole
      ? openPipelineFolder(family, path, options)
      : assemble(family, path, openPipelineParts(family, path, options), parts, options);
  }
  using store = openTensors(path, options);
  const contents = fileContents(store, family);
  const own = contents.groups.map(({ component }) => component);
  // Refuse foreign files first.
  if (own.length === 0) requireGroup(contents, family.components[0]);
  const filled = { ...Object.fromEntries(own.map(({ name }) => [name, path])), ...parts };
  requireComplete(family, path, own, filled);
  return assemble(family, path, undefined, filled, options);
}

/** The paths of parts among options. */
function pathsOf({ components }: Family, given: object): Paths {
  const { tokenizer, ...others } = given as Paths;
  const parts = components.flatMap((component) => {
    const path = others[component.name];
    return path === undefined ? [] : [[component.name, placeOf(component, path)]];
  });
  return { ...Object.fromEntries(parts), ...(tokenizer !== undefined && { tokenizer: meantFolder(tokenizer) }) };
}

/** The path of a part: the file or folder given, or its component's folder in a whole model. */
export function placeOf({ folder }: Component, given: string): string {
  const path = basename(given) === 'config.json' && kindOf(given) === 'file' ? dirname(given) : meantFolder(given);
  const isModel = kindOf(path) === 'folder' && kindOf(join(path, 'model_index.json')) === 'file';
  return isModel ? join(path, folder) : path;
}

function requireComplete({ components }: Family, path: string, own: readonly Component[], parts: Paths): void {
  const lacking = components.filter(({ name }) => parts[name] === undefined);
  const hasTokenizers = parts['tokenizer'] !== undefined;
  if (lacking.length === 0 && hasTokenizers) return;
  const lacks = [...lacking.map(({ title }) => title), ...(hasTokenizers ? [] : ['the tokenizers'])];
  const more = [...lacking.map(({ name }) => `${name}=FILE`), ...(hasTokenizers ? [] : ['tokenizer=FOLDER'])];
  throw new FluxionError(
    'not_found',
    `${path}: holds ${own.map(({ title }) => title).join(', ')}; a model also needs ${lacks.join(', ')}`,
    {
      hint: `use it beside a model folder, as ${own[0]!.name}=${basename(path)} with pretrained_model_name_or_path=FOLDER; or add ${more.join(' ')}`,
    },
  );
}

function assemble<M>(
  family: Family<M>,
  path: string,
  base: PipelineParts | undefined,
  parts: Paths,
  options: OpenTensorsOptions,
): ModelSource<M> {
  const { components } = family;
  const open = (component: Component): TensorStore => {
    const own = parts[component.name];
    return own === undefined ? base!.openWeights(component) : openGroup(family, component, own, options).store;
  };
  /** A component's config: the base's, or that of the file that replaces it, derived with the base's as a hint. */
  const configOf = (component: Component): unknown => {
    const own = parts[component.name];
    if (own === undefined) return base!.config(component);
    const beside = configIn(component, own);
    if (beside !== undefined) return beside;
    using store = open(component);
    return component.config.derive(
      declaredShapes(store, component),
      base && unlessRefused(() => base.config(component), 'not_found'),
    );
  };
  const { tokenizer } = parts;
  const tokenizers = tokenizersOf(
    family,
    tokenizer === undefined ? base!.tokenizer : (component) => tokenizerIn(tokenizer, component, family),
  );
  const own = Object.fromEntries(components.map((component) => [component.name, configOf(component)]));
  const configs = { ...own, scheduler: schedulerOf(family, base, own) } as M;
  requireAgreement(family, configs, path);
  return {
    ...configs,
    family,
    path,
    ...(base && parts[components[0].name] === undefined && { className: base.className }),
    tokenizers,
    paths: new Map([
      ...components.map(({ name, folder }) => [name, parts[name] ?? join(path, folder)] as const),
      ...[...tokenizers].map(([name, folder]) => [componentNamed(family, name).tokenizer!.folder, folder] as const),
    ]),
    openWeights: (name) => open(componentNamed(family, name)),
  };
}

/** The source of a component's weights; the caller owns a store. Throws `bad_weights` or `unsupported` if a file holds something else. */
export function originOf<M>(source: ModelSource<M>, name: ComponentName<M>): WeightOrigin {
  const { random, family } = source;
  if (random && !random.read.has(name)) return random;
  return grouped(family, source.openWeights(name), (contents) => groupOf(contents, componentNamed(family, name)));
}

/** A store, which it takes over, and the group that `find` finds in it. */
function grouped(
  family: Family,
  store: TensorStore,
  find: (contents: FileContents) => TensorGroup,
): { readonly store: TensorStore; readonly group: TensorGroup } {
  using opened = new DisposableStack();
  opened.use(store);
  const group = find(fileContents(store, family));
  opened.move();
  return { store, group };
}

/** Opens a file or folder that must hold a component; the store is the caller's. Throws `not_found`, `bad_weights` or `unsupported`. */
export function openGroup(
  family: Family,
  component: Component,
  path: string,
  options: OpenTensorsOptions,
): { readonly store: TensorStore; readonly group: TensorGroup } {
  if (kindOf(path) === 'missing') throw notThere(path);
  return grouped(family, openTensors(path, options), (contents) => requireGroup(contents, component));
}

/** The source with random weights, except for the parts given. */
export function withRandomWeights<M>(
  source: ModelSource<M>,
  given: ModelParts<M>,
  seed: number,
  options: OpenTensorsOptions,
): ModelSource<M> {
  const { family } = source;
  const { tokenizer: _, ...parts } = pathsOf(family, given);
  return {
    ...source,
    random: { seed, read: new Set(Object.keys(parts)) },
    openWeights: (name) => {
      const component = componentNamed(family, name);
      const path = parts[name];
      if (path !== undefined) return openGroup(family, component, path, options).store;
      throw new FluxionError(
        'not_found',
        `${source.path}: the weights of its ${component.folder} are random: no file holds them`,
      );
    },
  };
}

/** The base's scheduler, unless replaced parts give the model guidance, or take it away: such models are published with another one. */
function schedulerOf(
  { scheduler, components: [first] }: Family,
  base: PipelineParts | undefined,
  configs: Readonly<Record<string, unknown>>,
): unknown {
  const published = scheduler.published(configs);
  const known = base && unlessRefused(() => base.config(first), 'not_found');
  const sameKind =
    known === undefined || isDeepStrictEqual(scheduler.published({ ...configs, [first.name]: known }), published);
  return (base && sameKind ? unlessRefused(() => base.config(scheduler), 'not_found') : undefined) ?? published;
}

function tokenizerIn(folder: string, { tokenizer }: Component, family: Family): string | undefined {
  if (tokenizer === undefined) return undefined;
  const found = join(folder, tokenizer.folder);
  if (tokenizer.files.some((file) => kindOf(join(found, file)) === 'file')) return found;
  throw new FluxionError('not_found', `${found}: no ${tokenizer.files.join(' or ')}`, {
    hint: `tokenizer=FOLDER takes a folder that holds ${tokenizerFolders(family).join(' and ')}, such as a model folder`,
  });
}

/** The default name of a model: its folder's name, or the name of the file that replaces its first component. */
export function modelName<M>({ components }: Family<M>, path: string, parts: ModelParts<M>): string {
  const main = (parts as Paths)[components[0].name] ?? path;
  const repo = repoOf(main);
  if (repo !== undefined) return repo;
  const name = basename(main);
  return kindOf(main) === 'file' ? name.slice(0, name.length - extname(name).length) : name;
}
