/**
 * The Flux transformer (FLUX.1; https://github.com/black-forest-labs/flux, src/flux/model.py), in the names of its checkpoint.
 * Notable:
 * - image and text tokens keep their own weights in the double blocks and share them in the single blocks;
 * - all that depends on timestep, guidance and pooled text is a row of shifts, scales and gates, calculated for every
 *   step before the loop (`conditioning`, `doubleModulation`, …), so those weights need not be resident;
 * - each part is a program of its own: the double blocks share one executable and the single blocks another.
 *
 * b batch · s steps · l image tokens · r reference tokens · t text tokens · n any of them · d width · h heads · c = d / h
 */

import { geluTanh, inRange, silu } from '../nn/activation.ts';
import { mlpEmbedder, sinusoid } from '../nn/embed.ts';
import { fusedLinear, linear } from '../nn/linear.ts';
import { type Modulation, modulate, modulations } from '../nn/modulation.ts';
import { layerNorm, rmsNorm } from '../nn/norm.ts';
import { applyRope, type RopeTables, ropeTables } from '../nn/rope.ts';
import type { Float } from '../support/dtype.ts';
import type { Axes } from '../xla/graph/axes.ts';
import { attention, concatenate, split, take } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import { shard, sideBySide } from '../xla/graph/sharding.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import { type InputSpec, perPicture, perPictureAxes, spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { ProgramTypes } from './element-types.ts';

/** A Flux transformer (diffusers `FluxTransformer2DModel`). */
export interface FluxConfig {
  /** Input channels of a token: a packed latent, then the pictures that steer it (Fill, Canny, Depth). */
  readonly inChannels: number;
  /** Channels of a packed latent token: 4 × the VAE's latent channels. */
  readonly outChannels: number;
  /** Double-stream blocks. */
  readonly layers: number;
  /** Single-stream blocks. */
  readonly singleLayers: number;
  readonly heads: number;
  readonly headDim: number;
  /** Width of the T5 sequence. */
  readonly jointAttentionDim: number;
  /** Width of the pooled CLIP vector. */
  readonly pooledDim: number;
  readonly guidanceEmbeds: boolean;
  /** Rotary channels of index, row and column; they sum to `headDim`. */
  readonly axesDimsRope: readonly [number, number, number];
}

/** Sizes and element types a program is traced for. */
export interface FluxSizes extends ProgramTypes {
  /** Pictures. */
  readonly batch: number;
  /** Prompts and guidance strengths of the batch: 1 for all pictures, or one for each. */
  readonly prompts: number;
  readonly imageTokens: number;
  /** Reference tokens (Kontext), which follow the image tokens; 0 by default. */
  readonly referenceTokens?: number | undefined;
  /** Channels of image tokens beyond the model's own, for adapters that take a picture beside the latents; 0 by default. */
  readonly addedChannels?: number | undefined;
  readonly textTokens: number;
  readonly steps: number;
  /** Adapter ranks for which every linear layer takes factors; 0 by default. */
  readonly adapterRank?: number;
}

const MLP_RATIO = 4;
const QK_NORM_EPS = 1e-6;

/** Width of a transformer's tokens. */
export function transformerWidth({ heads, headDim }: Pick<FluxConfig, 'heads' | 'headDim'>): number {
  return heads * headDim;
}

interface Rope {
  /** [n, c/2] */
  readonly cos: Tensor<'f32'>;
  readonly sin: Tensor<'f32'>;
}

/** Heads inside attention, where tokens meet: queries [b, n, h, c]; keys and values. */
const QUERIES: Axes = ['activation_batch', 'attention_length', 'attention_heads', null];
const KEYS: Axes = ['activation_batch', null, 'attention_heads', null];
/** The same with heads side by side, [b, n, d]: inside attention; and before and after it, where tokens are separate. */
const ATTENDED: Axes = ['activation_batch', 'attention_length', 'attention_heads'];
const HEADS: Axes = ['activation_batch', 'activation_length', 'activation_heads'];

/** Modulations of all steps [s, b, k, d]. */
const EVERY_STEP: Axes = [null, 'activation_batch', null, null];

