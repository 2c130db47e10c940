/**
 * Full-size FLUX.1 dev on the CPU, random weights, beside other programs on the same machine in one run:
 *
 *   node bench/versus.ts [--sides 256,512] [--parts double,single,encode,step,decode] [--rounds 5] 'NAME=COMMAND …' …
 *
 *   node bench/versus.ts --serve     answers as such a command does, so that another plugin or other flags can be one: 'old=FLUXION_PJRT_PLUGIN=cpu:PATH node bench/versus.ts --serve'
 *
 *   --form int8   matrices quantised to int8, fp8 or int4
 *   --returned    freed memory goes back to the system, as in programs that use the library; the command line keeps it
 *
 *   LAYERS=5,10   in the environment: a step has five double and ten single blocks instead of 19 and 38, for every contestant
 *
 * encode is T5 with 512 tokens and CLIP; decode is the autoencoder's half, in f32.
 *
 * A command is such as `diffusers=python tools/reference/time_blocks.py float32`: it answers a line `double 256` by one
 * line of JSON, { seconds, cpu }, wall clock and the time of all its threads. Rounds run everybody one after the other; ratios are
 * medians of the rounds' ratios. On a machine that others use, the processor's time is the better figure. Prints JSON.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { KEPT_MEMORY, keepsMemory } from '../src/cli/kept-memory.ts';
import { pixelPrograms, textPrograms } from '../src/models/programs.ts';
import { CLIP_L, countFlops, FLUX_DEV, FLUX_VAE, fluxPrograms, T5_XXL, type Traced } from '../src/models.ts';
import { byteLength, elementCount } from '../src/support/dtype.ts';
import { getOrMake } from '../src/support/get-or-make.ts';
import { median } from '../src/support/median.ts';
import type { QuantisedForm } from '../src/xla/graph/weights.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';
import { randomBf16 } from './full-size.ts';
import { bestMatmulRate } from './matmul.ts';

const PARTS = ['double', 'single', 'encode', 'step', 'decode'] as const;
type Part = (typeof PARTS)[number];

interface Time {
  readonly seconds: number;
  readonly cpu: number;
}

interface Contestant {
  readonly name: string;
  time(part: Part, side: number): Promise<Time>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sides: { type: 'string', default: '256,512' },
    parts: { type: 'string', default: PARTS.join() },
    rounds: { type: 'string', default: '5' },
    serve: { type: 'boolean', default: false },
    form: { type: 'string' },
    returned: { type: 'boolean', default: false },
  },
});
if (!keepsMemory && !values.returned)
  process.execve!(process.execPath, process.argv.with(0, process.execPath), { ...process.env, ...KEPT_MEMORY });
const form = values.form as QuantisedForm | undefined;
const sides = values.sides.split(',').map(Number);
const parts = PARTS.filter((part) => values.parts.split(',').includes(part));
const rounds = Number(values.rounds);
const [doubles, singles] = (process.env['LAYERS']?.split(',').map(Number) ?? [
  FLUX_DEV.layers,
  FLUX_DEV.singleLayers,
]) as [number, number];

/** Another program, asked line by line. */
function external(text: string): Contestant & { readonly process: ChildProcess } {
  const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!name || !command) throw new Error(`'${text}' is not NAME=COMMAND`);
  const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    name,
    process: child,
    async time(part, side) {
      child.stdin.write(`${part} ${side}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${name} has ended`);
      return JSON.parse(value) as Time;
    },
  };
}

type Held = Awaited<ReturnType<typeof prepare>>;

/** A traced part's program, and arrays it takes. */
async function prepare(runtime: Runtime, traced: Traced) {
  const { graph, inputs } = traced;
  const program = await runtime.compile(traced);
  const arrays: ShardedArray[] = [];
  for (const { dtype, shape } of graph.parameters) {
    const bytes =
      dtype === 'f32' ? new Float32Array(elementCount(shape)).fill(0.01) : randomBf16(byteLength(dtype, shape) >> 1);
    arrays.push(await runtime.upload(bytes, dtype, shape));
  }
  return {
    program,
    inputs: Object.fromEntries(inputs.map((name, i) => [name, arrays[i]!])),
    weights: arrays.slice(inputs.length),
    dispose: () => arrays.forEach((array) => void array.dispose()),
  };
}

