/** Translates a configuration into the options for opening a model, and into defaults for a server's requests. */

import type { Knobs } from '../api/knobs.ts';
import { LOAD_KNOBS, type LoadOptions } from '../api/load.ts';
import { INPUT_FIELDS, type LoraUse, REQUEST_KNOBS, type Request, STEERED } from '../api/request.ts';
import { FluxionError } from '../support/errors.ts';
import { COMMAND_LINE, type LoadedConfig } from './load.ts';
import type { Config } from './schema.ts';

/** Returns the load options of a configuration; `sources` says which keys the command line set. */
export function loadOptions(config: Config, sources: LoadedConfig['sources'] = {}): LoadOptions {
  const { block_q: blockQ, block_kv: blockKv, block_kv_compute: blockKvCompute } = config.flash_block_sizes;
  return {
    ...set(LOAD_KNOBS, config),
    mesh: meshOf(config),
    nodes: nodesOf(config),
    // A file may be meant for another device, but a key on the command line must take effect.
    attentionFallback: sources.attention === COMMAND_LINE ? 'error' : 'auto',
    flashBlockSizes: { blockQ, blockKv, blockKvCompute },
    memoryLimit: config.memory_limit && config.memory_limit * 2 ** 30,
    // In a single run, merging once is cheaper than adapting at every step.
    loraMode: 'merged',
  };
}

/** Returns the LoRAs of a configuration: those of its lists, then those of `lora`. */
export function lorasOf({ lora, lora_config: lists }: Config): readonly LoraUse[] {
  const listed = lists.lora_model_name_or_path.map((path, i) => ({
    path,
    weightName: lists.weight_name[i] ?? undefined,
    name: lists.adapter_name[i],
    scale: lists.scale[i],
  }));
  return [...listed, ...lora];
}

/** A request's own fields: its prompt, its input pictures, and how they are used. */
const OWN_TO_REQUESTS: readonly string[] = [
  ...['prompt', 'prompt2', 'seed', 'batch', 'preview', 'allowUrl'],
  ...INPUT_FIELDS,
  ...STEERED,
];

/** A configuration's values for fields that a request omits. If no size is set, an input picture decides it. */
export function requestDefaultsOf(config: Config, sources: LoadedConfig['sources']): Partial<Request> {
  const asked = Object.entries(set(REQUEST_KNOBS, config)).filter(([field]) => {
    const { key } = REQUEST_KNOBS[field as keyof typeof REQUEST_KNOBS] as { readonly key?: keyof Config };
    return !OWN_TO_REQUESTS.includes(field) && key !== undefined && sources[key] !== undefined;
  });
  const { width = config.resolution, height = config.resolution } = config;
  return { ...Object.fromEntries(asked), ...(width && { width }), ...(height && { height }) };
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

/** The process number and count of a configuration; undefined for a single process. */
function nodesOf(config: Config): LoadOptions['nodes'] {
  const { node_id: id, num_nodes: count, node_store: url, run_name: run } = config;
  if (id === undefined && count > 1) {
    throw new FluxionError('bad_config', `num_nodes=${count} needs a node_id`, {
      hint: `start the command ${count} times, with node_id=0 to node_id=${count - 1}`,
    });
  }
  if (count === 1 && !id && url === '') return undefined;
  return { id: id ?? 0, count, ...(url !== '' && { store: { url, run } }) };
}

type Set<K extends Knobs> = {
  readonly [F in keyof K as K[F] extends { readonly key: string } ? F : never]?: K[F] extends {
    readonly key: infer N extends keyof Config;
  }
    ? Config[N]
    : never;
};

/** The knobs that a configuration sets, by field; an empty text leaves its knob unset, but for a negative prompt, which may be empty. */
export function set<K extends Knobs>(knobs: K, config: Config): Set<K> {
  const fields = Object.entries(knobs).map(([field, { key }]) => [field, key && config[key as keyof Config]]);
  return Object.fromEntries(
    fields.filter(([field, value]) => value !== undefined && (value !== '' || /^negative/.test(String(field)))),
  );
}
