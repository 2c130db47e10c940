/** A worker of a configuration. */

import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { configuredHost, configuredLimits } from '../configured.ts';
import { ServerLog, type ServerLogOptions } from '../server-log.ts';
import { requireQueueUrl } from './connection.ts';
import { QueueWorker, type QueueWorkerOptions } from './queue-worker.ts';

/** What a worker is opened with besides its configuration. */
export interface OpenWorkerOptions extends Pick<QueueWorkerOptions, 'onProgress'> {
  /** What says which keys the command line set. */
  readonly sources?: LoadedConfig['sources'];
  /** Where lines of the log go; by default, there is none. */
  readonly write?: ServerLogOptions['write'] | undefined;
}

/** Makes the worker of a configuration, which begins with `start`. Throws `bad_config` for what is no address of a queue. */
export function openWorker(config: Config, { sources = {}, write, onProgress }: OpenWorkerOptions = {}): QueueWorker {
  requireQueueUrl(config.queue);
  return new QueueWorker({
    url: config.queue,
    host: configuredHost(config, sources),
    slots: config.worker_jobs,
    timeout: config.worker_timeout,
    limits: configuredLimits(config),
    log: write && new ServerLog({ write }),
    onProgress,
  });
}
