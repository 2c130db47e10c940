/** Weights made by a rule: the same on the host, on a device and over a mesh, and good for whole runs without a file. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BUNDLED_FOLDER } from '../../src/families/flux1/published.ts';
import { Flux, type LoadOptions } from '../../src/index.ts';
import { elementCount } from '../../src/support/dtype.ts';
import { fromF32 } from '../../src/support/floats.ts';
import { placeGenerated } from '../../src/weights/generate.ts';
import { generateValues, generateWeights } from '../../src/weights/random.ts';
import type { WeightSpec } from '../../src/xla/graph/weights.ts';
import { type MeshOptions, Runtime } from '../../src/xla/runtime/runtime.ts';

const MATRIX: WeightSpec = { name: 'double_blocks.3.img_attn.qkv.weight', dtype: 'f32', shape: [36, 20], axes: ['heads', 'embed'] }; // biome-ignore format: a row
const ROWS: WeightSpec = { ...MATRIX, shape: [12, 20], rows: { start: 12, end: 24, of: 36 } };
const KERNEL: WeightSpec = { name: 'decoder.conv_in.weight', dtype: 'bf16', shape: [6, 5, 3, 3], axes: ['conv_out', 'conv_in', null, null] }; // biome-ignore format: a row
const SCALE: WeightSpec = { name: 'norm.query_norm.scale', dtype: 'f32', shape: [7], axes: ['norm'] };
const BIAS: WeightSpec = { name: 'linear1.bias', dtype: 'bf16', shape: [9], axes: [null] };

function onHost(spec: WeightSpec): Uint8Array {
  const { generated } = generateWeights([spec], 0).get(spec)!;
  return fromF32(spec.dtype, generateValues(generated!, elementCount(spec.shape)));
}

async function onDevices(spec: WeightSpec, mesh?: MeshOptions): Promise<Uint8Array> {
  await using runtime = await Runtime.open({ device: 'cpu', ...(mesh && { mesh, cpuDevices: 4 }) });
  using placed = await placeGenerated(runtime, spec, generateWeights([spec], 0).get(spec)!.generated!, 0);
  return placed.toHost();
}

describe('random weights', () => {
  test('have the same bits on the host, on a device and on four', async () => {
    for (const spec of [MATRIX, ROWS, KERNEL, SCALE, BIAS]) {
      assert.deepEqual(Buffer.from(await onDevices(spec)), Buffer.from(onHost(spec)), spec.name);
    }
    for (const spec of [MATRIX, ROWS]) {
      for (const ici of [
        { data: 1, fsdp: -1 },
        { data: 1, tensor: -1 },
      ])
        assert.deepEqual(Buffer.from(await onDevices(spec, { ici })), Buffer.from(onHost(spec)), JSON.stringify(ici));
    }
  });

  test('rows of a weight are those of the whole', () => {
    const whole = new Float32Array(onHost(MATRIX).buffer);
    assert.deepEqual(new Float32Array(onHost(ROWS).buffer), whole.subarray(12 * 20, 24 * 20));
  });

  test('are spread as they should be, and differ by name and seed', () => {
    const spec = { ...MATRIX, shape: [512, 300] };
    const source = (name: string, seed: number) =>
      generateValues([...generateWeights([{ ...spec, name }], seed).values()][0]!.generated!, 512 * 300);
    const values = source('a', 0);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
    assert.ok(Math.abs(mean) < 0.001 && Math.abs(variance * 300 - 1) < 0.02, `${mean}, ${variance * 300}`);
    for (const lag of [1, 2, 300, 4096]) {
      let product = 0;
      for (let i = lag; i < values.length; i++) product += values[i]! * values[i - lag]!;
      assert.ok(Math.abs((product / values.length) * 300) < 0.02, `correlated at ${lag}`);
    }
    assert.notDeepEqual(source('b', 0), values);
    assert.notDeepEqual(source('a', 1), values);
  });

  test('make pictures of the bundled model’s shape, the same each time, and no NaN', async () => {
    const picture = async () => {
      await using flux = await Flux.load('tiny', { weights: 'random', device: 'cpu' });
      const [image] = await flux.generate({ prompt: 'a', steps: 2, width: 64, height: 48 });
      return image!;
    };
    const [a, b] = [await picture(), await picture()];
    assert.deepEqual(a.data, b.data);
    assert.ok(new Set(a.data).size > 10);
    assert.equal(a.recipe.model.weights, 'random');
    assert.equal(a.recipe.model.fingerprint, undefined);
  });

  test('stand in for the parts that no file is given for, of a model whose sizes are known', async () => {
    const options = { weights: 'random', device: 'cpu' } as const;
    const picture = async (load: LoadOptions) => {
      await using flux = await Flux.load('tiny', { ...options, ...load });
      const [image] = await flux.generate({ prompt: 'a', steps: 1, width: 32, height: 32 });
      return image!.data;
    };
    const vae = join(BUNDLED_FOLDER, 'vae');
    assert.notDeepEqual(await picture({ vae }), await picture({}));
    await assert.rejects(picture({ vae: 'a.safetensors' }), /a\.safetensors: no such file/);
    await assert.rejects(Flux.load('nobody/knows', options), /the sizes of 'nobody\/knows' are not known/);
  });
});
