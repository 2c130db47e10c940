/**
 * Freed memory stays with the process, in huge pages. XLA allocates a program's temporaries anew for each run; glibc would return them
 * to the system, which would clear every page again: a fifth of a step on a processor with AMX (docs/measurements/cpu.md).
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { attempt } from '../support/attempt.ts';
import { log } from '../support/log.ts';
import type { Session } from './command.ts';

/** glibc reads it once, when a process starts. */
const VARIABLE = 'GLIBC_TUNABLES';
/** One arena, for large blocks too; what is free at its end goes back above 2 GiB. */
const SETTINGS = ['arena_max=1', 'mmap_max=0', `trim_threshold=${2 ** 31}`, 'hugetlb=1'];
/** The environment of a process that keeps freed memory. */
export const KEPT_MEMORY: Readonly<Record<string, string>> = {
  [VARIABLE]: SETTINGS.map((setting) => `glibc.malloc.${setting}`).join(':'),
};
/** Variables by which somebody has chosen how memory is allocated. */
const CHOSEN = [VARIABLE, 'LD_PRELOAD', 'MALLOC_ARENA_MAX', 'MALLOC_MMAP_MAX_', 'MALLOC_TRIM_THRESHOLD_'];

/** Bytes of weights from which a run takes so long that starting twice does not matter. */
const LARGE = 2 ** 30;

/** Whether this process keeps freed memory. */
export const keepsMemory: boolean = process.env[VARIABLE] === KEPT_MEMORY[VARIABLE];
// Programs that this one starts are not meant.
if (keepsMemory) delete process.env[VARIABLE];

/** Starts the process again so that it keeps freed memory, if it may run a large model on the CPU and nobody has chosen otherwise. */
export async function keepFreedMemory(config: Config, { restart }: Pick<Session, 'restart'>): Promise<void> {
  const { hardware, pretrained_model_name_or_path: model, transformer } = config;
  if (keepsMemory || !restart || process.platform !== 'linux') return;
  if (CHOSEN.some((name) => process.env[name]) || ![model, transformer].some((path) => path && isLarge(path))) return;
  const { platformOf } = await import('../xla.ts');
  if (hardware !== 'auto' && platformOf(hardware).memory !== 'host') return;
  log('debug', 'starting again, so that freed memory is kept');
  restart(KEPT_MEMORY);
}

/** Whether a model's file or folder is large. What is not on this machine is a published model; what cannot be read is refused later. */
function isLarge(path: string): boolean {
  return path !== 'tiny' && attempt(() => bytesOf(path, 2), LARGE) >= LARGE;
}

/** Bytes of a file, or of the files in a folder and in `depth - 1` levels of its subfolders. */
function bytesOf(path: string, depth: number): number {
  const found = statSync(path);
  if (!found.isDirectory()) return found.size;
  if (depth === 0) return 0;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name), depth - 1), 0);
}
