/**
 * Attention on the CPU plugin, whole, in blocks, and as a run on this processor computes it: `node bench/attention.ts [CASE …]` prints a
 * table for each case.
 * Every round runs all candidates one after the other, so that what else the machine does weighs on all alike; ratios are
 * medians of the rounds' ratios to dense attention.
 */

import { FLUX_DEV, fluxPrograms } from '../src/models.ts';
import { median } from '../src/support/median.ts';
import { map } from '../src/xla/graph/map.ts';
import type { AttentionInputs } from '../src/xla/lowering/attention.ts';
import { chunkedAttention } from '../src/xla/lowering/chunked.ts';
import { denseAttention } from '../src/xla/lowering/dense.ts';
import { lower } from '../src/xla/lowering/lower.ts';
import {
  attention, constant, type DeviceArray, type Executable, einsum, type Graph, graph, parameter, print, Runtime, type Tensor,
} from '../src/xla.ts'; // biome-ignore format: a list

const ROUNDS = 7;

interface Case {
  readonly h: number;
  readonly n: number;
  readonly c: number;
  readonly dtype: 'bf16' | 'f32';
  readonly rows: readonly number[];
  /** Rows and keys of a tile of online softmax. */
  readonly tiles?: readonly (readonly [number, number])[];
  readonly rounds?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'flux-96': { h: 24, n: 96, c: 128, dtype: 'bf16', rows: [96] },
  'flux-256': { h: 24, n: 256, c: 128, dtype: 'bf16', rows: [256, 128] },
  'flux-512': { h: 24, n: 512, c: 128, dtype: 'bf16', rows: [512, 256] },
  'flux-768': { h: 24, n: 768, c: 128, dtype: 'bf16', rows: [768, 512, 256] },
  'flux-768-f32': { h: 24, n: 768, c: 128, dtype: 'f32', rows: [768, 512] },
  'flux-1536': { h: 24, n: 1536, c: 128, dtype: 'bf16', rows: [1536, 768, 512, 256], tiles: [[512, 512]] },
  'flux-1536-f32': { h: 24, n: 1536, c: 128, dtype: 'f32', rows: [1536, 768, 512, 256] },
  'flux-4608': { h: 24, n: 4608, c: 128, dtype: 'bf16', rows: [4608, 1536, 512, 256], tiles: [[512, 512]], rounds: 5 },
  't5-256': { h: 64, n: 256, c: 64, dtype: 'bf16', rows: [256, 128] },
  't5-512': { h: 64, n: 512, c: 64, dtype: 'bf16', rows: [512, 256] },
  'vae-1024': { h: 1, n: 1024, c: 512, dtype: 'f32', rows: [1024, 512] },
  'vae-4096': { h: 1, n: 4096, c: 512, dtype: 'f32', rows: [4096, 2048, 1024, 512], tiles: [[1024, 1024]] },
  'vae-16384': { h: 1, n: 16384, c: 512, dtype: 'f32', rows: [2048, 1024, 512], rounds: 5 },
}; // biome-ignore format: a case a line

/** Softmax over keys a tile at a time, with running maximum and sum: nothing larger than a tile of scores is ever whole. */
function onlineAttention({ q, k, v, scale }: AttentionInputs, rows: number, keys: number): Tensor {
  const [, h, n, c] = q.shape as [number, number, number, number];
  const heads = (x: Tensor) => x.reshape([h, n, c]);
  const blocks = heads(q).reshape([h, n / rows, rows, c]);
  return map([blocks, heads(k), heads(v)], [], ([queries, allKeys, values]) =>
    map([queries!], [allKeys!, values!], ([query], [key, value]) => {
      let highest: Tensor<'f32'> = constant(-1e30, 'f32', [rows, 1]);
      let sum: Tensor<'f32'> = constant(0, 'f32', [rows, 1]);
      let out: Tensor<'f32'> = constant(0, 'f32', [rows, c]);
      for (let start = 0; start < n; start += keys) {
        const scores = einsum('n c, m c -> n m', query!, key!.slice(0, start, start + keys), 'f32').mul(scale);
        const next = highest.max(scores.maxOver(1));
        const weights = scores.sub(next).exp();
        const kept = highest.sub(next).exp();
        sum = sum.mul(kept).add(weights.sum(1));
        const added = einsum(
          'n m, m c -> n c',
          weights.cast(q.dtype) as Tensor,
          value!.slice(0, start, start + keys),
          'f32',
        );
        out = out.mul(kept).add(added);
        highest = next;
      }
      return out.div(sum).cast(q.dtype);
    }),
  ).reshape(q.shape);
}

