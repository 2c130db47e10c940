/**
 * A whole model out of what people have: a diffusers folder, a single file with some or all of the weights, and other files in place
 * of single parts. What has no config.json gets its config from its shapes; what has no tokenizers needs to be given some.
 */

import { basename, dirname, extname, join } from 'node:path';
import type { FluxConfig } from '../../models/flux.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import { FluxionError } from '../../support/errors.ts';
import { kindOf, notThere, readingFile } from '../files/file-bytes.ts';
import { type JsonObject, readJsonObject } from '../files/json.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { WeightOrigin } from './bind.ts';
import {
  deriveClipConfig,
  deriveT5Config,
  deriveTransformerConfig,
  deriveVaeConfig,
  publishedScheduler,
} from './derive-config.ts';
import { FAMILY_NAMES, fileContents, requireGroup } from './detect.ts';
import type { ModelFamily } from './keymap.ts';
import { readClipConfig, readT5Config, readTransformerConfig, readVaeConfig } from './model-config.ts';
import { meantFolder, repoOf } from './model-folder.ts';
import { type OpenTensorsOptions, openTensors } from './open.ts';
import {
  checkWidths,
  type ModelSource,
  openPipelineFolder,
  openPipelineParts,
  type PipelineParts,
  type WeightedComponent,
} from './pipeline-folder.ts';

/** Files or component folders to take parts from in place of the model's own. */
export interface ModelParts {
  readonly transformer?: string | undefined;
  readonly clip?: string | undefined;
  readonly t5?: string | undefined;
  readonly vae?: string | undefined;
  /** A folder that holds `tokenizer` and `tokenizer_2`, such as a model folder. */
  readonly tokenizer?: string | undefined;
}

type Part = Exclude<keyof ModelParts, 'tokenizer'>;

/** The parts that have weights: the family of each, and its folder in the diffusers layout. */
const PARTS = {
  transformer: { family: 'flux', component: 'transformer' },
  clip: { family: 'clip', component: 'text_encoder' },
  t5: { family: 't5', component: 'text_encoder_2' },
  vae: { family: 'vae', component: 'vae' },
} as const satisfies Record<Part, { family: ModelFamily; component: WeightedComponent }>;
const PART_NAMES = Object.keys(PARTS) as Part[];

/**
 * Opens a model: a folder in the diffusers layout, or a file with weights, and parts in their place. Reads configs and headers only.
 * Throws `not_found`, `bad_file`, `bad_weights` or `unsupported` naming the file and what is missing.
 */
export function openModel(given: string, others: ModelParts = {}, options: OpenTensorsOptions = {}): ModelSource {
  const path = meantFolder(given);
  const parts = partsOf(others);
  if (kindOf(path) !== 'file') {
    const whole = Object.keys(parts).length === 0;
    return whole ? openPipelineFolder(path, options) : assemble(path, openPipelineParts(path, options), parts, options);
  }
  using store = openTensors(path, options);
  const contents = fileContents(store);
  const own = PART_NAMES.filter((part) => contents.groups.some(({ family }) => family === PARTS[part].family));
  // Told before anything else: what the file is, if it is nothing of ours.
  if (own.length === 0) requireGroup(contents, 'flux');
  const filled = { ...Object.fromEntries(own.map((part) => [part, path])), ...parts };
  checkComplete(path, own, filled);
  return assemble(path, undefined, filled, options);
}

/** The parts that are given, out of options that may say more. */
function partsOf(given: ModelParts): ModelParts {
  const parts = PART_NAMES.flatMap((name) => (given[name] === undefined ? [] : [[name, placeOf(name, given[name])]]));
  const tokenizer = given.tokenizer === undefined ? {} : { tokenizer: meantFolder(given.tokenizer) };
  return { ...Object.fromEntries(parts), ...tokenizer };
}

/** Where a part lies: in the file or folder that is given, or in its component's folder of a whole model. */
function placeOf(part: Part, given: string): string {
  const path = basename(given) === 'config.json' && kindOf(given) === 'file' ? dirname(given) : meantFolder(given);
  const isModel = kindOf(path) === 'folder' && kindOf(join(path, 'model_index.json')) === 'file';
  return isModel ? join(path, PARTS[part].component) : path;
}

function checkComplete(path: string, own: readonly Part[], parts: ModelParts): void {
  const lacking = PART_NAMES.filter((part) => parts[part] === undefined);
  if (lacking.length === 0 && parts.tokenizer !== undefined) return;
  const lacks = [
    ...lacking.map((part) => FAMILY_NAMES[PARTS[part].family]),
    ...(parts.tokenizer === undefined ? ['the tokenizers'] : []),
  ];
  const more = [
    ...lacking.map((part) => `${part}=FILE`),
    ...(parts.tokenizer === undefined ? ['tokenizer=FOLDER'] : []),
  ];
  throw new FluxionError(
    'not_found',
    `${path}: holds ${own.map((part) => FAMILY_NAMES[PARTS[part].family]).join(', ')}; a model also needs ${lacks.join(', ')}`,
    {
      hint: `use it beside a model folder, as ${own[0]}=${basename(path)} with pretrained_model_name_or_path=FOLDER; or add ${more.join(' ')}`,
    },
  );
}

