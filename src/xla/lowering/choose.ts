/** Chooses the attention kernel of a node on a platform, with the reasons against better ones. */

import { FluxionError } from '../../support/errors.ts';
import { typeText } from '../graph/shape.ts';
import { type AttentionInputs, sizesOf } from './attention.ts';
import { fusesAttention } from './cpu.ts';
import { cudnnRefusal } from './cudnn.ts';
import { type FusedKernel, type Platform, platformOf } from './platform.ts';
import { splashRefusal } from './splash.ts';
import type { AttentionOptions, Target } from './target.ts';
import { tritonRefusal } from './triton.ts';

/**
 * An implementation of attention: `dense` is two plain products, `chunked` is the same in blocks of queries, `splash` is a TPU kernel,
 * `cudnn` and `triton` are for NVIDIA GPUs.
 */
export type AttentionKernel = 'dense' | 'chunked' | FusedKernel;

/** Which kernel computes an attention, and the reason. */
export interface AttentionChoice {
  readonly kernel: AttentionKernel;
  readonly why: string;
}

/** Most bytes of one head's scores for XLA:CPU's fused kernel, which holds one head per thread (docs/measurements/cpu.md). */
const FUSED_BY_HEADS = 2 ** 26;
/** Bytes of scores up to which a fused kernel is not worth its call. */
const FUSED_ABOVE = 2 ** 23;

/**
 * Settles which attention programs are lowered with: the one asked for, if the platform has it. Otherwise throws `unsupported` or, if
 * `attentionFallback` allows, warns and takes `auto`; `device` is the device's name in that message.
 */
export function settleAttention(
  { name, fused }: Platform,
  options: AttentionOptions & { readonly attentionFallback?: 'error' | 'auto' | undefined },
  device: string,
): { readonly attention: Required<AttentionOptions>; readonly warnings: readonly string[] } {
  const { attention = 'auto', attentionFallback = 'error', flashBlockSizes, maskPaddingTokens, useBase2Exp } = options;
  const isMissing = attention === 'cudnn_flash_te' && !fused.auto.includes('cudnn');
  const refusal = `attention=${attention} is not available on ${device}: cuDNN runs on NVIDIA GPUs, and this is ${name}`;
  if (isMissing && attentionFallback === 'error')
    throw new FluxionError('unsupported', refusal, {
      hint: 'leave attention out, or set it to auto, which takes the fastest kernel of this device',
    });
  const hasBlocks = Object.values(flashBlockSizes ?? {}).some((size) => size !== undefined);
  return {
    attention: { attention: isMissing ? 'auto' : attention, flashBlockSizes, maskPaddingTokens, useBase2Exp },
    warnings: [
      ...(isMissing ? [`${refusal}; auto is used instead`] : []),
      ...(hasBlocks && !fused.auto.includes('splash')
        ? [`flash_block_sizes has no effect on ${name}: these are block sizes of the TPU's kernel`]
        : []),
    ],
  };
}

/** Chooses the kernel of an attention. */
export function chooseAttention(inputs: AttentionInputs, target: Target): AttentionChoice {
  const { attention = 'auto' } = target;
  const { fused, chunkedAbove } = platformOf(target.platform);
  if (attention === 'dot_product') return { kernel: 'dense', why: 'attention=dot_product' };
  const { b, h, n, m } = sizesOf(inputs);
  const scores = 4 * b * h * n * m;
  const size = `${typeText(inputs.q.dtype, inputs.q.shape)} by ${m} keys makes ${(scores / 2 ** 20).toFixed(1)} MiB of scores`;
  const reasons: string[] = [];
  for (const kernel of attention === 'flash' ? fused.flash : fused.auto) {
    const refusal = refusals[kernel](inputs, target) ?? (attention === 'auto' ? reluctance(inputs, scores) : undefined);
    if (refusal === undefined) return { kernel, why: [...reasons, size].join('; ') };
    reasons.push(`${kernel} ${refusal}`);
  }
  if (inputs.mask === 'causal')
    return { kernel: 'dense', why: [...reasons, 'chunked takes no causal mask'].join('; ') };
  if (target.cpu && fusesAttention(target.cpu) && 4 * n * m <= FUSED_BY_HEADS)
    return { kernel: 'dense', why: `${size}, which XLA's fused kernel holds for one head at a time` };
  return { kernel: scores > chunkedAbove ? 'chunked' : 'dense', why: [...reasons, size].join('; ') };
}

const refusals: Readonly<Record<FusedKernel, (inputs: AttentionInputs, target: Target) => string | undefined>> = {
  splash: splashRefusal,
  cudnn: (inputs, { computeCapability }) => cudnnRefusal(inputs, computeCapability),
  triton: tritonRefusal,
};

/** Why a fused kernel that would work is not chosen by default. */
function reluctance({ bias, mask }: AttentionInputs, scores: number): string | undefined {
  if (bias || mask === 'causal') return 'is not taken unasked where there is a bias or a causal mask';
  if (scores <= FUSED_ABOVE) return `is not worth its call for ${(scores / 2 ** 20).toFixed(1)} MiB of scores`;
  return undefined;
}
