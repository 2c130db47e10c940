/**
 * cuDNN's fused attention: one custom call that XLA's CUDA plugin hands to cuDNN, with its sizes and mask as JSON.
 * The fields are those of `CudnnfMHABackendConfig` in xla/service/gpu/backend_configs.proto, written in full as JAX does.
 */

import type { Float } from '../../support/dtype.ts';
import { customCall } from '../graph/ops.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type AttentionInputs, sizesOf } from './attention.ts';

/** [b, h, n, c], stored as [b, n, h, c]: when the model transposes back to tokens first, nothing moves. */
const TOKENS_FIRST = [3, 1, 2, 0];

/** Why cuDNN cannot compute this attention on a GPU of this compute capability (such as 9.0); undefined if it can. */
export function cudnnRefusal(inputs: AttentionInputs, computeCapability?: number): string | undefined {
  const { dtype } = inputs.q;
  const { c } = sizesOf(inputs);
  if (dtype !== 'bf16' && dtype !== 'f16') return `takes bf16 or f16, not ${dtype}`;
  if (computeCapability !== undefined && computeCapability < 8)
    return `needs compute capability 8.0, this is ${computeCapability}`;
  if (c % 8 !== 0) return `takes heads of a multiple of 8 wide, not ${c}`;
  const widest = computeCapability !== undefined && computeCapability >= 9 ? 256 : 128;
  if (c > widest) return `takes heads up to ${widest} wide, not ${c}`;
  if (inputs.bias && inputs.mask === 'causal') return 'takes a bias or a causal mask, not both';
  return undefined;
}

/** Computes attention by cuDNN; `cudnnRefusal` tells where it cannot. */
export function cudnnAttention<F extends Float>(inputs: AttentionInputs<F>): Tensor<F> {
  const { q, k, v, bias } = inputs;
  const operands = [q, k, v].map((x) => x.transpose([0, 2, 1, 3]));
  const target = bias ? '__cudnn$fmhaScaleBiasSoftmax' : '__cudnn$fmhaSoftmax';
  return customCall(
    {
      target,
      apiVersion: 2,
      backendConfig: JSON.stringify({ operation_queue_id: '0', cudnn_fmha_backend_config: backendConfig(inputs) }),
      resultLayouts: [TOKENS_FIRST, [0]],
      // The compiler gives the workspace the size that cuDNN asks for.
      scratch: [{ dtype: 'u8', shape: [0] }],
    },
    bias ? [...operands, bias] : operands,
    q,
  );
}

/** 64-bit numbers are strings, as in any protobuf's JSON. */
function backendConfig(inputs: AttentionInputs): object {
  const { b, h, n, m } = sizesOf(inputs);
  return {
    algorithm: {
      algo_id: '0',
      math_type: 'TENSOR_OP_MATH',
      tuning_knobs: { '17': '1', '24': '0' },
      is_cudnn_frontend: true,
      workspace_size: '0',
    },
    fmha_scale: inputs.scale,
    intermediate_tensor_shape: {
      element_type: inputs.q.dtype.toUpperCase(),
      dimensions: [b, h, n, m].map(String),
      tuple_shapes: [],
      layout: {
        dim_level_types: [],
        dim_unique: [],
        dim_ordered: [],
        minor_to_major: ['3', '2', '1', '0'],
        tiles: [],
        element_size_in_bits: '0',
        memory_space: '0',
        index_primitive_type: 'PRIMITIVE_TYPE_INVALID',
        pointer_primitive_type: 'PRIMITIVE_TYPE_INVALID',
        dynamic_shape_metadata_prefix_bytes: '0',
      },
      is_dynamic_dimension: [false, false, false, false],
    },
    is_flash_attention: true,
    mask_type: inputs.mask === 'causal' ? 'CAUSAL' : 'NO_MASK',
    // q and k are [b, n, h, c]; the scores and the result are [b, h, n, …].
    bmm1_dot_dimension_numbers: {
      lhs_contracting_dimensions: ['3'],
      rhs_contracting_dimensions: ['3'],
      lhs_batch_dimensions: ['0', '2'],
      rhs_batch_dimensions: ['0', '2'],
    },
    bmm2_dot_dimension_numbers: {
      lhs_contracting_dimensions: ['3'],
      rhs_contracting_dimensions: ['1'],
      lhs_batch_dimensions: ['0', '1'],
      rhs_batch_dimensions: ['0', '2'],
    },
    dropout_rate: 0,
    seed: 42,
    sliding_window_length: 0,
    max_seg_per_batch: 1,
    is_paged_attention: false,
  };
}
