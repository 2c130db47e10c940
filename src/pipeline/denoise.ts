/** The denoising loop: from noise and conditioning to latents, one event a step. */

import { Run } from '../engine/run.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { type FluxPrograms, positionTables } from '../models/flux.ts';
import { type DenoisePrograms, denoisePrograms } from '../models/programs.ts';
import { imagePositions, type LatentSize, textPositions } from '../sampling/latents.ts';
import type { Schedule } from '../sampling/schedule.ts';
import { Recent } from '../support/recent.ts';
import { originOf } from '../weights/folders/model-source.ts';
import { type Arrangement, blocks, type Traced, type Use, WeightSet, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { Conditioning } from './encode.ts';
import { type FirstBlock, FirstBlockCache } from './first-block-cache.ts';
import type { ModelTypes } from './model-types.ts';

/** What programs are traced for. */
export interface DenoiseSizes {
  /** Pictures; as many on every device (`Runtime.batchOf`). */
  readonly batch: number;
  /** Prompts and strengths of guidance they are made from: 1, the default, for all pictures, or as many as pictures. */
  readonly prompts?: number;
  readonly size: LatentSize;
  readonly schedule: Schedule;
  readonly textTokens: number;
  /** Threshold of the first-block cache; without one every step is computed whole. */
  readonly cacheThreshold?: number | undefined;
  /** Ranks of adapters that programs take; 0, the default, for none. */
  readonly adapterRank?: number | undefined;
}

/** Everything one batch of pictures is denoised from. */
export interface DenoiseRequest extends DenoiseSizes, Omit<Arrangement, 'rank'> {
  /** Of all pictures, or of each prompt. */
  readonly guidance: number | readonly number[];
  /** Packed noise [b, l, channels] at the first sigma. */
  readonly latents: Float32Array;
}

/** The state after a step; the arrays belong to the loop and are gone when it goes on. */
export interface DenoiseStep {
  /** From 1. */
  readonly step: number;
  /** [b, l, channels] f32 */
  readonly latents: ShardedArray;
  /** What the transformer predicted in this step, [b, l, channels] f32. */
  readonly velocity: ShardedArray;
  /** The predicted clean latents, [b, l, channels] f32. */
  readonly clean: ShardedArray;
  /** Whether the first block alone was run, and the cache stood in for the others. */
  readonly cached: boolean;
}

/** What the blocks of a step are given. */
interface StepInputs {
  /** [b, l, d] */
  readonly img: ShardedArray;
  /** [b, t, d], the same in every step. */
  readonly txt: ShardedArray;
  /** Modulations of every block, by name. */
  readonly mods: Readonly<Record<string, ShardedArray>>;
  /** Rope tables [n, c/2]. */
  readonly cos: ShardedArray;
  readonly sin: ShardedArray;
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
    // Which weights there are does not depend on the sizes.
    const sizes = { batch: 1, imageTokens: 1, textTokens: 1, steps: 1 };
    const all = Object.entries(denoisePrograms(source.transformer, sizes, types).transformer).flatMap(
      ([name, traced]) =>
        name.startsWith('double')
          ? this.#double(traced)
          : name.startsWith('single')
            ? this.#single(traced)
            : [whole(traced)],
    );
    this.weights = new WeightSet(originOf(source, 'transformer'), all);
  }

  /** Every program that `denoise` runs, the same objects for the same sizes. */
  programs({ batch, prompts, size, schedule, textTokens, cacheThreshold, adapterRank }: DenoiseSizes): DenoisePrograms {
    const imageTokens = size.tokens;
    const steps = schedule.timesteps.length;
    const cache = cacheThreshold !== undefined;
    const sizes = { batch, imageTokens, textTokens, steps, cache, prompts, adapterRank };
    return this.#traced.get(JSON.stringify(sizes), () => denoisePrograms(this.#source.transformer, sizes, this.#types));
  }

  #double(traced: Traced): Use[] {
    return blocks(traced, 'double_blocks', this.#source.transformer.layers);
  }

  #single(traced: Traced): Use[] {
    return blocks(traced, 'single_blocks', this.#source.transformer.singleLayers);
  }

  /** Denoises one batch, yielding after every step. The signal is honoured between blocks. */
  async *denoise(
    runtime: Runtime,
    conditioning: Conditioning,
    request: DenoiseRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<DenoiseStep, void, undefined> {
    const { size, schedule, textTokens, cacheThreshold, overlay, streaming, adapterRank } = request;
    const { transformer } = this.#source;
    const { transformer: parts, euler, cache: cachePrograms } = this.programs(request);
    const arrangement = { overlay, streaming, rank: adapterRank };
    using run = new Run(runtime, this.weights, { arrangement, signal });
    using owned = new DisposableStack();
    const upload = async (values: Float32Array, shape: readonly number[]) =>
      owned.use(await runtime.upload(values, 'f32', shape));

    const rope = positionTables(transformer, textPositions(textTokens), imagePositions(size));
    const cos = await upload(rope.cos, rope.shape);
    const sin = await upload(rope.sin, rope.shape);
    const every = await this.#modulations(runtime, run, parts, conditioning, request);
    const txt0 = await run.next(whole(parts.textIn), { sequence: conditioning.sequence });
    const cache = cachePrograms && owned.use(new FirstBlockCache(cachePrograms, cacheThreshold!));
    using state = new Holder(await runtime.input(parts.imageIn, 'latents', request.latents));

    for (let i = 0; i < schedule.timesteps.length; i++) {
      using temporary = new Run(runtime, this.weights, { arrangement, signal });
      using at = await runtime.upload(Int32Array.of(i), 'i32', [1]);
      const mods = await temporary.step(whole(parts.stepModulations), { ...every, step: at });
      temporary.keep(mods, 'final');
      const img = await temporary.next(whole(parts.imageIn), { latents: state.array });
      const { x, cached } = await this.#blocks(temporary, parts, { img, txt: txt0, mods, cos, sin }, cache);
      const velocity = await temporary.next(whole(parts.finalLayer), { x, mod: mods['final']! });
      using sigma = await runtime.upload(schedule.sigmas.slice(i, i + 1), 'f32', [1, 1, 1]);
      using sigmaNext = await runtime.upload(schedule.sigmas.slice(i + 1, i + 2), 'f32', [1, 1, 1]);
      const out = await temporary.step(whole(euler), { latents: state.array, velocity, sigma, sigmaNext });
      const clean = temporary.keep({ clean: out['clean']! }, 'clean');
      state.replace(out['latents']!);
      await temporary.drain();
      yield { step: i + 1, latents: state.array, velocity, clean, cached };
    }
  }

  /** Image and text through all blocks of a step, or through the first, with what the cache has for the others. */
  async #blocks(
    run: Run,
    parts: FluxPrograms,
    { mods, cos, sin, ...given }: StepInputs,
    cache: FirstBlockCache | undefined,
  ): Promise<{ readonly x: ShardedArray; readonly cached: boolean }> {
    let { img, txt } = given;
    let first: FirstBlock | undefined;
    // A block that has been started keeps its inputs by itself; here they are let go, or a step would hold every block's.
    const used = (...arrays: ShardedArray[]) => {
      for (const array of arrays) if (array !== given.txt && array !== first?.img) array.dispose();
    };
    for (const [n, block] of this.#double(parts.doubleBlock).entries()) {
      const out = await run.step(block, { img, txt, mod: mods[`double${n}`]!, cos, sin });
      const before = [img, txt] as const;
      img = run.keep(out, 'img');
      txt = run.keep(out, 'txt');
      if (n === 0 && cache) {
        first = { before: before[0], img, txt };
        const x = await cache.output(run, first);
        if (x) return { x, cached: true };
      } else used(...before);
    }
    let x = await run.next(whole(parts.join), { img, txt });
    used(img, txt);
    for (const [n, block] of this.#single(parts.singleBlock).entries()) {
      const out = await run.next(block, { x, mod: mods[`single${n}`]!, cos, sin });
      used(x);
      x = out;
    }
    if (first) await cache?.store(run, first, x);
    return { x, cached: false };
  }

  /** Shifts, scales and gates of every block, all steps at once, before the loop: the weights are used once. */
  async #modulations(
    runtime: Runtime,
    run: Run,
    parts: FluxPrograms,
    conditioning: Conditioning,
    request: DenoiseRequest,
  ): Promise<Record<string, ShardedArray>> {
    const { transformer } = this.#source;
    using timesteps = await runtime.upload(request.schedule.timesteps, 'f32', [request.schedule.timesteps.length]);
    // Timesteps and guidance stay f32 whatever the model computes in: rounded to bf16, 3.5 · 1000 would become 3504.
    const strengths = new Float32Array(request.prompts ?? 1);
    if (typeof request.guidance === 'number') strengths.fill(request.guidance);
    else strengths.set(request.guidance);
    using guidance = await runtime.upload(
      strengths.map((strength) => strength * 1000),
      'f32',
      [strengths.length],
    );
    const inputs = { timesteps, pooled: conditioning.pooled, ...(transformer.guidanceEmbeds && { guidance }) };
    const vec = await run.next(whole(parts.conditioning), inputs);
    const every: Record<string, ShardedArray> = {};
    const double = this.#double(parts.doubleModulation);
    const single = this.#single(parts.singleModulation);
    for (const [i, use] of double.entries()) every[`double${i}`] = await run.next(use, { vec });
    for (const [i, use] of single.entries()) every[`single${i}`] = await run.next(use, { vec });
    every['final'] = await run.next(whole(parts.finalModulation), { vec });
    return every;
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** Owns one array at a time. */
class Holder implements Disposable {
  #array: ShardedArray;

  constructor(array: ShardedArray) {
    this.#array = array;
  }

  get array(): ShardedArray {
    return this.#array;
  }

  replace(array: ShardedArray): void {
    this.#array.dispose();
    this.#array = array;
  }

  [Symbol.dispose](): void {
    this.#array.dispose();
  }
}
