/** Lowering: rewrites a pure graph for one platform. Models know nothing of it, and every choice gives its reason. */

import type { Float } from '../../support/dtype.ts';
import { type Graph, rewrite } from '../graph/graph.ts';
import { Tensor } from '../graph/tensor.ts';
import type { AttentionInputs } from './attention.ts';
import { type AttentionChoice, chooseAttention } from './choose.ts';
import { chunkedAttention } from './chunked.ts';
import { fusesAttention, multipliesByOnednn, orientationFor } from './cpu.ts';
import { cudnnAttention } from './cudnn.ts';
import { apart, denseAttention, fusedAttention } from './dense.ts';
import { platformOf } from './platform.ts';
import { type ArithmeticChoice, chooseArithmetic, lowerQuantised } from './quantised.ts';
import { splashAttention } from './splash.ts';
import type { Target } from './target.ts';
import { tritonFlashAttention } from './triton.ts';
import { widenDots } from './widened.ts';

export { type AttentionChoice, type AttentionKernel, settleAttention } from './choose.ts';
export { type CpuStage, cpuFlags, cpuStages } from './cpu.ts';
export { PLATFORMS, type Platform, type PlatformName, platformOf } from './platform.ts';
export type { FlashBlockSizes } from './splash.ts';
export type { AttentionOptions, AttentionSetting, Target } from './target.ts';

/** Replaces the operations that a platform computes in its own way; the result prints as plain StableHLO. */
export function lower(g: Graph, target: Target): Graph {
  const withKernels = rewrite(g, (node) => lowerAttention(node, target) ?? lowerQuantised(node, target));
  if (!platformOf(target.platform).roundsProducts) return withKernels;
  if (multipliesByOnednn(g, target.cpu)) return withKernels;
  const accumulated = rewrite(withKernels, (node) => accumulateInF32(node) ?? roundBeforeSums(node));
  return target.bf16Products === false ? rewrite(accumulated, widenDots(orientationFor(target.cpu))) : accumulated;
}

/** Lists the kernel of each attention of a graph, in order, including those in bodies. */
export function attentionChoices(g: Graph, target: Target): AttentionChoice[] {
  return g.nodes.flatMap((node) => {
    if ('body' in node.op) return attentionChoices(node.op.body, target);
    const inputs = attentionInputs(node);
    return inputs ? [chooseAttention(inputs, target)] : [];
  });
}

/** Lists the arithmetic of each quantised product of a graph, in order. */
export function arithmeticChoices(g: Graph, target: Target): ArithmeticChoice[] {
  return g.nodes.flatMap((node) => chooseArithmetic(node, target) ?? []);
}

function attentionInputs(node: Tensor): AttentionInputs | undefined {
  if (node.op.kind !== 'attention') return undefined;
  const [q, k, v, bias] = node.inputs as Tensor<Float>[];
  return { q: q!, k: k!, v: v!, bias, scale: node.op.scale, mask: node.op.mask };
}

function lowerAttention(node: Tensor, target: Target): Tensor | undefined {
  const inputs = attentionInputs(node);
  if (!inputs) return undefined;
  const { kernel } = chooseAttention(inputs, target);
  switch (kernel) {
    case 'dense':
      if (!target.cpu || !fusesAttention(target.cpu) || inputs.mask === 'causal') return denseAttention(inputs);
      return fusedAttention(inputs, inputs.q.dtype === 'bf16' && target.bf16Products !== false ? 'bf16' : 'f32');
    case 'chunked':
      return chunkedAttention(inputs);
    case 'splash':
      return splashAttention(inputs, target);
    case 'cudnn':
      return cudnnAttention(inputs);
    case 'triton':
      return tritonFlashAttention(inputs);
    default:
      return kernel satisfies never;
  }
}

/**
 * XLA:CPU runs bf16 × bf16 → f32 natively; asked for a bf16 result, it first widens both operands to f32 in memory.
 * Asking for f32 and rounding afterwards gives the same value at 2–3 times the speed.
 */
function accumulateInF32(node: Tensor): Tensor | undefined {
  const short = node.op.kind === 'dot' && (node.dtype === 'bf16' || node.dtype === 'f16');
  return short ? new Tensor(node.op, node.inputs, 'f32', node.shape).cast(node.dtype) : undefined;
}

/**
 * Processors with f16 arithmetic add to a product before it is rounded. Beyond f16's range the sum may then be within it, where every other
 * implementation has infinity.
 */
function roundBeforeSums(node: Tensor): Tensor | undefined {
  const product = node.op.kind === 'binary' && node.op.fn === 'multiply' && node.dtype === 'f16';
  return product ? apart(node) : undefined;
}
