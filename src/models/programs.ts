/**
 * Every program of a run, stage by stage, in the order in which they first run: the one list that compiling, planning memory and counting
 * go by. Needs sizes, and neither weights nor a device.
 */

import { eulerProgram } from '../sampling/euler.ts';
import { type DType, elementCount, type Float } from '../support/dtype.ts';
import { type CountedUse, countFlops, countWeights, type Flops, sumFlops, timesFlops } from '../xla/graph/count.ts';
import type { Traced } from '../xla/graph/trace.ts';
import type { MatrixForm } from '../xla/graph/weights.ts';
import { type ClipConfig, type ClipPrograms, clipPrograms } from './clip.ts';
import { type FirstBlockCachePrograms, firstBlockCachePrograms } from './first-block-cache.ts';
import { type FluxConfig, type FluxPrograms, fluxPrograms } from './flux.ts';
import { type T5Config, type T5Programs, t5Programs } from './t5.ts';
import { type VaeConfig, type VaePart, vaePrograms } from './vae.ts';

/** The parts of a run that follow each other. */
export const STAGES = ['encode', 'prepare', 'step', 'decode'] as const;
/** A part of a run; `prepare` is what comes between prompts and steps, once a batch. */
export type StageName = (typeof STAGES)[number];

/** Configs of the components that a run has programs of. */
export interface ModelConfigs {
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
}

/** A program, and how often one pass through its stage runs it, each time with weights of its own where it has any. */
export interface ProgramUse extends CountedUse {
  readonly component: keyof ModelConfigs;
  readonly stage: StageName;
}

/** Sizes that programs are traced for. */
export interface RunSizes {
  /** Pictures that are denoised together. */
  readonly batch: number;
  /** Latent rows and columns. */
  readonly height: number;
  readonly width: number;
  readonly textTokens: number;
  readonly steps: number;
  /** Pictures that are decoded together, and the bytes that intermediate values of one program may take; no limit by default. */
  readonly decode: { readonly batch: number; readonly budget?: number | undefined };
  /** Whether steps may end after the first block; not by default. */
  readonly cache?: boolean | undefined;
  /** Ranks of adapters that the transformer takes factors for; 0, the default, for none. */
  readonly adapterRank?: number | undefined;
}

/** Element types that programs are traced for. */
export interface ProgramTypes {
  readonly compute: Float;
  readonly storage: DType;
  readonly form?: MatrixForm | undefined;
}

/** The programs of a run by component. */
export interface RunPrograms {
  readonly clip: ClipPrograms;
  readonly t5: T5Programs;
  readonly transformer: FluxPrograms;
  readonly euler: Traced;
  /** Undefined where every step is computed whole. */
  readonly cache: FirstBlockCachePrograms | undefined;
  readonly decode: readonly VaePart[];
}

/** Traces every program of a run but those of previews; the autoencoder may have other types than the rest. */
export function runPrograms(
  models: ModelConfigs,
  { batch, height, width, textTokens, steps, decode, cache, adapterRank }: RunSizes,
  types: ProgramTypes,
  vaeTypes: ProgramTypes = types,
): RunPrograms {
  // Two by two latents make a token.
  const imageTokens = (height * width) / 4;
  return {
    clip: clipPrograms(models.clip, { batch: 1, tokens: models.clip.maxPositions, ...types }),
    t5: t5Programs(models.t5, { batch: 1, tokens: textTokens, ...types }),
    ...denoisePrograms(models.transformer, { batch, imageTokens, textTokens, steps, cache, adapterRank }, types),
    decode: vaePrograms(models.vae, { height, width, ...decode, ...vaeTypes }).decode,
  };
}

/** Sizes that the programs of denoising are traced for. */
export interface DenoiseProgramSizes
  extends Pick<RunSizes, 'batch' | 'textTokens' | 'steps' | 'cache' | 'adapterRank'> {
  readonly imageTokens: number;
  /** Prompts that pictures are made from: 1, the default, for all, or as many as pictures. */
  readonly prompts?: number | undefined;
}

/** The programs of denoising. */
export type DenoisePrograms = Pick<RunPrograms, 'transformer' | 'euler' | 'cache'>;

