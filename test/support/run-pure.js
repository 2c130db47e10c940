/**
 * Runs the tests that need no device. Starting a process for each file would take longer than most of them do, so files share a few, one of
 * which may wait while the others work; what is given behind is for node, such as --test-name-pattern=TEXT.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import './code-cache.js';

/** Each costs a second and a half to load what all of them load. */
const PROCESSES = Math.min(4, availableParallelism() + 1);
/** What a file takes, in seconds of work and waiting, where that is more than a second. */
const SECONDS = {
  'xla/cluster/key-value': 8, 'server/malformed': 6, 'server/listen': 6, 'weights/hub/network': 6,
  'tokenizers/tokenizers': 6, 'api/client': 5, 'weights/folders/convert': 4, 'weights/hub/hub': 4,
  'xla/lowering/kernels': 4, 'sampling/noise': 4, 'picture/image': 3, 'config/config': 3,
  'picture/hostile-pictures': 2, 'weights/lora/settings': 2, 'weights/folders/pipeline-folder': 2, 'weights/encodings/comfy-quant': 2,
  'picture/mask': 2, 'weights/lora/files': 2,
}; // biome-ignore format: a row for each round
const secondsOf = (file) => SECONDS[file.slice('test/'.length, -'.test.ts'.length)] ?? 0.4;

const files = globSync('test/**/*.test.ts', { exclude: ['**/*.{cpu,compilers}.test.ts'] })
  .map((file) => file.replaceAll('\\', '/'))
  .sort((a, b) => secondsOf(b) - secondsOf(a) || (a < b ? -1 : 1));
const shares = Array.from({ length: PROCESSES }, () => ({ seconds: 0, files: [] }));
for (const file of files) {
  const least = shares.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  least.files.push(file);
  least.seconds += secondsOf(file);
}

const runs = shares.map(async (share) => {
  const child = spawn(process.execPath, ['--test', '--test-isolation=none', ...process.argv.slice(2), ...share.files], {
    stdio: 'inherit',
  });
  return (await once(child, 'close'))[0];
});
process.exitCode = (await Promise.all(runs)).every((status) => status === 0) ? 0 : 1;
