/** The image autoencoder: latents to pictures, and the small linear preview of what the latents will become. */

import { originOf } from '../checkpoint/model-source.ts';
import type { ModelSource } from '../checkpoint/pipeline-folder.ts';
import { type VaePrograms, vaePrograms } from '../models/vae.ts';
import { Run } from '../runtime/run.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { WeightSet, whole } from '../runtime/weight-set.ts';
import type { LatentSize } from '../sampling/latents.ts';
import type { Pixels } from './image.ts';
import type { ProgramUse } from './memory-plan.ts';
import type { ModelTypes } from './model-types.ts';
import { colourChart, drawPreview, fitPreview, type PreviewMap } from './preview.ts';

/** Side in pixels of the chart that previews are fitted on. */
const CHART = 128;

/** The autoencoder of a model. */
export class Autoencoder implements Disposable {
  readonly weights: WeightSet;
  /** Pixels a latent is wide and high. */
  readonly scale: number;
  readonly #source: ModelSource;
  readonly #types: ModelTypes;
  readonly #traced = new Map<string, VaePrograms>();
  #previewMap: PreviewMap | undefined;

  /** Binds the weights, without placing them. */
  constructor(source: ModelSource, types: ModelTypes) {
    this.#source = source;
    this.#types = types;
    this.scale = 2 ** (source.vae.blockOutChannels.length - 1);
    const { decode, encode } = this.#programs(1, { height: 2, width: 2 });
    this.weights = new WeightSet(originOf(source, 'vae'), [whole(decode), whole(encode)]);
  }

  #programs(batch: number, { height, width }: Pick<LatentSize, 'height' | 'width'>): VaePrograms {
    const key = [batch, height, width].join();
    const known = this.#traced.get(key);
    const programs = known ?? vaePrograms(this.#source.vae, { batch, height, width, ...this.#types });
    this.#traced.set(key, programs);
    return programs;
  }

  /** Every program that `decode` runs. */
  uses(runtime: Runtime, size: LatentSize): ProgramUse[] {
    return [{ stage: 'decode', traced: this.#programs(runtime.batchOf(1), size).decode, runs: 1 }];
  }

  /** Decodes packed latents [b, l, channels], one picture on every device at a time: each H · W · 3 values in 0 to 1. */
  async *decode(
    runtime: Runtime,
    latents: Float32Array,
    size: LatentSize,
    signal?: AbortSignal,
  ): AsyncGenerator<Float32Array, void, undefined> {
    const together = runtime.batchOf(1);
    const use = whole(this.#programs(together, size).decode);
    const each = size.tokens * 4 * this.#source.vae.latentChannels;
    for (let start = 0; start < latents.length; start += together * each) {
      using run = new Run(runtime, this.weights, signal);
      // A copy of its own, which devices may use in place; places beyond the last picture stay empty.
      const group = new Float32Array(together * each);
      const own = latents.subarray(start, start + group.length);
      group.set(own);
      using input = await runtime.input(use.traced, 'latents', group);
      const images = new Float32Array((await (await run.next(use, { latents: input })).toHost()).buffer);
      const pixels = images.length / together;
      for (let i = 0; i < own.length / each; i++) yield images.subarray(i * pixels, (i + 1) * pixels);
    }
  }

  /** Draws previews of packed latents [b, l, channels], one a picture; the first call fits the map to the encoder. */
  async preview(runtime: Runtime, latents: Float32Array, size: LatentSize, signal?: AbortSignal): Promise<Pixels[]> {
    this.#previewMap ??= await this.#fitPreview(runtime, signal);
    const grid = { rows: size.rows, columns: size.columns, channels: this.#source.vae.latentChannels };
    const each = size.tokens * 4 * grid.channels;
    const map = this.#previewMap;
    return Array.from({ length: latents.length / each }, (_, i) =>
      drawPreview(latents.subarray(i * each, (i + 1) * each), grid, map),
    );
  }

  async #fitPreview(runtime: Runtime, signal: AbortSignal | undefined): Promise<PreviewMap> {
    const latentSide = CHART / this.scale;
    const use = whole(this.#programs(1, { height: latentSide, width: latentSide }).encode);
    const chart = colourChart(CHART);
    using run = new Run(runtime, this.weights, signal);
    using image = await runtime.input(use.traced, 'image', chart);
    const outputs = await run.step(use, { image });
    const latents = new Float32Array((await run.keep(outputs, 'latents').toHost()).buffer);
    const grid = { rows: latentSide / 2, columns: latentSide / 2, channels: this.#source.vae.latentChannels };
    return fitPreview(latents, chart, grid, this.scale);
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}
