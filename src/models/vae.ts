/**
 * The image autoencoder (latent diffusion, https://arxiv.org/abs/2112.10752; diffusers `AutoencoderKL`), in diffusers' names.
 * Pictures are [b, height, width, channels] throughout. Latents go in and come out packed as the transformer has them:
 * a token is a 2 × 2 patch, its channels in the order (channel, row, column).
 * Notable: blocks are programs, run one after the other, and blocks of equal sizes share one. Where a budget is set, a program
 * that would take more works in bands of rows (nn/bands.ts) with the statistics of the whole picture: the same result.
 */

import { silu } from '../nn/activation.ts';
import { type Bands, bandCount, inBands, overBands } from '../nn/bands.ts';
import { conv2d, doublingConv } from '../nn/conv.ts';
import { linear } from '../nn/linear.ts';
import { channelMoments, groupNorm } from '../nn/norm.ts';
import { byteLength, type Float } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';
import { attention } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import {
  type InputSpec,
  perPicture,
  perPictureAxes,
  type Symbolic,
  spec,
  type Traced,
  trace,
} from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { ElementTypes } from './element-types.ts';

/** An image autoencoder (diffusers `AutoencoderKL`). */
export interface VaeConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels of each level, finest first; each level but the last halves the picture. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks of a level in the encoder; the decoder has one more. */
  readonly layersPerBlock: number;
  readonly normGroups: number;
  /** Latents are (mean - shift) · scaling. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  readonly midBlockAttention: boolean;
  readonly useQuantConv: boolean;
  readonly usePostQuantConv: boolean;
  /** Side in pixels of the pictures it was made for. */
  readonly sampleSize: number;
}

/** Width and height of a latent in pixels. */
export function pixelsPerLatent({ blockOutChannels }: Pick<VaeConfig, 'blockOutChannels'>): number {
  return 2 ** (blockOutChannels.length - 1);
}

/** Sizes and element types a program is traced for. */
export interface VaeSizes extends ElementTypes {
  readonly batch: number;
  /** Latent rows and columns, even: the picture's divided by 2 for each level but one. */
  readonly height: number;
  readonly width: number;
  /** Bytes that intermediate values of one program may take, as far as bands of rows can help; no limit by default. */
  readonly budget?: number | undefined;
}

/** A part of a direction: one program, and where in the checkpoint its weights are. */
export interface VaePart {
  readonly traced: Traced;
  readonly scope: string;
  /** Most bytes alive while it runs, weights aside: inputs, outputs and intermediate values. */
  readonly bytes: number;
}

/** Both directions of the autoencoder, each a chain of programs: the output of one is the only input of the next. */
export interface VaePrograms {
  /** latents [b, (h/2)(w/2), 4c] f32 → image [b, H, W, out channels] f32 in 0 to 1 */
  readonly decode: readonly VaePart[];
  /**
   * image [b, H, W, in channels] f32 in -1 to 1 → moments [b, h, w, 2c] f32, mean before log variance, and
   * latents [b, (h/2)(w/2), 4c] f32, the mean scaled and packed
   */
  readonly encode: readonly VaePart[];
}

/** Rows that a block's result depends on beyond its own: one for each of two convolutions. */
const HALO = 2;

/** The size of a part's input. */
interface Extent {
  readonly height: number;
  readonly width: number;
}

/**
 * Values of a part that are alive at once, as XLA:CPU allocates them in f32 or bf16, whichever takes more. NVIDIA's compiler needs less; a
 * TPU's needs up to 1.8 times as much without bands (docs/measurements/conditions.md).
 */
interface LiveValues {
  /** f32 values for each pixel of the input. */
  readonly whole: number;
  /** The same for each pixel of a band and its halo; undefined for parts that do not work in bands. */
  readonly banded?: number;
  /** Elements of convolution weights, of which a copy with another layout is made. */
  readonly weights: number;
}

/** The moments of `body`'s result, or of the picture itself by default, computed band by band. */
function momentsInBands<F extends Float>(
  x: Tensor<F>,
  bands: Bands,
  body?: (band: Tensor<F>) => Tensor<F>,
): Tensor<'f32'> {
  const halo = body ? bands.halo : 0;
  const each = overBands(x, { ...bands, halo }, (band, own) => channelMoments(body ? own(body(band)) : band));
  return each.reshape([bands.count, ...each.shape.slice(2)]);
}

interface PartOptions<I> {
  readonly name: string;
  readonly scope?: string;
  readonly inputs: I;
  readonly at: Extent;
  readonly work: LiveValues;
}

