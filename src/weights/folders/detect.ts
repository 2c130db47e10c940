/**
 * What a file with weights holds, told by its keys and shapes and never by its name: which models, in whose names, behind which
 * prefix, encoded how. An all-in-one file holds several groups, each behind its own prefix.
 */

import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import { elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { requireWholeSet } from '../files/shards.ts';
import type { TensorStore } from '../files/tensors.ts';
import { deriveClipConfig, deriveT5Config, deriveTransformerConfig, deriveVaeConfig } from './derive-config.ts';
import { layoutOf, type ModelFamily } from './keymap.ts';
import { type Foreign, LORA, RUNS, recogniseTensors } from './recognise.ts';

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
  /** The parts of FLUX.1 text-to-image that are in it. */
  readonly groups: readonly TensorGroup[];
  /** Keys of no group that is known. */
  readonly strays: readonly string[];
  /** What else is in it: parts of other models, adapters, weights that only other programs read. */
  readonly foreign: readonly Foreign[];
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
  const foreign = recogniseTensors(store);
  const usable = FAMILIES.filter((family) => !foreign.some(({ instead }) => instead === family || instead === 'file'));
  const found = usable.flatMap((family) => {
    const match = layoutOf(family, store);
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
    strays: claimed || foreign.length > 0 ? [] : loose.filter((key) => !EXTRAS.some((pattern) => pattern.test(key))),
    foreign,
  };
}

/** What a file has a piece of that lacks the tensor by which the whole is told. */
const FRAGMENTS: readonly (readonly [sign: RegExp, family: ModelFamily])[] = [
  [/(?:^|\.)(?:double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\.\d+\./, 'flux'],
  [/(?:^|\.)encoder\.block\.\d+\.|(?:^|\.)enc\.blk\.\d+\./, 't5'],
  [/(?:^|\.)encoder\.layers\.\d+\.self_attn\.|(?:^|\.)resblocks\.\d+\./, 'clip'],
  [/(?:^|\.)(?:encoder|decoder)\.(?:up|down|up_blocks|down_blocks)\.\d+\./, 'vae'],
];

/** Says in a few words what a file holds. */
export function describeContents({ groups, foreign, strays }: FileContents): string {
  const parts = [...foreign.map(({ what }) => what), ...groups.map(({ family }) => FAMILY_NAMES[family])];
  if (parts.length > 0) return parts.join(', ');
  if (strays.length === 0) return 'no tensors';
  const fragment = FRAGMENTS.find(([sign]) => strays.some((key) => sign.test(key)));
  if (fragment) return `a part of ${FAMILY_NAMES[fragment[1]]}, such as one file of several`;
  return `nothing that is recognised; its keys begin ${strays.slice(0, 3).join(', ')}`;
}

/**
 * Finds a model's weights in a file; throws `bad_weights` or `unsupported` saying what the file holds instead, or which of its keys
 * belong to nothing.
 */
export function requireGroup(contents: FileContents, family: ModelFamily): TensorGroup {
  const { path, strays } = contents;
  const group = groupOf(contents, family);
  if (strays.length > 0) {
    throw new FluxionError(
      'bad_weights',
      `${path}: ${strays.length} keys belong to none of the models in it: ${strays.slice(0, 10).join(', ')}`,
    );
  }
  return group;
}

/** Finds a model's weights in a file, whatever lies beside them; throws `bad_weights` or `unsupported` saying what the file holds instead. */
export function groupOf(contents: FileContents, family: ModelFamily): TensorGroup {
  const { path, groups, foreign } = contents;
  requireWholeSet(path);
  const group = groups.find((candidate) => candidate.family === family);
  if (group) return group;
  const isForeign = foreign.length > 0;
  throw new FluxionError(
    isForeign ? 'unsupported' : 'bad_weights',
    `${path}: expected ${FAMILY_NAMES[family]}, found ${describeContents(contents)}${isForeign ? `; this program runs ${RUNS}` : ''}`,
    { hint: hintOf(contents) },
  );
}

const ARGUMENTS: Readonly<Record<ModelFamily, string>> = {
  flux: 'transformer',
  clip: 'clip',
  t5: 't5',
  vae: 'vae',
};

/** What a file that is not what it was taken for can be used as. */
function hintOf({ path, groups, foreign }: FileContents): string | undefined {
  if (foreign.some(({ what }) => what === LORA)) return `it goes over a model: --lora ${path}`;
  if (foreign.some(({ instead }) => instead === 'file'))
    return 'use a file in bf16, fp8, GGUF or bitsandbytes nf4 of the same model';
  if (groups.length > 0) return `use it as ${groups.map(({ family }) => `${ARGUMENTS[family]}=${path}`).join(', ')}`;
  return undefined;
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
  readonly config: FluxConfig | ClipConfig | T5Config | VaeConfig | undefined;
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
