/**
 * What the models cost, from their sizes alone: floating-point operations of matrix products and convolutions, a multiplication and an
 * addition each, and numbers of weights. Norms, activations and softmax are left out: they take memory's time, not arithmetic's.
 */

import type { ClipConfig } from './clip.ts';
import type { FluxConfig } from './flux.ts';
import type { T5Config } from './t5.ts';
import type { VaeConfig } from './vae.ts';

/** Floating-point operations. */
export interface Flops {
  /** Of products with weights: linear layers, convolutions. */
  readonly linear: number;
  /** Of queries with keys, and of attention weights with values. */
  readonly attention: number;
  readonly total: number;
}

/** A linear layer as [in, out]. */
type Layer = readonly [number, number];

const MLP_RATIO = 4;
/** Width of the sinusoids of timestep and guidance. */
const SINUSOID = 256;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const flops = (linear: number, attention = 0): Flops => ({ linear, attention, total: linear + attention });
const plus = (parts: readonly Flops[]): Flops =>
  flops(sum(parts.map(({ linear }) => linear)), sum(parts.map(({ attention }) => attention)));

/** Operations of layers on `rows` vectors. */
const products = (rows: number, layers: readonly Layer[]): number =>
  2 * rows * sum(layers.map(([inputs, out]) => inputs * out));
/** Operations of attention of n tokens to each other, all heads together `width` wide. */
const attentionOf = (tokens: number, width: number): number => 4 * tokens ** 2 * width;
/** Weights of layers and their biases. */
const sizes = (layers: readonly Layer[]): number => sum(layers.map(([inputs, out]) => inputs * out + out));
const withoutBias = (layers: readonly Layer[]): number => sum(layers.map(([inputs, out]) => inputs * out));

/** Layers of one stream (image or text) of a double block. */
const stream = (d: number): Layer[] => [
  [d, 3 * d],
  [d, d],
  [d, MLP_RATIO * d],
  [MLP_RATIO * d, d],
];
const singleBlock = (d: number): Layer[] => [
  [d, (3 + MLP_RATIO) * d],
  [(1 + MLP_RATIO) * d, d],
];
/** Two layers from an input to the vector that modulations are calculated from. */
const embedder = (inputs: number, d: number): Layer[] => [
  [inputs, d],
  [d, d],
];

/** Layers of all modulations, which are applied to one vector a picture and step, not to tokens. */
function modulationLayers(cfg: FluxConfig): Layer[] {
  const d = cfg.heads * cfg.headDim;
  const times = (count: number, layer: Layer): Layer[] => Array.from({ length: count }, () => layer);
  return [...times(2 * cfg.layers, [d, 6 * d]), ...times(cfg.singleLayers, [d, 3 * d]), [d, 2 * d]];
}

export interface FluxCostSizes {
  /** Pictures; all of one prompt. */
  readonly batch: number;
  readonly imageTokens: number;
  readonly textTokens: number;
  readonly steps: number;
}

/** Operations of a transformer: `prepare` once before the steps (conditioning, all modulations, text projection), `step` in each. */
export function fluxFlops(cfg: FluxConfig, given: FluxCostSizes): { readonly prepare: Flops; readonly step: Flops } {
  const { batch, imageTokens: l, textTokens: t, steps } = given;
  const d = cfg.heads * cfg.headDim;
  const n = l + t;
  // Every image or text token goes through one stream of a double block, and through a single block.
  const blocks = [products(n, stream(d)) * cfg.layers, products(n, singleBlock(d)) * cfg.singleLayers];
  const ends = [products(l, [[cfg.inChannels, d]]), products(l, [[d, cfg.outChannels]])];
  const vector = [
    products(steps, embedder(SINUSOID, d)),
    products(1, embedder(cfg.pooledDim, d)),
    ...(cfg.guidanceEmbeds ? [products(1, embedder(SINUSOID, d))] : []),
  ];
  return {
    prepare: flops(
      sum([...vector, products(steps * batch, modulationLayers(cfg)), products(t, [[cfg.jointAttentionDim, d]])]),
    ),
    step: flops(batch * sum([...blocks, ...ends]), batch * (cfg.layers + cfg.singleLayers) * attentionOf(n, d)),
  };
}