/** Fluxion: all double blocks of a step share their weights and so do all single ones and all layers of an encoder, as with the others. */
function fluxion(runtime: Runtime, side: number) {
  const types = { compute: 'bf16', storage: 'bf16', ...(form && { form }) } as const;
  const sizes = { batch: 1, prompts: 1, imageTokens: (side / 16) ** 2, textTokens: 512, steps: 1 } as const;
  const { imageIn, doubleBlock, join, singleBlock, finalLayer } = fluxPrograms(FLUX_DEV, { ...sizes, ...types });
  const { clip, t5 } = textPrograms({ clip: CLIP_L, t5: T5_XXL }, sizes.textTokens, types);
  const latents = { height: side / 8, width: side / 8, decode: { batch: 1 } };
  const { decode } = pixelPrograms(FLUX_VAE, latents, { compute: 'f32', storage: 'f32' });
  const known = new Map<Traced, Promise<Held>>();
  const hold = (traced: Traced) => getOrMake(known, traced, () => prepare(runtime, traced));
  const prepared = async (list: readonly Traced[]) =>
    new Map(await Promise.all(list.map(async (traced) => [traced, await hold(traced)] as const)));
  const uses: Record<Part, readonly (readonly [Traced, number])[]> = {
    double: [[doubleBlock, 1]],
    single: [[singleBlock, 1]],
    encode: [
      [clip.embed, 1], [clip.layer, CLIP_L.layers], [clip.pool, 1],
      [t5.embed, 1], [t5.bias, 1], [t5.layer, T5_XXL.layers], [t5.finalNorm, 1],
    ], // biome-ignore format: a list
    step: [[imageIn, 1], [doubleBlock, doubles], [join, 1], [singleBlock, singles], [finalLayer, 1]], // biome-ignore format: a list
    decode: decode.map(({ traced }) => [traced, 1]),
  };
  const fits = (found: ShardedArray | undefined, wanted: ShardedArray) =>
    found !== undefined && found.dtype === wanted.dtype && found.shape.join() === wanted.shape.join();
  const flops = (part: Part) =>
    uses[part].reduce((sum, [traced, runs]) => sum + runs * countFlops(traced.graph).total, 0);
  return {
    flops,
    /** Programs run with inputs of their own, except that blocks follow each other, as their weights do in memory. */
    async time(part: Part): Promise<Time> {
      const held = await prepared(uses[part].map(([traced]) => traced));
      const made: ShardedArray[] = [];
      const [start, used] = [performance.now(), process.cpuUsage()];
      let given: Record<string, ShardedArray> = {};
      for (const [traced, runs] of uses[part]) {
        const { program, inputs, weights } = held.get(traced)!;
        for (let i = 0; i < runs; i++) {
          const own = Object.entries(inputs).map(([name, array]) => [
            name,
            fits(given[name], array) ? given[name]! : array,
          ]);
          given = program.run(Object.fromEntries(own), weights);
          made.push(...Object.values(given));
        }
      }
      await Promise.all(made.map((output) => output.ready()));
      const { user, system } = process.cpuUsage(used);
      const time = { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
      for (const output of made) output.dispose();
      return time;
    },
    dispose: async () => {
      for (const held of known.values()) (await held).dispose();
    },
  };
}

const rounded = (x: number) => Number(x.toPrecision(3));

await using runtime = await Runtime.open({ device: 'cpu' });
if (values.serve) {
  const known = new Map<number, ReturnType<typeof fluxion>>();
  for await (const line of createInterface(process.stdin)) {
    const [part, side] = line.split(' ') as [Part, string];
    const own = getOrMake(known, Number(side), () => fluxion(runtime, Number(side)));
    console.log(JSON.stringify(await own.time(part)));
  }
  for (const own of known.values()) await own.dispose();
  await runtime[Symbol.asyncDispose]();
  process.exit(0);
}
const best = { bf16: await bestMatmulRate('bf16'), f32: await bestMatmulRate('f32') };
const others = positionals.map(external);
const figures: object[] = [];
for (const side of sides) {
  const own = fluxion(runtime, side);
  for (const part of parts) {
    const contestants: Contestant[] = [{ name: 'fluxion', time: own.time }, ...others];
    const times = contestants.map((): Time[] => []);
    // The first round warms up; a step is many runs of the same blocks, the first of which matters little.
    for (let round = part === 'step' ? 1 : 0; round <= rounds; round++) {
      for (const [i, contestant] of contestants.entries()) {
        const time = await contestant.time(part, side);
        if (round > 0) times[i]!.push(time);
      }
    }
    const ours = times[0]!;
    const against = (i: number, key: keyof Time) =>
      rounded(median(ours.map((time, round) => time[key] / times[i]![round]![key])));
    const rate = own.flops(part) / median(ours.map(({ seconds }) => seconds));
    const figure = {
      part,
      side,
      gflops: rounded(rate / 1e9),
      shareOfBestMatmul: rounded(rate / Math.max(best.bf16, best.f32)),
      contestants: contestants.map(({ name }, i) => ({
        name,
        seconds: rounded(median(times[i]!.map(({ seconds }) => seconds))),
        cpuSeconds: rounded(median(times[i]!.map(({ cpu }) => cpu))),
        ...(i > 0 && { fluxionTakes: against(i, 'seconds'), fluxionTakesCpu: against(i, 'cpu') }),
      })),
    };
    figures.push(figure);
    process.stderr.write(`${JSON.stringify(figure)}\n`);
  }
  await own.dispose();
}
console.log(JSON.stringify({ rounds, bestMatmulGflops: best, figures }, undefined, 2));
for (const { process: child } of others) child.stdin!.end();
