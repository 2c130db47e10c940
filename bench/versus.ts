/**
 * Full-size FLUX.1 dev on the CPU, random weights, beside other programs on the same machine in one run:
 *
 *   node bench/versus.ts [--sides 256,512] [--parts double,single,step] [--rounds 5] 'NAME=COMMAND …' …
 *
 *   node bench/versus.ts --serve     answers as such a command does, so that another plugin or other flags can be one: 'old=FLUXION_PJRT_PLUGIN=cpu:PATH node bench/versus.ts --serve'
 *
 *   --form int8   matrices quantised to int8, fp8 or int4
 *   --returned    freed memory goes back to the system, as in programs that use the library; the command line keeps it
 *
 *   LAYERS=5,10   in the environment: a step has five double and ten single blocks instead of 19 and 38, for every contestant
 *
 * A command is such as `diffusers=python tools/reference/time_blocks.py float32`: it answers a line `double 256` by one
 * line of JSON, { seconds, cpu }, wall clock and the time of all its threads. Rounds run everybody one after the other; ratios are
 * medians of the rounds' ratios. On a machine that others use, the processor's time is the better figure. Prints JSON.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { KEPT_MEMORY, keepsMemory } from '../src/cli/kept-memory.ts';
import { FLUX_DEV, fluxPrograms, type Traced } from '../src/models.ts';
import { byteLength, elementCount } from '../src/support/dtype.ts';
import type { QuantisedForm } from '../src/xla/graph/weights.ts';
import { Runtime, type ShardedArray } from '../src/xla.ts';
import { dotFlops, randomBf16 } from './full-size.ts';
import { bestMatmulRate } from './matmul.ts';

const PARTS = ['double', 'single', 'step'] as const;
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

/** Arrays a traced part takes, by parameter. */
async function upload(runtime: Runtime, { graph, inputs }: Traced) {
  const arrays: ShardedArray[] = [];
  for (const { dtype, shape } of graph.parameters) {
    const bytes =
      dtype === 'f32' ? new Float32Array(elementCount(shape)).fill(0.01) : randomBf16(byteLength(dtype, shape) >> 1);
    arrays.push(await runtime.upload(bytes, dtype, shape));
  }
  return {
    inputs: Object.fromEntries(inputs.map((name, i) => [name, arrays[i]!])),
    weights: arrays.slice(inputs.length),
    dispose: () => arrays.forEach((array) => void array.dispose()),
  };
}

/** Fluxion: all double blocks of a step share their weights and so do all single ones, as with the others. */
async function fluxion(runtime: Runtime, side: number) {
  const sizes = { batch: 1, prompts: 1, imageTokens: (side / 16) ** 2, textTokens: 512, steps: 1 } as const;
  const { imageIn, doubleBlock, join, singleBlock, finalLayer } = fluxPrograms(FLUX_DEV, {
    ...sizes,
    compute: 'bf16',
    storage: 'bf16',
    ...(form && { form }),
  });
  const all = { imageIn, doubleBlock, join, singleBlock, finalLayer };
  const held = Object.fromEntries(
    await Promise.all(
      Object.entries(all).map(async ([name, traced]) => {
        return [name, { program: await runtime.compile(traced), ...(await upload(runtime, traced)) }] as const;
      }),
    ),
  );
  const run = (name: keyof typeof all, given: Record<string, ShardedArray> = {}) => {
    const { program, inputs, weights } = held[name]!;
    return program.run({ ...inputs, ...given }, weights);
  };
  const counts = { double: dotFlops(doubleBlock), single: dotFlops(singleBlock) };
  const ends = dotFlops(imageIn) + dotFlops(finalLayer);
  const step = () => {
    const made: ShardedArray[] = [];
    const keep = <T extends Record<string, ShardedArray>>(out: T): T => {
      made.push(...Object.values(out));
      return out;
    };
    let img = keep(run('imageIn'))['img']!;
    let txt = held['doubleBlock']!.inputs['txt']!;
    for (let i = 0; i < doubles; i++) {
      const out = keep(run('doubleBlock', { img, txt }));
      [img, txt] = [out['img']!, out['txt']!];
    }
    let x = keep(run('join', { img, txt }))['x']!;
    for (let i = 0; i < singles; i++) x = keep(run('singleBlock', { x }))['x']!;
    keep(run('finalLayer', { x }));
    return made;
  };
  return {
    flops: { ...counts, step: ends + doubles * counts.double + singles * counts.single },
    async time(part: Part): Promise<Time> {
      const [start, used] = [performance.now(), process.cpuUsage()];
      const outputs = part === 'step' ? step() : Object.values(run(part === 'double' ? 'doubleBlock' : 'singleBlock'));
      await Promise.all(outputs.map((o) => o.ready()));
      const { user, system } = process.cpuUsage(used);
      const time = { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
      for (const output of outputs) output.dispose();
      return time;
    },
    dispose: () => Object.values(held).forEach(({ dispose }) => void dispose()),
  };
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const rounded = (x: number) => Number(x.toPrecision(3));

await using runtime = await Runtime.open({ device: 'cpu' });
if (values.serve) {
  const known = new Map<number, Awaited<ReturnType<typeof fluxion>>>();
  for await (const line of createInterface(process.stdin)) {
    const [part, side] = line.split(' ') as [Part, string];
    const own = known.get(Number(side)) ?? (await fluxion(runtime, Number(side)));
    known.set(Number(side), own);
    console.log(JSON.stringify(await own.time(part)));
  }
  for (const own of known.values()) own.dispose();
  await runtime[Symbol.asyncDispose]();
  process.exit(0);
}
const best = { bf16: await bestMatmulRate('bf16'), f32: await bestMatmulRate('f32') };
const others = positionals.map(external);
const figures: object[] = [];
for (const side of sides) {
  const own = await fluxion(runtime, side);
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
    const rate = own.flops[part] / median(ours.map(({ seconds }) => seconds));
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
  own.dispose();
}
console.log(JSON.stringify({ rounds, bestMatmulGflops: best, figures }, undefined, 2));
for (const { process: child } of others) child.stdin!.end();
