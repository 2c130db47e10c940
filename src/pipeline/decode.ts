/** The image autoencoder: latents to pictures, and the small linear preview of what the latents will become. */

import type { LoadOptions } from '../api/load.ts';
import { Run } from '../engine/run.ts';
import { hasEncoder } from '../families/flux1/autoencoder.ts';
import type { Flux1Source } from '../families/flux1/flux1.ts';
import { pixelsPerLatent, type VaePrograms, vaePrograms } from '../models/vae.ts';
import { vaeWithin } from '../models/vae-budget.ts';
import {
  colourChart,
  drawPreview,
  fitPreview,
  type Grid,
  latentChart,
  type Preview,
  type PreviewMap,
} from '../picture/preview.ts';
import { type LatentSize, latentSize } from '../sampling/latents.ts';
import { FluxionError } from '../support/errors.ts';
import { Recent } from '../support/recent.ts';
import { declaredShapes } from '../weights/folders/layout.ts';
import { originOf } from '../weights/folders/model-source.ts';
import { type Use, WeightSet } from '../weights/set.ts';
import type { Runtime, ShardedArray } from '../xla/runtime/runtime.ts';
import type { ModelTypes } from './model-types.ts';

/** Side in pixels of the chart that previews are fitted on. */
const CHART = 128;

/** How the autoencoder shares memory with the rest. */
export type AutoencoderOptions = Pick<LoadOptions, 'vaeTiling' | 'memoryLimit'>;

/** How pictures are decoded. */
export interface DecodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly rounds?: number;
  readonly pass?: number;
}

/** The autoencoder of a model. */
export class Autoencoder implements Disposable {
  readonly weights: WeightSet;
  /** Width and height of a latent in pixels. */
  readonly scale: number;
  readonly #source: Flux1Source;
  readonly #types: ModelTypes;
  readonly #options: AutoencoderOptions;
  readonly #traced = new Recent<string, VaePrograms>();
  /** Whether the weights have the encoder. */
  readonly #encodes: boolean;
  #previewMap: PreviewMap | undefined;