/** Normalises queries and keys [b, n, h, c] per head. */
function qkNorm<F extends Float>(w: Weights<F>, headDim: number) {
  const query = rmsNorm(w, { width: headDim, eps: QK_NORM_EPS, name: 'query_norm.scale' });
  const key = rmsNorm(w, { width: headDim, eps: QK_NORM_EPS, name: 'key_norm.scale' });
  return (q: Tensor<F>, k: Tensor<F>) => ({ q: query(q), k: key(k) });
}

/** A projection [b, n, d] of separate tokens, as heads [b, n, h, c] inside attention. */
function splitHeads<F extends Float>(y: Tensor<F>, h: number, axes: Axes): Tensor<F> {
  return shard(rearrange(shard(y, HEADS), 'b n (h c) -> b n h c', { h }), axes);
}

/** Rotary attention over tokens [b, n, h, c]: result [b, n, d]. */
function jointAttention<F extends Float>(q: Tensor<'f32'>, k: Tensor<'f32'>, v: Tensor<F>, rope: Rope): Tensor<F> {
  const turned = (x: Tensor<'f32'>) => rearrange(applyRope(x, rope.cos, rope.sin).cast(v.dtype), 'b n h c -> b h n c');
  const out = attention(turned(q), turned(k), rearrange(v, 'b n h c -> b h n c'), { scale: v.shape[3]! ** -0.5 });
  return shard(rearrange(out, 'b h n c -> b n (h c)'), ATTENDED);
}

/** Linear, GELU, linear, named `0` and `2` as in the checkpoint. */
function mlp<F extends Float>(w: Weights<F>, d: number): (x: Tensor<F>) => Tensor<F> {
  const up = linear(w.at('0'), { in: d, out: MLP_RATIO * d, axes: ['embed', 'mlp'] });
  const down = linear(w.at('2'), { in: MLP_RATIO * d, out: d, axes: ['mlp', 'embed'] });
  return (x) => down(geluTanh(up(x)));
}

interface Streams<F extends Float> {
  /** [b, l, d] */
  readonly img: Tensor<F>;
  /** [b, t, d] */
  readonly txt: Tensor<F>;
}

/** Image and text tokens keep their own weights and meet only inside attention. `mod` [b, 12, d]: image's six, then text's. */
function doubleStreamBlock<F extends Float>(w: Weights<F>, cfg: FluxConfig) {
  const d = transformerWidth(cfg);
  const stream = (name: 'img' | 'txt') => {
    const qkv = fusedLinear(w.at(`${name}_attn.qkv`), { in: d, out: [d, d, d], axes: ['embed', 'heads'] });
    const norm = qkNorm(w.at(`${name}_attn.norm`), cfg.headDim);
    const proj = linear(w.at(`${name}_attn.proj`), { in: d, out: d, axes: ['heads', 'embed'] });
    const ff = mlp(w.at(`${name}_mlp`), d);

    return (x: Tensor<F>, attn: Modulation<F>, mlpMod: Modulation<F>) => {
      const input = modulate(layerNorm(x), attn);
      const [q, k, v] = qkv.map((layer, i) => splitHeads(layer(input), cfg.heads, i === 0 ? QUERIES : KEYS));
      const finish = (attended: Tensor<F>): Tensor<F> => {
        const y = x.add(attn.gate.mul(shard(proj(shard(shard(attended, ATTENDED), HEADS)), TOKENS)));
        return shard(inRange(y.add(mlpMod.gate.mul(shard(ff(modulate(layerNorm(y), mlpMod)), TOKENS)))), TOKENS);
      };
      return { ...norm(q!, k!), v: v!, finish };
    };
  };
  const image = stream('img');
  const text = stream('txt');

  return ({ img, txt }: Streams<F>, mod: Tensor<F>, rope: Rope): Streams<F> => {
    const [imgAttn, imgMlp, txtAttn, txtMlp] = modulations(mod);
    const i = image(img, imgAttn!, imgMlp!);
    const t = text(txt, txtAttn!, txtMlp!);
    const both = <T extends Float>(a: Tensor<T>, b: Tensor<T>): Tensor<T> => concatenate([a, b], 1);
    const out = jointAttention(both(t.q, i.q), both(t.k, i.k), both(t.v, i.v), rope);
    const [txtOut, imgOut] = split(out, [txt.shape[1]!, img.shape[1]!], 1);
    return { img: i.finish(imgOut!), txt: t.finish(txtOut!) };
  };
}

