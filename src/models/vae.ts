/**
 * The image autoencoder (latent diffusion, https://arxiv.org/abs/2112.10752; diffusers `AutoencoderKL`), in diffusers' names.
 * Pictures are [b, height, width, channels] throughout. Latents cross its border packed as the transformer has them:
 * a token is a 2 × 2 patch, its channels in the order (channel, row, column).
 */

import { attention } from '../graph/ops.ts';
import { rearrange } from '../graph/rearrange.ts';
import type { Tensor } from '../graph/tensor.ts';
import { silu } from '../nn/activation.ts';
import { conv2d, upsampleNearest } from '../nn/conv.ts';
import { linear } from '../nn/linear.ts';
import { groupNorm } from '../nn/norm.ts';
import { perPicture, perPictureAxes, spec, type Traced, trace } from '../nn/trace.ts';
import { Weights } from '../nn/weights.ts';
import type { DType, Float } from '../support/dtype.ts';
import { FluxionError } from '../support/errors.ts';

/** The shape of an autoencoder. */
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
}

/** Sizes and element types a program is traced for. */
export interface VaeSizes {
  readonly batch: number;
  /** Latent rows and columns, even: the picture's divided by 2 for each level but one. */
  readonly height: number;
  readonly width: number;
  /** Element type of activations. */
  readonly compute: Float;
  /** Element type weights are stored in. */
  readonly storage: DType;
}

type Forward<F extends Float> = (x: Tensor<F>) => Tensor<F>;

function inOrder<F extends Float>(layers: readonly Forward<F>[]): Forward<F> {
  return (x) => layers.reduce((y, layer) => layer(y), x);
}

/** Norm, SiLU and 3 × 3 convolution, twice, added to the input; a 1 × 1 convolution fits the input where channels change. */
function resnetBlock<F extends Float>(
  w: Weights<F>,
  { in: inputs, out, groups }: { readonly in: number; readonly out: number; readonly groups: number },
): Forward<F> {
  const norm1 = groupNorm(w.at('norm1'), { channels: inputs, groups });
  const conv1 = conv2d(w.at('conv1'), { in: inputs, out, kernel: 3 });
  const norm2 = groupNorm(w.at('norm2'), { channels: out, groups });
  const conv2 = conv2d(w.at('conv2'), { in: out, out, kernel: 3 });
  const shortcut = inputs === out ? undefined : conv2d(w.at('conv_shortcut'), { in: inputs, out, kernel: 1 });
  return (x) => {
    const branch = conv2(silu(norm2(conv1(silu(norm1(x))))));
    return (shortcut ? shortcut(x) : x).add(branch);
  };
}

/** Self-attention over all pixels with one head as wide as the picture has channels, added to the input. */
function attentionBlock<F extends Float>(
  w: Weights<F>,
  { channels: c, groups }: { readonly channels: number; readonly groups: number },
): Forward<F> {
  const project = (name: string) => linear(w.at(name), { in: c, out: c, axes: ['conv_in', 'conv_out'] });
  const norm = groupNorm(w.at('group_norm'), { channels: c, groups });
  const query = project('to_q');
  const key = project('to_k');
  const value = project('to_v');
  const out = project('to_out.0');
  return (x) => {
    const input = norm(x);
    const [q, k, v] = [query, key, value].map((layer) => rearrange(layer(input), 'b y x c -> b 1 (y x) c'));
    return x.add(out(attention(q!, k!, v!, { scale: c ** -0.5 }).reshape(x.shape)));
  };
}

/** Residual block, attention where the model has it, residual block. */
function midBlock<F extends Float>(w: Weights<F>, cfg: VaeConfig): Forward<F> {
  const channels = cfg.blockOutChannels.at(-1)!;
  const groups = cfg.normGroups;
  const resnet = (i: number) => resnetBlock(w.at(`resnets.${i}`), { in: channels, out: channels, groups });
  const first = resnet(0);
  const attend = cfg.midBlockAttention ? [attentionBlock(w.at('attentions.0'), { channels, groups })] : [];
  return inOrder([first, ...attend, resnet(1)]);
}

/** Norm, SiLU and convolution to the channels of the result. */
function outBlock<F extends Float>(
  w: Weights<F>,
  { in: inputs, out, groups }: { readonly in: number; readonly out: number; readonly groups: number },
): Forward<F> {
  const norm = groupNorm(w.at('conv_norm_out'), { channels: inputs, groups });
  const conv = conv2d(w.at('conv_out'), { in: inputs, out, kernel: 3 });
  return (x) => conv(silu(norm(x)));
}

