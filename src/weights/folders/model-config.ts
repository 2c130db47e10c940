/**
 * The `config.json` files of a Flux pipeline as typed plain objects. Missing keys take the defaults of diffusers 0.42 and
 * transformers 5, null what their programs make of it; unknown keys are ignored; a wrong type, an absurd size or a variant not implemented here is refused by name.
 */

import type { ClipConfig } from '../../models/clip.ts';
import type { FluxConfig } from '../../models/flux.ts';
import type { T5Config } from '../../models/t5.ts';
import type { VaeConfig } from '../../models/vae.ts';
import type { SchedulerConfig } from '../../sampling/schedule.ts';
import { FluxionError } from '../../support/errors.ts';
import { describeJson, type Json, type JsonObject } from '../files/json.ts';
import { notRun, recogniseConfig, toolOf } from './recognise.ts';

const MAX_LAYERS = 1000;
const MAX_WIDTH = 65_536;
const MAX_VOCABULARY = 4_194_304;
const MAX_TOKEN_ID = 2 ** 31 - 1;

/** Reads `transformer/config.json`. */
export function readTransformerConfig(json: JsonObject, path: string): FluxConfig {
  const f = new Fields(json, path);
  f.expect('_class_name', 'FluxTransformer2DModel');
  f.expect('patch_size', 1);
  const inChannels = f.integer('in_channels', 64, 1, MAX_WIDTH);
  const outChannels = f.isNull('out_channels') ? inChannels : f.integer('out_channels', inChannels, 1, MAX_WIDTH);
  const tool = toolOf(inChannels, outChannels);
  if (tool !== undefined) throw notRun(path, tool);
  const headDim = f.integer('attention_head_dim', 128, 2, 1024);
  const heads = f.integer('num_attention_heads', 24, 1, 1024);
  const axes = f.integers('axes_dims_rope', [16, 56, 56], 2, 1024, 3) as [number, number, number];
  if (axes.some((dim) => dim % 2 !== 0)) throw f.bad('axes_dims_rope', 'expected even numbers');
  if (axes[0] + axes[1] + axes[2] !== headDim)
    throw f.bad('axes_dims_rope', `expected a sum of ${headDim}, the head dimension`);
  if (heads * headDim > MAX_WIDTH)
    throw f.bad('num_attention_heads', `× ${headDim} is a width of more than ${MAX_WIDTH}`);
  return {
    inChannels,
    outChannels,
    layers: f.integer('num_layers', 19, 0, MAX_LAYERS),
    singleLayers: f.integer('num_single_layers', 38, 0, MAX_LAYERS),
    headDim,
    heads,
    jointAttentionDim: f.integer('joint_attention_dim', 4096, 1, MAX_WIDTH),
    pooledDim: f.integer('pooled_projection_dim', 768, 1, MAX_WIDTH),
    guidanceEmbeds: f.boolean('guidance_embeds', false),
    axesDimsRope: axes,
  };
}

/** Reads `text_encoder/config.json`; a whole CLIP model's config gives its `text_config`. */
export function readClipConfig(json: JsonObject, path: string): ClipConfig {
  const nested = json.get('text_config_dict') ?? json.get('text_config');
  const f = nested instanceof Map ? new Fields(nested, path, 'text_config.') : new Fields(json, path);
  f.expect('model_type', 'clip_text_model');
  const width = f.integer('hidden_size', 512, 1, MAX_WIDTH);
  const heads = f.integer('num_attention_heads', 8, 1, 1024);
  if (width % heads !== 0) throw f.bad('num_attention_heads', `does not divide hidden_size ${width}`);
  return {
    vocabSize: f.integer('vocab_size', 49_408, 1, MAX_VOCABULARY),
    width,
    intermediate: f.integer('intermediate_size', 2048, 1, MAX_WIDTH),
    layers: f.integer('num_hidden_layers', 12, 1, MAX_LAYERS),
    heads,
    maxPositions: f.integer('max_position_embeddings', 77, 2, MAX_WIDTH),
    activation: f.oneOf('hidden_act', ['quick_gelu', 'gelu'], 'quick_gelu'),
    eps: f.number('layer_norm_eps', 1e-5, 0, 1),
    eosTokenId: f.tokenId('eos_token_id', 49_407),
    // Not used in a forward pass, and null in some files.
    bosTokenId: f.isNull('bos_token_id') ? 49_406 : f.tokenId('bos_token_id', 49_406),
    padTokenId: f.isNull('pad_token_id') ? 1 : f.tokenId('pad_token_id', 1),
    projectionDim: f.isNull('projection_dim') ? 512 : f.integer('projection_dim', 512, 1, MAX_WIDTH),
  };
}

