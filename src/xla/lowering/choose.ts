/** The table of attention kernels: which one computes a node on a platform, and why not an earlier one. */

import { typeText } from '../graph/shape.ts';
import { type AttentionInputs, sizesOf } from './attention.ts';
import { fusesAttention } from './cpu.ts';
import { cudnnRefusal } from './cudnn.ts';
import { type FusedKernel, type Platform, platformOf } from './platform.ts';
import { splashRefusal } from './splash.ts';
import type { AttentionSetting, Target } from './target.ts';
import { tritonRefusal } from './triton.ts';

/**
 * An implementation of attention: `dense` is two plain products, `chunked` the same in blocks of queries, `splash` a
 * TPU's kernel, `cudnn` and `triton` those of NVIDIA GPUs.
 */
export type AttentionKernel = 'dense' | 'chunked' | FusedKernel;

/** Which kernel computes an attention, and the reason. */
export interface AttentionChoice {
  readonly kernel: AttentionKernel;
  readonly why: string;
}

/** Bytes of one head's scores up to which XLA:CPU's fused kernel, which holds a head for each thread, is given all of them (docs/measurements/cpu.md). */
const FUSED_BY_HEADS = 2 ** 26;
/** Bytes of scores up to which a fused kernel is not worth its call. */
const FUSED_ABOVE = 2 ** 23;

/** Why a platform cannot give what is asked for at all; undefined where it can. */
export function settingRefusal({ name, fused }: Platform, setting: AttentionSetting): string | undefined {
  if (setting === 'cudnn_flash_te' && !fused.auto.includes('cudnn'))
    return `cuDNN runs on NVIDIA GPUs, and this is ${name}`;
  return undefined;
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

/** Why a fused kernel that could is not taken unasked. */
function reluctance({ bias, mask }: AttentionInputs, scores: number): string | undefined {
  if (bias || mask === 'causal') return 'is not taken unasked where there is a bias or a causal mask';
  if (scores <= FUSED_ABOVE) return `is not worth its call for ${(scores / 2 ** 20).toFixed(1)} MiB of scores`;
  return undefined;
}

/** Queries of one block of chunked attention: enough rows for a product to run at full speed (docs/measurements/cpu.md). */
export function chunkRows({ c }: { readonly c: number }): number {
  return c > 128 ? 1024 : 512;
}