/** Attention and MLP side by side on the joint tokens x [b, n, d], text first. `mod` [b, 3, d]. */
function singleStreamBlock<F extends Float>(w: Weights<F>, cfg: FluxConfig) {
  const d = transformerWidth(cfg);
  const hidden = MLP_RATIO * d;
  const linear1 = fusedLinear(w.at('linear1'), { in: d, out: [d, d, d, hidden], axes: ['embed', 'heads'] });
  const norm = qkNorm(w.at('norm'), cfg.headDim);
  const linear2 = linear(w.at('linear2'), { in: [d, hidden], out: d, axes: ['mlp', 'embed'] });

  return (x: Tensor<F>, mod: Tensor<F>, rope: Rope): Tensor<F> => {
    const [m] = modulations(mod);
    const input = modulate(layerNorm(x), m!);
    const [q, k, v, mlpIn] = linear1.map((layer) => layer(input));
    const normed = norm(splitHeads(q!, cfg.heads, QUERIES), splitHeads(k!, cfg.heads, KEYS));
    const attended = shard(jointAttention(normed.q, normed.k, splitHeads(v!, cfg.heads, KEYS), rope), HEADS);
    const both = sideBySide([attended, geluTanh(mlpIn!)], ['activation_batch', 'activation_length', 'mlp']);
    return shard(inRange(x.add(m!.gate.mul(shard(linear2(both), TOKENS)))), TOKENS);
  };
}

/** The vector every modulation is calculated from, SiLU applied: timesteps [s], guidance [b] × 1000 and pooled [b, p] to [s, b, d]. */
function conditioning<F extends Float>(w: Weights<F>, cfg: FluxConfig) {
  const d = transformerWidth(cfg);
  const time = mlpEmbedder(w.at('time_in'), { in: 256, out: d, pictures: 1 });
  const guide = cfg.guidanceEmbeds ? mlpEmbedder(w.at('guidance_in'), { in: 256, out: d }) : undefined;
  const vector = mlpEmbedder(w.at('vector_in'), { in: cfg.pooledDim, out: d });

  return (timesteps: Tensor<'f32'>, pooled: Tensor<F>, guidance?: Tensor<'f32'>): Tensor<F> => {
    const times = sinusoid(timesteps).cast(pooled.dtype);
    // Times are the same for all pictures, until adapters add to them.
    let sum = time(w.matrices.adapterRank ? times.reshape([-1, 1, 256]) : times).reshape([timesteps.shape[0]!, -1, d]);
    if (guide && guidance) sum = sum.add(guide(sinusoid(guidance).cast(pooled.dtype)).reshape([1, -1, d]));
    return silu(sum.add(vector(pooled).reshape([1, -1, d])));
  };
}

/** Picks the modulations [b, k, d] of one `step` [1] from those of all steps [s, b, k, d]. */
function atStep<F extends Float>(all: Tensor<F>, step: Tensor<'i32'>): Tensor<F> {
  const [s, ...rest] = all.shape;
  return perPicture(take(all.reshape([s!, -1]), step).reshape(rest));
}

/** Rows of the modulations of every block, by the block's name. */
export function blockModulations({ layers, singleLayers }: Pick<FluxConfig, 'layers' | 'singleLayers'>) {
  const rows = (kind: 'double' | 'single', count: number, of: number) =>
    Array.from({ length: count }, (_, i) => [`${kind}${i}`, of] as const);
  return Object.fromEntries([...rows('double', layers, 12), ...rows('single', singleLayers, 3)]);
}

