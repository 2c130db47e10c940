/** Lowering: what a platform makes of a pure graph. Models are told nothing of this, and every choice says why. */

import { type Graph, rewrite } from '../graph/graph.ts';
import { type Shape, typeText } from '../graph/shape.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Float } from '../support/dtype.ts';
import type { AttentionInputs } from './attention.ts';
import { denseAttention } from './dense.ts';

export type Platform = 'cpu' | 'cuda' | 'rocm' | 'tpu' | 'metal';

/** Which kernel computes attention of queries [b, h, n, c], and the reason. */
export interface AttentionChoice {
  readonly kernel: 'dense';
  readonly why: string;
}

/** Chooses the attention kernel for a platform and the shape of the queries. */
export function chooseAttention(
  platform: Platform,
  q: { readonly dtype: Float; readonly shape: Shape },
): AttentionChoice {
  return { kernel: 'dense', why: `the only kernel for ${typeText(q.dtype, q.shape)} on ${platform} so far` };
}

/** Replaces what a platform computes in its own way, leaving a graph that prints as plain StableHLO. */
export function lower(g: Graph, platform: Platform): Graph {
  const withKernels = rewrite(g, (node) => lowerAttention(node, platform));
  return platform === 'cpu' ? rewrite(withKernels, accumulateInF32) : withKernels;
}

function lowerAttention(node: Tensor, platform: Platform): Tensor | undefined {
  if (node.op.kind !== 'attention') return undefined;
  const [q, k, v, bias] = node.inputs as Tensor<Float>[];
  const inputs: AttentionInputs = { q: q!, k: k!, v: v!, bias, scale: node.op.scale, mask: node.op.mask };
  const { kernel } = chooseAttention(platform, inputs.q);
  switch (kernel) {
    case 'dense':
      return denseAttention(inputs);
    default:
      return kernel satisfies never;
  }
}

/**
 * XLA:CPU runs bf16 × bf16 → f32 natively; asked for a bf16 result it widens both operands to f32 in memory first.
 * Asking for f32 and rounding afterwards gives the same value at 2–3 times the speed.
 */
function accumulateInF32(node: Tensor): Tensor | undefined {
  const short = node.op.kind === 'dot' && (node.dtype === 'bf16' || node.dtype === 'f16');
  return short ? new Tensor(node.op, node.inputs, 'f32', node.shape).cast(node.dtype) : undefined;
}
