/**
 * Every program of a run, stage by stage, in the order of first use: the one list for compiling, planning memory and counting. Needs sizes,
 * but neither weights nor a device.
 */

import { blendProgram } from '../sampling/blend.ts';
import { guideProgram } from '../sampling/guide.ts';
import { SAMPLERS, type SamplerName } from '../sampling/samplers/by-name.ts';
import { elementCount } from '../support/dtype.ts';
import { getOrMake } from '../support/get-or-make.ts';
import { type CountedUse, countFlops, countWeights, type Flops, sumFlops, timesFlops } from '../xla/graph/count.ts';
import type { Traced } from '../xla/graph/trace.ts';
import { type ClipConfig, type ClipPrograms, clipPrograms } from './clip.ts';
import type { ProgramTypes } from './element-types.ts';
import { type FirstBlockCachePrograms, firstBlockCachePrograms } from './first-block-cache.ts';
import { type FluxConfig, type FluxPrograms, type FluxSizes, fluxPrograms } from './flux.ts';
import { type T5Config, type T5Programs, t5Programs } from './t5.ts';
import { pixelsPerLatent, type VaeConfig, type VaePart, type VaeSizes, vaePrograms } from './vae.ts';

/** The parts of a run that follow each other. */
export const STAGES = ['encode', 'pictures', 'prepare', 'step', 'decode'] as const;
/** A part of a run: `encode` encodes prompts, `pictures` encodes input pictures, `prepare` runs once a batch before the steps. */
export type StageName = (typeof STAGES)[number];

/** Configs of the components that a run has programs of. */
export interface ModelConfigs {
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
}

/** A program, and how often one pass through its stage runs it, each time with different weights if it has any. */
export interface ProgramUse extends CountedUse {
  /** Networks beside a model are resident for their whole stage. */
  readonly component: keyof ModelConfigs | BesideName;
  readonly stage: StageName;
  /** Times that it is run for a picture with the same weights: 2 with a negative prompt; 1 by default. */
  readonly prompts?: number;
  /** Its outputs are needed until the end of a step. */
  readonly lasts?: true;
}

/** Networks that go beside a model. */
export const BESIDE = ['controlnet', 'redux', 'image_encoder'] as const;
export type BesideName = (typeof BESIDE)[number];

/** What conditions add to the programs of denoising; nothing by default. */
export interface ConditionSizes extends Pick<FluxSizes, 'referenceTokens' | 'addedChannels'> {
  /** Tokens of pictures in the prompt, which follow its text tokens; a negative prompt has none. */
  readonly promptTokens?: number | undefined;
  /** Whether known latents are put back after every step. */
  readonly blend?: boolean | undefined;
  /** Whether pictures are guided away from a negative prompt. */
  readonly negative?: boolean | undefined;
}

/** Sizes that programs are traced for. */
export interface RunSizes extends ConditionSizes {
  /** Pictures that are denoised together. */
  readonly batch: number;
  /** Latent rows and columns. */
  readonly height: number;
  readonly width: number;
  readonly textTokens: number;
  /** Steps, or evaluations of the transformer if a sampler takes several a step. */
  readonly steps: number;
  /** Pictures that are decoded together, and the bytes that intermediate values of one program may take; no limit by default. */
  readonly decode: Pick<VaeSizes, 'batch' | 'budget'>;
  /** Latent sizes of input pictures, which are encoded one at a time, each within its own budget; none by default. */
  readonly encode?: readonly EncodedSize[] | undefined;
  /** `euler` by default. */
  readonly sampler?: SamplerName | undefined;
  /** Whether steps may end after the first block; not by default. */
  readonly cache?: boolean | undefined;
  /** Adapter ranks for which the transformer takes factors; 0 by default. */
  readonly adapterRank?: number | undefined;
}

/** Latent rows and columns of a picture that is encoded, and the bytes that intermediate values of one program may take. */
export type EncodedSize = Pick<VaeSizes, 'height' | 'width' | 'budget'>;

