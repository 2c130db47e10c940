/**
 * Attention on an NVIDIA GPU: cuDNN, Triton, chunked and dense over Flux's shapes, all of the same random q, k and v. Prints one
 * JSON object: for each kernel the median time of a run, and how far its result is from dense attention's.
 * `FLUXION_PJRT_PLUGIN=cuda:PATH node bench/gpu-attention.ts`; another device's plugin is compared in the kernels it has.
 */

import { lower } from '../src/xla/lowering/lower.ts';
import { attention, Client, ensurePlugin, graph, Plugin, parameter, platformOf, print, rearrange } from '../src/xla.ts';

const ROUNDS = 9;
/** Runs of one round, started one after the other: what starting costs counts once. */
const RUNS = 10;

const SHAPES = {
  'dev 1024²': { h: 24, n: 4608, m: 4608, c: 128 },
  'schnell 1024²': { h: 24, n: 4352, m: 4352, c: 128 },
  'dev 512²': { h: 24, n: 1536, m: 1536, c: 128 },
  ragged: { h: 24, n: 1500, m: 77, c: 128 },
} as const;
const SETTINGS = { dense: 'dot_product', cuDNN: 'cudnn_flash_te', Triton: 'flash' } as const;

const plugin = Plugin.load(await ensurePlugin('auto'));
using client = await Client.create(plugin);
const platform = platformOf(client.platformName).name;
const rows: object[] = [];
for (const [shape, { h, n, m, c }] of Object.entries(SHAPES)) {
  const values = [n, m, m].map((tokens, i) => randomBf16(tokens * h * c, i + 1));
  using q = await client.upload(values[0]!, { dtype: 'bf16', shape: [1, n, h * c] });
  using k = await client.upload(values[1]!, { dtype: 'bf16', shape: [1, m, h * c] });
  using v = await client.upload(values[2]!, { dtype: 'bf16', shape: [1, m, h * c] });
  let reference: Float32Array | undefined;
  for (const [kernel, setting] of Object.entries(SETTINGS)) {
    try {
      using executable = await client.compile(program({ h, n, m, c }, setting));
      const out = executable.run([q, k, v])[0]!;
      const result = widened(await out.toHost());
      out.dispose();
      reference ??= result;
      const seconds: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now();
        const made = [];
        for (let run = 0; run < RUNS; run++) made.push(executable.run([q, k, v])[0]!);
        await made.at(-1)!.ready();
        seconds.push((performance.now() - start) / 1000 / RUNS);
        for (const array of made) array.dispose();
      }
      rows.push({
        shape,
        kernel,
        seconds: seconds.sort((a, b) => a - b)[ROUNDS >> 1],
        error: relativeError(result, reference),
      });
    } catch (error) {
      rows.push({ shape, kernel, failed: (error as Error).message.slice(0, 500) });
    }
  }
}
console.log(JSON.stringify({ platform, device: client.defaultDevice.kind, rows }, null, 1));

function program(
  { h, n, m, c }: { h: number; n: number; m: number; c: number },
  setting: (typeof SETTINGS)[keyof typeof SETTINGS],
): string {
  const tokens = [n, m, m].map((count, i) => parameter('qkv'[i]!, 'bf16', [1, count, h * c]));
  const [q, k, v] = tokens.map((x) => rearrange(x, 'b n (h c) -> b h n c', { h }));
  const out = attention(q!, k!, v!, { scale: c ** -0.5 });
  return print(
    lower(graph('attention', tokens, [rearrange(out, 'b h n c -> b n (h c)')]), { platform, attention: setting }),
  );
}

/** Numbers from -1 to 1, the same for a seed. */
function randomBf16(count: number, seed: number): Uint8Array {
  let state = seed;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const halves = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
  return new Uint8Array(halves.buffer);
}

function widened(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** ‖a − b‖ / ‖b‖ */
function relativeError(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}
