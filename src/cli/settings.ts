/** From a configuration to what the library takes: how a model is opened, and what is asked of it. */

import { lstatSync } from 'node:fs';
import type { Knobs } from '../api/knobs.ts';
import { LOAD_KNOBS } from '../api/load.ts';
import { REQUEST_KNOBS } from '../api/request.ts';
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
  return {
    ...set(LOAD_KNOBS, config),
    mesh: meshOf(config),
    nodes: nodesOf(config),
    // A file may be meant for another device; what is asked for here and now must not be put aside.
    attentionFallback: sources.attention === COMMAND_LINE ? 'error' : 'auto',
    flashBlockSizes: { blockQ, blockKv, blockKvCompute },
    memoryLimit: config.memory_limit && config.memory_limit * 2 ** 30,
    // One run: what is merged once costs nothing in any step.
    loraMode: 'merged',
  };
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
    hint: 'give all processes the same number',
  });
}

/** Returns the request that a configuration describes for a model on this many devices. */
export function requestOf(config: Config, devices: number): Request {
  requireSameSeeds(config);
  return {
    ...set(REQUEST_KNOBS, config),
    prompt: config.prompt,
    width: config.width ?? config.resolution,
    height: config.height ?? config.resolution,
    batch: config.batch ?? config.per_device_batch_size * devices,
    loras: lorasOf(config),
  };
}

type Set<K extends Knobs> = {
  readonly [F in keyof K as K[F] extends { readonly key: string } ? F : never]?: K[F] extends {
    readonly key: infer N extends keyof Config;
  }
    ? Config[N]
    : never;
};

/** The fields of knobs that a configuration sets; an empty text sets none. */
function set<K extends Knobs>(knobs: K, config: Config): Set<K> {
  const fields = Object.entries(knobs).map(([field, { key }]) => [field, key && config[key as keyof Config]]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined && value !== ''));
}
