/**
 * One double and one single block of FLUX.1 dev at full size with their matrices in every form, on the CPU plugin:
 * `node bench/quantised.ts [SIDE …]`, the picture's side in pixels. Prints times (medians, forms taking turns), temporaries, bytes
 * of weights, and the error of what a block adds to its input: in f32 activations, relative to the same without quantisation.
 *
 * Weights are normal (σ 0.02). Activations are normal, all channels alike (first figure), or with channels of log-normal sizes, so
 * that some are thirty times the others (second figure).
 */

import { FLUX_DEV, fluxPrograms, type Traced } from '../src/models.ts';
import { byteLength, type DType, elementCount, type ModelFloat } from '../src/support/dtype.ts';
import { fromF32, toF32 } from '../src/support/floats.ts';
import { median } from '../src/support/median.ts';
import { quantise } from '../src/weights/quantise.ts';
import { weightKey } from '../src/xla/graph/weights.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';

const TEXT_TOKENS = 512;
const RUNS = 5;
const FORMS = ['plain', 'int8', 'fp8', 'int4'] as const;
const sides = process.argv.slice(2).map(Number);

let state = 1;
function uniform(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state + 0.5) / 2 ** 32;
}
const NORMAL = Float32Array.from(
  { length: 1 << 20 },
  () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
);

/** Normal numbers: rows begin anywhere in one table. */
function normal(shape: readonly number[], sigma: (column: number) => number): Float32Array {
  const width = shape.at(-1)!;
  const values = new Float32Array(elementCount(shape));
  for (let at = 0; at < values.length; at += width) {
    const start = Math.floor(uniform() * NORMAL.length);
    for (let i = 0; i < width; i++) values[at + i] = sigma(i) * NORMAL[(start + i) % NORMAL.length]!;
  }
  return values;
}

const CHANNELS = [() => 1, (column: number) => Math.exp(NORMAL[column]!)];

await using runtime = await Runtime.open({ device: 'cpu' });
for (const side of sides.length > 0 ? sides : [256]) {
  for (const name of ['doubleBlock', 'singleBlock'] as const) await measure(name, side);
}

async function measure(name: 'doubleBlock' | 'singleBlock', side: number): Promise<void> {
  const traced = (compute: ModelFloat, form: (typeof FORMS)[number]): Traced =>
    fluxPrograms(FLUX_DEV, {
      batch: 1,
      prompts: 1,
      imageTokens: (side / 16) ** 2,
      textTokens: TEXT_TOKENS,
      steps: 1,
      compute,
      storage: 'bf16',
      ...(form !== 'plain' && { form }),
    })[name];
  using owned = new DisposableStack();
  const upload = async (values: Float32Array, { dtype, shape }: { dtype: DType; shape: readonly number[] }) =>
    owned.use(await runtime.upload(fromF32(dtype, values), dtype, shape));

  const exact = traced('f32', 'plain');
  const weights: Record<string, ShardedArray> = {};
  for (const spec of exact.weights) {
    const { name: key, shape } = spec;
    const constant = () => new Float32Array(shape[0]!).fill(key.endsWith('bias') ? 0 : 1);
    weights[weightKey(spec)] = await upload(shape.length === 2 ? normal(shape, () => 0.02) : constant(), spec);
  }
  const given = CHANNELS.map((sigma) =>
    Object.fromEntries(
      exact.inputs.map((input, i) => {
        const { shape } = exact.graph.parameters[i]!;
        return [input, normal(shape, input === 'mod' ? () => 0.5 : sigma)];
      }),
    ),
  );
  const inputsOf = async (part: Traced, values: Record<string, Float32Array>) =>
    Object.fromEntries(
      await Promise.all(
        part.inputs.map(async (input, i) => [input, await upload(values[input]!, part.graph.parameters[i]!)] as const),
      ),
    );
  const run = async (part: Traced, inputs: Record<string, ShardedArray>, arrays: Record<string, ShardedArray>) => {
    const program = await runtime.compile(part);
    const start = performance.now();
    const made = Object.entries(
      program.run(
        inputs,
        part.weights.map((spec) => arrays[weightKey(spec)]!),
      ),
    );
    for (const [, array] of made) await array.ready();
    return { ms: performance.now() - start, made };
  };
  /** What a block in f32 adds to its inputs. */
  const added = async (form: (typeof FORMS)[number], arrays: Record<string, ShardedArray>, at: number) => {
    const part = traced('f32', form);
    const { made } = await run(part, await inputsOf(part, given[at]!), arrays);
    return await Promise.all(
      made.map(async ([output, array]) => {
        owned.use(array);
        const values = toF32('f32', await array.toHost(), elementCount(array.shape));
        return values.map((value, i) => value - given[at]![output]![i]!);
      }),
    );
  };

  const reference = [await added('plain', weights, 0), await added('plain', weights, 1)];
  const variants = [];
  for (const form of FORMS) {
    const part = traced('bf16', form);
    const arrays: Record<string, ShardedArray> = { ...weights };
    const start = performance.now();
    for (const weight of part.weights.filter(({ component }) => component === 'values')) {
      const components = part.weights.filter(
        ({ component, name: key, rows }) => component && key === weight.name && rows?.start === weight.rows?.start,
      );
      const made = await quantise(runtime, weights[weightKey(weight)]!, components);
      for (const [i, array] of made.entries()) arrays[weightKey(components[i]!)] = owned.use(array);
    }
    const seconds = (performance.now() - start) / 1000;
    const errors: number[] = [];
    for (const at of [0, 1]) errors.push(relativeError(await added(form, arrays, at), reference[at]!));
    variants.push({
      form,
      part,
      arrays,
      seconds,
      errors,
      inputs: await inputsOf(part, given[0]!),
      times: [] as number[],
    });
  }
  for (let i = 0; i <= RUNS; i++) {
    for (const { part, inputs, arrays, times } of variants) {
      const { ms, made } = await run(part, inputs, arrays);
      if (i > 0) times.push(ms);
      for (const [, array] of made) array.dispose();
    }
  }
  const base = median(variants[0]!.times);
  for (const { form, part, seconds, errors, times } of variants) {
    const executable = (await runtime.compile(part)).executables[0]!;
    const bytes = part.weights.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0);
    const ms = median(times);
    console.log(
      [
        `${name} ${side}² ${form.padEnd(5)} ${ms.toFixed(0)} ms (${(ms / base).toFixed(2)} × plain)`,
        `quantised in ${seconds.toFixed(1)} s`,
        `weights ${(bytes / 2 ** 20).toFixed(1)} MiB`,
        `temporaries ${((executable.memoryStats()?.temporaries ?? Number.NaN) / 2 ** 20).toFixed(0)} MiB`,
        `errors ${errors.map((error) => (100 * error).toFixed(2)).join(' and ')} %`,
      ].join(', '),
    );
  }
}

/** Root of mean squares of the differences, relative to that of the reference. */
function relativeError(found: readonly Float32Array[], reference: readonly Float32Array[]): number {
  let differences = 0;
  let squares = 0;
  for (const [k, values] of reference.entries()) {
    for (const [i, value] of values.entries()) {
      differences += (found[k]![i]! - value) ** 2;
      squares += value ** 2;
    }
  }
  return Math.sqrt(differences / squares);
}
