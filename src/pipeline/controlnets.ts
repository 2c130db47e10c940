/**
 * The ControlNets beside a transformer: each runs on the latents of a step, and its residuals are added to the transformer's image tokens
 * after its blocks. Those of several nets add up, as in diffusers' `FluxMultiControlNetModel`: the shortest list decides which block gets
 * which residual. A net that no picture of the batch wants in a step does not run.
 */

import type { Run } from '../engine/run.ts';
import {
  type ControlNetConfig,
  controlNetUses,
  type ResidualPrograms,
  residualOf,
  residualPrograms,
} from '../models/controlnet.ts';
import type { FluxConfig } from '../models/flux.ts';
import type { ProgramUse } from '../models/programs.ts';
import { totalTokens } from '../sampling/latents.ts';
import { Recent } from '../support/recent.ts';
import type { ExtraSource } from '../weights/folders/extras.ts';
import { type Traced, whole } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import {
  type BesideRequest,
  type BesideSizes,
  ControlNet,
  type PreparedNet,
  type Residuals,
  textTokensOf,
} from './controlnet.ts';
import type { Conditioning } from './encode.ts';
import type { ModelTypes } from './model-types.ts';

/** All ControlNets of a model. */
export class ControlNets implements Disposable {
  readonly #nets: readonly ControlNet[];
  readonly #transformer: FluxConfig;
  readonly #types: ModelTypes;
  readonly #traced = new Recent<string, ResidualPrograms>();
  readonly #owned = new DisposableStack();

  /** Binds the weights, without placing them. */
  constructor(sources: readonly ExtraSource<ControlNetConfig>[], transformer: FluxConfig, types: ModelTypes) {
    using opening = new DisposableStack();
    this.#nets = sources.map((source) => opening.use(new ControlNet(source, types)));
    this.#transformer = transformer;
    this.#types = types;
    this.#owned = opening.move();
  }

  /** Every use of a program of a batch, for plans. */
  uses(sizes: BesideSizes): readonly ProgramUse[] {
    const { nets = [] } = sizes;
    if (nets.length === 0) return [];
    const ofNets = [...Map.groupBy(nets, (net) => net)].flatMap(([index, { length: pictures }]) => {
      const net = this.#nets[index]!;
      return controlNetUses(net.config, net.programs(sizes), { index, pictures });
    });
    const added = new Set<Traced>([
      ...Object.values<Traced>({ ...this.#residuals(sizes, textTokensOf(sizes)) }),
      ...(sizes.negative ? [this.#residuals(sizes, sizes.textTokens).addToJoint] : []),
    ]);
    return [
      ...ofNets,
      ...[...added].map((traced) => ({ component: 'controlnet', stage: 'step', traced, runs: 1 }) as const),
    ];
  }

  #residuals(
    { batch, size, references = [] }: Pick<BesideSizes, 'batch' | 'size' | 'references'>,
    textTokens: number,
  ): ResidualPrograms {
    const sizes = {
      batch,
      imageTokens: size.tokens,
      referenceTokens: totalTokens(references),
      textTokens,
    };
    return this.#traced.get(JSON.stringify(sizes), () =>
      residualPrograms(this.#transformer, { ...sizes, compute: this.#types.compute }),
    );
  }

  /** Prepares the nets of a batch for its steps; `undefined` if no net takes part. The holder disposes it. */
  async begin(
    runtime: Runtime,
    conditioning: Conditioning,
    request: BesideRequest,
    signal?: AbortSignal,
  ): Promise<BesideRun | undefined> {
    const { nets = [] } = request;
    if (nets.length === 0) return undefined;
    using owned = new DisposableStack();
    const pictures: PreparedNet[] = [];
    for (const [i, index] of nets.entries())
      pictures.push(owned.use(await this.#nets[index]!.begin(runtime, conditioning, request, { picture: i, signal })));
    const { layers, singleLayers } = this.#transformer;
    const configs = nets.map((index) => this.#nets[index]!.config);
    const merged = (kind: 'layers' | 'singleLayers'): number =>
      // If the first has no residuals, those of the others are ignored too.
      configs[0]![kind] && Math.min(...configs.map(({ [kind]: count }) => count).filter((count) => count > 0));
    const which = {
      double: residualOf(layers, merged('layers'), configs[0]!.hintChannels !== undefined),
      single: residualOf(singleLayers, merged('singleLayers'), false),
    };
    const tokens = totalTokens([request.size, ...(request.references ?? [])]);
    const { addToImage } = this.#residuals(request, textTokensOf(request));
    const programs = {
      double: () => addToImage,
      // A negative prompt may have fewer tokens.
      single: (n: number) => this.#residuals(request, n - tokens).addToJoint,
    };
    const residualsOf = async (i: number, latents: ShardedArray, made: DisposableStack): Promise<Residuals[]> => {
      const all: Residuals[] = [];
      for (const picture of pictures) all.push(...(await picture.residuals(i, latents, made)));
      return all;
    };
    const kept = owned.move();
    return {
      step: (i, latents) => stepOf((made) => residualsOf(i, latents, made), which, programs),
      [Symbol.dispose]: () => kept.dispose(),
    };
  }

  /** Frees the nets' device memory; a step places them again. */
  release(): void {
    for (const net of this.#nets) net.weights.release();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/** The nets of a batch while it is denoised. */
export interface BesideRun extends Disposable {
  /** Prepares step `i`, from 0. The nets run on the latents before the step, once their residuals are first asked for. */
  step(i: number, latents: ShardedArray): BesideStep;
}

/** The residuals of one step, each added after its block. */
export interface BesideStep extends Disposable {
  /**
   * Adds residuals to the tokens after block `block` of the transformer, from 0: img [b, l + r, d] of a double block, x [b, t + l + r, d] of a
   * single one. Returns `x` itself if nothing is added; `run` owns any other result.
   */
  after(run: Run, kind: keyof Residuals, block: number, x: ShardedArray): Promise<ShardedArray>;
}

/**
 * `make` runs the nets of all control pictures; `which` has the index of the residual after each block of the transformer; `programs` add a
 * residual to `n` tokens.
 */
function stepOf(
  make: (made: DisposableStack) => Promise<readonly Residuals[]>,
  which: Readonly<Record<keyof Residuals, readonly number[]>>,
  programs: Readonly<Record<keyof Residuals, (n: number) => Traced>>,
): BesideStep {
  const owned = new DisposableStack();
  let residuals: Promise<readonly Residuals[]> | undefined;
  return {
    async after(run, kind, block, x) {
      const at = which[kind][block];
      if (at === undefined) return x;
      residuals ??= make(owned);
      const traced = programs[kind](x.shape[1]!);
      let sum = x;
      for (const { [kind]: list } of await residuals) {
        const residual = list[at];
        if (!residual) continue;
        const next = await run.next(whole(traced), { [traced.inputs[0]!]: sum, residual });
        if (sum !== x) sum.dispose();
        sum = next;
      }
      return sum;
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}