/** Candidates by name, dense attention first. */
function candidates({ h, n, c, dtype, rows, tiles = [] }: Case): Map<string, Graph> {
  const parameters = ['q', 'k', 'v'].map((name) => parameter(name, dtype, [1, h, n, c]));
  const [q, k, v] = parameters;
  const inputs: AttentionInputs = { q: q!, k: k!, v: v!, bias: undefined, scale: c ** -0.5, mask: 'none' };
  const named: [string, Tensor][] = [
    ['dense', denseAttention(inputs)],
    ...rows.map((count): [string, Tensor] => [`${count} rows`, chunkedAttention(inputs, count)]),
    ...tiles.map(([r, m]): [string, Tensor] => [`online ${r} × ${m}`, onlineAttention(inputs, r, m)]),
  ];
  const chosen = graph('attention', parameters, [attention(q!, k!, v!, { scale: inputs.scale })]);
  return new Map([
    ...named.map(([name, out]) => [name, lower(graph('attention', parameters, [out]), { platform: 'cpu' })] as const),
    ['as in a run', lower(chosen, target)],
  ]);
}

/** One single block of FLUX.1 dev, 1024 image and 512 text tokens, as it is and with whole attention. */
function singleBlock(): Map<string, Graph> {
  const types = { compute: 'bf16', storage: 'bf16' } as const;
  const sizes = { batch: 1, prompts: 1, imageTokens: 1024, textTokens: 512, steps: 1, ...types };
  const block = fluxPrograms(FLUX_DEV, sizes).singleBlock.graph;
  const settings = { dense: 'dot_product', auto: 'auto' } as const;
  return new Map(
    Object.entries(settings).map(([name, attention]) => [name, lower(block, { platform: 'cpu', attention })]),
  );
}

await using runtime = await Runtime.open({ device: 'cpu' });
const { client, target } = runtime;
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : [...Object.keys(CASES), 'single-block']) {
  const found = CASES[name];
  await measure(name, found ? candidates(found) : singleBlock(), found?.rounds ?? ROUNDS);
}

/** Values about ±1 in either type; never denormal. */
async function upload({ dtype, shape }: Tensor): Promise<DeviceArray> {
  const count = shape.reduce((n, d) => n * d, 1);
  let state = 1;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const bits = new Uint32Array(values.buffer);
  const bytes = dtype === 'f32' ? bits : Uint16Array.from(bits, (u) => u >>> 16);
  return client.upload(new Uint8Array(bytes.buffer), { dtype, shape });
}

async function measure(name: string, graphs: Map<string, Graph>, rounds: number): Promise<void> {
  using held = new DisposableStack();
  const programs: { label: string; program: Executable; compile: number; times: number[] }[] = [];
  for (const [label, g] of graphs) {
    const start = performance.now();
    const program = held.use(await client.compile(print(g)));
    programs.push({ label, program, compile: performance.now() - start, times: [] });
  }
  const [first] = graphs.values();
  const args: DeviceArray[] = [];
  for (const parameter of first!.parameters) args.push(held.use(await upload(parameter)));
  for (let round = 0; round <= rounds; round++) {
    for (const { program, times } of programs) {
      const start = performance.now();
      const outputs = program.run(args);
      await outputs[0]!.ready();
      // The first round warms up.
      if (round > 0) times.push(performance.now() - start);
      for (const output of outputs) output.dispose();
    }
  }
  const dense = programs[0]!.times;
  console.log(`${name}, median of ${rounds}`);
  for (const { label, program, compile, times } of programs) {
    const ratio = median(times.map((time, i) => time / dense[i]!));
    const temporaries = program.memoryStats()!.temporaries / 1e6;
    console.log(
      `  ${label.padEnd(20)}${median(times).toFixed(1).padStart(9)} ms  × ${ratio.toFixed(2)}  temporaries ${temporaries.toFixed(0)} MB  compile ${(compile / 1000).toFixed(2)} s`,
    );
  }
}