/** A program that picks one step from the modulations of all steps: [s, b, k, d] by name, with k rows each, and step [1] → [b, k, d] by name. */
export function stepModulations<F extends Float>(
  compute: F,
  [s, b, d]: readonly [steps: number, batch: number, width: number],
  rows: Readonly<Record<string, number>>,
): Traced {
  const every: Record<string, InputSpec<F>> = Object.fromEntries(
    Object.entries(rows).map(([name, k]) => [name, spec(compute, [s, b, k, d], EVERY_STEP)]),
  );
  const inputs = { step: spec('i32', [1]), ...every };
  return trace('flux_step_modulations', new Weights(compute, compute), inputs, ({ step, ...all }) =>
    Object.fromEntries(Object.entries<Tensor<F>>(all).map(([name, mod]) => [name, atStep(mod, step)])),
  );
}

/** cos and sin [n, c/2] of the joint tokens, text first; positions are [t, 3], [l, 3] and those of every reference, row-major. */
export function positionTables(
  cfg: Pick<FluxConfig, 'headDim' | 'axesDimsRope'>,
  positions: readonly Float32Array[],
): RopeTables & { readonly shape: readonly number[] } {
  const ids = Float32Array.from(positions.flatMap((of) => [...of]));
  const shape: readonly number[] = [ids.length / cfg.axesDimsRope.length, cfg.headDim / 2];
  return { ...ropeTables(ids, cfg.axesDimsRope), shape };
}

/** The parts of the transformer as programs; block programs name their weights relative to one block. */
export interface FluxPrograms {
  /** timesteps [s], pooled [prompts, p], guidance [prompts] where the model takes one → vec [s, b, d] */
  readonly conditioning: Traced;
  /** vec → mod [s, b, 12, d] (weights of one double block) */
  readonly doubleModulation: Traced;
  /** vec → mod [s, b, 3, d] (weights of one single block) */
  readonly singleModulation: Traced;
  /** vec → mod [s, b, 2, d]: shift, scale */
  readonly finalModulation: Traced;
  /** All blocks' modulations double0 …, single0 …, final [s, b, k, d] and a step [1] → the same names, [b, k, d] of that step */
  readonly stepModulations: Traced;
  /** sequence [prompts, t, joint] → txt [b, t, d] */
  readonly textIn: Traced;
  /** latents [b, l, out]; channels [b, l, in - out] and reference [b, r, in] if the sizes have them; all f32 → img [b, l + r, d] */
  readonly imageIn: Traced;
  /** img, txt, mod, cos, sin → img, txt */
  readonly doubleBlock: Traced;
  /** img, txt → x [b, t + l + r, d] */
  readonly join: Traced;
  /** x, mod, cos, sin → x */
  readonly singleBlock: Traced;
  /** x, mod → velocity [b, l, out] f32 */
  readonly finalLayer: Traced;
}

