/** Merging adapters that are no low-rank product into one weight of full size: their products on the host, and on the device. */

import { FLUX1 } from '../src/families/flux1/flux1.ts';
import { LoraModel, loadAdapter } from '../src/weights/lora/adapter.ts';
import { type Matrix, multiply } from '../src/weights/lora/matrix.ts';
import { Overlay } from '../src/weights/lora/overlay.ts';
import { multiplied } from '../src/weights/merge.ts';
import { Runtime } from '../src/xla/runtime/runtime.ts';
import { drawer, loraFile, type Values } from '../test/support/lora.ts';

const [ROWS, COLUMNS, RANK, RUNS] = [12_288, 3072, 16, 5];
const spec = {
  name: 'double_blocks.0.img_mlp.0.weight',
  dtype: 'bf16',
  shape: [ROWS, COLUMNS],
  axes: [null, null],
} as const;
const model = new LoraModel(FLUX1, [spec]);
const key = 'lora_unet_double_blocks_0_img_mlp_0';
const draw = drawer(1);
const pair = { [`${key}.lora_down.weight`]: draw(RANK, COLUMNS), [`${key}.lora_up.weight`]: draw(ROWS, RANK) };
const files: Record<string, Record<string, Values>> = {
  'DoRA by row': { ...pair, [`${key}.dora_scale`]: draw(ROWS, 1) },
  'DoRA by column': { ...pair, [`${key}.dora_scale`]: draw(1, COLUMNS) },
  GLoRA: {
    [`${key}.a1.weight`]: draw(COLUMNS, RANK),
    [`${key}.a2.weight`]: draw(RANK, COLUMNS),
    [`${key}.b1.weight`]: draw(ROWS, RANK),
    [`${key}.b2.weight`]: draw(RANK, COLUMNS),
  },
  'LoHa, rank 32': Object.fromEntries(
    [1, 2].flatMap((n) => [
      [`${key}.hada_w${n}_a`, draw(ROWS, 32)],
      [`${key}.hada_w${n}_b`, draw(32, COLUMNS)],
    ]),
  ),
};
const base = draw(ROWS, COLUMNS).data;

await using runtime = await Runtime.open({ device: 'cpu' });
const ways = {
  host: async (left: Matrix, right: Matrix) => multiply(left, right),
  device: (left: Matrix, right: Matrix) => multiplied(runtime, left, right),
};
for (const [name, tensors] of Object.entries(files)) {
  const seconds: Record<string, number[]> = { host: [], device: [] };
  const path = loraFile(tensors);
  for (let run = -1; run < RUNS; run++) {
    for (const [way, product] of Object.entries(ways)) {
      // Anew each time: column norms are remembered.
      const adapter = await loadAdapter({ path }, model, { strict: true });
      const rows = (start: number, end: number) => base.slice(start * COLUMNS, end * COLUMNS);
      const start = performance.now();
      await new Overlay([[{ adapter, scale: 0.5 }]], 'merged').change(spec, { rows, multiply: product });
      // The first compiles.
      if (run >= 0) seconds[way]!.push((performance.now() - start) / 1000);
    }
  }
  const [host, device] = [seconds['host']!, seconds['device']!].map((all) => all.sort((a, b) => a - b)[RUNS >> 1]!);
  console.log(`${name}: host ${host!.toFixed(2)} s, device ${device!.toFixed(2)} s, ${(host! / device!).toFixed(1)}×`);
}
