/**
 * The keys of MaxDiffusion's Flux files that change nothing here, each with the reason: they are accepted, so that those
 * files run unmodified, and mentioned once.
 */

/** Each reason, with its keys. */
const REASONS: readonly (readonly [reason: string, ...keys: string[]])[] = [
  // Training
  [
    'it steers training, and this program generates pictures',
    'train_new_flux', 'train_text_encoder', 'text_encoder_learning_rate', 'snr_gamma', 'timestep_bias', 'learning_rate',
    'scale_lr', 'max_train_samples', 'max_train_steps', 'num_train_epochs', 'warmup_steps_fraction',
    'learning_rate_schedule_steps', 'adam_b1', 'adam_b2', 'adam_eps', 'adam_weight_decay', 'opt_enable_grad_clipping',
    'max_grad_value', 'opt_enable_grad_global_norm_clipping', 'max_grad_norm',
  ],
  [
    'it concerns the backward pass of training, which generation does not have',
    'remat_policy', 'names_which_can_be_saved', 'names_which_can_be_offloaded',
  ],
  [
    'it steers the checkpoints of training',
    'checkpoint_every', 'enable_single_replica_ckpt_restoring', 'save_final_checkpoint',
  ],

  // Datasets
  [
    'it describes a training dataset, and generating reads none',
    'dataset_name', 'train_split', 'dataset_type', 'synthetic_num_samples', 'cache_latents_text_encoder_outputs',
    'dataset_save_location', 'train_data_dir', 'dataset_config_name', 'hf_data_dir', 'hf_train_files', 'image_column',
    'caption_column', 'center_crop', 'random_flip', 'tokenize_captions_num_proc', 'transform_images_num_proc',
    'reuse_example_batch', 'enable_data_shuffling',
  ],
  ['a token does not belong in a file; it is read from where the Hugging Face tools keep it', 'hf_access_token'],

  // Other models
  ['it belongs to SDXL and other UNet models', 'unet_checkpoint', 'norm_num_groups'],
  ['it belongs to SDXL Lightning', 'lightning_from_pt', 'lightning_repo', 'lightning_ckpt'],
  [
    'it belongs to SDXL ControlNet',
    'controlnet_model_name_or_path', 'controlnet_from_pt', 'controlnet_image',
  ],
  ['true_cfg_scale above 1 guides away from negative_prompt', 'do_classifier_free_guidance', 'guidance_rescale'],
  ['sampler, schedule, time_shift, base_shift and max_shift set it', 'diffusion_scheduler_config'],

  // Loading
  ['both text encoders are read from the model folder', 'clip_model_name_or_path', 't5xxl_model_name_or_path'],
  ['models are always read as safetensors, the PyTorch layout', 'from_pt'],
  ['weights go to the device as they are, without an initializer program', 'jit_initializers'],
  ['every row of a matrix is quantized separately, on any mesh, and there is one method', 'quantization_local_shard_count', 'use_qwix_quantization'],

  // Kernels and devices
  [
    'it belongs to a TPU attention kernel that is not used here; the picture is the same',
    'use_experimental_scheduler', 'attention_sharding_uniform',
  ],
  ['attention=auto weighs the size of the scores itself, and attention=flash takes the kernel wherever it can', 'flash_min_seq_length'],
  ['this program does not use JAX', 'skip_jax_distributed_system', 'allow_split_physical_axes', 'compile_topology_num_slices'],

  // Reports
  [
    'times and memory are reported at the end, or with --json',
    'metrics_file', 'write_metrics', 'gcs_metrics', 'timing_metrics_file', 'write_timing_metrics', 'log_period', 'enable_mllog',
  ],
  ['nothing is written to Google Cloud Storage; pictures go to output_dir', 'save_config_to_gcs', 'base_output_directory'],
  [
    'it steers the JAX profiler',
    'profiler', 'enable_ml_diagnostics', 'profiler_gcs_path', 'enable_ondemand_xprof',
  ],
]; // biome-ignore format: a reason and its keys read as one paragraph

/** Why each accepted key of MaxDiffusion's has no effect: key → reason, as a clause without a full stop. */
export const acceptedKeys: Readonly<Record<string, string>> = Object.fromEntries(
  REASONS.flatMap(([reason, ...keys]) => keys.map((key) => [key, reason])),
);
