/**
 * The CLIP text encoder (https://arxiv.org/abs/2103.00020; transformers `CLIPTextModel`), of which Flux uses the pooled vector.
 * Notable: one program serves every layer, so its weights are named relative to `text_model.encoder.layers.N`.
 *
 * b batch · n tokens · d width · h heads
 */

import { gelu, geluTanh, quickGelu } from '../nn/activation.ts';
import { embedding } from '../nn/embed.ts';
import { linear } from '../nn/linear.ts';
import { affineLayerNorm } from '../nn/norm.ts';
import type { Float } from '../support/dtype.ts';
import { attention, iota, take } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import { shard } from '../xla/graph/sharding.ts';
import type { Tensor } from '../xla/graph/tensor.ts';
import { perPicture, perPictureAxes, spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { TokenSizes } from './element-types.ts';

/** A CLIP text encoder (transformers `CLIPTextModel`). */
export interface ClipConfig {
  readonly vocabSize: number;
  readonly width: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly maxPositions: number;
  readonly activation: 'quick_gelu' | 'gelu';
  readonly eps: number;
  /** The token whose row is pooled. In configs of CLIP's first years, 2 stands for the largest id of a sequence. */
  readonly eosTokenId: number;
  /** This field and the next two are in configs, but no program depends on them. */
  readonly bosTokenId: number;
  readonly padTokenId: number;
  readonly projectionDim: number;
}

const ACTIVATIONS = { quick_gelu: quickGelu, gelu, gelu_pytorch_tanh: geluTanh } as const;

/** A layer of an encoder of the kind that OpenAI's CLIP has, for text or pictures. */
export interface EncoderLayerConfig extends Pick<ClipConfig, 'width' | 'intermediate' | 'heads' | 'eps'> {
  readonly activation: keyof typeof ACTIVATIONS;
}

/** Which tokens a token sees: all, or those up to itself. */
type Mask = 'none' | 'causal';

/** Self-attention over x [b, n, d]. */
function selfAttention<F extends Float>(w: Weights<F>, { width: d, heads: h }: EncoderLayerConfig, mask: Mask) {
  const project = (name: string) => linear(w.at(name), { in: d, out: d, axes: ['embed', 'heads'] });
  const query = project('q_proj');
  const key = project('k_proj');
  const value = project('v_proj');
  const out = linear(w.at('out_proj'), { in: d, out: d, axes: ['heads', 'embed'] });

  return (x: Tensor<F>): Tensor<F> => {
    const [q, k, v] = [query, key, value].map((layer) => rearrange(layer(x), 'b n (h c) -> b h n c', { h }));
    const attended = attention(q!, k!, v!, { scale: (d / h) ** -0.5, mask });
    return out(rearrange(attended, 'b h n c -> b n (h c)'));
  };
}

/** Attention and MLP, each on the normalised input and added to x [b, n, d]. */
export function encoderLayer<F extends Float>(
  w: Weights<F>,
  cfg: EncoderLayerConfig,
  mask: Mask,
): (x: Tensor<F>) => Tensor<F> {
  const { width, intermediate, eps } = cfg;
  const norm1 = affineLayerNorm(w.at('layer_norm1'), { width, eps });
  const attend = selfAttention(w.at('self_attn'), cfg, mask);
  const norm2 = affineLayerNorm(w.at('layer_norm2'), { width, eps });
  const up = linear(w.at('mlp.fc1'), { in: width, out: intermediate, axes: ['embed', 'mlp'] });
  const down = linear(w.at('mlp.fc2'), { in: intermediate, out: width, axes: ['mlp', 'embed'] });
  const activation = ACTIVATIONS[cfg.activation];

  return (x) => {
    const y = x.add(attend(norm1(x)));
    return y.add(down(activation(up(norm2(y)))));
  };
}

/** The parts of the encoder as programs. */
export interface ClipPrograms {
  /** ids [b, n] i32 → x [b, n, d] */
  readonly embed: Traced;
  /** x → x (weights of one layer) */
  readonly layer: Traced;
  /** x, eos [b] i32 → pooled [b, d]: the row at the end-of-text token, normalised */
  readonly pool: Traced;
}

/** Traces every part of an encoder for the given sizes; needs no weights. */
export function clipPrograms<F extends Float>(
  cfg: ClipConfig,
  sizes: TokenSizes & { readonly compute: F },
): ClipPrograms {
  const { batch: b, tokens: n, compute: f, storage } = sizes;
  const { width: d, eps } = cfg;
  const w = () => new Weights(f, storage);

  return {
    embed: trace('clip_embed', w(), { ids: spec('i32', [b, n], TOKENS.slice(0, 2)) }, ({ ids }, weights) => {
      const embeddings = weights.at('text_model.embeddings');
      const tokens = embedding(embeddings.at('token_embedding'), { count: cfg.vocabSize, width: d });
      const table = embeddings.param('position_embedding.weight', [cfg.maxPositions, d], [null, 'embed']);
      const positions = table.slice(0, 0, n).reshape([1, n, d]);
      return { x: shard(tokens(ids).add(positions), TOKENS) };
    }),
    layer: trace('clip_layer', w(), { x: spec(f, [b, n, d], TOKENS) }, ({ x }, weights) => ({
      x: shard(encoderLayer(weights, cfg, 'causal')(x), TOKENS),
    })),
    pool: trace(
      'clip_pool',
      w(),
      { x: spec(f, [b, n, d], TOKENS), eos: spec('i32', [b], perPictureAxes(1)) },
      ({ x, eos }, weights) => {
        const norm = affineLayerNorm(weights.at('text_model.final_layer_norm'), { width: d, eps });
        const row = iota('i32', [b], 0).mul(n).add(eos);
        return { pooled: perPicture(norm(take(x.reshape([b * n, d]), row))) };
      },
    ),
  };
}

/** Finds the position CLIP is pooled at, by the rule of transformers' `CLIPTextModel`: the first end-of-text token, or 0 if there is none. */
export function eosPosition(ids: Int32Array | readonly number[], eosTokenId: number): number {
  const eos = eosTokenId === 2 ? Math.max(...ids) : eosTokenId;
  return Math.max(0, ids.indexOf(eos));
}
