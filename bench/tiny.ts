/**
 * The bundled model on this machine, as a person waits for it: `npm run bench` prints JSON.
 * - `process`: whole command lines, cold and with warm caches;
 * - `stages`: what `fluxion bench` measures inside one process.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = 5;
const STEPS = 4;
const PROMPT = 'a red house in the mountains at sunset';
const COMMAND = fileURLToPath(new URL('../bin/fluxion.js', import.meta.url));

function fluxion(...words: string[]): string {
  return execFileSync(process.execPath, [COMMAND, ...words], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
}

/** Seconds from the start of a process to its end, with the picture written. */
function wholeCommand(folder: string, cache: string): number {
  const words = [`num_inference_steps=${STEPS}`, `output_dir=${folder}`, `jax_cache_dir=${cache}`, 'overwrite=true'];
  const start = performance.now();
  fluxion('generate', ...words, '--quiet', PROMPT);
  return (performance.now() - start) / 1000;
}

const folder = mkdtempSync(join(tmpdir(), 'fluxion-bench-'));
try {
  const cache = join(folder, 'cache');
  const firstEver = wholeCommand(folder, cache);
  const warm = Array.from({ length: RUNS }, () => wholeCommand(folder, cache)).sort((a, b) => a - b);
  const stages: unknown = JSON.parse(
    fluxion('bench', 'tiny', 'hardware=cpu', `num_inference_steps=${STEPS}`, '--json', '--runs', String(RUNS)),
  );
  const figures = { process: { steps: STEPS, firstEver, warmCaches: warm[RUNS >> 1], runs: RUNS }, stages };
  console.log(JSON.stringify(figures, undefined, 2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
