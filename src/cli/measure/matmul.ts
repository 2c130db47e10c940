/** A device's best rate of matrix multiplication, which every other rate is compared with. */

import { type Platform, Runtime, type RuntimeOptions } from '../../xla.ts';

/** Rows, inner size and columns: a linear layer of FLUX.1 on the CPU; elsewhere enough work to fill the device. */
const HOST_SIZES = [1024, 3072, 3072] as const;
const SIZES = [8192, 8192, 8192] as const;
/** Products started at once where the host is not the device, so that starting them takes no part of the time. */
const QUEUED = 8;
const RUNS = 15;

export interface BestMatmul {
  /** FLOP/s of one device. */
  readonly rate: number;
  /** The plugin's name for the device. */
  readonly kind: string;
  readonly platform: Platform;
}

/** Multiplies random matrices with an f32 result on one device, and takes the best of several times. */
export async function bestMatmul(
  options: RuntimeOptions,
  dtype: 'f32' | 'bf16',
  { runs = RUNS, signal }: { readonly runs?: number; readonly signal?: AbortSignal } = {},
): Promise<BestMatmul> {
  await using runtime = await Runtime.open({ ...options, cacheDir: 'none' });
  const { client, platform } = runtime;
  const [m, k, n] = platform.memory === 'host' ? HOST_SIZES : SIZES;
  const type = (shape: readonly number[], element: string) => `tensor<${shape.join('x')}x${element}>`;
  const [x, w, y] = [type([m, k], dtype), type([n, k], dtype), type([m, n], 'f32')];
  const text = `module @matmul {
  func.func public @main(%x: ${x}, %w: ${w}) -> ${y} {
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (${x}, ${w}) -> ${y}
    return %0 : ${y}
  }
}`;
  using program = await client.compile(text);
  const device = runtime.devices[0]!;
  using a = await client.upload(randomValues(m * k, dtype), { dtype, shape: [m, k], device });
  using b = await client.upload(randomValues(n * k, dtype), { dtype, shape: [n, k], device });
  const queued = platform.memory === 'host' ? 1 : QUEUED;
  let best = Number.POSITIVE_INFINITY;
  // The first is not timed.
  for (let i = 0; i <= runs; i++) {
    signal?.throwIfAborted();
    const start = performance.now();
    const outputs = Array.from({ length: queued }, () => program.run([a, b])[0]!);
    await Promise.all(outputs.map((output) => output.ready()));
    if (i > 0) best = Math.min(best, (performance.now() - start) / 1000 / queued);
    for (const output of outputs) output.dispose();
  }
  return { rate: (2 * m * k * n) / best, kind: device.kind, platform };
}

/** Numbers of about ±0.02: zeros would spare some devices power, and so time. */
function randomValues(count: number, dtype: 'f32' | 'bf16'): Uint8Array {
  const bits = dtype === 'f32' ? new Uint32Array(count) : new Uint16Array(count);
  const shift = dtype === 'f32' ? 16 : 0;
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Sign and mantissa are random, the exponent is that of 1/64.
    bits[i] = (((state >>> 16) & 0x8000) | 0x3c80 | ((state >>> 9) & 0x7f)) << shift;
  }
  return new Uint8Array(bits.buffer);
}
