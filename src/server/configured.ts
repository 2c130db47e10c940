/** What servers and workers both take from a configuration: the model, how it is opened, and the bounds of jobs. */

import { basename } from 'node:path';
import type { JobLimits } from '../api/served.ts';
import type { LoadedConfig } from '../config/load.ts';
import { loadOptions, lorasOf } from '../config/options.ts';
import type { Config } from '../config/schema.ts';
import { Flux } from '../pipeline/flux.ts';
import { ModelHost } from './model-host.ts';

/** The model of a configuration. It is opened when it is first needed. */
export function configuredHost(config: Config, sources: LoadedConfig['sources']): ModelHost {
  const { pretrained_model_name_or_path: model } = config;
  return new ModelHost({
    name: configuredName(config),
    // LoRAs stay beside the weights, so that requests with different LoRAs share a batch.
    open: async (given) => {
      const options = await loadOptions(config, sources);
      const flux = await Flux.load(model, { ...options, loraMode: 'beside', ...given });
      await flux.loras.set(lorasOf(config));
      return flux;
    },
    idleRelease: config.idle_release,
    loraDir: config.lora_dir || undefined,
  });
}

/** The name of a configuration's model, as far as it is known before the model is opened. */
export function configuredName({ flux_name: name, pretrained_model_name_or_path: model }: Config): string {
  return name ?? basename(model);
}

/** The bounds of jobs that a configuration sets. */
export function configuredLimits(config: Config): Partial<JobLimits> {
  return {
    queue: config.max_queue,
    seconds: config.job_timeout / 1000,
    pictures: config.max_pictures,
    pixels: config.max_pixels,
    steps: config.max_steps,
  };
}
