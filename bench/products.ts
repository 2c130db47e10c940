/**
 * One linear layer of FLUX.1 on the CPU plugin, written in every way that XLA has a kernel for: `node bench/products.ts [TOKENS …]`. Every round
 * runs all of them one after the other. Prints GFLOP/s by the wall clock and by the time of all threads, medians, and temporaries.
 */

import { cpus } from 'node:os';
import { median } from '../src/support/median.ts';
import { cpuFlags, lower } from '../src/xla/lowering/lower.ts';
import {
  Client,
  type CompileOptions,
  type DType,
  einsum,
  ensurePlugin,
  graph,
  matmulTransposed,
  Plugin,
  parameter,
  print,
  type Tensor,
} from '../src/xla.ts';
import { randomBf16 } from './full-size.ts';

const WIDTH = 3072;
const ROUNDS = 9;
const tokens = process.argv.slice(2).map(Number);

await using client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
const newer = Number(client.plugin.apiVersion.split('.')[1]) >= 115;
const NO_YNNPACK = { xla_cpu_experimental_ynn_fusion_type: '' };
const ONEDNN = { ...NO_YNNPACK, xla_cpu_use_onednn: true, xla_cpu_experimental_onednn_custom_call: true };

interface Way {
  readonly name: string;
  readonly dtype: DType;
  /** x [tokens, in] and a weight [out, in], or [in, out]. */
  readonly product: (x: Tensor, w: Tensor) => Tensor;
  readonly flags?: NonNullable<CompileOptions['flags']>;
  readonly tiles?: boolean;
}

const transposed = (x: Tensor, w: Tensor) => matmulTransposed(x, w);
const asF32 = (x: Tensor, w: Tensor) => matmulTransposed(x, w, 'f32');
const plain: readonly Way[] = [
  { name: 'f32, [out, in]', dtype: 'f32', product: transposed },
  { name: 'f32, [in, out]', dtype: 'f32', product: (x, w) => einsum('n i, i o -> n o', x, w) },
  { name: 'bf16 to f32', dtype: 'bf16', product: asF32 },
  { name: 'bf16 to bf16', dtype: 'bf16', product: transposed },
  { name: 'bf16 widened whole', dtype: 'bf16', product: (x, w) => matmulTransposed(x.cast('f32'), w.cast('f32')) },
  { name: 'bf16 widened in tiles', dtype: 'bf16', product: transposed, tiles: true },
  { name: 's8 to s32', dtype: 'i8', product: (x, w) => matmulTransposed(x, w, 'i32') },
];
const ways = [
  ...plain,
  ...(newer ? plain.map((way) => ({ ...way, name: `${way.name}, without YNNPACK`, flags: NO_YNNPACK })) : []),
  ...(newer ? plain.slice(0, 6).map((way) => ({ ...way, name: `${way.name}, oneDNN`, flags: ONEDNN })) : []),
];

for (const n of tokens.length > 0 ? tokens : [256, 768, 1024]) {
  await using held = new AsyncDisposableStack();
  const upload = async (dtype: DType, shape: readonly number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const bytes = randomBf16(dtype === 'f32' ? 2 * count : count);
    return held.use(await client.upload(dtype === 'i8' ? bytes.subarray(0, count) : bytes, { dtype, shape }));
  };
  const runs = [];
  for (const { name, dtype, product, flags, tiles } of ways) {
    const [x, w] = [parameter('x', dtype, [n, WIDTH]), parameter('w', dtype, [WIDTH, WIDTH])];
    const made = graph('product', [x, w], [product(x, w)]);
    const lowered = tiles ? lower(made, { platform: 'cpu', bf16Products: false }) : made;
    const program = held.use(await client.compile(print(lowered), { flags: { ...cpuFlags(client.plugin), ...flags } }));
    const args = [await upload(dtype, x.shape), await upload(dtype, w.shape)];
    runs.push({ name, program, args, wall: [] as number[], cpu: [] as number[] });
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { program, args, wall, cpu } of runs) {
      const [start, used] = [performance.now(), process.cpuUsage()];
      const [output] = program.run(args);
      await output!.ready();
      const { user, system } = process.cpuUsage(used);
      if (round > 0) {
        wall.push((performance.now() - start) / 1e3);
        cpu.push((user + system) / 1e6 / cpus().length);
      }
      output!.dispose();
    }
  }
  const rate = (seconds: readonly number[]) => ((2 * n * WIDTH * WIDTH) / median(seconds) / 1e9).toFixed(0).padStart(6);
  console.log(`\n[${n}, ${WIDTH}] × [${WIDTH}, ${WIDTH}]                wall    cpu   GFLOP/s, temporaries`);
  for (const { name, program, wall, cpu } of runs) {
    const mib = Number(program.memoryStats()?.temporaries ?? 0) / 2 ** 20;
    console.log(`${name.padEnd(42)}${rate(wall)} ${rate(cpu)}   ${mib.toFixed(0)} MiB`);
  }
}
