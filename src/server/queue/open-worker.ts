/** Makes a worker from a configuration. */

import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { configuredHost, configuredLimits } from '../configured.ts';
import { ServerLog, type ServerLogOptions } from '../server-log.ts';
import { requireQueueUrl } from './connection.ts';
import { QueueWorker, type QueueWorkerOptions } from './queue-worker.ts';

/** Options of a worker besides its configuration. */
export interface OpenWorkerOptions extends Pick<QueueWorkerOptions, 'onProgress'> {
  /** Where each key was set, such as on the command line. */
  readonly sources?: LoadedConfig['sources'];
  /** Writes a line of the log; by default, there is no log. */
  readonly write?: ServerLogOptions['write'] | undefined;
}

/** Makes the worker of a configuration; `start` starts it. Throws `bad_config` if `queue` is not an address. */
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
