/**
 * Configs read off the shapes of the weights, for files that come without: single files and all-in-one files. What shapes cannot tell
 * (rope axes, CLIP's heads, the autoencoder's scaling, …) is taken from a model whose shapes are the same, else as FLUX.1 has it.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import { FluxionError } from '../../support/errors.ts';
import type { TensorStore } from '../files/tensors.ts';
import { countBlocks, layoutOf, type ModelFamily, type SourcePart } from './keymap.ts';

/** Shapes of a family's tensors by their declared names, whatever the file calls them. */
class DeclaredShapes {
  readonly #store: TensorStore;
  readonly #family: ModelFamily;
  readonly #parts: (name: string) => readonly SourcePart[];

  constructor(store: TensorStore, family: ModelFamily) {
    const found = layoutOf(family, store);
    if (!found) throw new FluxionError('bad_weights', `${store.path}: no ${family} weights in a known spelling`);
    const { layout, prefix } = found;
    const has = (key: string): boolean => store.has(prefix + key);
    this.#store = store;
    this.#family = family;
    this.#parts = (name) =>
      layout.parts(name, has).map((part) => {
        const alias = layout.aliases.get(part.key);
        return { ...part, key: prefix + (alias !== undefined && !has(part.key) ? alias : part.key) };
      });
  }

  has(name: string): boolean {
    return this.#parts(name).every(({ key }) => this.#store.has(key));
  }

  /** Size of one dimension; throws `bad_weights` where the tensor or the dimension is missing. */
  size(name: string, dimension: 0 | 1): number {
    const parts = this.#parts(name);
    const sizes = parts.map(({ key, run: [, of] = [0, 1] }) => {
      const size = this.#store.has(key) ? this.#store.info(key).shape[dimension] : undefined;
      if (size === undefined || size === 0) {
        throw new FluxionError('bad_weights', `${this.#store.path}: the ${this.#family} weights lack ${key}`);
      }
      return dimension === 1 ? size : size / of;
    });
    return dimension === 1 ? sizes[0]! : sizes.reduce((sum, size) => sum + size, 0);
  }
}

/** The fields of each config that no shape tells. */
const UNTOLD = {
  transformer: ['axesDimsRope'],
  clip: ['heads', 'activation', 'eps', 'eosTokenId', 'bosTokenId', 'padTokenId', 'projectionDim'],
  t5: ['maxDistance', 'eps'],
  vae: ['normGroups', 'scalingFactor', 'shiftFactor', 'sampleSize'],
} as const;

/** Returns the known config where all that shapes tell is the same, else the derived one. */
function preferKnown<T extends object>(derived: T, known: T | undefined, untold: readonly (keyof T)[]): T {
  const told = (Object.keys(derived) as (keyof T)[]).filter((field) => !untold.includes(field));
  return known && told.every((field) => isDeepStrictEqual(derived[field], known[field])) ? known : derived;
}

/** Derives the transformer's config; `known` is that of a model beside it. */
export function deriveTransformerConfig(store: TensorStore, known?: FluxConfig): FluxConfig {
  const at = new DeclaredShapes(store, 'flux');
  const width = at.size('img_in.weight', 0);
  const layers = countBlocks((i) => at.has(`double_blocks.${i}.img_attn.proj.weight`));
  const singleLayers = countBlocks((i) => at.has(`single_blocks.${i}.linear2.weight`));
  const norm = layers > 0 ? 'double_blocks.0.img_attn.norm.query_norm.scale' : 'single_blocks.0.norm.query_norm.scale';
  const headDim = at.size(norm, 0);
  const heads = width / headDim;
  if (!Number.isInteger(heads)) {
    throw new FluxionError('bad_weights', `${store.path}: heads of ${headDim} do not divide the width ${width}`);
  }
  const derived: FluxConfig = {
    inChannels: at.size('img_in.weight', 1),
    outChannels: at.size('final_layer.linear.weight', 0),
    layers,
    singleLayers,
    headDim,
    heads,
    jointAttentionDim: at.size('txt_in.weight', 1),
    pooledDim: at.size('vector_in.in_layer.weight', 1),
    guidanceEmbeds: at.has('guidance_in.in_layer.weight'),
    axesDimsRope: ropeAxes(store, headDim, known),
  };
  return preferKnown(derived, known, UNTOLD.transformer);
}

/** FLUX.1 gives an eighth of a head's channels to the index and the rest to rows and columns: 16, 56, 56 of 128. */
function ropeAxes(store: TensorStore, headDim: number, known: FluxConfig | undefined): [number, number, number] {
  if (known?.headDim === headDim) return [...known.axesDimsRope];
  if (headDim % 32 === 0) return [headDim / 8, (headDim / 16) * 7, (headDim / 16) * 7];
  throw new FluxionError(
    'unsupported',
    `${store.path}: how heads of ${headDim} share their rotary channels is not known`,
    {
      hint: 'put the weights into a folder with their config.json',
    },
  );
}