/** Traces the programs of denoising. */
export function denoisePrograms(
  cfg: FluxConfig,
  { cache = false, adapterRank = 0, prompts = 1, ...sizes }: DenoiseProgramSizes,
  types: ProgramTypes,
): DenoisePrograms {
  const { batch, imageTokens, textTokens } = sizes;
  const cached = { batch, imageTokens, textTokens, width: cfg.heads * cfg.headDim, compute: types.compute };
  return {
    transformer: fluxPrograms(cfg, { ...sizes, prompts, adapterRank, ...types }),
    euler: eulerProgram([batch, imageTokens, cfg.inChannels]),
    cache: cache ? firstBlockCachePrograms(cached) : undefined,
  };
}

/** The programs of a run in the order in which they first run. */
export function programUses(
  models: ModelConfigs,
  { clip, t5, transformer: flux, ...others }: RunPrograms,
): readonly ProgramUse[] {
  const { layers, singleLayers } = models.transformer;
  const of =
    (component: ProgramUse['component'], stage: StageName) =>
    (traced: Traced, runs = 1, scope?: string): ProgramUse => ({
      component,
      stage,
      traced,
      runs,
      ...(scope !== undefined && { scope }),
    });
  const [inClip, inT5, before, step] = [
    of('clip', 'encode'),
    of('t5', 'encode'),
    of('transformer', 'prepare'),
    of('transformer', 'step'),
  ];
  const decode = of('vae', 'decode');
  return [
    inClip(clip.embed), inClip(clip.layer, models.clip.layers), inClip(clip.pool),
    inT5(t5.embed), inT5(t5.bias), inT5(t5.layer, models.t5.layers), inT5(t5.finalNorm),
    before(flux.conditioning), before(flux.doubleModulation, layers), before(flux.singleModulation, singleLayers),
    before(flux.finalModulation), before(flux.textIn),
    step(flux.stepModulations), step(flux.imageIn), step(flux.doubleBlock, layers), step(flux.join),
    step(flux.singleBlock, singleLayers), step(flux.finalLayer), step(others.euler),
    ...Object.values(others.cache ?? {}).map((traced) => step(traced)),
    ...[...Map.groupBy(others.decode, ({ traced }) => traced)].map(([traced, parts]) =>
      decode(traced, parts.length, parts[0]!.scope),
    ),
  ]; // biome-ignore format: a list
}

/** What a request makes a model do. */
export interface RunShape {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  readonly textTokens: number;
  readonly steps: number;
}

/** Operations of the stages of a request with one prompt: `step` is one step of the whole batch, `decode` all of its pictures. */
export type StageFlops = Readonly<Record<StageName, Flops>>;

/** Counts the operations of every stage, with nothing computed twice: steps whole, and pictures decoded without bands. */
export function stageFlops(models: ModelConfigs, { height, width, batch, ...shape }: RunShape): StageFlops {
  const scale = 2 ** (models.vae.blockOutChannels.length - 1);
  const sizes = { ...shape, batch, height: height / scale, width: width / scale, decode: { batch } };
  const uses = programUses(models, runPrograms(models, sizes, COUNTED));
  const of = (name: StageName): Flops =>
    sumFlops(
      uses.filter(({ stage }) => stage === name).map(({ traced, runs }) => timesFlops(countFlops(traced.graph), runs)),
    );
  return { encode: of('encode'), prepare: of('prepare'), step: of('step'), decode: of('decode') };
}

/** Counts the weights of every component; the autoencoder's are those of its decoder. */
export function weightCounts(models: ModelConfigs): Readonly<Record<keyof ModelConfigs, number>> {
  const sizes = { batch: 1, height: 2, width: 2, textTokens: 1, steps: 1, decode: { batch: 1 } };
  const uses = programUses(models, runPrograms(models, sizes, COUNTED));
  const of = (name: keyof ModelConfigs): number =>
    countWeights(uses.filter(({ component }) => component === name)).reduce(
      (sum, { spec, count }) => sum + count * elementCount(spec.shape),
      0,
    );
  return { transformer: of('transformer'), clip: of('clip'), t5: of('t5'), vae: of('vae') };
}

/** Numbers do not depend on types. */
const COUNTED: ProgramTypes = { compute: 'f32', storage: 'f32' };
