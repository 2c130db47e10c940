/** What a configuration says of servers and workers alike: the model and how it is opened, and the bounds of jobs. */

import { basename } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { loadOptions, lorasOf } from '../config/options.ts';
import type { Config } from '../config/schema.ts';
import { Flux } from '../pipeline/flux.ts';
import type { JobLimits } from './jobs.ts';
import { ModelHost } from './model-host.ts';

/** The model of a configuration, which is opened when it is first needed. */
export function configuredHost(config: Config, sources: LoadedConfig['sources']): ModelHost {
  const { pretrained_model_name_or_path: model } = config;
  return new ModelHost({
    name: configuredName(config),
    // LoRAs beside the weights: requests with others share a batch.
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

/** What the model of a configuration is called, as far as can be told before it is opened. */
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
