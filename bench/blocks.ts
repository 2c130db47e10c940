/**
 * One double and one single block of FLUX.1 dev at full size with random weights, on the CPU plugin:
 * `node bench/blocks.ts [SIDE …]`, the picture's side in pixels. Prints times, rates and temporaries as JSON.
 */

import { countFlops, FLUX_DEV, fluxPrograms, type Traced } from '../src/models.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';
import { randomBf16 } from './full-size.ts';
import { bestMatmulRate } from './matmul.ts';

const TEXT_TOKENS = 512;
const RUNS = 5;
const sides = process.argv.slice(2).map(Number);

const rate = await bestMatmulRate('bf16');
await using runtime = await Runtime.open({ device: 'cpu' });
const figures: object[] = [];
for (const side of sides.length > 0 ? sides : [256, 512]) {
  const imageTokens = (side / 16) ** 2;
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens,
    textTokens: TEXT_TOKENS,
    steps: 1,
    compute: 'bf16',
    storage: 'bf16',
  } as const;
  const parts = fluxPrograms(FLUX_DEV, sizes);
  for (const part of [parts.doubleBlock, parts.singleBlock]) figures.push({ side, ...(await measure(part)) });
}
console.log(JSON.stringify({ bestMatmulGflops: rate / 1e9, blocks: figures }, undefined, 2));

async function measure(part: Traced): Promise<object> {
  const { total: flops } = countFlops(part.graph);
  const start = performance.now();
  const program = await runtime.compile(part);
  const compile = (performance.now() - start) / 1000;
  const arrays: ShardedArray[] = [];
  for (const { dtype, shape } of part.graph.parameters) {
    const count = shape.reduce((n, d) => n * d, 1);
    const bytes = dtype === 'bf16' ? randomBf16(count) : new Uint8Array(count * 4);
    arrays.push(await runtime.upload(bytes, dtype, shape));
  }
  const inputs = Object.fromEntries(part.inputs.map((name, i) => [name, arrays[i]!]));
  const weights = arrays.slice(part.inputs.length);
  const times: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const begin = performance.now();
    const outputs = Object.values(program.run(inputs, weights));
    await Promise.all(outputs.map((o) => o.ready()));
    if (i > 0) times.push((performance.now() - begin) / 1000);
    for (const output of outputs) output.dispose();
  }
  for (const array of arrays) array.dispose();
  const seconds = times.sort((a, b) => a - b)[RUNS >> 1]!;
  const temporaries = program.memory.temporaries;
  return {
    part: part.name,
    compileSeconds: compile,
    seconds,
    gflops: flops / seconds / 1e9,
    shareOfBestMatmul: flops / seconds / rate,
    temporaryMiB: temporaries / 2 ** 20,
  };
}
