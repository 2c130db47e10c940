/**
 * ControlNet for Flux (diffusers `FluxControlNetModel`; https://arxiv.org/abs/2302.05543): a shorter transformer that sees the latents and a
 * control picture. After each of its blocks, a linear layer turns the image tokens into a residual for the transformer's image tokens.
 * Notable:
 * - its blocks are the transformer's, the same executables where the number of tokens is the same;
 * - a union ControlNet serves several kinds of control: a token that names the kind goes before the text;
 * - XLabs' networks take pixels, which a few convolutions reduce to tokens; all others take the picture's latents.
 *
 * b batch · s steps · l image tokens · t text tokens · u control tokens before the text, 1 or 0 · d width
 */

import { silu } from '../nn/activation.ts';
import { conv2d } from '../nn/conv.ts';
import { embedding } from '../nn/embed.ts';
import { linear } from '../nn/linear.ts';
import type { Float } from '../support/dtype.ts';
import { concatenate, split } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import { shard } from '../xla/graph/sharding.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import { perPictureAxes, spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import {
  blockModulations,
  type FluxConfig,
  type FluxPrograms,
  type FluxSizes,
  fluxPrograms,
  stepModulations,
  transformerWidth,
} from './flux.ts';
import type { ProgramUse } from './programs.ts';

/** A ControlNet (diffusers `FluxControlNetModel`); `layers` or `singleLayers` may be 0. */
export interface ControlNetConfig extends Omit<FluxConfig, 'outChannels'> {
  /** Kinds of control of a union ControlNet; absent for one kind. */
  readonly modes?: number | undefined;
  /** Channels of the network's own pixel encoder (XLabs); absent if it takes latents. */
  readonly hintChannels?: number | undefined;
  /** Side of the square of latents that makes a token. */
  readonly patchSize: number;
}

/** Channels between the convolutions of pixels, which together reduce height and width by 8. */
const HINT_WIDTH = 16;
/** The convolutions of pixels, in order. */
export const HINT_CONVOLUTIONS: readonly string[] = [
  'conv_in',
  ...Array.from({ length: 6 }, (_, i) => `blocks.${i}`),
  'conv_out',
];
/** Side, in pixels, of what one entry of the convolutions' result covers. */
export const HINT_SCALE = 8;

/** The parts of a ControlNet as programs; block programs name their weights relative to one block. */
export interface ControlNetPrograms
  extends Pick<
    FluxPrograms,
    'conditioning' | 'doubleModulation' | 'singleModulation' | 'doubleBlock' | 'join' | 'singleBlock'
  > {
  /** double0 …, single0 … [s, b, k, d] and a step [1] → the same names, [b, k, d] of that step */
  readonly stepModulations: Traced;
  /** sequence [prompts, t, joint], of a union ControlNet also mode [b] i32 → txt [b, u + t, d] */
  readonly textIn: Traced;
  /** latents and control [b, l, in] f32 → img [b, l, d] */
  readonly imageIn: Traced;
  /** img [b, l, d], scale [b] f32 → residual [b, l, d] (weights of one of `controlnet_blocks`) */
  readonly doubleHead: Traced;
  /** x [b, u + t + l, d], scale [b] f32 → residual [b, l, d] (weights of one of `controlnet_single_blocks`) */
  readonly singleHead: Traced;
}

/** Tokens that a ControlNet puts before the text. */
export function controlTokens({ modes }: Pick<ControlNetConfig, 'modes'>): number {
  return modes === undefined ? 0 : 1;
}

