/**
 * Maps the meaning of a dimension to the mesh axes that split it: rules as data, in MaxDiffusion's form and with flax's meaning.
 * Notable:
 * - rules apply in order, and a mesh axis splits at most one dimension of an array; a later rule of the same name applies
 *   where the mesh axes of the earlier one are taken;
 * - a dimension that its mesh axes do not divide is split by the leading ones that do, or stays whole: the result is right,
 *   and `notes` says so;
 * - inside attention, heads are split by the axes of heads and then by those of the tokens (DeepSpeed Ulysses,
 *   https://arxiv.org/abs/2309.14509); where heads do not divide, queries are split and every device has all keys.
 */

import { didYouMean, FluxionError } from '../../support/errors.ts';
import { type Meaning, type MeshAxis, partsOf, type Split } from '../graph/axes.ts';
import type { Shape } from '../graph/shape.ts';
import { unknownAxis } from './mesh.ts';

/** A logical axis and the mesh axes that split it. */
export type AxisRule = readonly [logical: string, mesh: string | readonly string[] | null];

/** The default: batches over data and fsdp, weights over fsdp, heads and hidden units over tensor, tokens over context. */
const DEFAULT_RULES: readonly AxisRule[] = [
  ['activation_batch', ['data', 'fsdp']],
  ['activation_heads', 'tensor'],
  ['activation_length', 'context'],
  ['mlp', 'tensor'],
  ['heads', 'tensor'],
  ['embed', 'fsdp'],
  ['conv_out', 'fsdp'],
];

/** Logical axes of our weights and activations. */
const LOGICAL_AXES = [
  'activation_batch', 'activation_length', 'activation_heads', 'attention_heads', 'attention_length',
  'embed', 'heads', 'mlp', 'vocab', 'conv_in', 'conv_out', 'norm',
]; // biome-ignore format: activations, then weights
/** MaxDiffusion's axis names that no array of Flux has: names of other models, or of another order of dimensions. */
const FOREIGN_AXES = [
  'batch', 'length', 'hidden', 'activation_kv', 'activation_kv_length', 'activation_embed', 'activation_mlp', 'conv_batch',
  'out_channels', 'in_channels', 'keep_1', 'keep_2', 'temb_in', 'out_c', 'time_embed', 'layers', 'stage', 'vae_spatial',
]; // biome-ignore format: a list

export interface ShardingSpec {
  readonly mesh: readonly MeshAxis[];
  /** `DEFAULT_RULES` when absent or empty. */
  readonly rules?: readonly AxisRule[] | undefined;
  /** Mesh axes that may split the batch, as a list of one list; all by default. */
  readonly dataSharding?: readonly (readonly string[])[] | undefined;
}

/** A rule under one mesh: only axes that the mesh has. */
interface Rule {
  readonly logical: string;
  readonly mesh: readonly string[];
}

/** The rules under one mesh. */
export class Sharding {
  readonly mesh: readonly MeshAxis[];
  /** A sentence for each dimension that could not be split as the rules say. */
  readonly notes: Set<string> = new Set();
  readonly #rules: readonly Rule[];

  /** Throws `bad_config` for an axis that is not known. */
  constructor({ mesh, rules = [], dataSharding }: ShardingSpec) {
    this.mesh = mesh;
    const names = mesh.map(({ name }) => name);
    const batchAxes = batchAxesOf(dataSharding, names);
    const chosen = (rules.length > 0 ? rules : DEFAULT_RULES).map(([logical, given]) => {
      checkLogical(logical);
      const axes = given === null ? [] : typeof given === 'string' ? [given] : given;
      const unknown = axes.find((name) => !names.includes(name));
      // The default rules may name axes that a smaller mesh lacks.
      if (unknown !== undefined && rules.length > 0)
        throw unknownAxis(`logical_axis_rules: ${logical}`, unknown, names);
      const allowed = logical === 'activation_batch' ? batchAxes : names;
      return { logical, mesh: axes.filter((name) => allowed.includes(name)) };
    });
    this.#rules = [...attentionRules(chosen), ...chosen];
  }

