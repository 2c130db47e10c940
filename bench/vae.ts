/**
 * The full-size autoencoder of FLUX.1 with random weights on the CPU plugin, as a whole and in bands of rows:
 * `node bench/vae.ts [SIDE] [BUDGET_MIB …]`, the picture's side in pixels and the bytes that a program may take in between. Runs take
 * turns. Prints as JSON, for both directions: seconds, the most that a program keeps alive by the compiler's count and by our own
 * estimate, and how far the result is from that of the whole.
 */

import { FLUX_VAE, type VaePart, vaeBytes, vaePrograms } from '../src/models.ts';
import { median } from '../src/support/median.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';

const RUNS = Number(process.env['RUNS'] ?? 5);
const [side = 512, ...budgets] = process.argv.slice(2).map(Number);

let state = 1;
/** About normal: the sum of uniform numbers. */
function random(): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    sum += state / 2 ** 31 - 1;
  }
  return sum;
}

await using runtime = await Runtime.open({ device: 'cpu' });
const weights = new Map<string, ShardedArray>();
async function weightsOf({ traced, scope }: VaePart): Promise<ShardedArray[]> {
  const arrays: ShardedArray[] = [];
  for (const { name, shape } of traced.weights) {
    const key = `${scope}.${name}`;
    const count = shape.reduce((n, d) => n * d, 1);
    const spread = shape.length === 1 ? 0.1 : (shape.slice(1).reduce((n, d) => n * d, 1) / 2) ** -0.5;
    const middle = /norm.*weight/.test(name) ? 1 : 0;
    const made = weights.get(key);
    const values = made ? undefined : Float32Array.from({ length: count }, () => middle + spread * random());
    const array = made ?? (await runtime.upload(values!, 'f32', shape));
    weights.set(key, array);
    arrays.push(array);
  }
  return arrays;
}

async function run(parts: readonly VaePart[], input: ShardedArray): Promise<{ values: Float32Array; seconds: number }> {
  let x: Record<string, ShardedArray> = { x: input };
  let seconds = 0;
  for (const part of parts) {
    const program = await runtime.compile(part.traced);
    const own = await weightsOf(part);
    const given = x['x']!;
    const start = performance.now();
    x = program.run({ [part.traced.inputs[0]!]: given }, own);
    await Promise.all(Object.values(x).map((array) => array.ready()));
    seconds += (performance.now() - start) / 1000;
    if (given !== input) given.dispose();
  }
  const [first, ...others] = Object.values(x);
  for (const array of others) array.dispose();
  using result = first!;
  return { values: new Float32Array((await result.toHost()).buffer), seconds };
}

async function counted(parts: readonly VaePart[]): Promise<number> {
  let most = 0;
  for (const { traced } of parts) {
    const stats = (await runtime.compile(traced)).executables[0]!.memoryStats()!;
    const given = traced.graph.parameters[0]!.shape.reduce((n, d) => n * d, 4);
    most = Math.max(most, given + stats.outputs + stats.temporaries);
  }
  return most;
}

const figures: object[] = [];
for (const direction of ['decode', 'encode'] as const) {
  const latent = side / 8;
  const sizes = { batch: 1, height: latent, width: latent, compute: 'f32', storage: 'f32' } as const;
  const variants = [undefined, ...budgets].map((mebibytes) => ({
    mebibytes,
    parts: vaePrograms(FLUX_VAE, { ...sizes, budget: mebibytes && mebibytes * 2 ** 20 })[direction],
    seconds: [] as number[],
    errors: [] as number[],
  }));
  const { shape } = variants[0]!.parts[0]!.traced.graph.parameters[0]!;
  const values = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random() / 2);
  using input = await runtime.upload(values, 'f32', shape);
  let expected: Float32Array | undefined;
  for (let round = 0; round < RUNS; round++) {
    for (const variant of variants) {
      const result = await run(variant.parts, input);
      variant.seconds.push(result.seconds);
      expected ??= result.values;
      if (round === 0) variant.errors = [...result.values.map((v, i) => Math.abs(v - expected![i]!)).sort()];
    }
  }
  for (const { mebibytes, parts, seconds, errors } of variants) {
    figures.push({
      direction,
      side,
      budgetMiB: mebibytes ?? 'none',
      seconds: median(seconds),
      ratio: median(seconds.map((s, i) => s / variants[0]!.seconds[i]!)),
      aliveMiB: (await counted(parts)) / 2 ** 20,
      estimatedMiB: vaeBytes(parts) / 2 ** 20,
      errorAt99Percent: errors[Math.floor(errors.length * 0.99)],
      largestError: errors.at(-1),
    });
  }
}
for (const array of weights.values()) array.dispose();
console.log(JSON.stringify(figures, undefined, 2));