/** Traces every part of a ControlNet except the pixel encoder for the given sizes; needs no weights. */
export function controlNetPrograms<F extends Float>(
  cfg: ControlNetConfig,
  sizes: Omit<FluxSizes, 'adapterRank'> & { readonly compute: F },
): ControlNetPrograms {
  const { batch: b, prompts, imageTokens: l, textTokens: t, steps: s, compute: f, storage } = sizes;
  const d = transformerWidth(cfg);
  const u = controlTokens(cfg);
  const w = () => new Weights(f, storage);
  const scale = spec('f32', [b], perPictureAxes(1));
  const tokens = spec('f32', [b, l, cfg.inChannels], TOKENS);
  const {
    finalModulation: _mod,
    finalLayer: _layer,
    ...shared
  } = fluxPrograms({ ...cfg, outChannels: cfg.inChannels }, { ...sizes, textTokens: u + t });

  /** A layer from image tokens to residuals, times the strength that each picture asks for. */
  const head = (weights: Weights<F>, img: Tensor<F>, strength: Tensor<'f32'>): { residual: Tensor<F> } => {
    const layer = linear(weights, { in: d, out: d, axes: ['embed', null] });
    const scaled = layer(img)
      .cast('f32')
      .mul(strength.reshape([b, 1, 1]));
    return { residual: shard(scaled.cast(f), TOKENS) };
  };

  return {
    ...shared,
    stepModulations: stepModulations(f, [s, b, d], blockModulations(cfg)),
    textIn:
      cfg.modes === undefined
        ? shared.textIn
        : trace(
            'controlnet_txt_in',
            w(),
            {
              sequence: spec(f, [prompts, t, cfg.jointAttentionDim], TOKENS),
              mode: spec('i32', [b], perPictureAxes(1)),
            },
            (x, weights) => {
              const kinds = embedding(weights.at('controlnet_mode_embedder'), { count: cfg.modes!, width: d });
              const text = linear(weights.at('txt_in'), { in: cfg.jointAttentionDim, out: d, axes: [null, 'embed'] });
              const txt = text(x.sequence).broadcastTo([b, t, d]);
              return { txt: shard(concatenate([kinds(x.mode).reshape([b, 1, d]), txt], 1), TOKENS) };
            },
          ),
    imageIn: trace('controlnet_img_in', w(), { latents: tokens, control: tokens }, (x, weights) => {
      const options = { in: cfg.inChannels, out: d, axes: [null, 'embed'] } as const;
      const img = linear(weights.at('img_in'), options);
      const control = linear(weights.at('controlnet_x_embedder'), options);
      return { img: shard(img(x.latents.cast(f)).add(control(x.control.cast(f))), TOKENS) };
    }),
    doubleHead: trace('controlnet_head', w(), { img: spec(f, [b, l, d], TOKENS), scale }, (x, weights) =>
      head(weights, x.img, x.scale),
    ),
    singleHead: trace('controlnet_single_head', w(), { x: spec(f, [b, u + t + l, d], TOKENS), scale }, (x, weights) =>
      head(weights, x.x.slice(1, u + t, u + t + l), x.scale),
    ),
  };
}

/** Traces the part of a ControlNet that takes pixels: pixels [b, height, width, 3] f32 from -1 to 1 → control [b, l, in] f32. */
export function hintProgram<F extends Float>(
  { hintChannels, patchSize: p }: ControlNetConfig,
  { batch: b, height, width, compute: f, storage }: HintSizes & { readonly compute: F },
): Traced {
  return trace(
    'controlnet_hint',
    new Weights(f, storage),
    { pixels: spec('f32', [b, height, width, 3], perPictureAxes(4)) },
    (x, w) => {
      const at = w.at('input_hint_block');
      const conv = (name: string, outputs: number, stride: 1 | 2 = 1, inputs = HINT_WIDTH) =>
        conv2d(at.at(name), { in: inputs, out: outputs, kernel: 3, stride });
      const layers = [
        conv('conv_in', HINT_WIDTH, 1, 3),
        ...Array.from({ length: 6 }, (_, i) => conv(`blocks.${i}`, HINT_WIDTH, i % 2 === 0 ? 1 : 2)),
      ];
      const last = conv('conv_out', hintChannels ?? HINT_WIDTH);
      const reduced = last(layers.reduce((y, layer) => silu(layer(y)), x.pixels.cast(f)));
      return {
        control: shard(rearrange(reduced, 'b (h p) (w q) c -> b (h w) (c p q)', { p, q: p }).cast('f32'), TOKENS),
      };
    },
  );
}

