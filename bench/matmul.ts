/** The machine's best matrix-multiply rate, which every other rate is compared with. */

import { Client, ensurePlugin, Plugin } from '../src/xla.ts';

const [M, K, N] = [1024, 3072, 3072];

/** Multiplies [1024, 3072] by [3072, 3072] transposed on the CPU plugin; the best of `runs`, in FLOP/s. */
export async function bestMatmulRate(dtype: 'f32' | 'bf16', runs = 7): Promise<number> {
  await using client = await Client.create(Plugin.load(await ensurePlugin('cpu')));
  const type = (shape: readonly number[], element: string) => `tensor<${shape.join('x')}x${element}>`;
  const [x, w, y] = [type([M, K], dtype), type([N, K], dtype), type([M, N], 'f32')];
  const text = `module @matmul {
  func.func public @main(%x: ${x}, %w: ${w}) -> ${y} {
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (${x}, ${w}) -> ${y}
    return %0 : ${y}
  }
}`;
  using program = await client.compile(text);
  const bytes = dtype === 'f32' ? 4 : 2;
  using a = await client.upload(new Uint8Array(M * K * bytes), { dtype, shape: [M, K] });
  using b = await client.upload(new Uint8Array(N * K * bytes), { dtype, shape: [N, K] });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    const [out] = program.run([a, b]);
    await out!.ready();
    best = Math.min(best, (performance.now() - start) / 1000);
    out!.dispose();
  }
  return (2 * M * K * N) / best;
}
