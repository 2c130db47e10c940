/** Embeddings: token ids by table; scalars (a timestep, a guidance scale) by sinusoid and the two-layer network after it. */

import type { Float, Integer } from '../support/dtype.ts';
import { concatenate, take } from '../xla/graph/ops.ts';
import { constant, type Tensor } from '../xla/graph/tensor.ts';
import type { Weights } from '../xla/graph/weights.ts';
import { silu } from './activation.ts';
import { type LinearOptions, linear } from './linear.ts';

/** Declares `weight` [count, width]; the forward takes ids [...] to rows [..., width]. Only the rows picked are converted. */
export function embedding<F extends Float>(
  w: Weights<F>,
  { count, width }: { readonly count: number; readonly width: number },
): (ids: Tensor<Integer>) => Tensor<F> {
  const table = w.stored('weight', [count, width], ['vocab', 'embed']);
  return (ids) => take(table, ids).cast(w.compute);
}

/** [cos | sin] of t · 10000^(-k / 128), k < 128: t [n] to [n, 256], in f32. */
export function sinusoid(t: Tensor<'f32'>): Tensor<'f32'> {
  const half = 128;
  // Rounded to f32 at each step, as the reference calculates it.
  const frequencies = Float32Array.from({ length: half }, (_, k) =>
    Math.exp(Math.fround(Math.fround(-Math.log(10_000) * k) / half)),
  );
  const angles = t.reshape([t.shape[0]!, 1]).mul(constant(frequencies, 'f32', [1, half]));
  return concatenate([angles.cos(), angles.sin()], 1);
}

/** `in_layer`, SiLU, `out_layer`: [..., in] to [..., out]; `pictures` as a linear layer has it. */
export function mlpEmbedder<F extends Float>(
  w: Weights<F>,
  { in: inputs, out, pictures }: Pick<LinearOptions, 'out' | 'pictures'> & { readonly in: number },
): (x: Tensor<F>) => Tensor<F> {
  const first = linear(w.at('in_layer'), { in: inputs, out, axes: [null, 'embed'], pictures });
  const second = linear(w.at('out_layer'), { in: out, out, axes: ['embed', null], pictures });
  return (x) => second(silu(first(x)));
}
