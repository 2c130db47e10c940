/**
 * Runs the tests that need no device. Starting a process for each file would take longer than most of them do, so files share four, which
 * wait beside each other; what is given behind is for node, such as --test-name-pattern=TEXT.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import './code-cache.js';

const PROCESSES = 4;
/** The files that take more than a second of work and waiting, longest first, dealt before all others so that each process has its share. */
const LONG = [
  'server/listen', 'weights/hub/interrupted', 'weights/hub/network', 'xla/cluster/key-value',
  'server/malformed', 'api/client', 'weights/hub/hub', 'tokenizers/tokenizers',
  'weights/folders/convert', 'xla/lowering/kernels', 'picture/image', 'sampling/noise',
  'weights/lora/settings', 'config/config', 'picture/hostile-pictures', 'weights/folders/pipeline-folder',
].map((name) => `test/${name}.test.ts`); // biome-ignore format: a row for each round

const others = globSync('test/**/*.test.ts', { exclude: ['**/*.{cpu,compilers}.test.ts'] }).sort();
const files = [...new Set([...LONG, ...others.map((file) => file.replaceAll('\\', '/'))])];
const shares = Array.from({ length: PROCESSES }, (_, i) =>
  files.filter((_, at) => {
    const turn = at % (2 * PROCESSES);
    // Forth and back: who had the longest of one round has the shortest of the next.
    return i === Math.min(turn, 2 * PROCESSES - 1 - turn);
  }),
);

const runs = shares.map(async (share) => {
  const child = spawn(process.execPath, ['--test', '--test-isolation=none', ...process.argv.slice(2), ...share], {
    stdio: 'inherit',
  });
  return (await once(child, 'close'))[0];
});
process.exitCode = (await Promise.all(runs)).every((status) => status === 0) ? 0 : 1;
