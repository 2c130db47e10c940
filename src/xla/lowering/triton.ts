/** Flash attention on NVIDIA without cuDNN: the Triton kernel of ttir.ts, and the call that carries it. */

import type { Float } from '../../support/dtype.ts';
import { customCall } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type AttentionInputs, packHeads, sizesOf, unpackHeads } from './attention.ts';
import { TRITON_KERNEL, tritonAttention } from './ttir.ts';

const BLOCK_QUERIES = 128;
const WARPS = 8;
const STAGES = 3;

/** Why the kernel cannot compute this attention; undefined if it can. */
export function tritonRefusal(inputs: AttentionInputs): string | undefined {
  const { b, h, n, m, c } = sizesOf(inputs);
  const { dtype } = inputs.q;
  if (dtype !== 'bf16' && dtype !== 'f16') return `takes bf16 or f16, not ${dtype}`;
  if (inputs.bias) return 'takes no bias';
  if (inputs.mask === 'causal') return 'takes no causal mask';
  if (c < 16 || c > 256 || (c & (c - 1)) !== 0) return `takes heads 16, 32, 64, 128 or 256 wide, not ${c}`;
  if (b * h * c * (Math.max(n, m) + BLOCK_QUERIES) >= 2 ** 31) return 'counts elements in 32 bits, and there are more';
  return undefined;
}

/** Computes attention by the Triton kernel; `tritonRefusal` tells where it cannot. */
export function tritonFlashAttention<F extends Float>(inputs: AttentionInputs<F>): Tensor<F> {
  const sizes = sizesOf(inputs);
  const { b, h, n, m, c } = sizes;
  const ir = tritonAttention({
    h,
    queries: n,
    keys: m,
    c,
    blockM: BLOCK_QUERIES,
    // Wider heads leave shared memory for fewer keys.
    blockN: c > 128 ? 32 : 64,
    scale: inputs.scale,
    element: inputs.q.dtype === 'f16' ? 'f16' : 'bf16',
  });
  const packed = [packHeads(inputs.q, n, c), packHeads(inputs.k, m, c), packHeads(inputs.v, m, c)] as const;
  const backendConfig = {
    name: TRITON_KERNEL,
    ir,
    grid_x: Math.ceil(n / BLOCK_QUERIES),
    grid_y: h,
    grid_z: b,
    num_stages: STAGES,
    num_warps: WARPS,
  };
  const call = { target: '__gpu$xla.gpu.triton', apiVersion: 4, backendConfig } as const;
  return unpackHeads(customCall(call, packed, packed[0]), sizes);
}