/** Weights of a transformer: those of the blocks, which every step reads, those of modulations, read once a picture, and all. */
export function fluxWeights(cfg: FluxConfig): {
  readonly blocks: number;
  readonly modulations: number;
  readonly total: number;
} {
  const d = cfg.heads * cfg.headDim;
  // Queries and keys are normalised by head.
  const norms = 2 * cfg.headDim;
  const blocks = cfg.layers * 2 * (sizes(stream(d)) + norms) + cfg.singleLayers * (sizes(singleBlock(d)) + norms);
  const modulations = sizes(modulationLayers(cfg));
  const rest = sizes([
    [cfg.inChannels, d],
    [cfg.jointAttentionDim, d],
    [d, cfg.outChannels],
    ...embedder(SINUSOID, d),
    ...embedder(cfg.pooledDim, d),
    ...(cfg.guidanceEmbeds ? embedder(SINUSOID, d) : []),
  ]);
  return { blocks, modulations, total: blocks + modulations + rest };
}

const t5Layers = ({ width: d, heads, dKv, dFf }: T5Config): Layer[] => [
  [d, 3 * heads * dKv],
  [heads * dKv, d],
  [d, 2 * dFf],
  [dFf, d],
];

/** Operations of T5's encoder on one prompt of `tokens`. */
export function t5Flops(cfg: T5Config, tokens: number): Flops {
  return flops(cfg.layers * products(tokens, t5Layers(cfg)), cfg.layers * attentionOf(tokens, cfg.heads * cfg.dKv));
}

/** Weights of T5's encoder, the table of words included. */
export function t5Weights(cfg: T5Config): number {
  const { width, layers, vocabSize, buckets, heads } = cfg;
  return (vocabSize + 2 * layers + 1) * width + buckets * heads + layers * withoutBias(t5Layers(cfg));
}

const clipLayers = ({ width: d, intermediate }: ClipConfig): Layer[] => [
  [d, 3 * d],
  [d, d],
  [d, intermediate],
  [intermediate, d],
];

/** Operations of CLIP's text tower on one prompt, which is always as long as it has positions. */
export function clipFlops(cfg: ClipConfig): Flops {
  const tokens = cfg.maxPositions;
  return flops(cfg.layers * products(tokens, clipLayers(cfg)), cfg.layers * attentionOf(tokens, cfg.width));
}

/** Weights of CLIP's text tower, the tables of words and positions included. */
export function clipWeights(cfg: ClipConfig): number {
  const norm = 2 * cfg.width;
  const tables = (cfg.vocabSize + cfg.maxPositions) * cfg.width;
  return tables + cfg.layers * (sizes(clipLayers(cfg)) + 2 * norm) + norm;
}

/** A convolution of the decoder: its layer, the side of its kernel, and how many times larger than the latents its input is. */
interface Convolution {
  readonly layer: Layer;
  readonly kernel: 1 | 3;
  readonly scale: number;
  /** Whether it doubles the picture: four windows of 2 × 2 around the corners of the input's pixels (nn/conv.ts). */
  readonly doubles?: boolean;
}