function assemble(
  path: string,
  base: PipelineParts | undefined,
  parts: ModelParts,
  options: OpenTensorsOptions,
): ModelSource {
  const open = (part: Part): TensorStore => {
    const own = parts[part];
    return own === undefined ? base!.openWeights(PARTS[part].component) : openPart(own, PARTS[part].family, options);
  };
  /** The config of a part: the base's, or that of the file in its place, to which the base's is a hint. */
  const config = <T>(
    part: Part,
    fromBase: (() => T) | undefined,
    read: (json: JsonObject, path: string) => T,
    derive: (store: TensorStore, known?: T) => T,
  ): T => {
    const own = parts[part];
    if (own === undefined) return fromBase!();
    const file = join(own, 'config.json');
    if (kindOf(own) === 'folder' && kindOf(file) === 'file') return read(readJsonObject(file, readingFile), file);
    using store = open(part);
    return derive(store, fromBase && orNothing(fromBase));
  };
  const transformer = config('transformer', base?.transformer, readTransformerConfig, deriveTransformerConfig);
  const tokenizers = parts.tokenizer === undefined ? base! : tokenizerFolders(parts.tokenizer);
  const [tokenizer, tokenizer2] = [tokenizers.tokenizer(), tokenizers.tokenizer2()];
  const source: ModelSource = {
    path,
    transformer,
    clip: config('clip', base?.clip, readClipConfig, deriveClipConfig),
    t5: config('t5', base?.t5, readT5Config, deriveT5Config),
    vae: config('vae', base?.vae, readVaeConfig, deriveVaeConfig),
    scheduler: schedulerOf(base, transformer),
    tokenizer,
    tokenizer2,
    places: new Map([
      ...PART_NAMES.map((part) => [part, parts[part] ?? join(path, PARTS[part].component)] as const),
      ['tokenizer', tokenizer],
      ['tokenizer_2', tokenizer2],
    ]),
    openWeights: (component) => open(PART_NAMES.find((part) => PARTS[part].component === component)!),
  };
  checkWidths(source);
  return source;
}

/** Where the weights of a part come from; a store is the caller's. */
export function originOf(source: ModelSource, part: Part): WeightOrigin {
  const { family, component } = PARTS[part];
  const { random } = source;
  return random && !random.read.has(component) ? random : { store: source.openWeights(component), family };
}

/** The source with random weights, but for the parts that are given. */
export function withRandomWeights(
  source: ModelSource,
  given: ModelParts,
  seed: number,
  options: OpenTensorsOptions,
): ModelSource {
  const parts = partsOf(given);
  const read = new Map(
    PART_NAMES.flatMap((part) => (given[part] === undefined ? [] : [[PARTS[part].component, part] as const])),
  );
  return {
    ...source,
    random: { seed, read: new Set(read.keys()) },
    openWeights: (component) => {
      const part = read.get(component);
      if (part) return openPart(parts[part]!, PARTS[part].family, options);
      throw new FluxionError('not_found', `${source.path}: its ${component} has random weights, and no file`);
    },
  };
}

/** Opens the file given for a part, which must hold it. */
function openPart(path: string, family: ModelFamily, options: OpenTensorsOptions): TensorStore {
  if (kindOf(path) === 'missing') throw notThere(path);
  using opened = new DisposableStack();
  const store = opened.use(openTensors(path, options));
  requireGroup(fileContents(store), family);
  opened.move();
  return store;
}

/** The base's scheduler, unless the transformer comes from elsewhere and is of the other kind: with guidance, or without. */
function schedulerOf(base: PipelineParts | undefined, transformer: FluxConfig): SchedulerConfig {
  const known = base && orNothing(base.transformer);
  const sameKind = known === undefined || known.guidanceEmbeds === transformer.guidanceEmbeds;
  return (base && sameKind ? orNothing(base.scheduler) : undefined) ?? publishedScheduler(transformer);
}

function tokenizerFolders(folder: string): Pick<PipelineParts, 'tokenizer' | 'tokenizer2'> {
  const find = (name: string, needs: readonly string[]): string => {
    const found = join(folder, name);
    if (needs.some((file) => kindOf(join(found, file)) === 'file')) return found;
    throw new FluxionError('not_found', `${found}: no ${needs.join(' or ')}`, {
      hint: 'tokenizer=FOLDER takes a folder that holds tokenizer and tokenizer_2, such as a model folder',
    });
  };
  return {
    tokenizer: () => find('tokenizer', ['tokenizer.json', 'vocab.json']),
    tokenizer2: () => find('tokenizer_2', ['tokenizer.json', 'spiece.model']),
  };
}

/** What a call returns, or nothing where the base lacks that part. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FluxionError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** What a model is called where it is given no name: its folder's name, or that of the file its transformer comes from. */
export function modelName(path: string, { transformer = path }: ModelParts): string {
  const repo = repoOf(transformer);
  if (repo !== undefined) return repo;
  const name = basename(transformer);
  return kindOf(transformer) === 'file' ? name.slice(0, name.length - extname(name).length) : name;
}
