/** The configs of a Flux pipeline as the JSON that diffusers and transformers write: what model-config.ts reads, the other way round. */

import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import type { ModelFamily } from './keymap.ts';

/** A config file's fields. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** Writes `transformer/config.json`. */
export function transformerJson(config: FluxConfig): ConfigJson {
  return {
    _class_name: 'FluxTransformer2DModel',
    attention_head_dim: config.headDim,
    axes_dims_rope: config.axesDimsRope,
    guidance_embeds: config.guidanceEmbeds,
    in_channels: config.inChannels,
    joint_attention_dim: config.jointAttentionDim,
    num_attention_heads: config.heads,
    num_layers: config.layers,
    num_single_layers: config.singleLayers,
    out_channels: config.outChannels === config.inChannels ? null : config.outChannels,
    patch_size: 1,
    pooled_projection_dim: config.pooledDim,
  };
}

/** Writes `text_encoder/config.json`; `dtype` is what most of the weights are. */
export function clipJson(config: ClipConfig, dtype: string): ConfigJson {
  return {
    architectures: ['CLIPTextModel'],
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    hidden_act: config.activation,
    hidden_size: config.width,
    intermediate_size: config.intermediate,
    layer_norm_eps: config.eps,
    max_position_embeddings: config.maxPositions,
    model_type: 'clip_text_model',
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    pad_token_id: config.padTokenId,
    projection_dim: config.projectionDim,
    torch_dtype: dtype,
    vocab_size: config.vocabSize,
  };
}

/** Writes `text_encoder_2/config.json`. */
export function t5Json(config: T5Config, dtype: string): ConfigJson {
  return {
    architectures: ['T5EncoderModel'],
    d_ff: config.dFf,
    d_kv: config.dKv,
    d_model: config.width,
    dense_act_fn: 'gelu_new',
    dropout_rate: 0,
    eos_token_id: 1,
    feed_forward_proj: 'gated-gelu',
    is_encoder_decoder: false,
    is_gated_act: true,
    layer_norm_epsilon: config.eps,
    model_type: 't5',
    num_heads: config.heads,
    num_layers: config.layers,
    pad_token_id: 0,
    relative_attention_max_distance: config.maxDistance,
    relative_attention_num_buckets: config.buckets,
    tie_word_embeddings: true,
    torch_dtype: dtype,
    use_cache: false,
    vocab_size: config.vocabSize,
  };
}

/** Writes `vae/config.json`. */
export function vaeJson(config: VaeConfig): ConfigJson {
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: config.blockOutChannels,
    down_block_types: config.blockOutChannels.map(() => 'DownEncoderBlock2D'),
    force_upcast: true,
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    latents_mean: null,
    latents_std: null,
    layers_per_block: config.layersPerBlock,
    mid_block_add_attention: config.midBlockAttention,
    norm_num_groups: config.normGroups,
    out_channels: config.outChannels,
    sample_size: config.sampleSize,
    scaling_factor: config.scalingFactor,
    shift_factor: config.shiftFactor,
    up_block_types: config.blockOutChannels.map(() => 'UpDecoderBlock2D'),
    use_post_quant_conv: config.usePostQuantConv,
    use_quant_conv: config.useQuantConv,
  };
}

/** Writes `scheduler/scheduler_config.json`. */
export function schedulerJson(config: SchedulerConfig): ConfigJson {
  return {
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    base_image_seq_len: config.baseImageSeqLen,
    base_shift: config.baseShift,
    invert_sigmas: false,
    max_image_seq_len: config.maxImageSeqLen,
    max_shift: config.maxShift,
    num_train_timesteps: config.numTrainTimesteps,
    shift: config.shift,
    shift_terminal: config.shiftTerminal ?? null,
    stochastic_sampling: false,
    time_shift_type: config.timeShiftType,
    use_beta_sigmas: false,
    use_dynamic_shifting: config.useDynamicShifting,
    use_exponential_sigmas: false,
    use_karras_sigmas: false,
  };
}

/** The library and the class of each part of a text-to-image pipeline. */
const CLASSES = {
  scheduler: ['diffusers', 'FlowMatchEulerDiscreteScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  text_encoder_2: ['transformers', 'T5EncoderModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  tokenizer_2: ['transformers', 'T5TokenizerFast'],
  transformer: ['diffusers', 'FluxTransformer2DModel'],
  vae: ['diffusers', 'AutoencoderKL'],
} as const;

/** Writes `model_index.json`. */
export function pipelineJson(): ConfigJson {
  return {
    _class_name: 'FluxPipeline',
    feature_extractor: [null, null],
    image_encoder: [null, null],
    ...CLASSES,
  };
}

/** Where each family lies in a pipeline folder, and what its weights are called there. */
export const FOLDERS: Readonly<Record<ModelFamily, { readonly folder: string; readonly weights: string }>> = {
  flux: { folder: 'transformer', weights: 'diffusion_pytorch_model' },
  clip: { folder: 'text_encoder', weights: 'model' },
  t5: { folder: 'text_encoder_2', weights: 'model' },
  vae: { folder: 'vae', weights: 'diffusion_pytorch_model' },
};