/** The programs of a run by component. */
export interface RunPrograms {
  readonly clip: ClipPrograms;
  readonly t5: T5Programs;
  readonly transformer: FluxPrograms;
  /** What moves the latents after an evaluation of the transformer. */
  readonly update: Traced;
  /** Undefined where every step is computed whole. */
  readonly cache: FirstBlockCachePrograms | undefined;
  /** Undefined where there is no negative prompt. */
  readonly guide: Traced | undefined;
  /** For a negative prompt that has other tokens; undefined if the same programs serve it. */
  readonly opposite?: Pick<RunPrograms, 'transformer' | 'cache'> | undefined;
  /** What changes the latents after every step. */
  readonly after: readonly Traced[];
  /** The parts for every input picture, in order. */
  readonly encode: readonly VaePart[];
  readonly decode: readonly VaePart[];
  /** Programs of networks beside the model; none by default. */
  readonly beside?: readonly ProgramUse[];
}

/** Traces every program of a run except previews, for counting, and lists their uses. */
function countedUses(models: ModelConfigs, { height, width, decode, encode, ...sizes }: RunSizes) {
  // Counts do not depend on types.
  const types: ProgramTypes = { compute: 'f32', storage: 'f32' };
  // Two by two latents make a token.
  const imageTokens = (height * width) / 4;
  return programUses(models, {
    ...textPrograms(models, sizes.textTokens, types),
    ...denoisePrograms(models.transformer, { ...sizes, imageTokens }, types),
    ...pixelPrograms(models.vae, { height, width, decode, encode }, types),
  });
}

/** Traces the programs that encode prompts, one at a time. */
export function textPrograms(
  models: Pick<ModelConfigs, 'clip' | 't5'>,
  t5Tokens: number,
  types: ProgramTypes,
): Pick<RunPrograms, 'clip' | 't5'> {
  return {
    clip: clipPrograms(models.clip, { batch: 1, tokens: models.clip.maxPositions, ...types }),
    t5: t5Programs(models.t5, { batch: 1, tokens: t5Tokens, ...types }),
  };
}

/** Traces the programs between pictures and latents; input pictures of equal sizes share theirs. */
export function pixelPrograms(
  cfg: VaeConfig,
  { height, width, decode, encode = [] }: Pick<RunSizes, 'height' | 'width' | 'decode' | 'encode'>,
  types: ProgramTypes,
): Pick<RunPrograms, 'encode' | 'decode'> {
  const { batch } = decode;
  const known = new Map<string, readonly VaePart[]>();
  const encoderOf = (size: EncodedSize) =>
    getOrMake(known, `${size.height}x${size.width}`, () => vaePrograms(cfg, { ...size, batch, ...types }).encode);
  return {
    encode: encode.flatMap(encoderOf),
    decode: vaePrograms(cfg, { height, width, ...decode, ...types }).decode,
  };
}

/** Sizes of the denoising programs. */
export interface DenoiseProgramSizes
  extends ConditionSizes,
    Pick<RunSizes, 'batch' | 'textTokens' | 'steps' | 'sampler' | 'cache' | 'adapterRank'> {
  readonly imageTokens: number;
  /** Prompts of the batch: 1, the default, for all pictures, or one for each. */
  readonly prompts?: number | undefined;
}

/** The programs of denoising. */
export type DenoisePrograms = Pick<RunPrograms, 'opposite' | 'transformer' | 'update' | 'cache' | 'guide' | 'after'>;

/** Traces the programs of denoising. */
export function denoisePrograms(
  cfg: FluxConfig,
  { cache, blend, negative, adapterRank = 0, prompts = 1, sampler = 'euler', ...sizes }: DenoiseProgramSizes,
  types: ProgramTypes,
): DenoisePrograms {
  const { batch, imageTokens, referenceTokens = 0, promptTokens = 0, compute } = { ...sizes, ...types };
  const latents = [batch, imageTokens, cfg.outChannels];
  const told = (textTokens: number) => ({
    transformer: fluxPrograms(cfg, { ...sizes, textTokens, prompts, adapterRank, ...types }),
    cache: cache
      ? firstBlockCachePrograms(cfg, { batch, imageTokens: imageTokens + referenceTokens, textTokens, compute })
      : undefined,
  });
  return {
    ...told(sizes.textTokens + promptTokens),
    update: SAMPLERS[sampler].update(latents),
    guide: negative ? guideProgram(latents) : undefined,
    opposite: negative && promptTokens > 0 ? told(sizes.textTokens) : undefined,
    after: blend ? [blendProgram(latents)] : [],
  };
}