/** Sizes and element types that pixels are taken in. */
export interface HintSizes extends Pick<FluxSizes, 'batch' | 'compute' | 'storage'> {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
}

/**
 * Lists the uses of a ControlNet's programs for memory plans and compiling: `index` is the net's number, and it runs for `pictures` control
 * pictures.
 */
export function controlNetUses(
  { layers, singleLayers }: ControlNetConfig,
  p: ControlNetPrograms & { readonly hint: Traced | undefined },
  { index, pictures }: { readonly index: number; readonly pictures: number },
): readonly ProgramUse[] {
  const of =
    (stage: 'prepare' | 'step') =>
    (traced: Traced, runs = 1, more: Pick<ProgramUse, 'lasts'> = {}): ProgramUse[] =>
      runs === 0
        ? []
        : [{ component: 'controlnet', stage, traced, runs, scope: `controlnet ${index}`, prompts: pictures, ...more }];
  const [before, step] = [of('prepare'), of('step')];
  return [
    ...(p.hint ? before(p.hint) : []),
    ...before(p.conditioning), ...before(p.doubleModulation, layers), ...before(p.singleModulation, singleLayers),
    ...before(p.textIn),
    ...step(p.stepModulations), ...step(p.imageIn), ...step(p.doubleBlock, layers), ...step(p.doubleHead, layers, { lasts: true }),
    ...(singleLayers > 0 ? step(p.join) : []), ...step(p.singleBlock, singleLayers), ...step(p.singleHead, singleLayers, { lasts: true }),
  ]; // biome-ignore format: a list
}

/** The programs that add residuals to image tokens after a block of the transformer. */
export interface ResidualPrograms {
  /** img [b, l + r, d], residual [b, l, d] → img */
  readonly addToImage: Traced;
  /** x [b, t + l + r, d], residual [b, l, d] → x */
  readonly addToJoint: Traced;
}

/** Traces the programs that add residuals to the tokens of a transformer. Reference tokens, which follow the image tokens, are unchanged. */
export function residualPrograms<F extends Float>(
  cfg: Pick<FluxConfig, 'heads' | 'headDim'>,
  sizes: Pick<FluxSizes, 'batch' | 'imageTokens' | 'referenceTokens' | 'textTokens'> & { readonly compute: F },
): ResidualPrograms {
  const { batch: b, imageTokens: l, referenceTokens: r = 0, textTokens: t, compute: f } = sizes;
  const d = transformerWidth(cfg);
  const w = () => new Weights(f, f);
  const residual = spec(f, [b, l, d], TOKENS);
  /** Adds to the image tokens, which follow `before` other tokens. */
  const add = (x: Tensor<F>, more: Tensor<F>, before: number): Tensor<F> => {
    const sizes = [before, l, r].filter((tokens) => tokens > 0);
    const parts = split(x, sizes, 1);
    const at = before > 0 ? 1 : 0;
    return shard(concatenate(parts.with(at, parts[at]!.add(more)), 1), TOKENS);
  };
  return {
    addToImage: trace('flux_add_residual', w(), { img: spec(f, [b, l + r, d], TOKENS), residual }, (x) => ({
      img: add(x.img, x.residual, 0),
    })),
    addToJoint: trace('flux_add_single_residual', w(), { x: spec(f, [b, t + l + r, d], TOKENS), residual }, (x) => ({
      x: add(x.x, x.residual, t),
    })),
  };
}

/**
 * Which of the `residuals` goes after each of `blocks` blocks: each serves equally many consecutive blocks, or they take turns (`repeat`,
 * as XLabs' networks were trained). Empty without residuals.
 */
export function residualOf(blocks: number, residuals: number, repeat: boolean): number[] {
  if (residuals === 0) return [];
  const interval = Math.ceil(blocks / residuals);
  return Array.from({ length: blocks }, (_, i) => (repeat ? i % residuals : Math.floor(i / interval)));
}