/** Traces every part of a transformer for the given sizes; needs no weights. */
export function fluxPrograms<F extends Float>(
  cfg: FluxConfig,
  sizes: FluxSizes & { readonly compute: F },
): FluxPrograms {
  const { batch: b, prompts, imageTokens: l, referenceTokens: r = 0, textTokens: t, steps: s } = sizes;
  const { addedChannels = 0, adapterRank, compute: f, storage, form } = sizes;
  const d = transformerWidth(cfg);
  const n = t + l + r;
  const { outChannels } = cfg;
  const inChannels = cfg.inChannels + addedChannels;
  const w = () => new Weights(f, storage, { adapterRank, pictures: b });
  const ofBlock = () => new Weights(f, storage, { adapterRank, pictures: b, form });
  const rope = { cos: spec('f32', [n, cfg.headDim / 2]), sin: spec('f32', [n, cfg.headDim / 2]) };
  const vec = spec(f, [s, b, d], [null, 'activation_batch', null]);
  const mod = (rows: number) => spec(f, [b, rows, d], perPictureAxes(3));
  const img = spec(f, [b, l + r, d], TOKENS);
  const txt = spec(f, [b, t, d], TOKENS);
  const joint = spec(f, [b, n, d], TOKENS);

  /** Consecutive linear layers from vec to rows of modulation, each d wide: [s, b, rows, d]. */
  const modulation = (name: string, layers: readonly { readonly path: string; readonly rows: number }[]): Traced =>
    trace(name, w(), { vec }, (inputs, weights) => {
      const parts = layers.map(({ path, rows }) => {
        const layer = linear(weights.at(path), { in: d, out: rows * d, axes: ['embed', 'heads'], pictures: 1 });
        return layer(inputs.vec).reshape([s, b, rows, d]);
      });
      return { mod: shard(concatenate(parts, 2), EVERY_STEP) };
    });

  const imageInputs: Record<string, InputSpec<'f32'>> = {
    latents: spec('f32', [b, l, outChannels], TOKENS),
    ...(inChannels > outChannels && { channels: spec('f32', [b, l, inChannels - outChannels], TOKENS) }),
    ...(r > 0 && { reference: spec('f32', [b, r, inChannels], TOKENS) }),
  };

  return {
    conditioning: trace(
      'flux_conditioning',
      w(),
      {
        timesteps: spec('f32', [s]),
        pooled: spec(f, [prompts, cfg.pooledDim], perPictureAxes(2)),
        ...(cfg.guidanceEmbeds && { guidance: spec('f32', [prompts], perPictureAxes(1)) }),
      },
      (x: { timesteps: Tensor<'f32'>; pooled: Tensor<F>; guidance?: Tensor<'f32'> }, weights) => ({
        vec: shard(conditioning(weights, cfg)(x.timesteps, x.pooled, x.guidance).broadcastTo([s, b, d]), vec.axes!),
      }),
    ),
    doubleModulation: modulation('flux_double_modulation', [
      { path: 'img_mod.lin', rows: 6 },
      { path: 'txt_mod.lin', rows: 6 },
    ]),
    singleModulation: modulation('flux_single_modulation', [{ path: 'modulation.lin', rows: 3 }]),
    finalModulation: trace('flux_final_modulation', w(), { vec }, (x, weights) => {
      const halves = fusedLinear(weights.at('final_layer.adaLN_modulation.1'), {
        in: d,
        out: [d, d],
        axes: ['embed', null],
        pictures: 1,
      });
      const rows = halves.map((half) => half(x.vec).reshape([s, b, 1, d]));
      return { mod: shard(concatenate(rows, 2), EVERY_STEP) };
    }),
    stepModulations: stepModulations(f, [s, b, d], { ...blockModulations(cfg), final: 2 }),
    textIn: trace(
      'flux_txt_in',
      w(),
      { sequence: spec(f, [prompts, t, cfg.jointAttentionDim], TOKENS) },
      (x, weights) => {
        const layer = linear(weights.at('txt_in'), { in: cfg.jointAttentionDim, out: d, axes: [null, 'embed'] });
        return { txt: shard(layer(x.sequence).broadcastTo([b, t, d]), TOKENS) };
      },
    ),
    imageIn: trace('flux_img_in', w(), imageInputs, (x: Record<string, Tensor<'f32'>>, weights) => {
      const { latents, channels, reference } = x;
      const layer = linear(weights.at('img_in'), {
        in: inChannels,
        zeros: addedChannels,
        out: d,
        axes: [null, 'embed'],
      });
      const wide = channels ? concatenate([latents!, channels], 2) : latents!;
      const all = reference ? concatenate([wide, reference], 1) : wide;
      return { img: shard(layer(all.cast(f)), TOKENS) };
    }),
    doubleBlock: trace('flux_double_block', ofBlock(), { img, txt, mod: mod(12), ...rope }, (x, weights) => ({
      ...doubleStreamBlock(weights, cfg)(x, x.mod, x),
    })),
    join: trace('flux_join', w(), { img, txt }, (x) => ({ x: shard(concatenate([x.txt, x.img], 1), TOKENS) })),
    singleBlock: trace('flux_single_block', ofBlock(), { x: joint, mod: mod(3), ...rope }, (x, weights) => ({
      x: singleStreamBlock(weights, cfg)(x.x, x.mod, x),
    })),
    finalLayer: trace('flux_final_layer', w(), { x: joint, mod: mod(2) }, (x, weights) => {
      const [shift, scale] = split(x.mod, [1, 1], 1);
      const img = modulate(layerNorm(x.x.slice(1, t, t + l)), { shift: shift!, scale: scale! });
      const out = linear(weights.at('final_layer.linear'), { in: d, out: cfg.outChannels, axes: ['embed', null] });
      return { velocity: shard(out(img).cast('f32'), TOKENS) };
    }),
  };
}