/** The programs of a run in the order of first use. */
export function programUses(
  models: ModelConfigs,
  { clip, t5, transformer: flux, ...others }: RunPrograms,
): readonly ProgramUse[] {
  const { layers, singleLayers } = models.transformer;
  const prompts = others.guide ? 2 : 1;
  const of =
    (component: ProgramUse['component'], stage: StageName, prompts = 1) =>
    (traced: Traced, runs = 1, scopes?: readonly string[]): ProgramUse => ({
      component,
      stage,
      traced,
      runs,
      ...(scopes && { scopes }),
      ...(prompts > 1 && { prompts }),
    });
  const [inClip, inT5, before, each, step, once] = [
    of('clip', 'encode'),
    of('t5', 'encode'),
    of('transformer', 'prepare', prompts),
    of('transformer', 'step', prompts),
    // A negative prompt with a different number of tokens has its own programs.
    of('transformer', 'step', others.opposite ? 1 : prompts),
    of('transformer', 'step'),
  ];
  const vae = (stage: StageName, parts: readonly VaePart[]): ProgramUse[] =>
    [...Map.groupBy(parts, ({ traced }) => traced)].map(([traced, uses]) =>
      of('vae', stage)(
        traced,
        uses.length,
        uses.map(({ scope }) => scope),
      ),
    );
  const { transformer: other, cache } = others.opposite ?? {};
  const oppositeUses = other
    ? [
        before(other.textIn), step(other.doubleBlock, layers), step(other.join), step(other.singleBlock, singleLayers),
        step(other.finalLayer), ...Object.values(cache ?? {}).map((traced) => step(traced)),
      ] // biome-ignore format: a list
    : [];
  return [
    inClip(clip.embed), inClip(clip.layer, models.clip.layers), inClip(clip.pool),
    inT5(t5.embed), inT5(t5.bias), inT5(t5.layer, models.t5.layers), inT5(t5.finalNorm),
    ...(others.beside ?? []), ...vae('pictures', others.encode),
    before(flux.conditioning), before(flux.doubleModulation, layers), before(flux.singleModulation, singleLayers),
    before(flux.finalModulation), before(flux.textIn),
    each(flux.stepModulations), each(flux.imageIn), step(flux.doubleBlock, layers), step(flux.join),
    step(flux.singleBlock, singleLayers), step(flux.finalLayer), once(others.update),
    ...oppositeUses,
    ...Object.values(others.cache ?? {}).map((traced) => step(traced)),
    ...[others.guide ?? [], others.after].flat().map((traced) => once(traced)),
    ...vae('decode', others.decode),
  ]; // biome-ignore format: a list
}

/** The sizes of a request that decide how much a model computes. */
export interface RunShape
  extends Pick<RunSizes, 'batch' | 'textTokens' | 'steps' | 'sampler' | 'referenceTokens' | 'encode'> {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
}

/**
 * Operations of each stage of a request with one prompt. `step` is one step of the whole batch, but not the last; `decode` and `pictures`
 * cover all pictures.
 */
export type StageFlops = Readonly<Record<StageName, Flops>>;

/** Counts the operations of every stage, with nothing computed twice: whole steps, and pictures without bands. */
export function stageFlops(models: ModelConfigs, { height, width, batch, ...shape }: RunShape): StageFlops {
  const scale = pixelsPerLatent(models.vae);
  const { evaluationsPerStep } = SAMPLERS[shape.sampler ?? 'euler'];
  const steps = (shape.steps - 1) * evaluationsPerStep + 1;
  const sizes = { ...shape, steps, batch, height: height / scale, width: width / scale, decode: { batch } };
  const uses = countedUses(models, sizes);
  const of = (name: StageName): Flops =>
    sumFlops(
      uses.filter(({ stage }) => stage === name).map(({ traced, runs }) => timesFlops(countFlops(traced.graph), runs)),
    );
  return {
    encode: of('encode'),
    pictures: of('pictures'),
    prepare: of('prepare'),
    step: timesFlops(of('step'), evaluationsPerStep),
    decode: of('decode'),
  };
}

/** Counts the weights of every component; of the autoencoder, only the decoder's. */
export function weightCounts(models: ModelConfigs): Readonly<Record<keyof ModelConfigs, number>> {
  const sizes = { batch: 1, height: 2, width: 2, textTokens: 1, steps: 1, decode: { batch: 1 } };
  const uses = countedUses(models, sizes);
  const of = (name: keyof ModelConfigs): number =>
    countWeights(uses.filter(({ component }) => component === name)).reduce(
      (sum, { spec, count }) => sum + count * elementCount(spec.shape),
      0,
    );
  return { transformer: of('transformer'), clip: of('clip'), t5: of('t5'), vae: of('vae') };
}