/** Derives CLIP's config; `known` is that of a model beside it. Without, heads are 64 wide and the last two tokens are begin and end, as in CLIP ViT-L/14. */
export function deriveClipConfig(store: TensorStore, known?: ClipConfig): ClipConfig {
  const at = new DeclaredShapes(store, 'clip');
  const vocabSize = at.size('text_model.embeddings.token_embedding.weight', 0);
  const width = at.size('text_model.embeddings.token_embedding.weight', 1);
  const derived: ClipConfig = {
    vocabSize,
    width,
    intermediate: at.size('text_model.encoder.layers.0.mlp.fc1.weight', 0),
    layers: countBlocks((i) => at.has(`text_model.encoder.layers.${i}.mlp.fc1.weight`)),
    heads: Math.max(1, Math.floor(width / 64)),
    maxPositions: at.size('text_model.embeddings.position_embedding.weight', 0),
    activation: 'quick_gelu',
    eps: 1e-5,
    eosTokenId: vocabSize - 1,
    bosTokenId: vocabSize - 2,
    padTokenId: vocabSize - 1,
    projectionDim: width,
  };
  return preferKnown(derived, known, UNTOLD.clip);
}

/** Derives T5's config; `known` is that of a model beside it. */
export function deriveT5Config(store: TensorStore, known?: T5Config): T5Config {
  const at = new DeclaredShapes(store, 't5');
  const attention = 'encoder.block.0.layer.0.SelfAttention';
  const heads = at.size(`${attention}.relative_attention_bias.weight`, 1);
  const derived: T5Config = {
    vocabSize: at.size('shared.weight', 0),
    width: at.size('shared.weight', 1),
    dKv: at.size(`${attention}.q.weight`, 0) / heads,
    dFf: at.size('encoder.block.0.layer.1.DenseReluDense.wi_0.weight', 0),
    layers: countBlocks((i) => at.has(`encoder.block.${i}.layer.1.DenseReluDense.wo.weight`)),
    heads,
    buckets: at.size(`${attention}.relative_attention_bias.weight`, 0),
    maxDistance: 128,
    eps: 1e-6,
  };
  if (!Number.isInteger(derived.dKv)) {
    throw new FluxionError(
      'bad_weights',
      `${store.path}: ${heads} heads do not divide the rows of ${attention}.q.weight`,
    );
  }
  return preferKnown(derived, known, UNTOLD.t5);
}

const ENCODER = 'encoder.conv_in.weight';

/** Tells whether an autoencoder's weights have its encoder too. */
export function hasEncoder(store: TensorStore): boolean {
  return layoutOf('vae', store) !== undefined && new DeclaredShapes(store, 'vae').has(ENCODER);
}

/** Derives the autoencoder's config; `known` is that of a model beside it. Without, latents are scaled as FLUX.1's. */
export function deriveVaeConfig(store: TensorStore, known?: VaeConfig): VaeConfig {
  const at = new DeclaredShapes(store, 'vae');
  // The decoder tells all of it: files for text-to-image may lack the encoder.
  const resnet = (level: number, i: number): string => `decoder.up_blocks.${level}.resnets.${i}.conv1.weight`;
  const levels = countBlocks((level) => at.has(resnet(level, 0)));
  const outChannels = at.size('decoder.conv_out.weight', 0);
  const derived: VaeConfig = {
    inChannels: at.has(ENCODER) ? at.size(ENCODER, 1) : outChannels,
    outChannels,
    latentChannels: at.size('decoder.conv_in.weight', 1),
    blockOutChannels: Array.from({ length: levels }, (_, level) => at.size(resnet(levels - 1 - level, 0), 0)),
    layersPerBlock: countBlocks((i) => at.has(resnet(0, i))) - 1,
    normGroups: 32,
    scalingFactor: 0.3611,
    shiftFactor: 0.1159,
    midBlockAttention: at.has('decoder.mid_block.attentions.0.to_q.weight'),
    useQuantConv: at.has('quant_conv.weight'),
    usePostQuantConv: at.has('post_quant_conv.weight'),
    sampleSize: 1024,
  };
  const config = preferKnown(derived, known, UNTOLD.vae);
  if (config.blockOutChannels.every((channels) => channels % config.normGroups === 0)) return config;
  throw new FluxionError(
    'unsupported',
    `${store.path}: how many groups normalise its levels of ${config.blockOutChannels.join(', ')} channels is not known`,
    { hint: 'put the weights into a folder with their config.json' },
  );
}

/** The sampler FLUX.1 models are published with: dev's, which has guidance, shifts by the size of the picture; schnell's does not shift. */
export function publishedScheduler({ guidanceEmbeds }: FluxConfig): SchedulerConfig {
  return {
    numTrainTimesteps: 1000,
    shift: guidanceEmbeds ? 3 : 1,
    useDynamicShifting: guidanceEmbeds,
    baseShift: 0.5,
    maxShift: 1.15,
    baseImageSeqLen: 256,
    maxImageSeqLen: 4096,
    timeShiftType: 'exponential',
    shiftTerminal: undefined,
  };
}
