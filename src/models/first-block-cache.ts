/**
 * First-block cache: if the first block changes the image as it did in the last step that was computed whole, the other
 * blocks are assumed to do so too, and what they added then is added again. Method of ParaAttention
 * (https://github.com/chengzeyi/ParaAttention), criterion of diffusers' `FirstBlockCache`: mean |r - r'| / mean |r'| over all
 * image tokens of all pictures, r being what the first block adds to them. What it adds to text does not count: only image tokens
 * leave the transformer. Small programs between those of the blocks, without weights.
 *
 * b batch · l image tokens · t text tokens · n both · d width
 */

import type { Float } from '../support/dtype.ts';
import { concatenate } from '../xla/graph/ops.ts';
import { shard } from '../xla/graph/sharding.ts';
import { spec, TOKENS, type Traced, trace } from '../xla/graph/trace.ts';
import { Weights } from '../xla/graph/weights.ts';
import { type FluxConfig, type FluxSizes, transformerWidth } from './flux.ts';

export interface FirstBlockCachePrograms {
  /** before, after [b, l, d] → residual [b, l, d]: what the first block added to the image */
  readonly firstResidual: Traced;
  /** residual, last [b, l, d] → change [1, 1, 1] f32, from 0: how far they are apart, relative to the last */
  readonly residualChange: Traced;
  /** x [b, n, d] after the last block, img [b, l, d] after the first → rest [b, l, d]: what the later blocks added to the image */
  readonly restResidual: Traced;
  /** img [b, l, d], txt [b, t, d] after the first block, rest → x [b, n, d], in place of the last block's output */
  readonly addRest: Traced;
}

/** Traces the programs of a transformer's cache. */
export function firstBlockCachePrograms<F extends Float>(
  cfg: FluxConfig,
  sizes: Pick<FluxSizes, 'batch' | 'imageTokens' | 'textTokens'> & { readonly compute: F },
): FirstBlockCachePrograms {
  const { batch: b, imageTokens: l, textTokens: t, compute: f } = sizes;
  const d = transformerWidth(cfg);
  const n = l + t;
  const w = () => new Weights(f, f);
  const img = spec(f, [b, l, d], TOKENS);
  const txt = spec(f, [b, t, d], TOKENS);
  const x = spec(f, [b, n, d], TOKENS);
  return {
    firstResidual: trace('flux_first_residual', w(), { before: img, after: img }, ({ before, after }) => ({
      residual: shard(after.sub(before), TOKENS),
    })),
    residualChange: trace('flux_residual_change', w(), { residual: img, last: img }, ({ residual, last }) => {
      // f32: sums of millions of terms.
      const then = last.cast('f32');
      const difference = residual.cast('f32').sub(then).abs().mean(0, 1, 2);
      return { change: shard(difference.div(then.abs().mean(0, 1, 2)), [null, null, null]) };
    }),
    restResidual: trace('flux_rest_residual', w(), { x, img }, (given) => ({
      rest: shard(given.x.slice(1, t, n).sub(given.img), TOKENS),
    })),
    addRest: trace('flux_add_rest', w(), { img, txt, rest: img }, (given) => ({
      x: shard(concatenate([given.txt, given.img.add(given.rest)], 1), TOKENS),
    })),
  };
}