/** Traces the parts of both directions. */
class VaeTracer<F extends Float> {
  readonly #cfg: VaeConfig;
  readonly #sizes: VaeSizes & { readonly compute: F };
  readonly #known = new Map<string, VaePart>();

  constructor(cfg: VaeConfig, sizes: VaeSizes & { readonly compute: F }) {
    this.#cfg = cfg;
    this.#sizes = sizes;
  }

  /** A part by its name, with the weights at `scope`; parts of one name are one program. */
  #part<const I extends Record<string, InputSpec>>(
    { name, scope = '', inputs, at, work }: PartOptions<I>,
    body: (inputs: Symbolic<I>, w: Weights<F>, bands: Bands) => Record<string, Tensor>,
  ): VaePart {
    const known = this.#known.get(name);
    if (known) return { ...known, scope };
    const { batch, compute, storage, budget = Number.POSITIVE_INFINITY } = this.#sizes;
    const pixelRow = 4 * batch * at.width;
    const fixed = 8 * work.weights;
    const fits = work.banded === undefined || fixed + at.height * pixelRow * work.whole <= budget;
    const bytesPerRow = pixelRow * (work.banded ?? work.whole);
    const count = fits ? 1 : bandCount(at.height, { halo: HALO, bytesPerRow, budget: budget - fixed });
    const bands = { count, halo: HALO };
    const traced = { ...trace(name, new Weights(compute, storage), inputs, (x, w) => body(x, w, bands)), seldom: true };
    const between = count === 1 ? at.height * pixelRow * work.whole : (at.height / count + 2 * HALO) * bytesPerRow;
    const values = [...traced.graph.parameters.slice(0, traced.inputs.length), ...traced.graph.outputs];
    const bytes = values.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), fixed + between);
    const part = { traced, scope, bytes };
    this.#known.set(name, part);
    return part;
  }

  /** A part that maps a picture with this many channels to another. */
  #block(
    name: string,
    { scope, channels, ...at }: Extent & { readonly scope: string; readonly channels: number },
    work: LiveValues,
    body: (x: Tensor<F>, w: Weights<F>, bands: Bands) => Tensor<F>,
  ): VaePart {
    const key = `vae_${name}_${at.height}x${at.width}`;
    return this.#part(
      { name: key, scope, inputs: { x: this.#picture({ ...at, channels }) }, at, work },
      ({ x }, w, bands) => ({ x: perPicture(body(x as Tensor<F>, w, bands)) }),
    );
  }

  /** A picture as it passes from part to part. */
  #picture({ height, width, channels }: Extent & { readonly channels: number }): InputSpec<F> {
    const { batch, compute } = this.#sizes;
    return spec(compute, [batch, height, width, channels], perPictureAxes(4));
  }

  /** Norm, SiLU and 3 × 3 convolution, twice, added to the input; a 1 × 1 convolution fits the input where channels change. */
  #resnet(scope: string, { in: inputs, out, ...at }: Extent & { readonly in: number; readonly out: number }): VaePart {
    const groups = this.#cfg.normGroups;
    const work = { whole: inputs + out, banded: 6 * inputs + 5 * out, weights: 9 * out * (inputs + out) };
    return this.#block(`resnet_${inputs}_${out}`, { scope, ...at, channels: inputs }, work, (x, w, bands) => {
      const norm1 = groupNorm(w.at('norm1'), { channels: inputs, groups });
      const conv1 = conv2d(w.at('conv1'), { in: inputs, out, kernel: 3 });
      const norm2 = groupNorm(w.at('norm2'), { channels: out, groups });
      const conv2 = conv2d(w.at('conv2'), { in: out, out, kernel: 3 });
      const shortcut = inputs === out ? undefined : conv2d(w.at('conv_shortcut'), { in: inputs, out, kernel: 1 });
      const before = momentsInBands(x, bands);
      const half = (band: Tensor<F>) => conv1(silu(norm1(band, before)));
      const rest = (band: Tensor<F>, inner: Tensor<F>, moments: Tensor<'f32'>) =>
        (shortcut ? shortcut(band) : band).add(conv2(silu(norm2(inner, moments))));
      if (bands.count === 1) {
        const inner = half(x);
        return rest(x, inner, channelMoments(inner));
      }
      // Recomputed: keeping it would cost another full-size picture.
      const moments = momentsInBands(x, bands, half);
      return inBands(x, bands, (band) => rest(band, half(band), moments));
    });
  }

  /** Self-attention over all pixels with one head as wide as the picture has channels, added to the input. */
  #attention(scope: string, at: Extent & { readonly channels: number }): VaePart {
    const c = at.channels;
    // Attention scores come on top: the kernel decides how many are alive (xla/lowering/choose.ts).
    const work = { whole: 8 * c, weights: 4 * c * c };
    return this.#block(`attention_${c}`, { scope, ...at }, work, (x, w) => {
      const project = (name: string) => linear(w.at(name), { in: c, out: c, axes: ['conv_in', 'conv_out'] });
      const norm = groupNorm(w.at('group_norm'), { channels: c, groups: this.#cfg.normGroups });
      const query = project('to_q');
      const key = project('to_k');
      const value = project('to_v');
      const out = project('to_out.0');
      const input = norm(x);
      const [q, k, v] = [query, key, value].map((layer) => rearrange(layer(input), 'b y x c -> b 1 (y x) c'));
      return x.add(out(attention(q!, k!, v!, { scale: c ** -0.5 }).reshape(x.shape)));
    });
  }

  /** Doubles height and width. */
  #double(scope: string, at: Extent & { readonly channels: number }): VaePart {
    const c = at.channels;
    const work = { whole: 5 * c, banded: 10 * c, weights: 16 * c * c };
    return this.#block(`double_${c}`, { scope, ...at }, work, (x, w, bands) =>
      inBands(x, bands, doublingConv(w.at('conv'), { channels: c })),
    );
  }

  /** Halves height and width. */
  #halve(scope: string, at: Extent & { readonly channels: number }): VaePart {
    const c = at.channels;
    const work = { whole: 1.25 * c, banded: 1.5 * c, weights: 9 * c * c };
    return this.#block(`halve_${c}`, { scope, ...at }, work, (x, w, bands) =>
      inBands(x, bands, conv2d(w.at('conv'), { in: c, out: c, kernel: 3, stride: 2, padding: 'after' })),
    );
  }

  /** Residual block, attention where the model has it, residual block. */
  #middle(scope: string, { height, width }: Extent): VaePart[] {
    const channels = this.#cfg.blockOutChannels.at(-1)!;
    const resnet = (i: number) => this.#resnet(`${scope}.resnets.${i}`, { in: channels, out: channels, height, width });
    const attend = this.#cfg.midBlockAttention
      ? [this.#attention(`${scope}.attentions.0`, { channels, height, width })]
      : [];
    return [resnet(0), ...attend, resnet(1)];
  }

  /** The blocks of every level: residual blocks, then `resize`, except on the last level. */
  #levels(
    channels: readonly number[],
    resnets: number,
    levelOf: (level: number) => Extent & { readonly scope: string },
    resize: (level: Extent & { readonly scope: string; readonly channels: number }) => VaePart,
  ): VaePart[] {
    return channels.flatMap((out, level) => {
      const { scope, ...at } = levelOf(level);
      const before = channels[level - 1] ?? out;
      const blocks = Array.from({ length: resnets }, (_, i) =>
        this.#resnet(`${scope}.resnets.${i}`, { in: i === 0 ? before : out, out, ...at }),
      );
      return level === channels.length - 1 ? blocks : [...blocks, resize({ scope, channels: out, ...at })];
    });
  }

  /** Norm, SiLU and convolution to the channels of the result, which `finish` turns into the output. */
  #out(
    path: 'encoder' | 'decoder',
    { in: inputs, out, ...at }: Extent & { readonly in: number; readonly out: number },
    finish: (x: Tensor<F>, w: Weights<F>) => Record<string, Tensor>,
  ): VaePart {
    const name = `vae_${path === 'encoder' ? 'encode' : 'decode'}_out`;
    const work = { whole: 2 * inputs, banded: 5 * inputs, weights: 9 * inputs * out };
    const x = this.#picture({ ...at, channels: inputs });
    return this.#part({ name, inputs: { x }, at, work }, ({ x }, w, bands) => {
      const norm = groupNorm(w.at(`${path}.conv_norm_out`), { channels: inputs, groups: this.#cfg.normGroups });
      const conv = conv2d(w.at(`${path}.conv_out`), { in: inputs, out, kernel: 3 });
      const moments = momentsInBands(x as Tensor<F>, bands);
      return finish(
        inBands(x as Tensor<F>, bands, (band) => conv(silu(norm(band, moments)))),
        w,
      );
    });
  }

  /** The parts from latents to a picture. */
  decoder(): VaePart[] {
    const cfg = this.#cfg;
    const { batch: b, height: h, width: w, compute: f } = this.#sizes;
    const c = cfg.latentChannels;
    const levels = cfg.blockOutChannels.toReversed();
    const [widest, finest] = [levels[0]!, levels.at(-1)!];
    const place = (level: number): Extent => ({ height: h * 2 ** level, width: w * 2 ** level });
    const latents = spec('f32', [b, (h / 2) * (w / 2), 4 * c], perPictureAxes(3));
    const work = { whole: widest, weights: 9 * c * widest };
    const first = this.#part({ name: 'vae_decode_in', inputs: { latents }, at: place(0), work }, (x, model) => {
      const packed = 'b (y x) (c dy dx) -> b (y dy) (x dx) c';
      const unpacked = rearrange(x.latents, packed, { y: h / 2, dy: 2, dx: 2 });
      const scaled = unpacked.div(cfg.scalingFactor).add(cfg.shiftFactor).cast(f);
      const fit = cfg.usePostQuantConv
        ? conv2d(model.at('post_quant_conv'), { in: c, out: c, kernel: 1 })(scaled)
        : scaled;
      return { x: perPicture(conv2d(model.at('decoder.conv_in'), { in: c, out: widest, kernel: 3 })(fit)) };
    });
    const blocks = this.#levels(
      levels,
      cfg.layersPerBlock + 1,
      (level) => ({ scope: `decoder.up_blocks.${level}`, ...place(level) }),
      ({ scope, ...at }) => this.#double(`${scope}.upsamplers.0`, at),
    );
    const full = place(levels.length - 1);
    const last = this.#out('decoder', { in: finest, out: cfg.outChannels, ...full }, (picture) => ({
      image: perPicture(picture.cast('f32').mul(0.5).add(0.5).max(0).min(1)),
    }));
    return [first, ...this.#middle('decoder.mid_block', place(0)), ...blocks, last];
  }

  /** The parts from a picture to latents. */
  encoder(): VaePart[] {
    const cfg = this.#cfg;
    const { batch: b, height: h, width: w, compute: f } = this.#sizes;
    const c = cfg.latentChannels;
    const levels = cfg.blockOutChannels;
    const [finest, widest] = [levels[0]!, levels.at(-1)!];
    const place = (level: number): Extent => {
      const scale = 2 ** (levels.length - 1 - level);
      return { height: h * scale, width: w * scale };
    };
    const full = place(0);
    const image = spec('f32', [b, full.height, full.width, cfg.inChannels], perPictureAxes(4));
    const work = { whole: finest, banded: 2.5 * finest + cfg.inChannels, weights: 9 * cfg.inChannels * finest };
    const first = this.#part({ name: 'vae_encode_in', inputs: { image }, at: full, work }, (x, model, bands) => {
      const conv = conv2d(model.at('encoder.conv_in'), { in: cfg.inChannels, out: finest, kernel: 3 });
      return { x: perPicture(inBands(x.image, bands, (band) => conv(band.cast(f)))) };
    });
    const blocks = this.#levels(
      levels,
      cfg.layersPerBlock,
      (level) => ({ scope: `encoder.down_blocks.${level}`, ...place(level) }),
      ({ scope, ...at }) => this.#halve(`${scope}.downsamplers.0`, at),
    );
    const coarse = place(levels.length - 1);
    const last = this.#out('encoder', { in: widest, out: 2 * c, ...coarse }, (out, model) => {
      const fit = cfg.useQuantConv ? conv2d(model.at('quant_conv'), { in: 2 * c, out: 2 * c, kernel: 1 })(out) : out;
      const moments = fit.cast('f32');
      const latents = moments.slice(3, 0, c).sub(cfg.shiftFactor).mul(cfg.scalingFactor);
      const packed = 'b (y dy) (x dx) c -> b (y x) (c dy dx)';
      return { moments: perPicture(moments), latents: perPicture(rearrange(latents, packed, { dy: 2, dx: 2 })) };
    });
    return [first, ...blocks, ...this.#middle('encoder.mid_block', coarse), last];
  }
}

/** Traces both directions for the given sizes; needs no weights. */
export function vaePrograms<F extends Float>(cfg: VaeConfig, sizes: VaeSizes & { readonly compute: F }): VaePrograms {
  const { height: h, width: w } = sizes;
  if (h % 2 !== 0 || w % 2 !== 0) throw new FluxionError('bad_shape', `VAE latents of ${h} × ${w}: both must be even`);
  const tracer = new VaeTracer(cfg, sizes);
  return { decode: tracer.decoder(), encode: tracer.encoder() };
}