/** Reads `text_encoder_2/config.json`. */
export function readT5Config(json: JsonObject, path: string): T5Config {
  const f = new Fields(json, path);
  f.expect('model_type', 't5');
  const dKv = f.integer('d_kv', 64, 1, MAX_WIDTH);
  const heads = f.integer('num_heads', 8, 1, 1024);
  if (heads * dKv > MAX_WIDTH) throw f.bad('num_heads', `× d_kv ${dKv} is more than ${MAX_WIDTH}`);
  const buckets = f.integer('relative_attention_num_buckets', 32, 4, MAX_WIDTH);
  const maxDistance = f.integer('relative_attention_max_distance', 128, 2, MAX_WIDTH);
  if (buckets % 2 !== 0) throw f.bad('relative_attention_num_buckets', 'expected an even number');
  // Half of each direction's buckets are exact distances; the logarithmic ones must reach beyond them.
  if (maxDistance <= buckets / 4) throw f.bad('relative_attention_max_distance', `expected more than ${buckets / 4}`);
  const config: T5Config = {
    vocabSize: f.integer('vocab_size', 32_128, 1, MAX_VOCABULARY),
    width: f.integer('d_model', 512, 1, MAX_WIDTH),
    dKv,
    dFf: f.integer('d_ff', 2048, 1, MAX_WIDTH),
    layers: f.integer('num_layers', 6, 1, MAX_LAYERS),
    heads,
    buckets,
    maxDistance,
    eps: f.number('layer_norm_epsilon', 1e-6, 0, 1),
  };
  f.oneOf('feed_forward_proj', ['gated-gelu'], 'relu');
  return config;
}

/** Reads `vae/config.json`. */
export function readVaeConfig(json: JsonObject, path: string): VaeConfig {
  const f = new Fields(json, path);
  f.expect('_class_name', 'AutoencoderKL');
  f.expect('act_fn', 'silu');
  f.expectAll('down_block_types', 'DownEncoderBlock2D');
  f.expectAll('up_block_types', 'UpDecoderBlock2D');
  f.refuse('latents_mean', 'per-channel latent statistics');
  f.refuse('latents_std', 'per-channel latent statistics');
  const normGroups = f.integer('norm_num_groups', 32, 1, MAX_WIDTH);
  const blockOutChannels = f.integers('block_out_channels', [64], 1, MAX_WIDTH);
  if (blockOutChannels.some((channels) => channels % normGroups !== 0)) {
    throw f.bad('block_out_channels', `expected multiples of norm_num_groups ${normGroups}`);
  }
  return {
    inChannels: f.integer('in_channels', 3, 1, 64),
    outChannels: f.integer('out_channels', 3, 1, 64),
    latentChannels: f.integer('latent_channels', 4, 1, 1024),
    blockOutChannels,
    layersPerBlock: f.integer('layers_per_block', 1, 1, MAX_LAYERS),
    normGroups,
    // No default is right: those of the class are Stable Diffusion's, and other colours than FLUX.1's.
    scalingFactor: f.number('scaling_factor', fluxHas('0.3611'), 1e-6, 1e6),
    shiftFactor: f.number('shift_factor', fluxHas('0.1159'), -1e6, 1e6),
    midBlockAttention: f.boolean('mid_block_add_attention', true),
    useQuantConv: f.boolean('use_quant_conv', true),
    usePostQuantConv: f.boolean('use_post_quant_conv', true),
    sampleSize: f.integer('sample_size', 32, 1, 16_384),
  };
}

/** Reads `scheduler/scheduler_config.json`. */
export function readSchedulerConfig(json: JsonObject, path: string): SchedulerConfig {
  const f = new Fields(json, path);
  f.expect('_class_name', 'FlowMatchEulerDiscreteScheduler');
  f.refuse('invert_sigmas', 'inverted sigmas');
  f.refuse('use_karras_sigmas', 'Karras sigmas');
  f.refuse('use_exponential_sigmas', 'exponential sigmas');
  f.refuse('use_beta_sigmas', 'beta sigmas');
  f.refuse('stochastic_sampling', 'stochastic sampling');
  const baseImageSeqLen = f.integer('base_image_seq_len', 256, 1, 2 ** 24);
  const maxImageSeqLen = f.integer('max_image_seq_len', 4096, 1, 2 ** 24);
  if (maxImageSeqLen <= baseImageSeqLen) throw f.bad('max_image_seq_len', `expected more than ${baseImageSeqLen}`);
  const terminal = f.isNull('shift_terminal') ? 0 : f.number('shift_terminal', 0, 0, 1);
  const useDynamicShifting = f.boolean('use_dynamic_shifting', false);
  return {
    numTrainTimesteps: f.integer('num_train_timesteps', 1000, 1, 1_000_000),
    shift: useDynamicShifting && f.isNull('shift') ? 1 : f.number('shift', 1, 1e-3, 1e3),
    useDynamicShifting,
    baseShift: f.number('base_shift', 0.5, -100, 100),
    maxShift: f.number('max_shift', 1.15, -100, 100),
    baseImageSeqLen,
    maxImageSeqLen,
    timeShiftType: f.oneOf('time_shift_type', ['exponential', 'linear'], 'exponential'),
    // diffusers tests truthiness: 0 means none.
    shiftTerminal: terminal === 0 ? undefined : terminal,
  };
}

