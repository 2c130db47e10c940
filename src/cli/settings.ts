/** The model and the request that a configuration describes for one command. */

import { lstatSync } from 'node:fs';
import { REQUEST_KNOBS } from '../api/request.ts';
import { lorasOf, set } from '../config/options.ts';
import type { Config } from '../config/schema.ts';
import { publishedModel, type Request } from '../index.ts';
import { parseHubName } from '../models.ts';
import { UsageError } from './command.ts';

/** Returns the model to open: `tiny`, a path, or a name on the hub. Throws `not_found` for anything else. */
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

/** Throws a usage error if several processes are configured for a command that runs in one. */
export function requireOneProcess({ num_nodes: count }: Config, command: string): void {
  if (count === 1) return;
  throw new UsageError('bad_config', `num_nodes=${count}: 'fluxion ${command}' works in one process`, {
    hint: 'leave num_nodes and node_id out',
  });
}

/** Refuses seed=random for several processes, since each would draw its own seed. */
function requireSameSeeds({ seed, num_nodes: count }: Config): void {
  if (count === 1 || ![seed].flat().includes('random')) return;
  throw new UsageError('bad_config', `seed=random: each of ${count} processes would draw its own seed`, {
    hint: 'give all processes the same number',
  });
}

export { loadOptions } from '../config/options.ts';

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