  /** The mesh axes that split each dimension of an array. */
  split({ axes, segments }: Meaning, shape: Shape): Split {
    const result: (readonly string[] | undefined)[] = axes.map((name) => (name === null ? [] : undefined));
    for (const { logical, mesh } of this.#rules) {
      const dim = axes.findIndex((name, i) => name === logical && result[i] === undefined);
      if (dim < 0) continue;
      const used = result.flatMap((names) => names ?? []);
      const free = mesh.filter((name) => !used.includes(name));
      // A rule whose axes are all taken leaves the dimension to a later one.
      if (free.length === 0 && mesh.length > 0) continue;
      const joined = segments !== undefined && dim === axes.length - 1;
      result[dim] = this.#dividing(logical, free, joined ? segments : [shape[dim]!]);
    }
    return result.map((names) => names ?? []);
  }

  /** The longest run of leading axes whose parts divide every size. */
  #dividing(logical: string, axes: readonly string[], sizes: readonly number[]): readonly string[] {
    const wanted = axes.filter((name) => partsOf([name], this.mesh) > 1);
    const kept = [...wanted];
    while (kept.length > 0 && sizes.some((size) => size % partsOf(kept, this.mesh) !== 0)) kept.pop();
    // A size of 1 cannot be split.
    if (kept.length < wanted.length && sizes.some((size) => size > 1)) {
      const parts = wanted.map((name) => `${name}=${partsOf([name], this.mesh)}`).join(' × ');
      const whole = kept.length === 0 ? 'stays whole on every device' : `is split by ${kept.join(', ')} alone`;
      this.notes.add(`${logical} of ${sizes.join(' + ')} is not divided by ${parts} and ${whole}`);
    }
    return kept;
  }

  /** How many parts a dimension of this logical axis is split into if its size divides. */
  parts(logical: string): number {
    return partsOf(axesOf(this.#rules, logical), this.mesh);
  }

  /** How many shares each segment is split into, for a weight with `segments` side by side along `logical`. */
  shares(logical: string | null, segments: readonly number[]): number {
    const total = segments.reduce((sum, width) => sum + width, 0);
    return partsOf(this.split({ axes: [logical], segments }, [total])[0]!, this.mesh);
  }

  /** A weight's split where it is used: gathered along the axes of the batch, since every device needs the whole weight for its pictures. */
  gathered(split: Split): Split {
    const batch = axesOf(this.#rules, 'activation_batch');
    return split.map((names) => names.filter((name) => !batch.includes(name)));
  }
}

/** The mesh axes of the first rule for a logical axis. */
function axesOf(rules: readonly Rule[], logical: string): readonly string[] {
  return rules.find((rule) => rule.logical === logical)?.mesh ?? [];
}

function checkLogical(logical: string): void {
  const known = [...LOGICAL_AXES, ...FOREIGN_AXES];
  if (known.includes(logical)) return;
  throw new FluxionError('bad_config', `logical_axis_rules: there is no logical axis '${logical}'`, {
    hint: didYouMean(logical, known) ?? `the axes are ${LOGICAL_AXES.join(', ')}`,
  });
}

function batchAxesOf(dataSharding: ShardingSpec['dataSharding'], names: readonly string[]): readonly string[] {
  if (dataSharding === undefined) return names;
  if (dataSharding.length !== 1) {
    throw new FluxionError(
      'bad_config',
      `data_sharding: expected one list of mesh axes, found ${dataSharding.length}`,
      { hint: 'it says which axes split the batch, such as [[data, fsdp]]' },
    );
  }
  const [batchAxes] = dataSharding as readonly [readonly string[]];
  const unknown = batchAxes.find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownAxis('data_sharding', unknown, names);
  return batchAxes;
}

/** Default rules inside attention: heads by the axes of heads and tokens, queries by the remaining axes of tokens. */
function attentionRules(rules: readonly Rule[]): Rule[] {
  const tokens = axesOf(rules, 'activation_length');
  const heads = { logical: 'attention_heads', mesh: [...axesOf(rules, 'activation_heads'), ...tokens] };
  const queries = { logical: 'attention_length', mesh: tokens };
  return [heads, queries].filter(({ logical }) => !rules.some((rule) => rule.logical === logical));
}
