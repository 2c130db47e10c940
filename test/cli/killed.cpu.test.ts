/** Processes killed at any moment lose nothing: models stay as they are, caches stay usable, outputs are whole or not there. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fluxion, PROGRAM, temporaryFolder } from '../support/command-line.ts';
import { repositoryPath } from '../support/fixture.ts';

const KILLS = 5;

/** Starts the program and kills it after a time; resolves to whether it was still running. */
async function killed(args: readonly string[], cwd: string, milliseconds: number): Promise<boolean> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await Promise.race([sleep(milliseconds), ended]);
  const running = child.exitCode === null;
  child.kill('SIGKILL');
  await ended;
  return running;
}

function digests(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(
    files
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
}

test('a cache folder of its own saves compiling, and is usable after kills while programs load, compile and draw', async () => {
  using folder = temporaryFolder();
  const model = folder.file('model');
  cpSync(repositoryPath('models/tiny'), model, { recursive: true });
  copyFileSync(repositoryPath('models/tiny-lora/pytorch_lora_weights.safetensors'), folder.file('night.safetensors'));
  const before = digests(model);
  const args = [
    'generate', `pretrained_model_name_or_path=${model}`, '--lora', 'night.safetensors:0.7', 'width=64', 'height=64',
    'num_inference_steps=4', 'seed=3', 'batch=1', 'hardware=cpu', `jax_cache_dir=${folder.file('cache')}`, '--quiet', 'a house',
  ]; // biome-ignore format: one command line
  const start = performance.now();
  const make = async (folderName: string, cache: string) => {
    const words = [...args, '--json', `output_dir=${folderName}`, `jax_cache_dir=${folder.file(cache)}`];
    const { status, stdout, stderr } = await fluxion(words, { cwd: folder.path });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /damaged|cannot be loaded/);
    return (JSON.parse(stdout) as { programs: { compiled: number; from_cache: number } }).programs;
  };
  const cold = await make('whole', 'other');
  const duration = performance.now() - start;
  assert.ok(cold.compiled > 5 && cold.from_cache === 0, JSON.stringify(cold));
  assert.ok(readdirSync(folder.file('other')).length > 5);
  assert.deepEqual(await make('warm', 'other'), { compiled: 0, from_cache: cold.compiled });
  let running = 0;
  // Spread over the whole of a run that finds no cache: from the first module to the picture.
  for (let i = 0; i < KILLS; i++) running += Number(await killed(args, folder.path, ((i + 0.5) / KILLS) * duration));
  assert.ok(running >= 2, `${running} of ${KILLS} were still running`);
  assert.deepEqual(digests(model), before, 'the model is as it was');
  await make('again', 'cache');
  const picture = (name: string) =>
    readFileSync(join(folder.path, name, readdirSync(folder.file(name)).find((f) => f.endsWith('.png'))!));
  for (const name of ['warm', 'again']) assert.deepEqual(picture(name), picture('whole'), name);
});

test('killed while it converts', async () => {
  using folder = temporaryFolder();
  const source = repositoryPath('models/tiny');
  const before = digests(source);
  const start = performance.now();
  assert.equal((await fluxion(['convert', source, 'whole', '--shard', '0.001'], { cwd: folder.path })).status, 0);
  const duration = performance.now() - start;
  const wanted = digests(folder.file('whole'));
  for (let i = 0; i < KILLS; i++) {
    const name = `folder${i}`;
    await killed(['convert', source, name, '--shard', '0.001'], folder.path, ((i + 0.5) / KILLS) * duration);
    const there = readdirSync(folder.path).includes(name);
    if (there) assert.deepEqual(digests(folder.file(name)), wanted, `${name} is there and not whole`);
    else assert.equal((await fluxion(['convert', source, name, '--shard', '0.001'], { cwd: folder.path })).status, 0);
  }
  assert.deepEqual(digests(source), before);
  const left = readdirSync(folder.path).filter((name) => name.endsWith('.partial'));
  assert.deepEqual(left, [], 'the next try removes what a killed one left');
});
