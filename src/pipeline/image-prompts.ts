/** Pictures as parts of a prompt (FLUX.1 Redux): SigLIP's vision encoder and the projector after it, run once a picture. */

import { Run } from '../engine/run.ts';
import type { ProgramUse } from '../models/programs.ts';
import { type ReduxConfig, reduxProgram } from '../models/redux.ts';
import { type SiglipConfig, type SiglipPrograms, siglipPrograms, siglipTokens } from '../models/siglip.ts';
import type { ExtraSource } from '../weights/folders/extras.ts';
import { blocks, type Traced, type Use, WeightSet, whole } from '../weights/set.ts';
import type { Runtime } from '../xla/runtime/runtime.ts';
import type { ModelTypes } from './model-types.ts';

/** The networks that make text tokens of pictures. */
export interface ReduxSource {
  readonly encoder: ExtraSource<SiglipConfig>;
  readonly projector: ExtraSource<ReduxConfig>;
}

/** Both networks, with their programs for one picture. */
export class ImagePrompts implements Disposable {
  readonly #config: SiglipConfig;
  readonly #siglip: SiglipPrograms;
  readonly #project: Traced;
  readonly #encoder: WeightSet;
  readonly #projector: WeightSet;

  /** Binds the weights, without placing them. */
  constructor({ encoder, projector }: ReduxSource, types: ModelTypes) {
    this.#config = encoder.config;
    this.#siglip = siglipPrograms(encoder.config, { batch: 1, ...types });
    this.#project = reduxProgram(projector.config, { batch: 1, tokens: siglipTokens(encoder.config), ...types });
    using opening = new DisposableStack();
    const { embed, finalNorm } = this.#siglip;
    this.#encoder = opening.use(new WeightSet(encoder.open(), [whole(embed), ...this.#layers(), whole(finalNorm)]));
    this.#projector = opening.use(new WeightSet(projector.open(), [whole(this.#project)]));
    opening.move();
  }

  /** Every use of a program, for plans. */
  get uses(): readonly ProgramUse[] {
    const { embed, layer, finalNorm } = this.#siglip;
    const { layers } = this.#config;
    return [
      { component: 'image_encoder', stage: 'encode', traced: embed, runs: 1 },
      { component: 'image_encoder', stage: 'encode', traced: layer, runs: layers },
      { component: 'image_encoder', stage: 'encode', traced: finalNorm, runs: 1 },
      { component: 'redux', stage: 'encode', traced: this.#project, runs: 1 },
    ];
  }

  #layers(): Use[] {
    return blocks(this.#siglip.layer, 'vision_model.encoder.layers', this.#config.layers);
  }

  /** The text tokens [n, j] of a picture [size, size, 3] in -1 to 1. */
  async encode(runtime: Runtime, pixels: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    const { embed, finalNorm } = this.#siglip;
    using run = new Run(runtime, this.#encoder, { signal });
    using projecting = new Run(runtime, this.#projector, { signal });
    using input = await runtime.input(embed, 'pixels', pixels);
    let x = await run.next(whole(embed), { pixels: input });
    for (const use of this.#layers()) x = await run.next(use, { x });
    x = await run.next(whole(finalNorm), { x });
    const tokens = await projecting.next(whole(this.#project), { x });
    const made = new Float32Array((await tokens.toHost()).buffer);
    await run.drain();
    await projecting.drain();
    return made;
  }

  /** Frees their device memory; encoding places them again. */
  release(): void {
    this.#encoder.release();
    this.#projector.release();
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]();
    this.#projector[Symbol.dispose]();
  }
}
