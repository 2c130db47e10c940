/**
 * The T5 v1.1 encoder (https://arxiv.org/abs/1910.10683, https://arxiv.org/abs/2002.05202; transformers `T5EncoderModel`).
 * Notable:
 * - positions enter as a bias on attention scores that depends on the distance alone; the first layer's bias serves all;
 * - scores are not scaled, linear layers have no bias, norms have no shift;
 * - nothing is masked: Flux lets padding attend and be attended to;
 * - in f16, the sums that pass through the layers, and each layer's last product, are f32, as `wo` is in transformers: the large T5's sums exceed f16.
 *
 * b batch · n tokens · d width · h heads · c width of a head, where h c need not be d
 */

import { geluTanh } from '../nn/activation.ts';
import { embedding } from '../nn/embed.ts';
import { linear } from '../nn/linear.ts';
import { rmsNorm } from '../nn/norm.ts';
import type { Float } from '../support/dtype.ts';
import { attention, iota, take } from '../xla/graph/ops.ts';
import { rearrange } from '../xla/graph/rearrange.ts';
import { shard } from '../xla/graph/sharding.ts';
import { constant, type Tensor } from '../xla/graph/tensor.ts';
import { spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { TokenSizes } from './element-types.ts';

/** A T5 v1.1 encoder (transformers `T5EncoderModel`). */
export interface T5Config {
  readonly vocabSize: number;
  readonly width: number;
  /** Width of one head; heads × dKv need not be `width`. */
  readonly dKv: number;
  readonly dFf: number;
  readonly layers: number;
  readonly heads: number;
  /** Buckets of relative distance, half for each direction. */
  readonly buckets: number;
  /** Distance from which on all distances share the last bucket. */
  readonly maxDistance: number;
  readonly eps: number;
}

/** The bucket of the distance from query to key: exact up to half of a direction's buckets, logarithmic beyond. */
export function relativeBucket(
  distance: number,
  { buckets, maxDistance }: Pick<T5Config, 'buckets' | 'maxDistance'>,
): number {
  const perDirection = buckets / 2;
  const exact = Math.floor(perDirection / 2);
  const base = distance > 0 ? perDirection : 0;
  const far = Math.abs(distance);
  if (far < exact) return base + far;
  const steps = (Math.log(far / exact) / Math.log(maxDistance / exact)) * (perDirection - exact);
  return base + Math.min(perDirection - 1, exact + Math.trunc(steps));
}

/** Looks up the bias of every (query, key) pair: [1, h, n, n]. */
function positionBias<F extends Float>(w: Weights<F>, cfg: T5Config, n: number): Tensor<F> {
  const table = embedding(w, { count: cfg.buckets, width: cfg.heads });
  const buckets = Int32Array.from({ length: 2 * n - 1 }, (_, i) => relativeBucket(i - (n - 1), cfg));
  const byDistance = table(constant(buckets, 'i32', [2 * n - 1]));
  const distance = iota('i32', [n, n], 1).sub(iota('i32', [n, n], 0));
  return rearrange(take(byDistance, distance.add(n - 1)), 'n m h -> 1 h n m');
}

/** Self-attention over x [b, n, d] with a position bias [1, h, n, n]. */
function selfAttention<F extends Float>(w: Weights<F>, { width: d, heads: h, dKv }: T5Config) {
  const project = (name: string) => linear(w.at(name), { in: d, out: h * dKv, axes: ['embed', 'heads'], bias: 'none' });
  const query = project('q');
  const key = project('k');
  const value = project('v');
  const out = linear(w.at('o'), { in: h * dKv, out: d, axes: ['heads', 'embed'], bias: 'none' });

  return (x: Tensor<F>, bias: Tensor<F>): Tensor<F> => {
    const [q, k, v] = [query, key, value].map((layer) => rearrange(layer(x), 'b n (h c) -> b h n c', { h }));
    return out(rearrange(attention(q!, k!, v!, { scale: 1, bias }), 'b h n c -> b n (h c)'));
  };
}

/** The element type of the sums that pass through all layers. */
function sumType(compute: Float): Float {
  return compute === 'f16' ? 'f32' : compute;
}

/** wo(GELU(wi_0 x) · wi_1 x), in the element type of sums. */
function gatedFeedForward<F extends Float>(
  w: Weights<F>,
  { width: d, dFf }: T5Config,
): (x: Tensor<F>) => Tensor<Float> {
  const wide = sumType(w.compute);
  const gate = linear(w.at('wi_0'), { in: d, out: dFf, axes: ['embed', 'mlp'], bias: 'none' });
  const up = linear(w.at('wi_1'), { in: d, out: dFf, axes: ['embed', 'mlp'], bias: 'none' });
  const down = linear(w.at('wo').in(wide), { in: dFf, out: d, axes: ['mlp', 'embed'], bias: 'none' });
  return (x) => down(geluTanh(gate(x)).mul(up(x)).cast(wide));
}

/** Attention and gated MLP, each on the normalised input and added to x [b, n, d], which has the element type of the sums. */
function t5Layer<F extends Float>(w: Weights<F>, cfg: T5Config): (x: Tensor<Float>, bias: Tensor<F>) => Tensor<Float> {
  const norm1 = rmsNorm(w.at('layer.0.layer_norm'), { width: cfg.width, eps: cfg.eps, name: 'weight' });
  const attend = selfAttention(w.at('layer.0.SelfAttention'), cfg);
  const norm2 = rmsNorm(w.at('layer.1.layer_norm'), { width: cfg.width, eps: cfg.eps, name: 'weight' });
  const feedForward = gatedFeedForward(w.at('layer.1.DenseReluDense'), cfg);

  return (x, bias) => {
    const y = x.add(attend(norm1(x).cast(w.compute), bias).cast(x.dtype));
    return y.add(feedForward(norm2(y).cast(w.compute)));
  };
}

/** The parts of the encoder as programs. */
export interface T5Programs {
  /** ids [b, n] i32 → x [b, n, d] */
  readonly embed: Traced;
  /** → bias [1, h, n, n], for every layer */
  readonly bias: Traced;
  /** x, bias → x (weights relative to `encoder.block.N`) */
  readonly layer: Traced;
  /** x → sequence [b, n, d] */
  readonly finalNorm: Traced;
}

/** Traces every part of an encoder for the given sizes; needs no weights. */
export function t5Programs<F extends Float>(cfg: T5Config, sizes: TokenSizes & { readonly compute: F }): T5Programs {
  const { batch: b, tokens: n, compute: f, storage } = sizes;
  const { width: d, heads: h, eps } = cfg;
  const w = () => new Weights(f, storage);
  // A few of T5's activations are hundreds of times larger than the rest, which rounding would erase.
  const ofLayer = () => new Weights(f, storage, { form: sizes.form, activations: 'kept' });
  const x = spec(sumType(f), [b, n, d], TOKENS);

  return {
    embed: trace('t5_embed', w(), { ids: spec('i32', [b, n], TOKENS.slice(0, 2)) }, ({ ids }, weights) => ({
      x: shard(embedding(weights.at('shared'), { count: cfg.vocabSize, width: d })(ids).cast(x.dtype), TOKENS),
    })),
    bias: trace('t5_bias', w(), {}, (_, weights) => ({
      bias: positionBias(weights.at('encoder.block.0.layer.0.SelfAttention.relative_attention_bias'), cfg, n),
    })),
    layer: trace('t5_layer', ofLayer(), { x, bias: spec(f, [1, h, n, n]) }, (inputs, weights) => ({
      x: shard(t5Layer(weights, cfg)(inputs.x, inputs.bias), TOKENS),
    })),
    finalNorm: trace('t5_final_norm', w(), { x }, (inputs, weights) => {
      const norm = rmsNorm(weights.at('encoder.final_layer_norm'), { width: d, eps, name: 'weight' });
      return { sequence: shard(norm(inputs.x).cast(f), TOKENS) };
    }),
  };
}