/** What is told where a key has no default. */
const fluxHas = (value: string): string => `FLUX.1's autoencoder has ${value}`;

/** Typed access to a config's keys. A key that is null is not missing: the files' own programs refuse it, or take it for false. */
class Fields {
  readonly #json: JsonObject;
  readonly #where: string;

  constructor(json: JsonObject, path: string, prefix = '') {
    const foreign = recogniseConfig(json);
    if (foreign !== undefined) throw notRun(path, foreign);
    this.#json = json;
    this.#where = `${path}: ${prefix}`;
  }

  /** Whether a key is there and null. */
  isNull(key: string): boolean {
    return this.#json.get(key) === null;
  }

  integer(key: string, missing: number, min: number, max: number): number {
    return this.#integer(key, this.#value(key, missing), min, max);
  }

  /** A token id; where a list of them stands, its first. */
  tokenId(key: string, missing: number): number {
    const value = this.#value(key, missing);
    return this.#integer(key, Array.isArray(value) ? (value[0] ?? null) : value, 0, MAX_TOKEN_ID);
  }

  integers(key: string, missing: number[], min: number, max: number, length?: number): number[] {
    const value = this.#value(key, missing);
    const fits =
      Array.isArray(value) && (length === undefined ? value.length >= 1 && value.length <= 8 : value.length === length);
    if (!fits) throw this.bad(key, `expected ${length ?? '1 to 8'} integers`);
    return value.map((item, i) => this.#integer(`${key}[${i}]`, item, min, max));
  }

  /** A number; text in place of a default says what to write where the key is missing. */
  number(key: string, missing: number | string, min: number, max: number): number {
    const value = typeof missing === 'number' ? this.#value(key, missing) : this.#json.get(key);
    if (typeof value === 'number' && value >= min && value <= max) return value;
    const hint = typeof missing === 'string' ? missing : undefined;
    throw this.bad(key, `expected a number from ${min} to ${max}`, 'bad_file', value, hint);
  }

  boolean(key: string, missing: boolean): boolean {
    // None is as good as False to a program in Python.
    const value = this.#value(key, missing) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.bad(key, 'expected true or false');
  }

  oneOf<T extends string | number>(key: string, known: readonly T[], missing: string | number): T {
    const value = this.#value(key, missing);
    const found = known.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.bad(
      key,
      `expected ${known.map((choice) => (typeof choice === 'string' ? `'${choice}'` : choice)).join(' or ')}`,
      'unsupported',
      value,
    );
  }

  /** Requires a key that is present to have the one value implemented here. */
  expect(key: string, only: string | number): void {
    this.oneOf(key, [only], only);
  }

  /** Requires every item of a list that is present to have the one value implemented here. */
  expectAll(key: string, only: string): void {
    const value = this.#value(key, []);
    if (Array.isArray(value) && value.every((item) => item === only)) return;
    throw this.bad(key, `expected only '${only}'`, 'unsupported');
  }

  /** Requires a switch to be off or missing. */
  refuse(key: string, what: string): void {
    const value = this.#json.get(key) ?? false;
    if (value !== false) throw this.bad(key, `${what} are not implemented`, 'unsupported');
  }

  bad(
    key: string,
    expected: string,
    code: 'bad_file' | 'unsupported' = 'bad_file',
    found: Json | undefined = this.#json.get(key),
    hint?: string,
  ) {
    return new FluxionError(code, `${this.#where}${key}: ${expected}, found ${describeJson(found)}`, { hint });
  }

  #integer(key: string, value: Json, min: number, max: number): number {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw this.bad(key, `expected an integer from ${min} to ${max}`, 'bad_file', value);
  }

  #value(key: string, missing: Json): Json {
    const value = this.#json.get(key);
    return value === undefined ? missing : value;
  }
}
