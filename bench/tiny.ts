/**
 * The bundled model on this machine: `npm run bench` prints JSON.
 * - `process`: whole command lines, cold and with warm caches, as a person waits for them;
 * - `stages`: medians inside one process, with the share of the best matrix-multiply rate.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Flux } from '../src/index.ts';
import { fluxPrograms, openPipelineFolder } from '../src/models.ts';
import { Runtime } from '../src/xla.ts';
import { bestMatmulRate } from './matmul.ts';

const RUNS = 5;
const STEPS = 4;
const PROMPT = 'a red house in the mountains at sunset';
const COMMAND = fileURLToPath(new URL('../bin/fluxion.js', import.meta.url));
const MODEL = fileURLToPath(new URL('../models/tiny', import.meta.url));

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Seconds from the start of a process to its end, with the picture written. */
function wholeCommand(folder: string, cache: string): number {
  const words = [`num_inference_steps=${STEPS}`, `output_dir=${folder}`, `jax_cache_dir=${cache}`, 'overwrite=true'];
  const start = performance.now();
  execFileSync(process.execPath, [COMMAND, 'generate', ...words, '--quiet', PROMPT], { stdio: 'ignore' });
  return (performance.now() - start) / 1000;
}

/** Floating-point operations of one step of one 128 × 128 picture, as the compiler counts them. */
async function stepFlops(): Promise<number> {
  await using runtime = await Runtime.open({ device: 'cpu' });
  const { transformer } = openPipelineFolder(MODEL);
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens: 64,
    textTokens: 32,
    steps: STEPS,
    compute: 'bf16',
    storage: 'bf16',
  } as const;
  const parts = fluxPrograms(transformer, sizes);
  const uses = [
    [parts.imageIn, 1],
    [parts.doubleBlock, transformer.layers],
    [parts.singleBlock, transformer.singleLayers],
    [parts.finalLayer, 1],
  ] as const;
  let total = 0;
  for (const [part, count] of uses) {
    const { executable } = await runtime.compile(part);
    total += count * Number(executable.costAnalysis()?.get('flops') ?? 0);
  }
  return total;
}

const folder = mkdtempSync(join(tmpdir(), 'fluxion-bench-'));
try {
  const cache = join(folder, 'cache');
  const first = wholeCommand(folder, cache);
  const warm = Array.from({ length: RUNS }, () => wholeCommand(folder, cache));

  const stages: Record<'encode' | 'step' | 'decode' | 'picture', number[]> = {
    encode: [],
    step: [],
    decode: [],
    picture: [],
  };
  {
    await using flux = await Flux.load('tiny', { device: 'cpu' });
    for (let run = 0; run <= RUNS; run++) {
      const start = performance.now();
      for await (const event of flux.stream({ prompt: PROMPT, steps: STEPS, seed: run })) {
        // The first run places weights and compiles.
        if (event.type !== 'done' || run === 0) continue;
        const { timings } = event.report;
        stages.encode.push(timings.encode);
        stages.step.push(timings.secondsPerStep);
        stages.decode.push(timings.decode);
        stages.picture.push((performance.now() - start) / 1000);
      }
    }
  }
  const [bf16, f32] = [await bestMatmulRate('bf16'), await bestMatmulRate('f32')];
  const flops = await stepFlops();
  const step = median(stages.step);
  const figures = {
    process: { steps: STEPS, firstEver: first, warmCaches: median(warm), runs: RUNS },
    stages: Object.fromEntries(Object.entries(stages).map(([name, values]) => [name, median(values)])),
    rates: {
      unit: 'GFLOP/s',
      bestMatmulBf16: bf16 / 1e9,
      bestMatmulF32: f32 / 1e9,
      step: flops / step / 1e9,
      stepShareOfBest: flops / step / bf16,
    },
    stepGigaflop: flops / 1e9,
  };
  console.log(JSON.stringify(figures, undefined, 2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
