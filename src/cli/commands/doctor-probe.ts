/**
 * A process of its own, run by the doctor: loads a plugin, compiles and runs a small program and compares the result with
 * arithmetic done here. A plugin that crashes takes only this process with it.
 */

import { Client, graph, liveCounts, matmulTransposed, Plugin, parameter, print } from '../../xla.ts';

/** Facts about a working plugin, printed as JSON on the last line of standard output. */
export interface Probe {
  readonly apiVersion: string;
  readonly platform: string;
  /** The newest StableHLO that its XLA reads, if the plugin reports it. */
  readonly stablehlo: string | undefined;
  /** Kinds of the devices this process can use. */
  readonly devices: readonly string[];
  /** Memory of the first device in bytes, if the plugin reports it. */
  readonly deviceMemory?: number;
  readonly compileSeconds: number;
  /** Largest error of the program's result, relative to the largest value. */
  readonly relativeError: number;
}

const SIDE = 64;

async function probe(path: string): Promise<Probe> {
  const plugin = Plugin.load(path);
  await using client = await Client.create(plugin);
  const a = Float32Array.from({ length: SIDE * SIDE }, (_, i) => Math.sin(i));
  const x = parameter('x', 'f32', [SIDE, SIDE]);
  const start = performance.now();
  // tanh(x xᵀ / 8): a matrix product and a function.
  const program = graph('probe', [x], [matmulTransposed(x, x).div(8).tanh()]);
  using executable = await client.compile(print(program, { precision: 'HIGHEST' }));
  const compileSeconds = (performance.now() - start) / 1000;
  using input = await client.upload(new Uint8Array(a.buffer), { dtype: 'f32', shape: [SIDE, SIDE] });
  const [output] = executable.run([input]);
  using result = output!;
  const values = new Float32Array((await result.toHost()).buffer);
  let worst = 0;
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) sum += a[i * SIDE + k]! * a[j * SIDE + k]!;
      const error = Math.abs(values[i * SIDE + j]! - Math.tanh(sum / 8));
      worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    }
  }
  const deviceMemory = client.defaultDevice.memoryStats()?.bytesLimit;
  return {
    apiVersion: plugin.apiVersion,
    platform: client.platformName,
    stablehlo: [plugin.attributes().get('stablehlo_current_version') ?? []].flat().join('.') || undefined,
    devices: client.addressableDevices.map(({ kind }) => kind),
    ...(deviceMemory !== undefined && { deviceMemory }),
    compileSeconds,
    relativeError: worst,
  };
}

if (import.meta.main) {
  const found = await probe(process.argv[2]!);
  const left = liveCounts();
  if (Object.keys(left).length > 0) throw new Error(`native objects were left behind: ${JSON.stringify(left)}`);
  // Plugins keep threads running, so the process must be ended.
  process.stdout.write(`\n${JSON.stringify(found)}\n`, () => process.exit(0));
}
