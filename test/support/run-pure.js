/**
 * Runs the tests that need no device. Starting a process for each file would take longer than most of them do, so files share four, which
 * wait beside each other; what is given behind is for node, such as --test-name-pattern=TEXT.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import './code-cache.js';

const SHARDS = 4;

const runs = Array.from({ length: SHARDS }, async (_, i) => {
  const shard = ['--test', '--test-isolation=none', `--test-shard=${i + 1}/${SHARDS}`];
  const files = 'test/**/!(*.cpu|*.compilers).test.ts';
  const child = spawn(process.execPath, [...shard, ...process.argv.slice(2), files], { stdio: 'inherit' });
  return (await once(child, 'close'))[0];
});
process.exitCode = (await Promise.all(runs)).every((status) => status === 0) ? 0 : 1;