  /** Binds the weights, without placing them. */
  constructor(source: Flux1Source, types: ModelTypes, options: AutoencoderOptions = {}) {
    this.#source = source;
    this.#types = types;
    this.#options = options;
    this.scale = pixelsPerLatent(source.vae);
    const { decode, encode } = this.#programs(1, { height: 2, width: 2 });
    const origin = originOf(source, 'vae');
    this.#encodes = 'seed' in origin || hasEncoder(declaredShapes(origin.store, origin.group.component));
    this.weights = new WeightSet(origin, this.#encodes ? [...decode, ...encode] : decode);
  }

  /** The programs for a size. The first call decides, by the memory then free, whether they work in bands; later calls get the same programs. */
  #programs(batch: number, size: Pick<LatentSize, 'height' | 'width'>, runtime?: Runtime): VaePrograms {
    const { height, width } = size;
    return this.#traced.get([batch, height, width].join(), () => {
      const sizes = { batch, height, width, ...this.#types };
      const { vaeTiling: tiling = 'auto', memoryLimit = runtime?.availableMemory } = this.#options;
      // A mesh splits the batch, and each device does its part.
      const own = { ...sizes, batch: Math.ceil(batch / (runtime?.batchOf(1) ?? 1)) };
      const available = memoryLimit === undefined ? Number.POSITIVE_INFINITY : memoryLimit / 2;
      const { programs, budget } = vaeWithin(this.#source.vae, own, { tiling, available });
      if (own.batch === batch) return programs;
      return vaePrograms(this.#source.vae, { ...sizes, budget: budget && budget * (batch / own.batch) });
    });
  }

  /** Every program that `decode` runs for pictures of a size, `pass` at a time; the same objects every time. */
  programs(runtime: Runtime, size: LatentSize, pass: number): Pick<VaePrograms, 'decode'> {
    const { decode } = this.#programs(runtime.batchOf(pass), size, runtime);
    return { decode };
  }

  /**
   * Decodes the packed latents [b, l, channels] of this process's pictures, `pass` at a time and at least one on every device: H · W · 3
   * values in 0 to 1 for each. Runs at least `rounds` times, because processes that share a mesh must run equally many programs.
   */
  async *decode(
    runtime: Runtime,
    latents: Float32Array,
    size: LatentSize,
    { signal, rounds = 0, pass = 1 }: DecodeOptions = {},
  ): AsyncGenerator<Float32Array, void, undefined> {
    const { slots: together, held: slots } = runtime.share(pass);
    const { decode } = this.#programs(together, size, runtime);
    const each = size.tokens * 4 * this.#source.vae.latentChannels;
    const pictures = latents.length / each;
    for (let round = 0; round < rounds || round * slots.length < pictures; round++) {
      using run = new Run(runtime, this.weights, { signal });
      // A separate copy, which devices may use in place; slots beyond the last picture are zeros.
      const group = new Float32Array(together * each);
      const filled = slots.slice(0, Math.max(0, pictures - round * slots.length));
      for (const [i, slot] of filled.entries()) {
        const start = (round * slots.length + i) * each;
        group.set(latents.subarray(start, start + each), slot * each);
      }
      const images = await chain(run, decode, await runtime.input(decode[0]!.traced, 'latents', group), 'image');
      const pixels = images.length / together;
      for (const slot of filled) yield images.subarray(slot * pixels, (slot + 1) * pixels);
    }
  }

  /** Every program that `encode` runs for pictures of a size; the same objects every time. Throws `unsupported` without an encoder. */
  encodePrograms(runtime: Runtime, size: LatentSize): VaePrograms['encode'] {
    if (this.#encodes) return this.#programs(runtime.batchOf(1), size, runtime).encode;
    throw new FluxionError(
      'unsupported',
      `the autoencoder in ${this.#source.path} has no encoder, and cannot take pictures`,
      {
        hint: 'use vae=FILE with an encoder: ae.safetensors, or the vae folder of a model in the diffusers layout',
      },
    );
  }

  /** Encodes a picture [height, width, 3] in -1 to 1: the moments of its latents [h, w, 2c], means before logarithms of variances. */
  async encode(runtime: Runtime, picture: Float32Array, size: LatentSize, signal?: AbortSignal): Promise<Float32Array> {
    const encode = this.encodePrograms(runtime, size);
    const { slots, held } = runtime.share(1);
    // Every device gets the picture, and each process reads the result of its own first device.
    const all = new Float32Array(slots * picture.length);
    for (let slot = 0; slot < slots; slot++) all.set(picture, slot * picture.length);
    using run = new Run(runtime, this.weights, { signal });
    const moments = await chain(run, encode, await runtime.input(encode[0]!.traced, 'image', all), 'moments');
    const each = moments.length / slots;
    return moments.slice(held[0]! * each, (held[0]! + 1) * each);
  }

  /** Draws previews of packed latents [b, l, channels], one a picture; the first call fits the map to the encoder, or else the decoder. */
  async preview(runtime: Runtime, latents: Float32Array, size: LatentSize, signal?: AbortSignal): Promise<Preview[]> {
    this.#previewMap ??= await this.#fitPreview(runtime, signal);
    const map = this.#previewMap;
    const grid = this.#grid(size);
    const each = size.tokens * 4 * grid.channels;
    return Array.from({ length: latents.length / each }, (_, i) =>
      drawPreview(latents.subarray(i * each, (i + 1) * each), grid, map),
    );
  }

  #grid({ rows, columns }: LatentSize): Grid {
    return { rows, columns, channels: this.#source.vae.latentChannels };
  }

  async #fitPreview(runtime: Runtime, signal: AbortSignal | undefined): Promise<PreviewMap> {
    const size = latentSize(CHART, CHART, this.scale);
    const grid = this.#grid(size);
    if (this.#encodes) {
      const { encode } = this.#programs(1, size);
      const chart = colourChart(CHART);
      using run = new Run(runtime, this.weights, { signal });
      const latents = await chain(run, encode, await runtime.input(encode[0]!.traced, 'image', chart), 'latents');
      return fitPreview(latents, chart, grid, this.scale);
    }
    const latents = latentChart(grid);
    for await (const image of this.decode(runtime, latents, size, { signal })) {
      const picture = image.map((value) => 2 * value - 1);
      return fitPreview(latents, picture, grid, this.scale);
    }
    throw new Error('the decoder made no picture');
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** Runs programs in order, each with the previous one's output as its input, and returns an output of the last one. Owns `input`. */
async function chain(run: Run, parts: readonly Use[], input: ShardedArray, output: string): Promise<Float32Array> {
  let outputs: Record<string, ShardedArray> = { x: input };
  for (const part of parts) {
    using given = outputs['x']!;
    outputs = await run.step(part, { [part.traced.inputs[0]!]: given });
    // Waits for each program: these are the largest arrays of a run, and several outputs at once would not fit.
    await run.drain();
  }
  return new Float32Array((await run.keep(outputs, output).toHost()).buffer);
}