/** Latents [b, h, w, latent channels] to a picture [b, H, W, out channels], about -1 to 1. */
export function vaeDecoder<F extends Float>(w: Weights<F>, cfg: VaeConfig): Forward<F> {
  const levels = cfg.blockOutChannels.toReversed();
  const widest = levels[0]!;
  const groups = cfg.normGroups;
  const blocks = levels.flatMap((out, level) => {
    const at = w.at(`up_blocks.${level}`);
    const before = levels[level - 1] ?? out;
    const resnets = Array.from({ length: cfg.layersPerBlock + 1 }, (_, i) =>
      resnetBlock(at.at(`resnets.${i}`), { in: i === 0 ? before : out, out, groups }),
    );
    if (level === levels.length - 1) return resnets;
    const conv = conv2d(at.at('upsamplers.0.conv'), { in: out, out, kernel: 3 });
    return [...resnets, (x: Tensor<F>) => conv(upsampleNearest(x))];
  });
  return inOrder([
    conv2d(w.at('conv_in'), { in: cfg.latentChannels, out: widest, kernel: 3 }),
    midBlock(w.at('mid_block'), cfg),
    ...blocks,
    outBlock(w, { in: levels.at(-1)!, out: cfg.outChannels, groups }),
  ]);
}

/** A picture [b, H, W, in channels] in -1 to 1, to mean and log variance of its latents [b, h, w, 2 · latent channels]. */
export function vaeEncoder<F extends Float>(w: Weights<F>, cfg: VaeConfig): Forward<F> {
  const levels = cfg.blockOutChannels;
  const groups = cfg.normGroups;
  const blocks = levels.flatMap((out, level) => {
    const at = w.at(`down_blocks.${level}`);
    const before = levels[level - 1] ?? out;
    const resnets = Array.from({ length: cfg.layersPerBlock }, (_, i) =>
      resnetBlock(at.at(`resnets.${i}`), { in: i === 0 ? before : out, out, groups }),
    );
    if (level === levels.length - 1) return resnets;
    const halve = conv2d(at.at('downsamplers.0.conv'), { in: out, out, kernel: 3, stride: 2, padding: 'after' });
    return [...resnets, halve];
  });
  return inOrder([
    conv2d(w.at('conv_in'), { in: cfg.inChannels, out: levels[0]!, kernel: 3 }),
    ...blocks,
    midBlock(w.at('mid_block'), cfg),
    outBlock(w, { in: levels.at(-1)!, out: 2 * cfg.latentChannels, groups }),
  ]);
}

/** Both directions of the autoencoder as programs. */
export interface VaePrograms {
  /** latents [b, (h/2)(w/2), 4c] f32 → image [b, H, W, out channels] f32 in 0 to 1 */
  readonly decode: Traced;
  /**
   * image [b, H, W, in channels] f32 in -1 to 1 → moments [b, h, w, 2c] f32, mean before log variance, and
   * latents [b, (h/2)(w/2), 4c] f32, the mean scaled and packed
   */
  readonly encode: Traced;
}

/** Traces both directions for the given sizes; needs no weights. */
export function vaePrograms<F extends Float>(cfg: VaeConfig, sizes: VaeSizes & { readonly compute: F }): VaePrograms {
  const { batch: b, height: h, width: w, compute: f, storage } = sizes;
  const c = cfg.latentChannels;
  if (h % 2 !== 0 || w % 2 !== 0) throw new FluxionError('bad_shape', `VAE latents of ${h} × ${w}: both must be even`);
  const scale = 2 ** (cfg.blockOutChannels.length - 1);
  const weights = () => new Weights(f, storage);

  return {
    decode: trace(
      'vae_decode',
      weights(),
      { latents: spec('f32', [b, (h / 2) * (w / 2), 4 * c], perPictureAxes(3)) },
      (x, model) => {
        const pattern = 'b (y x) (c dy dx) -> b (y dy) (x dx) c';
        const latents = rearrange(x.latents, pattern, { y: h / 2, dy: 2, dx: 2 });
        const scaled = latents.div(cfg.scalingFactor).add(cfg.shiftFactor).cast(f);
        const fit = cfg.usePostQuantConv ? [conv2d(model.at('post_quant_conv'), { in: c, out: c, kernel: 1 })] : [];
        const picture = inOrder([...fit, vaeDecoder(model.at('decoder'), cfg)])(scaled).cast('f32');
        return { image: perPicture(picture.mul(0.5).add(0.5).max(0).min(1)) };
      },
    ),
    encode: trace(
      'vae_encode',
      weights(),
      { image: spec('f32', [b, scale * h, scale * w, cfg.inChannels], perPictureAxes(4)) },
      (x, model) => {
        const fit = cfg.useQuantConv ? [conv2d(model.at('quant_conv'), { in: 2 * c, out: 2 * c, kernel: 1 })] : [];
        const moments = inOrder([vaeEncoder(model.at('encoder'), cfg), ...fit])(x.image.cast(f)).cast('f32');
        const latents = moments.slice(3, 0, c).sub(cfg.shiftFactor).mul(cfg.scalingFactor);
        const pattern = 'b (y dy) (x dx) c -> b (y x) (c dy dx)';
        return { moments: perPicture(moments), latents: perPicture(rearrange(latents, pattern, { dy: 2, dx: 2 })) };
      },
    ),
  };
}
