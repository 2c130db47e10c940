/**
 * FLUX.1 Redux (diffusers `ReduxImageEncoder`): turns the tokens of a picture, as SigLIP gives them, into text tokens for the transformer.
 *
 * b pictures · n tokens of a picture · j width of text tokens
 */

import { silu } from '../nn/activation.ts';
import { linear } from '../nn/linear.ts';
import type { Float } from '../support/dtype.ts';
import { shard } from '../xla/graph/sharding.ts';
import { spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import type { TokenSizes } from './element-types.ts';

/** A Redux projector (diffusers `ReduxImageEncoder`). */
export interface ReduxConfig {
  /** Width of the image encoder's tokens. */
  readonly reduxDim: number;
  /** Width of the transformer's text tokens. */
  readonly textDim: number;
}

/** Traces the projector: x [b, n, width] → tokens [b, n, j] f32. */
export function reduxProgram<F extends Float>(
  { reduxDim, textDim: j }: ReduxConfig,
  { batch: b, tokens: n, compute: f, storage }: TokenSizes & { readonly compute: F },
): Traced {
  const inputs = { x: spec(f, [b, n, reduxDim], TOKENS) };
  return trace('redux_project', new Weights(f, storage), inputs, ({ x }, weights) => {
    const up = linear(weights.at('redux_up'), { in: reduxDim, out: 3 * j, axes: ['embed', 'mlp'] });
    const down = linear(weights.at('redux_down'), { in: 3 * j, out: j, axes: ['mlp', 'embed'] });
    return { tokens: shard(down(silu(up(x))).cast('f32'), TOKENS) };
  });
}
