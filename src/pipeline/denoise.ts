/** The denoising loop: from noise and conditioning to latents, one event a step. */

import { Run } from '../engine/run.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { type FluxPrograms, positionTables } from '../models/flux.ts';
import {
  type ConditionSizes,
  type DenoiseProgramSizes,
  type DenoisePrograms,
  denoisePrograms,
} from '../models/programs.ts';
import { imagePositions, textPositions, totalTokens } from '../sampling/latents.ts';
import { evaluationsOf } from '../sampling/samplers/by-name.ts';
import { Recent } from '../support/recent.ts';
import { originOf } from '../weights/folders/model-source.ts';
import { type Arrangement, type Traced, WeightSet, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { ConditionPrograms } from './conditions/condition.ts';
import type { BesideSizes, BlockInputs } from './controlnet.ts';
import type { BesideStep, ControlNets } from './controlnets.ts';
import type { Conditioning } from './encode.ts';
import { type FirstBlock, FirstBlockCache } from './first-block-cache.ts';
import type { ModelTypes } from './model-types.ts';
import { blocksOf, type Modulated, modulationsOf, spread } from './modulations.ts';
import type { DecidedRequest } from './request.ts';

/** What programs are traced for. */
export interface DenoiseSizes extends BesideSizes, Omit<ConditionSizes, 'referenceTokens'> {
  /** Threshold of the first-block cache; without it every step is computed whole. */
  readonly cacheThreshold?: number | undefined;
  /** Ranks of adapters that programs take; 0 by default. */
  readonly adapterRank?: number | undefined;
}

/** Everything one batch of pictures is denoised from. */
export interface DenoiseRequest extends Omit<DenoiseSizes, 'negative'>, Modulated, Omit<Arrangement, 'rank'> {
  /** Packed latents [b, l, channels] at the first sigma. */
  readonly latents: Float32Array;
  /** Inputs that conditions add, by their names. */
  readonly given?: ConstantInputs;
  /** Draws new noise [b, l, channels], for samplers that add some in every step. */
  readonly draw?: () => Float32Array;
  /** The prompt that pictures are guided away from, and how strongly: one strength for all, or one for each prompt. */
  readonly negative?: { readonly conditioning: Conditioning; readonly scale: number | readonly number[] } | undefined;
  /** ControlNets, which add to image tokens after blocks. They read the first prompt, and serve the negative one too. */
  readonly beside?: Pick<ControlNets, 'begin'> | undefined;
}

/** Values that are the same in every step, for all pictures of a batch, by their names in programs. */
export type ConstantInputs = Readonly<Record<string, Float32Array>>;

/** Sizes that the programs of a decided request are traced for, `batch` pictures at a time. */
export function denoiseSizes(
  { size, sampler, schedule, maxSequenceLength: textTokens, cacheThreshold, trueCfgScale, conditions }: DecidedRequest,
  { batch, prompts }: { readonly batch: number; readonly prompts: number },
) {
  const steered: ConditionPrograms = Object.assign({}, ...conditions.map(({ programs }) => programs));
  const negative = trueCfgScale !== undefined;
  const asked = { batch, prompts, size, sampler, schedule, textTokens, cacheThreshold, negative };
  return { ...asked, ...steered } satisfies DenoiseSizes;
}

/** Converts these sizes to numbers of tokens and evaluations. */
export function programSizes({ size, references = [], cacheThreshold, ...given }: DenoiseSizes): DenoiseProgramSizes {
  const { batch, prompts, textTokens, promptTokens, addedChannels, adapterRank, blend, negative, sampler } = given;
  return {
    batch,
    prompts,
    imageTokens: size.tokens,
    referenceTokens: totalTokens(references),
    addedChannels,
    textTokens,
    promptTokens,
    steps: evaluationsOf(given).length,
    sampler,
    cache: cacheThreshold !== undefined,
    adapterRank,
    blend,
    negative,
  };
}

/** The state after a step. The loop owns the arrays and frees them when it continues. */
export interface DenoiseStep {
  /** From 1. */
  readonly step: number;
  /** [b, l, channels] f32 */
  readonly latents: ShardedArray;
  /** The transformer's last prediction in this step, [b, l, channels] f32. */
  readonly velocity: ShardedArray;
  /** The predicted clean latents, [b, l, channels] f32. */
  readonly clean: ShardedArray;
  /** Whether the cache stood in for all blocks but the first in every evaluation of the step. */
  readonly cached: boolean;
}

/** A prompt, prepared for all steps. */
interface Told extends Pick<BlockInputs, 'txt' | 'cos' | 'sin'> {
  readonly parts: FluxPrograms;
  /** Modulations of every block and every step, by name. */
  readonly every: Readonly<Record<string, ShardedArray>>;
  readonly cache: FirstBlockCache | undefined;
}

interface StepInputs extends BlockInputs {
  /** Residuals of ControlNets. */
  readonly added: BesideStep | undefined;
}

/** The transformer of a model. */
export class Transformer implements Disposable {
  readonly weights: WeightSet;
  readonly #source: Flux1Source;
  readonly #types: ModelTypes;
  readonly #traced = new Recent<string, DenoisePrograms>();

  /** Binds the weights, without placing them. */
  constructor(source: Flux1Source, types: ModelTypes) {
    this.#source = source;
    this.#types = types;
    // The list of weights is the same for all sizes.
    const sizes = { batch: 1, imageTokens: 1, textTokens: 1, steps: 1 };
    const { double, single } = blocksOf(source.transformer);
    const all = Object.entries(denoisePrograms(source.transformer, sizes, types).transformer).flatMap(
      ([name, traced]) =>
        name.startsWith('double') ? double(traced) : name.startsWith('single') ? single(traced) : [whole(traced)],
    );
    this.weights = new WeightSet(originOf(source, 'transformer'), all);
  }

  /** Every program that `denoise` runs, the same objects for the same sizes. */
  programs(given: DenoiseSizes): DenoisePrograms {
    const sizes = programSizes(given);
    return this.#traced.get(JSON.stringify(sizes), () => denoisePrograms(this.#source.transformer, sizes, this.#types));
  }

  /** Denoises one batch, yielding after every step. The signal is honoured between blocks. */
  async *denoise(
    runtime: Runtime,
    conditioning: Conditioning,
    request: DenoiseRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<DenoiseStep, void, undefined> {
    const { size, references = [], negative, given = {} } = request;
    const programs = this.programs({ ...request, negative: negative !== undefined });
    const { transformer: parts, update, guide, after } = programs;
    const { overlay, streaming, adapterRank } = request;
    const arrangement = { overlay, streaming, rank: adapterRank };
    using run = new Run(runtime, this.weights, { arrangement, signal });
    using owned = new DisposableStack();
    const upload = async (values: Float32Array, shape: readonly number[]) =>
      owned.use(await runtime.upload(values, 'f32', shape));

    const pictures = [size, ...references].map((picture, i) => imagePositions(picture, i));
    const told = [
      { programs, prompt: conditioning },
      ...(negative ? [{ programs: programs.opposite ?? programs, prompt: negative.conditioning }] : []),
    ];
    const prompts: Told[] = [];
    for (const { programs, prompt } of told) {
      const { transformer: parts, cache: cached } = programs;
      const tokens = prompt.sequence.shape[1]!;
      const rope = positionTables(this.#source.transformer, [textPositions(tokens), ...pictures]);
      const cos = await upload(rope.cos, rope.shape);
      const sin = await upload(rope.sin, rope.shape);
      const { vec, every } = await modulationsOf(runtime, run, parts, this.#source.transformer, {
        ...request,
        pooled: prompt.pooled,
      });
      every['final'] = await run.next(whole(parts.finalModulation), { vec });
      const txt = await run.next(whole(parts.textIn), { sequence: prompt.sequence });
      const cache = cached && owned.use(new FirstBlockCache(cached, request.cacheThreshold!));
      prompts.push({ parts, cos, sin, txt, every, cache });
    }
    const inputs: Record<string, ShardedArray> = {};
    for (const traced of [parts.imageIn, ...after])
      for (const name of traced.inputs)
        if (given[name]) inputs[name] ??= owned.use(await runtime.input(traced, name, given[name]));
    const scale = guide && owned.use(await runtime.input(guide, 'scale', spread(negative!.scale, request.batch)));
    const beside = await request.beside?.begin(runtime, conditioning, request, signal);
    if (beside) owned.use(beside);
    using state = new Holder(await runtime.input(parts.imageIn, 'latents', request.latents));

    using carried = new Holder<ShardedArray | undefined>(undefined);
    let step = 1;
    let allCached = true;

    for (const [i, { scalars, level, ends }] of evaluationsOf(request).entries()) {
      using temporary = new Run(runtime, this.weights, { arrangement, signal });
      using taken = new DisposableStack();
      const scalar = async (value: number) => taken.use(await runtime.upload(Float32Array.of(value), 'f32', [1, 1, 1]));
      const image = pick(parts.imageIn, { ...inputs, latents: state.array });
      using added = beside?.step(i, state.array);
      const predicted = [];
      for (const prompt of prompts)
        predicted.push(await this.#velocity(runtime, temporary, prompt, i, { image, added }));
      const [{ velocity: own }, opposite] = predicted as [Predicted, Predicted?];
      allCached &&= predicted.every(({ cached }) => cached);
      const velocity = opposite
        ? await temporary.next(whole(guide!), { velocity: own, negative: opposite.velocity, scale: scale! })
        : own;
      const arrays: Record<string, ShardedArray> = {
        latents: state.array,
        velocity,
        carried: carried.array ?? state.array,
      };
      for (const [name, value] of Object.entries(scalars)) arrays[name] = await scalar(value);
      if (update.inputs.includes('noise'))
        arrays['noise'] = taken.use(await runtime.input(update, 'noise', request.draw!()));
      const out = await temporary.step(whole(update), pick(update, arrays));
      const clean = temporary.keep({ clean: out['clean']! }, 'clean');
      state.replace(out['latents']!);
      if (out['carried']) carried.replace(out['carried']);
      for (const program of after) {
        const given = { ...inputs, latents: state.array, sigma: await scalar(level) };
        const changed = await temporary.step(whole(program), pick(program, given));
        state.replace(changed['latents']!);
      }
      await temporary.drain();
      if (!ends) continue;
      yield { step, latents: state.array, velocity, clean, cached: allCached };
      step++;
      allCached = true;
    }
  }

  /** Predicts the velocity for a prompt, in evaluation `i` of the transformer, from 0. */
  async #velocity(
    runtime: Runtime,
    run: Run,
    { parts, txt, every, cache, cos, sin }: Told,
    i: number,
    { image, added }: Pick<StepInputs, 'added'> & { readonly image: Readonly<Record<string, ShardedArray>> },
  ): Promise<Predicted> {
    using at = await runtime.upload(Int32Array.of(i), 'i32', [1]);
    const mods = await run.step(whole(parts.stepModulations), { ...every, step: at });
    run.keep(mods, 'final');
    const img = await run.next(whole(parts.imageIn), image);
    const { x, cached } = await this.#blocks(run, parts, { img, txt, mods, cos, sin, added }, cache);
    return { velocity: await run.next(whole(parts.finalLayer), { x, mod: mods['final']! }), cached };
  }

  /** Runs image and text through all blocks of a step, or through the first one if the cache has a result for the others. */
  async #blocks(
    run: Run,
    parts: FluxPrograms,
    { mods, cos, sin, added, ...given }: StepInputs,
    cache: FirstBlockCache | undefined,
  ): Promise<{ readonly x: ShardedArray; readonly cached: boolean }> {
    const { double, single } = blocksOf(this.#source.transformer);
    let { img, txt } = given;
    let first: FirstBlock | undefined;
    // A started block keeps its own inputs alive; freeing them here avoids holding every block's for the whole step.
    const used = (...arrays: ShardedArray[]) => {
      for (const array of arrays) if (array !== given.txt && array !== first?.img) array.dispose();
    };
    for (const [n, block] of double(parts.doubleBlock).entries()) {
      const out = await run.step(block, { img, txt, mod: mods[`double${n}`]!, cos, sin });
      const before = [img, txt] as const;
      img = run.keep(out, 'img');
      txt = run.keep(out, 'txt');
      if (n === 0 && cache) {
        first = { before: before[0], img, txt };
        const x = await cache.output(run, first);
        if (x) return { x, cached: true };
      } else used(...before);
      const steered = (await added?.after(run, 'double', n, img)) ?? img;
      if (steered !== img) used(img);
      img = steered;
    }
    let x = await run.next(whole(parts.join), { img, txt });
    used(img, txt);
    for (const [n, block] of single(parts.singleBlock).entries()) {
      const out = await run.next(block, { x, mod: mods[`single${n}`]!, cos, sin });
      used(x);
      x = (await added?.after(run, 'single', n, out)) ?? out;
      if (x !== out) used(out);
    }
    if (first) await cache?.store(run, first, x);
    return { x, cached: false };
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** The transformer's prediction, and whether only its first block ran for it. */
interface Predicted {
  /** [b, l, channels] f32 */
  readonly velocity: ShardedArray;
  readonly cached: boolean;
}

/** The arrays that a program takes. */
function pick({ inputs }: Traced, arrays: Readonly<Record<string, ShardedArray>>): Record<string, ShardedArray> {
  return Object.fromEntries(inputs.map((name) => [name, arrays[name]!]));
}

/** Owns one array at a time. */
class Holder<T extends ShardedArray | undefined> implements Disposable {
  #array: T;

  constructor(array: T) {
    this.#array = array;
  }

  get array(): T {
    return this.#array;
  }

  replace(array: T): void {
    this.#array?.dispose();
    this.#array = array;
  }

  [Symbol.dispose](): void {
    this.#array?.dispose();
  }
}
