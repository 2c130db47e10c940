/** Tells whether this machine has TPUs or a place in a pod: only then may libtpu ask Google Cloud's metadata server. */

import { existsSync } from 'node:fs';
import { pluginEntries } from './plugin-table.ts';

/** Variables that tell a machine its position in a pod if there is no metadata server. */
const PLACE = ['TPU_WORKER_ID', 'TPU_WORKER_HOSTNAMES', 'TPU_PROCESS_ADDRESSES', 'MEGASCALE_COORDINATOR_ADDRESS'];

/**
 * Variables to add to libtpu's environment. Without a TPU, libtpu would block the calling thread for minutes to ask Google Cloud's metadata
 * server, which a machine of a pod needs to find the others.
 */
export function tpuEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): Readonly<Record<string, string>> {
  const here = pluginEntries('tpu')[0].deviceFiles.some(exists) || isInPod(env);
  return here || env['TPU_SKIP_MDS_QUERY'] !== undefined ? {} : { TPU_SKIP_MDS_QUERY: '1' };
}

/** Tells whether the environment gives this machine a place in a pod. */
export function isInPod(env: Readonly<Record<string, string | undefined>>): boolean {
  return PLACE.some((name) => env[name]);
}
