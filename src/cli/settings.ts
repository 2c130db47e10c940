/** From a configuration to what the library takes: how a model is opened, and what is asked of it. */

import { lstatSync } from 'node:fs';
import { COMMAND_LINE, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type LoadOptions, type LoraUse, publishedModel, type Request } from '../index.ts';
import { parseHubName } from '../models.ts';
import { UsageError } from './command.ts';

/** Returns the model to open: `tiny`, a path, or a name on the hub. Throws `not_found` for what is none of them. */
export function modelOf({ pretrained_model_name_or_path: model, weights }: Config): string {
  if (weights === 'random' || model === 'tiny' || lstatSync(model, { throwIfNoEntry: false }) || parseHubName(model))
    return model;
  const published = publishedModel(model)?.name;
  throw new UsageError('not_found', `there is no model folder '${model}', nor a file of that name`, {
    hint:
      published !== undefined
        ? `the published one is model=black-forest-labs/${published}; 'fluxion pull' downloads it`
        : 'models are folders in the diffusers layout, files with weights or names on the hub: pass pretrained_model_name_or_path=FOLDER or =ORG/NAME, or =tiny for the model that comes with the program',
  });
}

/** Returns how a configuration wants its model opened; `sources` says which of its keys were asked for on the command line. */
export async function loadOptions(config: Config, sources: LoadedConfig['sources'] = {}): Promise<LoadOptions> {
  const { block_q: blockQ, block_kv: blockKv, block_kv_compute: blockKvCompute } = config.flash_block_sizes;
  return set<LoadOptions>({
    device: config.hardware,
    cpuDevices: config.cpu_devices,
    mesh: meshOf(config),
    nodes: nodesOf(config),
    weightsDtype: config.weights_dtype,
    activationsDtype: config.activations_dtype,
    quantization: config.quantization,
    precision: config.precision,
    attention: config.attention,
    // A file may be meant for another device; what is asked for here and now must not be put aside.
    attentionFallback: sources.attention === COMMAND_LINE ? 'error' : 'auto',
    flashBlockSizes: { blockQ, blockKv, blockKvCompute },
    maskPaddingTokens: config.mask_padding_tokens,
    useBase2Exp: config.use_base2_exp,
    offloadEncoders: config.offload_encoders,
    residency: config.residency,
    memoryLimit: config.memory_limit && config.memory_limit * 2 ** 30,
    vaeTiling: config.vae_tiling,
    cacheDir: config.jax_cache_dir || undefined,
    timeShift: config.time_shift,
    baseShift: config.base_shift,
    maxShift: config.max_shift,
    name: config.flux_name,
    revision: config.revision || undefined,
    // One run: what is merged once costs nothing in any step.
    loraMode: 'merged',
    loraDir: config.lora_dir || undefined,
    loraStrict: config.lora_strict,
    weights: config.weights,
    transformer: config.transformer,
    clip: config.clip,
    t5: config.t5,
    vae: config.vae,
    tokenizer: config.tokenizer,
  });
}

function meshOf(config: Config): NonNullable<LoadOptions['mesh']> {
  return {
    axes: config.mesh_axes,
    ici: {
      data: config.ici_data_parallelism,
      fsdp: config.ici_fsdp_parallelism,
      context: config.ici_context_parallelism,
      tensor: config.ici_tensor_parallelism,
    },
    dcn: {
      data: config.dcn_data_parallelism,
      fsdp: config.dcn_fsdp_parallelism,
      context: config.dcn_context_parallelism,
      tensor: config.dcn_tensor_parallelism,
    },
    rules: config.logical_axis_rules,
    dataSharding: config.data_sharding,
  };
}

/** Which of several processes a configuration is for; undefined for the only one. */
function nodesOf(config: Config): LoadOptions['nodes'] {
  const { node_id: id, num_nodes: count, node_store: url, run_name: run } = config;
  if (id === undefined && count > 1) {
    throw new UsageError('bad_config', `num_nodes=${count}, and no node_id`, {
      hint: `start the command ${count} times, with node_id=0 to node_id=${count - 1}`,
    });
  }
  if (count === 1 && !id && url === '') return undefined;
  return { id: id ?? 0, count, ...(url !== '' && { store: { url, run } }) };
}

/** Refuses several processes for a command that works in one. */
export function requireOneProcess({ num_nodes: count }: Config, command: string): void {
  if (count === 1) return;
  throw new UsageError('bad_config', `num_nodes=${count}: 'fluxion ${command}' works in one process`, {
    hint: 'leave num_nodes and node_id out',
  });
}

/** Returns the LoRAs of a configuration: those of its lists, then those of `lora`. */
function lorasOf({ lora, lora_config: lists }: Config): readonly LoraUse[] {
  const listed = lists.lora_model_name_or_path.map((path, i) => ({
    path,
    weightName: lists.weight_name[i] ?? undefined,
    name: lists.adapter_name[i],
    scale: lists.scale[i],
  }));
  return [...listed, ...lora];
}

/** Random seeds are drawn by each process for itself. */
function requireSameSeeds({ seed, num_nodes: count }: Config): void {
  if (count === 1 || ![seed].flat().includes('random')) return;
  throw new UsageError('bad_config', `seed=random: ${count} processes would draw a seed each`, {
    hint: 'give all of them the same number',
  });
}

/** Returns the request that a configuration describes for a model on this many devices. */
export function requestOf(config: Config, devices: number): Request {
  requireSameSeeds(config);
  return {
    prompt: config.prompt,
    prompt2: config.prompt_2,
    width: config.width ?? config.resolution,
    height: config.height ?? config.resolution,
    steps: config.num_inference_steps,
    guidance: config.guidance_scale,
    seed: config.seed,
    batch: config.batch ?? config.per_device_batch_size * devices,
    noise: config.noise,
    maxSequenceLength: config.max_sequence_length,
    sigmas: config.sigmas,
    loras: lorasOf(config),
    cache: config.cache,
    threshold: config.threshold,
    preview: config.preview,
  };
}

/** Leaves out what is undefined. */
function set<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