/** Every convolution of the decoder, and the channels of every norm. */
function decoderParts(cfg: VaeConfig): { readonly convolutions: Convolution[]; readonly norms: number[] } {
  const convolutions: Convolution[] = [];
  const norms: number[] = [];
  const conv = (inputs: number, out: number, scale: number, kernel: 1 | 3 = 3) =>
    convolutions.push({ layer: [inputs, out], kernel, scale });
  const resnet = (inputs: number, out: number, scale: number) => {
    norms.push(inputs, out);
    conv(inputs, out, scale);
    conv(out, out, scale);
    if (inputs !== out) conv(inputs, out, scale, 1);
  };
  const levels = cfg.blockOutChannels.toReversed();
  const widest = levels[0]!;
  if (cfg.usePostQuantConv) conv(cfg.latentChannels, cfg.latentChannels, 1, 1);
  conv(cfg.latentChannels, widest, 1);
  resnet(widest, widest, 1);
  resnet(widest, widest, 1);
  for (const [level, out] of levels.entries()) {
    const scale = 2 ** level;
    for (let i = 0; i <= cfg.layersPerBlock; i++) resnet(i === 0 ? (levels[level - 1] ?? out) : out, out, scale);
    if (level < levels.length - 1) convolutions.push({ layer: [out, out], kernel: 3, scale, doubles: true });
  }
  norms.push(levels.at(-1)!);
  conv(levels.at(-1)!, cfg.outChannels, 2 ** (levels.length - 1));
  return { convolutions, norms };
}

/** The four projections of the decoder's attention over all pixels of its middle, where it has one. */
function middle({ midBlockAttention, blockOutChannels }: VaeConfig): Layer[] {
  const c = blockOutChannels.at(-1)!;
  return midBlockAttention ? [[c, 4 * c]] : [];
}

/** Operations of decoding one picture from latents of `height` × `width`. */
export function decodeFlops(
  cfg: VaeConfig,
  { height, width }: { readonly height: number; readonly width: number },
): Flops {
  const pixels = height * width;
  const convolved = decoderParts(cfg).convolutions.map(({ layer, kernel, scale, doubles }) =>
    doubles
      ? 4 * 4 * products((scale * height + 1) * (scale * width + 1), [layer])
      : kernel ** 2 * products(scale ** 2 * pixels, [layer]),
  );
  const attended = cfg.midBlockAttention ? attentionOf(pixels, cfg.blockOutChannels.at(-1)!) : 0;
  return flops(sum([...convolved, products(pixels, middle(cfg))]), attended);
}

/** Weights of the decoder. */
export function decoderWeights(cfg: VaeConfig): number {
  const { convolutions, norms } = decoderParts(cfg);
  const kernels = convolutions.map(({ layer: [inputs, out], kernel }) => kernel ** 2 * inputs * out + out);
  const attention = cfg.midBlockAttention ? 2 * cfg.blockOutChannels.at(-1)! : 0;
  return sum([...kernels, ...norms.map((channels) => 2 * channels), sizes(middle(cfg)), attention]);
}

/** Sizes of a model's parts. */
export interface ModelParts {
  readonly transformer: FluxConfig;
  readonly clip: ClipConfig;
  readonly t5: T5Config;
  readonly vae: VaeConfig;
}

/** What a request makes a model do. */
export interface Work {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  readonly textTokens: number;
  readonly steps: number;
}

/** Operations of the stages of a request with one prompt. */
export interface StageFlops {
  readonly encode: Flops;
  readonly prepare: Flops;
  /** One step of all pictures of the batch. */
  readonly step: Flops;
  /** All pictures of the batch. */
  readonly decode: Flops;
}

/** Operations of a whole model, stage by stage. */
export function stageFlops(parts: ModelParts, work: Work): StageFlops {
  const { batch, textTokens, steps } = work;
  const scale = 2 ** (parts.vae.blockOutChannels.length - 1);
  const latents = { height: work.height / scale, width: work.width / scale };
  // Two by two latents make a token.
  const imageTokens = (latents.height / 2) * (latents.width / 2);
  const picture = decodeFlops(parts.vae, latents);
  return {
    encode: plus([clipFlops(parts.clip), t5Flops(parts.t5, textTokens)]),
    ...fluxFlops(parts.transformer, { batch, imageTokens, textTokens, steps }),
    decode: flops(batch * picture.linear, batch * picture.attention),
  };
}

/** Numbers of weights by component; the autoencoder's are those of its decoder. */
export function weightCounts({ transformer, clip, t5, vae }: ModelParts): Record<keyof ModelParts, number> {
  return {
    transformer: fluxWeights(transformer).total,
    clip: clipWeights(clip),
    t5: t5Weights(t5),
    vae: decoderWeights(vae),
  };
}
