/**
 * Detects what a weight file holds, by its keys and shapes and never by its name: which models, in which spelling, with which prefix and
 * encoding. An all-in-one file holds several groups, each with its own prefix.
 */

import { unlessRefused } from '../../support/attempt.ts';
import { elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { requireWholeSet } from '../files/shards.ts';
import type { TensorStore } from '../files/tensors.ts';
import type { Component, Family, Layout } from './family.ts';
import { declaredShapes, layoutOf } from './layout.ts';
import { type Foreign, LORA, RUNS, recogniseTensors, tensorsIn } from './recognise.ts';

/** The weights of one component in a file. */
export interface TensorGroup {
  readonly component: Component;
  /** The spelling of its tensors. */
  readonly layout: Layout;
  /** The prefix of its keys. */
  readonly prefix: string;
  readonly keys: readonly string[];
}

/** Everything in a file. */
export interface FileContents {
  readonly path: string;
  readonly format: TensorStore['format'];
  /** The family whose components were looked for. */
  readonly family: Family;
  /** The family's components that are in the file. */
  readonly groups: readonly TensorGroup[];
  /** Keys that belong to no known group. */
  readonly strays: readonly string[];
  /** The rest of the file: parts of other models, adapters, weights that only other programs read. */
  readonly foreign: readonly Foreign[];
}

/** Keys that such files contain beside the groups, and that no model here uses. */
const EXTRAS = [
  /(^|\.)logit_scale$/,
  /(^|\.)text_projection(\.weight)?$/,
  /(^|\.)position_ids$/,
  /(^|\.)spiece_model$/,
];

/** Sorts a file's keys into the components they belong to. */
export function fileContents(store: TensorStore, family: Family): FileContents {
  const keys = store.keys();
  const tensors = tensorsIn(store);
  const recognised = recogniseTensors(tensors, family);
  const isUsable = ({ name }: Component): boolean =>
    !recognised.some(({ instead }) => instead === name || instead === 'file');
  const own = family.components.filter(isUsable);
  const beside = family.extras.filter(
    ({ foreign }) => recognised.every(({ instead }) => instead !== 'file') && foreign(tensors) === undefined,
  );
  const found = [...own, ...beside].flatMap((component) => {
    const match = layoutOf(component, store);
    return match ? [{ component, ...match }] : [];
  });
  // A file that holds only networks beside a model is not foreign.
  const isExtra = found.length > 0 && found.every(({ component }) => beside.includes(component));
  const foreign = isExtra ? [] : recognised;
  const prefixes = found.map(({ prefix }) => prefix).filter((prefix) => prefix !== '');
  const loose = keys.filter((key) => !prefixes.some((prefix) => key.startsWith(prefix)));
  const groups = found.map((group) => ({
    ...group,
    keys: group.prefix === '' ? loose : keys.filter((key) => key.startsWith(group.prefix)),
  }));
  const claimed = groups.some(({ prefix }) => prefix === '');
  return {
    path: store.path,
    format: store.format,
    family,
    groups,
    strays: claimed || foreign.length > 0 ? [] : loose.filter((key) => !EXTRAS.some((pattern) => pattern.test(key))),
    foreign,
  };
}

/** Describes in a few words what a file holds. */
export function describeContents({ groups, foreign, strays, family }: FileContents): string {
  const parts = [...foreign.map(({ what }) => what), ...groups.map(({ component }) => component.title)];
  if (parts.length > 0) return parts.join(', ');
  if (strays.length === 0) return 'no tensors';
  const piece = family.components.find(({ fragment }) => strays.some((key) => fragment.test(key)));
  if (piece) return `a part of ${piece.title}, such as one file of several`;
  return `nothing that is recognised; its keys begin ${strays.slice(0, 3).join(', ')}`;
}

/**
 * Finds a component's weights in a file; throws `bad_weights` or `unsupported` saying what the file holds instead, or which of its keys
 * are unknown.
 */
export function requireGroup(contents: FileContents, component: Component): TensorGroup {
  const { path, strays } = contents;
  const group = groupOf(contents, component);
  if (strays.length > 0) {
    throw new FluxionError(
      'bad_weights',
      `${path}: ${strays.length} keys do not belong to any of the models in it: ${strays.slice(0, 10).join(', ')}`,
    );
  }
  return group;
}

/** Finds a component's weights in a file that may hold more; throws `bad_weights` or `unsupported` saying what the file holds instead. */
export function groupOf(contents: FileContents, component: Component): TensorGroup {
  const { path, groups, foreign } = contents;
  requireWholeSet(path);
  const group = groups.find((candidate) => candidate.component === component);
  if (group) return group;
  const isForeign = foreign.length > 0;
  throw new FluxionError(
    isForeign ? 'unsupported' : 'bad_weights',
    `${path}: expected ${component.title}, found ${describeContents(contents)}${isForeign ? `; this program runs ${RUNS}` : ''}`,
    { hint: hintOf(contents) },
  );
}

/** Suggests what to do with a file that is not what was expected. */
function hintOf({ path, groups, foreign }: FileContents): string | undefined {
  if (foreign.some(({ what }) => what === LORA)) return `it goes over a model: --lora ${path}`;
  if (foreign.some(({ instead }) => instead === 'file'))
    return 'use a file in bf16, fp8, GGUF or bitsandbytes nf4 of the same model';
  if (groups.length > 0) return `use it as ${groups.map(({ component }) => `${component.name}=${path}`).join(', ')}`;
  return undefined;
}

/** What is known about a group without reading its weights. */
export interface GroupSummary {
  /** The component's name. */
  readonly component: string;
  /** What the component is called, without an article. */
  readonly title: string;
  /** Whose names its tensors have. */
  readonly layout: string;
  readonly prefix: string;
  readonly tensors: number;
  readonly parameters: number;
  /** Parameters by how the file stores them, such as `bf16`, `scaled f8e4m3`, `Q4_K`; most first. */
  readonly encodings: Readonly<Record<string, number>>;
  /** The published model with these shapes, if there are several; a pruned model counts as its original. */
  readonly variant: string | undefined;
  /** The config derived from its shapes; undefined if they do not determine one. */
  readonly config: unknown;
}

/** Summarises a group; fields that its shapes do not tell are taken from published models. */
export function summarise(store: TensorStore, { component, layout, prefix, keys }: TensorGroup): GroupSummary {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const { dtype, encoding = dtype, shape } = store.info(key);
    counts.set(encoding, (counts.get(encoding) ?? 0) + elementCount(shape));
  }
  // A piece of a model, such as a shard, has no config of its own.
  const config = unlessRefused(() => component.config.derive(declaredShapes(store, component)));
  return {
    component: component.name,
    title: component.title.replace(/^an? /, ''),
    layout: layout.name,
    prefix,
    tensors: keys.length,
    parameters: [...counts.values()].reduce((sum, count) => sum + count, 0),
    encodings: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    variant: config === undefined ? undefined : component.variant?.(config),
    config,
  };
}
