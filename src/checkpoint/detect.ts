/**
 * What a file with weights holds, told by its keys and shapes and never by its name: which models, in whose names, behind which
 * prefix, encoded how. An all-in-one file holds several groups, each behind its own prefix.
 */

import { elementCount } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { deriveClipConfig, deriveT5Config, deriveTransformerConfig, deriveVaeConfig } from './derive-config.ts';
import { layoutOf, type ModelFamily, recogniseForeign } from './keymap.ts';
import type { ClipConfig, T5Config, TransformerConfig, VaeConfig } from './model-config.ts';
import type { TensorStore } from './tensors.ts';

/** The weights of one model in a file. */
export interface TensorGroup {
  readonly family: ModelFamily;
  /** Whose names its tensors have. */
  readonly layout: string;
  /** What stands before its keys. */
  readonly prefix: string;
  readonly keys: readonly string[];
}

/** Everything in a file. */
export interface FileContents {
  readonly path: string;
  readonly format: TensorStore['format'];
  readonly groups: readonly TensorGroup[];
  /** Keys of no group that is known. */
  readonly strays: readonly string[];
  /** What the file is where it holds nothing of ours and is recognised. */
  readonly foreign: string | undefined;
}

const FAMILIES: readonly ModelFamily[] = ['flux', 'clip', 't5', 'vae'];

/** What a family is called in messages. */
export const FAMILY_NAMES: Readonly<Record<ModelFamily, string>> = {
  flux: 'a Flux transformer',
  clip: 'a CLIP text encoder',
  t5: 'a T5 encoder',
  vae: 'an autoencoder',
};

/** Keys that such files carry beside their groups and no model here uses. */
const EXTRAS = [
  /(^|\.)logit_scale$/,
  /(^|\.)text_projection(\.weight)?$/,
  /(^|\.)position_ids$/,
  /(^|\.)spiece_model$/,
];

/** Sorts a file's keys into the models they belong to. */
export function fileContents(store: TensorStore): FileContents {
  const keys = store.keys();
  const found = FAMILIES.flatMap((family) => {
    const match = layoutOf(family, (key) => store.has(key));
    return match ? [{ family, layout: match.layout.name, prefix: match.prefix }] : [];
  });
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
    groups,
    strays: claimed ? [] : loose.filter((key) => !EXTRAS.some((pattern) => pattern.test(key))),
    foreign: groups.length === 0 ? recogniseForeign(keys) : undefined,
  };
}

/** Says in a few words what a file holds. */
export function describeContents({ groups, foreign, strays }: FileContents): string {
  if (groups.length > 0) return groups.map(({ family }) => FAMILY_NAMES[family]).join(', ');
  return foreign ?? `nothing that is recognised; its keys begin ${strays.slice(0, 3).join(', ')}`;
}

/** Finds a model's weights in a file; throws `bad_weights` or `unsupported` saying what the file holds instead. */
export function requireGroup(contents: FileContents, family: ModelFamily): TensorGroup {
  const { path, groups, strays, foreign } = contents;
  const group = groups.find((candidate) => candidate.family === family);
  if (!group) {
    throw new FluxionError(
      foreign === undefined ? 'bad_weights' : 'unsupported',
      `${path}: expected ${FAMILY_NAMES[family]}, found ${describeContents(contents)}`,
    );
  }
  if (strays.length > 0) {
    throw new FluxionError(
      'bad_weights',
      `${path}: ${strays.length} keys belong to none of the models in it: ${strays.slice(0, 10).join(', ')}`,
    );
  }
  return group;
}

/** What is known of a group without reading its weights. */
export interface GroupSummary extends Omit<TensorGroup, 'keys'> {
  readonly tensors: number;
  readonly parameters: number;
  /** Parameters by how the file stores them, such as `bf16`, `scaled f8e4m3`, `Q4_K`; most first. */
  readonly encodings: Readonly<Record<string, number>>;
  /** For a transformer, the published model its shapes are those of; pruned ones count with what they were made from. */
  readonly variant: 'dev' | 'schnell' | undefined;
  /** The config its shapes tell, where they tell one. */
  readonly config: TransformerConfig | ClipConfig | T5Config | VaeConfig | undefined;
}

/** Sums a group up; what its shapes leave open is as FLUX.1 has it. */
export function summarise(store: TensorStore, { family, layout, prefix, keys }: TensorGroup): GroupSummary {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const { dtype, encoding = dtype, shape } = store.info(key);
    counts.set(encoding, (counts.get(encoding) ?? 0) + elementCount(shape));
  }
  const config = configOf(store, family);
  const guidance = config && 'guidanceEmbeds' in config ? config.guidanceEmbeds : undefined;
  return {
    family,
    layout,
    prefix,
    tensors: keys.length,
    parameters: [...counts.values()].reduce((sum, count) => sum + count, 0),
    encodings: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    variant: guidance === undefined ? undefined : guidance ? 'dev' : 'schnell',
    config,
  };
}

function configOf(store: TensorStore, family: ModelFamily): GroupSummary['config'] {
  try {
    switch (family) {
      case 'flux':
        return deriveTransformerConfig(store);
      case 'clip':
        return deriveClipConfig(store);
      case 't5':
        return deriveT5Config(store);
      case 'vae':
        return deriveVaeConfig(store);
      default:
        return family satisfies never;
    }
  } catch (error) {
    // A part of a model, such as one shard, has no config of its own.
    if (error instanceof FluxionError) return undefined;
    throw error;
  }
}
