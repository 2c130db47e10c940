/**
 * One double and one single block of FLUX.1 dev at full size with random weights, on the CPU plugin, and what is before and after them:
 * `node bench/blocks.ts [SIDE …]`, the picture's side in pixels, or `WIDTHxHEIGHT`; `256+256` has a reference picture beside it. Prints
 * times, of the clock and of all processors, rates and temporaries as JSON, and what a step of all blocks comes to.
 */

import { countFlops, FLUX_DEV, fluxPrograms, type Traced } from '../src/models.ts';
import { median } from '../src/support/median.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';
import { randomBf16 } from './full-size.ts';
import { bestMatmulRate } from './matmul.ts';

const TEXT_TOKENS = 512;
const RUNS = 5;
const pictures = process.argv.slice(2);

const rate = await bestMatmulRate('bf16');
await using runtime = await Runtime.open({ device: 'cpu' });
const figures: object[] = [];
for (const picture of pictures.length > 0 ? pictures : ['256', '512']) {
  const [imageTokens = 0, referenceTokens] = picture.split('+').map((size) => {
    const [width = 0, height = width] = size.split('x').map(Number);
    return (width / 16) * (height / 16);
  });
  const sizes = {
    batch: 1,
    prompts: 1,
    imageTokens,
    referenceTokens,
    textTokens: TEXT_TOKENS,
    steps: 1,
    compute: 'bf16',
    storage: 'bf16',
  } as const;
  const parts = fluxPrograms(FLUX_DEV, sizes);
  const runs = [
    [parts.imageIn, 1],
    [parts.doubleBlock, FLUX_DEV.layers],
    [parts.singleBlock, FLUX_DEV.singleLayers],
    [parts.finalLayer, 1],
  ] as const;
  const step = { picture, part: 'step', seconds: 0, processorSeconds: 0 };
  for (const [part, times] of runs) {
    const measured = await measure(part);
    step.seconds += times * measured.seconds;
    step.processorSeconds += times * measured.processorSeconds;
    figures.push({ picture, ...measured });
  }
  figures.push(step);
}
console.log(JSON.stringify({ bestMatmulGflops: rate / 1e9, blocks: figures }, undefined, 2));

async function measure(part: Traced) {
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
  const busy: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const begin = performance.now();
    const before = process.cpuUsage();
    const outputs = Object.values(program.run(inputs, weights));
    await Promise.all(outputs.map((o) => o.ready()));
    const { user, system } = process.cpuUsage(before);
    if (i > 0) times.push((performance.now() - begin) / 1000);
    if (i > 0) busy.push((user + system) / 1e6);
    for (const output of outputs) output.dispose();
  }
  for (const array of arrays) array.dispose();
  const seconds = median(times);
  const temporaries = program.memory.temporaries;
  return {
    part: part.name,
    compileSeconds: compile,
    seconds,
    processorSeconds: median(busy),
    gflops: flops / seconds / 1e9,
    shareOfBestMatmul: flops / seconds / rate,
    temporaryMiB: temporaries / 2 ** 20,
  };
}
