/** One ControlNet beside a transformer: its weights and programs, and its residuals for a step. */

import { Run } from '../engine/run.ts';
import {
  type ControlNetConfig,
  type ControlNetPrograms,
  controlNetPrograms,
  controlTokens,
  HINT_SCALE,
  hintProgram,
} from '../models/controlnet.ts';
import { positionTables } from '../models/flux.ts';
import { imagePositions, type LatentSize, textPositions } from '../sampling/latents.ts';
import { evaluationsOf } from '../sampling/samplers/by-name.ts';
import type { Schedule } from '../sampling/schedule.ts';
import { Recent } from '../support/recent.ts';
import type { ExtraSource } from '../weights/folders/extras.ts';
import { type Traced, WeightSet, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { ConditionPrograms } from './conditions/condition.ts';
import type { Conditioning } from './encode.ts';
import type { ModelTypes } from './model-types.ts';
import { blocksOf, type Modulated, modulationsOf } from './modulations.ts';

/** What programs are traced for. */
export interface BesideSizes
  extends Omit<Modulated, 'guidance'>,
    Pick<ConditionPrograms, 'promptTokens' | 'references' | 'nets'> {
  /** Pictures in the batch; equally many on every device (`Runtime.batchOf`). */
  readonly batch: number;
  readonly size: LatentSize;
  readonly textTokens: number;
  /** Whether a negative prompt is run too. */
  readonly negative?: boolean | undefined;
}

/** A batch, as ControlNets see it. */
export interface BesideRequest extends Omit<BesideSizes, 'negative'>, Modulated {
  /** Inputs, whose names end in the number of the control picture: `control`, `pixels`, `mode`, and `scale` for every evaluation of the transformer. */
  readonly given?: Readonly<Record<string, Float32Array>>;
}

/** Names of the inputs that a condition adds for a control picture. */
export const givenNames = (picture: number) => ({
  /** [l, in], latents of a net that takes them. */
  control: `control${picture}`,
  /** [height, width, 3] in -1 to 1, for a net that takes pixels. */
  pixels: `pixels${picture}`,
  /** [1], the kind of control, for a union net. */
  mode: `mode${picture}`,
  /** [evaluations], how strongly it steers. */
  scale: `scale${picture}`,
});

/** Text tokens, including those of pictures in the prompt. */
export const textTokensOf = ({ textTokens, promptTokens = 0 }: Omit<BesideSizes, 'negative'>): number =>
  textTokens + promptTokens;

/** The programs of a net, including the pixel encoder's if it takes pixels. */
type NetPrograms = ControlNetPrograms & { readonly hint: Traced | undefined };

/** The schedule does not matter here: every one gives the same weights. */
const ONE_STEP: Schedule = { sigmas: Float32Array.of(1, 0), timesteps: Float32Array.of(1000), mu: null };

/** Residuals of a step, by the kind of block that made them. */
export interface Residuals {
  readonly double: readonly ShardedArray[];
  readonly single: readonly ShardedArray[];
}

export class ControlNet implements Disposable {
  readonly weights: WeightSet;
  readonly config: ControlNetConfig;
  readonly #types: ModelTypes;
  readonly #traced = new Recent<string, NetPrograms>();

  constructor(source: ExtraSource<ControlNetConfig>, types: ModelTypes) {
    this.config = source.config;
    this.#types = types;
    const { double, single } = blocksOf(source.config);
    const one = { rows: 1, columns: 1, tokens: 1, height: 2, width: 2 };
    // The list of weights is the same for all sizes.
    const p = this.programs({ batch: 1, size: one, schedule: ONE_STEP, textTokens: 1 });
    this.weights = new WeightSet(source.open(), [
      ...(p.hint ? [whole(p.hint)] : []),
      whole(p.conditioning),
      ...double(p.doubleModulation),
      ...single(p.singleModulation),
      whole(p.textIn),
      whole(p.imageIn),
      ...double(p.doubleBlock),
      ...double(p.doubleHead, 'controlnet_blocks'),
      ...single(p.singleBlock),
      ...single(p.singleHead, 'controlnet_single_blocks'),
    ]);
  }

  /** Every program of a batch, the same objects for the same sizes. */
  programs(given: BesideSizes): NetPrograms {
    const { batch, prompts = 1, size } = given;
    const textTokens = textTokensOf(given);
    const sizes = { batch, prompts, imageTokens: size.tokens, textTokens, steps: evaluationsOf(given).length };
    // A token of 2 × 2 latents has as many channels as a patch of the reduced pixels (`controlNetAgreements`).
    const scale = (HINT_SCALE * this.config.patchSize) / 2;
    const pixels = { batch, height: scale * size.height, width: scale * size.width };
    return this.#traced.get(JSON.stringify([sizes, pixels]), () => ({
      ...controlNetPrograms(this.config, { ...sizes, ...this.#types }),
      hint:
        this.config.hintChannels === undefined ? undefined : hintProgram(this.config, { ...pixels, ...this.#types }),
    }));
  }

  /** Prepares for a control picture, by its index among all: computes everything that is the same in every step. */
  async begin(
    runtime: Runtime,
    { pooled, sequence }: Conditioning,
    request: BesideRequest,
    { picture, signal }: { readonly picture: number; readonly signal: AbortSignal | undefined },
  ): Promise<PreparedNet> {
    const { config } = this;
    const { batch, size, given = {} } = request;
    const programs = this.programs(request);
    const { hint, textIn, imageIn } = programs;
    const names = givenNames(picture);
    using owned = new DisposableStack();
    const run = owned.use(new Run(runtime, this.weights, { signal }));
    const input = async (traced: Traced, name: string, values: ArrayBufferView) =>
      owned.use(await runtime.input(traced, name, values));
    const upload = async (values: Float32Array, shape: readonly number[]) =>
      owned.use(await runtime.upload(values, 'f32', shape));

    const { every } = await modulationsOf(runtime, run, programs, config, { ...request, pooled });
    const control = hint
      ? await run.next(whole(hint), { pixels: await input(hint, 'pixels', given[names.pixels]!) })
      : await input(imageIn, 'control', given[names.control]!);
    const mode = config.modes !== undefined && {
      mode: await input(textIn, 'mode', Int32Array.from(given[names.mode]!)),
    };
    const txt = await run.next(whole(textIn), { sequence, ...mode });
    const rope = positionTables(config, [
      textPositions(controlTokens(config) + textTokensOf(request)),
      imagePositions(size),
    ]);
    const cos = await upload(rope.cos, rope.shape);
    const sin = await upload(rope.sin, rope.shape);
    await run.drain();
    const steps = evaluationsOf(request).length;
    /** The strength of the control in a step, for each picture of the batch. */
    const scaleAt = (step: number): Float32Array =>
      Float32Array.from({ length: batch }, (_, i) => given[names.scale]![i * steps + step]!);
    const kept = owned.move();
    return {
      residuals: async (step, latents, kept) => {
        const scales = scaleAt(step);
        if (scales.every((strength) => strength === 0)) return [];
        using temporary = new Run(runtime, this.weights, { signal });
        using inputs = new DisposableStack();
        const at = inputs.use(await runtime.upload(Int32Array.of(step), 'i32', [1]));
        const scale = inputs.use(await runtime.input(programs.doubleHead, 'scale', scales));
        const mods = await temporary.step(whole(programs.stepModulations), { ...every, step: at });
        for (const array of Object.values(mods)) inputs.use(array);
        const img = await temporary.next(whole(imageIn), { latents, control });
        return [await this.#blocks(temporary, programs, { img, txt, mods, cos, sin, scale }, kept)];
      },
      [Symbol.dispose]: () => kept.dispose(),
    };
  }

  /** Runs image and text through all blocks; `kept` owns the residuals. */
  async #blocks(
    run: Run,
    programs: NetPrograms,
    { mods, cos, sin, scale, ...given }: StepInputs,
    kept: DisposableStack,
  ): Promise<Residuals> {
    const { double, single } = blocksOf(this.config);
    const { doubleBlock, doubleHead, join, singleBlock, singleHead } = programs;
    const residual = async (traced: Traced, scope: string, inputs: Record<string, ShardedArray>) => {
      const out = await run.step({ traced, scope }, { ...inputs, scale });
      return kept.use(out['residual']!);
    };
    const made: { double: ShardedArray[]; single: ShardedArray[] } = { double: [], single: [] };
    let { img, txt } = given;
    // A started block keeps its own inputs alive.
    for (const [n, block] of double(doubleBlock).entries()) {
      const out = await run.step(block, { img, txt, mod: mods[`double${n}`]!, cos, sin });
      if (n > 0) for (const array of [img, txt]) array.dispose();
      img = run.keep(out, 'img');
      txt = out['txt']!;
      made.double.push(await residual(doubleHead, `controlnet_blocks.${n}`, { img }));
    }
    if (this.config.singleLayers > 0) {
      let x = await run.next(whole(join), { img, txt });
      for (const [n, block] of single(singleBlock).entries()) {
        const next = await run.next(block, { x, mod: mods[`single${n}`]!, cos, sin });
        x.dispose();
        x = next;
        made.single.push(await residual(singleHead, `controlnet_single_blocks.${n}`, { x }));
      }
    }
    await run.drain();
    return made;
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** The inputs of the transformer's blocks in a step. */
export interface BlockInputs {
  /** [b, l + r, d] */
  readonly img: ShardedArray;
  /** [b, t, d], the same in every step. */
  readonly txt: ShardedArray;
  /** Modulations of every block, by name. */
  readonly mods: Readonly<Record<string, ShardedArray>>;
  /** Rope tables [n, c/2]. */
  readonly cos: ShardedArray;
  readonly sin: ShardedArray;
}

/** Inputs of a net's blocks; a union's text tokens begin with its mode. */
interface StepInputs extends BlockInputs {
  /** [b] */
  readonly scale: ShardedArray;
}

/** A net, prepared with one control picture for each picture of a batch. */
export interface PreparedNet extends Disposable {
  /** The residuals of step `step`, from 0, which `kept` owns; none if the net is inactive in that step. */
  residuals(step: number, latents: ShardedArray, kept: DisposableStack): Promise<readonly Residuals[]>;
}
