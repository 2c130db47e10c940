/** Meshes and what they share out: the arithmetic of sizes, rules as data, parts of arrays, and the text of a partitioned program. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { FLUX_DEV, T5_XXL } from '../../../src/families/flux1/presets.ts';
import { fluxPrograms } from '../../../src/models/flux.ts';
import { t5Programs } from '../../../src/models/t5.ts';
import { elementCount } from '../../../src/support/dtype.ts';
import { localShape, partsOf, type Split } from '../../../src/xla/graph/axes.ts';
import { graph } from '../../../src/xla/graph/graph.ts';
import { attention } from '../../../src/xla/graph/ops.ts';
import { print } from '../../../src/xla/graph/print.ts';
import { shard, sideBySide } from '../../../src/xla/graph/sharding.ts';
import { parameter } from '../../../src/xla/graph/tensor.ts';
import type { WeightSpec } from '../../../src/xla/graph/weights.ts';
import { type MeshSpec, resolveMesh } from '../../../src/xla/lowering/mesh.ts';
import { partition } from '../../../src/xla/lowering/partition.ts';
import { type AxisRule, Sharding } from '../../../src/xla/lowering/rules.ts';
import { partsOfMesh, type SplitArray } from '../../../src/xla/runtime/placement.ts';
import { programText } from '../../../src/xla/runtime/program.ts';
import { fails } from '../../support/fails.ts';

const sharded = (ici: MeshSpec['ici'], devices: number, rules?: readonly AxisRule[]): Sharding =>
  new Sharding({ mesh: resolveMesh({ ici }, devices).axes, rules });

describe('a mesh', () => {
  const sizes = (spec: MeshSpec, devices: number, slices?: number) =>
    Object.fromEntries(resolveMesh(spec, devices, slices).axes.map(({ name, size }) => [name, size]));

  test('takes what is left for the one axis that is -1', () => {
    assert.deepEqual(sizes({ ici: { data: -1 } }, 4), { data: 4, fsdp: 1, context: 1, tensor: 1 });
    assert.deepEqual(sizes({ ici: { data: 2, tensor: -1 } }, 8), { data: 2, fsdp: 1, context: 1, tensor: 4 });
    assert.deepEqual(sizes({ ici: { fsdp: -1 } }, 1), { data: 1, fsdp: 1, context: 1, tensor: 1 });
    assert.deepEqual(sizes({ axes: ['tensor', 'data'], ici: { data: 3, tensor: 2 } }, 6), { tensor: 2, data: 3 });
  });

  test('says the product where it is not the number of devices', () => {
    const refused = (spec: MeshSpec, devices: number, message: RegExp, slices?: number) =>
      fails(() => resolveMesh(spec, devices, slices), 'bad_config', message);
    refused(
      { ici: { data: 4, fsdp: 2 } },
      4,
      /^ici_data_parallelism=4 × ici_fsdp_parallelism=2 × .* asks for 8 devices, and there are 4\n/,
    );
    refused({ ici: { data: 3, fsdp: -1 } }, 4, /asks for a multiple of 3 devices, and there are 4\n/);
    refused({ ici: { data: 2 } }, 4, /asks for 2 devices, and there are 4\n/);
    refused({ ici: { data: 2 } }, 1, /asks for 2 devices, and there is 1\n/);
    refused({ dcn: { data: 2 } }, 4, /dcn_data_parallelism=2 × .* asks for 2 slices, and there is 1\n/);
    refused({ ici: { data: -1, tensor: -1 } }, 4, /ici_data_parallelism and ici_tensor_parallelism are both -1/);
    refused({ ici: { data: 0 } }, 4, /ici_data_parallelism=0: expected a whole number/);
    refused({ axes: ['data', 'stage'] }, 1, /there is no mesh axis 'stage'/);
    refused({ axes: ['data', 'data'] }, 1, /'data' appears twice/);
    refused({ axes: ['data'], ici: { fsdp: 2 } }, 2, /ici_fsdp_parallelism=2, and mesh_axes has no 'fsdp'/);
    refused({ ici: { data: -1 } }, 6, /do not make 4 slices/, 4);
  });

  test('keeps the devices of a slice together along the axes inside it', () => {
    assert.deepEqual(resolveMesh({ ici: { data: 2, fsdp: 2 } }, 4).order, [0, 1, 2, 3]);
    // Two slices of four: data crosses slices outside and goes on inside them.
    const { axes, order } = resolveMesh({ ici: { data: 2, fsdp: 2 }, dcn: { fsdp: 2 } }, 8, 2);
    assert.deepEqual(
      axes.map(({ size }) => size),
      [2, 4, 1, 1],
    );
    assert.deepEqual(order, [0, 1, 4, 5, 2, 3, 6, 7]);
  });
});

describe('rules', () => {
  const split = (sharding: Sharding, axes: (string | null)[], shape: number[], segments?: number[]) =>
    sharding.split({ axes, segments }, shape).map((names) => names.join('+'));

  test('split weights over fsdp and tensor, activations over data, fsdp, context and tensor', () => {
    const mix = sharded({ data: 1, fsdp: 2, context: 2, tensor: 2 }, 8);
    assert.deepEqual(split(mix, ['heads', 'embed'], [64, 32]), ['tensor', 'fsdp']);
    assert.deepEqual(split(mix, ['embed', 'mlp'], [32, 128]), ['fsdp', 'tensor']);
    assert.deepEqual(split(mix, ['norm'], [32]), ['']);
    assert.deepEqual(split(mix, ['activation_batch', 'activation_length', null], [4, 96, 32]), ['fsdp', 'context', '']);
    assert.equal(mix.parts('activation_batch'), 2);
  });

  test('what is not divided is split by the leading axes that divide it, or whole, and noted', () => {
    const mix = sharded({ data: 2, fsdp: 2 }, 4);
    assert.deepEqual(split(mix, ['activation_batch', null], [6, 8]), ['data', '']);
    assert.deepEqual(split(mix, ['activation_batch', null], [3, 8]), ['', '']);
    assert.deepEqual(
      [...mix.notes],
      [
        'activation_batch of 6 is not divided by data=2 × fsdp=2 and is split by data alone',
        'activation_batch of 3 is not divided by data=2 × fsdp=2 and stays whole on every device',
      ],
    );
  });

  test('inside attention heads take the axes of tokens too, and queries take what heads leave', () => {
    const axes = ['activation_batch', 'attention_heads', 'attention_length', null];
    const mix = sharded({ data: 1, context: 2, tensor: 2 }, 4);
    assert.deepEqual(split(mix, axes, [1, 24, 96, 64]), ['', 'tensor+context', '', '']);
    assert.deepEqual(split(mix, axes, [1, 6, 96, 64]), ['', 'tensor', 'context', '']);
    assert.deepEqual(split(mix, axes, [1, 3, 96, 64]), ['', '', 'context', '']);
  });

  test('count in their order; a mesh axis splits one dimension; a later rule of a name is for axes that are taken', () => {
    const rules: AxisRule[] = [
      ['embed', 'fsdp'],
      ['heads', 'fsdp'],
      ['heads', ['tensor']],
      ['mlp', null],
    ];
    const mix = sharded({ data: 1, fsdp: 2, tensor: 2 }, 4, rules);
    assert.deepEqual(split(mix, ['heads', 'embed'], [8, 8]), ['tensor', 'fsdp']);
    assert.deepEqual(split(mix, ['heads', null], [8, 8]), ['fsdp', '']);
    assert.deepEqual(split(mix, ['mlp', 'embed'], [8, 8]), ['', 'fsdp']);
  });

  test('of widths side by side every one is divided, or none', () => {
    const two = sharded({ data: 1, tensor: 2 }, 2);
    assert.deepEqual(split(two, ['embed', 'mlp'], [8, 10], [4, 6]), ['', 'tensor']);
    assert.deepEqual(split(two, ['embed', 'mlp'], [8, 10], [3, 7]), ['', '']);
    assert.deepEqual([two.shares('mlp', [4, 6]), two.shares('mlp', [3, 7])], [2, 1]);
  });

  test('name axes that exist', () => {
    const mesh = resolveMesh({}, 1).axes;
    const refused = (rules: AxisRule[], message: RegExp) =>
      fails(() => new Sharding({ mesh, rules }), 'bad_config', message);
    refused([['embed', 'model']], /logical_axis_rules: embed: there is no mesh axis 'model'/);
    refused([['embedd', 'fsdp']], /there is no logical axis 'embedd'/);
    const data = (dataSharding: string[][]) => () => new Sharding({ mesh, dataSharding });
    fails(data([['dat']]), 'bad_config', /data_sharding: there is no mesh axis 'dat'/);
    fails(data([['data'], ['fsdp']]), 'bad_config', /expected one list/);
    assert.equal(
      new Sharding({ mesh: resolveMesh({ ici: { fsdp: 2 } }, 2).axes, dataSharding: [['data']] }).parts(
        'activation_batch',
      ),
      1,
    );
  });

  const shared = new URL('../../../../shared/maxdiffusion/', import.meta.url);
  test("MaxDiffusion's files, in both their shapes", { skip: !existsSync(shared) && 'its files are not here' }, () => {
    for (const [name, tokens] of [
      ['base_flux_dev.yml', 'context'],
      ['base_flux_schnell.yml', ''],
    ] as const) {
      assert.match(readFileSync(new URL(name, shared), 'utf8'), /logical_axis_rules/);
      const { config } = loadConfig({ file: new URL(name, shared).pathname });
      const { axes } = resolveMesh({ axes: config.mesh_axes, ici: { fsdp: 2, context: 2 } }, 4);
      const { logical_axis_rules: rules, data_sharding: dataSharding } = config;
      const sharding = new Sharding({ mesh: axes, rules, dataSharding });
      const axesOfTokens = ['activation_batch', 'activation_length', null];
      assert.deepEqual(split(sharding, axesOfTokens, [4, 96, 32]), ['fsdp', tokens, ''], name);
      assert.deepEqual(split(sharding, ['heads', 'embed'], [64, 32]), ['', 'fsdp'], name);
    }
  });
});

describe('parts of an array', () => {
  /** Takes every part out and puts it back. */
  function roundTrip(layout: SplitArray): { parts: Float32Array[]; back: Float32Array } {
    const whole = Float32Array.from({ length: elementCount(layout.shape) }, (_, i) => i);
    const bytes = new Uint8Array(whole.buffer);
    const back = new Uint8Array(bytes.length);
    const parts = partsOfMesh(layout).map((part) => {
      const taken = part.take(bytes, 'f32').slice();
      part.put(taken, back, 'f32');
      return new Float32Array(taken.buffer);
    });
    return { parts, back: new Float32Array(back.buffer) };
  }
  const { axes: mesh } = resolveMesh({ ici: { data: 2, fsdp: 3 } }, 6);

  test('rows are looked at in place, columns are copied', () => {
    const shape = [6, 4];
    const rows = partsOfMesh({ shape, split: [['fsdp'], []], mesh });
    const whole = new Uint8Array(96);
    assert.equal(rows[1]!.take(whole, 'f32').buffer, whole.buffer);
    assert.deepEqual(rows[1]!.take(whole, 'f32').byteOffset, 32);
    // Data does not split it: positions along data hold the same parts.
    assert.ok(rows[0] === rows[3] && rows[0] !== rows[1]);
    const columns = partsOfMesh({ shape, split: [[], ['data']], mesh });
    assert.equal(columns[0]!.take(whole, 'f32').length, 48);
    assert.notEqual(columns[0]!.take(whole, 'f32').buffer, whole.buffer);
  });

  test('every element goes to its place and back', () => {
    const splits: [number[], Split][] = [
      [[], []],
      [[6], [['fsdp', 'data']]],
      [
        [4, 6],
        [['data'], ['fsdp']],
      ],
      [
        [6, 4],
        [['fsdp'], ['data']],
      ],
      [
        [2, 3, 4],
        [[], ['fsdp'], ['data']],
      ],
      [
        [2, 6, 5],
        [[], ['data', 'fsdp'], []],
      ],
    ];
    for (const [shape, split] of splits) {
      const { parts, back } = roundTrip({ shape, split, mesh });
      assert.deepEqual([...back], [...back.keys()], `${shape} by ${JSON.stringify(split)}`);
      const local = elementCount(localShape(shape, split, mesh));
      assert.ok(parts.every(({ length }) => length === local));
    }
    const { parts } = roundTrip({ shape: [4, 6], split: [['data'], ['fsdp']], mesh });
    assert.deepEqual([...parts[4]!], [14, 15, 20, 21]);
  });

  test('widths side by side are dealt out share by share', () => {
    const layout = { shape: [1, 9], split: [[], ['fsdp']], mesh, segments: [3, 6], shares: 3 };
    const { parts, back } = roundTrip(layout);
    assert.deepEqual(
      parts.slice(0, 3).map((part) => [...part]),
      [
        [0, 3, 4],
        [1, 5, 6],
        [2, 7, 8],
      ],
    );
    assert.deepEqual([...back], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // Not split after all: the order is the same.
    const whole = roundTrip({ ...layout, split: [[], []] });
    assert.deepEqual([...whole.parts[0]!], [0, 3, 4, 1, 5, 6, 2, 7, 8]);
  });
});

describe('a partitioned program', () => {
  test('says mesh, parameters, results, constraints, gathers and manual regions; without a mesh nothing', () => {
    const x = parameter('x', 'f32', [4, 8], { axes: ['activation_batch', null] });
    const w = parameter('w', 'f32', [8, 8], { axes: ['heads', 'embed'] });
    const y = sideBySide([x.add(1), x], ['activation_batch', 'mlp']);
    const g = graph('main', [x, w], [shard(x.mul(2), ['activation_batch', null]), y, w]);
    const { graph: decided, parameters, results } = partition(g, sharded({ data: 1, fsdp: 2, tensor: 2 }, 4), 1);
    const mesh = resolveMesh({ ici: { fsdp: 2, tensor: 2 } }, 4).axes;
    const text = print(decided, { partition: { mesh, parameters, results } });
    assert.match(
      text,
      /num_partitions = 4 : i32.*\n.*sdy\.mesh @mesh = <\["data"=1, "fsdp"=2, "context"=1, "tensor"=2\]>/,
    );
    assert.match(text, /%arg0: tensor<4x8xf32> \{sdy\.sharding = #sdy\.sharding<@mesh, \[\{"fsdp"\}, \{\}\]>\}/);
    assert.match(
      text,
      /%arg1: tensor<8x8xf32> \{sdy\.sharding = #sdy\.sharding<@mesh, \[\{"tensor"\}, \{"fsdp"\}\]>\}/,
    );
    assert.match(text, /sdy\.sharding_constraint %arg1 <@mesh, \[\{"tensor"\}, \{\}\]> : tensor<8x8xf32>/);
    assert.match(text, /concatenate .* dim = 2 : \(tensor<4x2x4xf32>, tensor<4x2x4xf32>\) -> tensor<4x2x8xf32>/);
    const alone = print(g);
    assert.doesNotMatch(alone, /sdy|partitions/);
    assert.match(alone, /concatenate .* dim = 1 : \(tensor<4x8xf32>, tensor<4x8xf32>\) -> tensor<4x16xf32>/);
  });

  test("attention is each device's own, with a bias where it belongs; causal queries stay whole", () => {
    const part = (mask: 'none' | 'causal', ici: MeshSpec['ici'], devices: number) => {
      const q = parameter('q', 'f32', [2, 6, 8, 4]);
      const bias = parameter('bias', 'f32', [1, 6, 8, 8]);
      const out = attention(q, q, q, { scale: 1, mask, bias });
      const { graph: decided } = partition(graph('main', [q, bias], [out]), sharded(ici, devices), 2);
      const manual = decided.nodes.find(({ op }) => op.kind === 'manual');
      return manual?.op.kind === 'manual' ? manual.op.body.parameters.map(({ shape }) => shape.join('×')) : undefined;
    };
    assert.deepEqual(part('none', { data: 2, tensor: 2 }, 4), ['1×3×8×4', '1×3×8×4', '1×3×8×4', '1×3×8×8']);
    assert.deepEqual(part('none', { context: 4 }, 4), ['2×6×2×4', '2×6×8×4', '2×6×8×4', '1×6×2×8']);
    assert.equal(part('causal', { context: 4 }, 4), undefined);
    assert.equal(part('none', { fsdp: 8, data: 1 }, 8), undefined);
  });
});

test('under FSDP a device holds its share of the full-size weights, within 2 %', () => {
  const types = { compute: 'bf16', storage: 'bf16' } as const;
  const flux = fluxPrograms(FLUX_DEV, {
    batch: 4,
    prompts: 1,
    imageTokens: 4096,
    textTokens: 512,
    steps: 28,
    ...types,
  });
  const t5 = t5Programs(T5_XXL, { batch: 1, tokens: 512, ...types });
  const { layers, singleLayers } = FLUX_DEV;
  const models: [string, [readonly WeightSpec[], number][]][] = [
    [
      'transformer',
      Object.entries(flux).map(([name, { weights }]) => [
        weights,
        name.startsWith('double') ? layers : name.startsWith('single') ? singleLayers : 1,
      ]),
    ],
    ['T5', Object.entries(t5).map(([name, { weights }]) => [weights, name === 'layer' ? T5_XXL.layers : 1])],
  ];
  for (const devices of [4, 8]) {
    const sharding = sharded({ fsdp: devices }, devices);
    for (const [name, uses] of models) {
      let total = 0;
      let own = 0;
      for (const [weights, times] of uses) {
        for (const spec of weights) {
          const parts = partsOf(sharding.split(spec, spec.shape).flat(), sharding.mesh);
          total += times * elementCount(spec.shape);
          own += (times * elementCount(spec.shape)) / parts;
        }
      }
      assert.ok(own <= (total / devices) * 1.02, `${name} on ${devices}: ${own} of ${total}`);
    }
  }
});

test('equal meshes of one device are one device', () => {
  const { doubleBlock } = fluxPrograms(FLUX_DEV, {
    batch: 1, prompts: 1, imageTokens: 64, textTokens: 32, steps: 1, compute: 'bf16', storage: 'bf16',
  }); // biome-ignore format: sizes
  const target = { platform: 'cpu' } as const;
  const text = (sharding: Sharding) =>
    programText(doubleBlock, { target, sharding, precision: 'DEFAULT' }).stages[0]!.text;
  assert.equal(text(sharded({}, 1)), text(new Sharding({ mesh: [] })));
  assert.notEqual(text(sharded({ tensor: 2 }, 2)), text(new Sharding({ mesh: [] })));
});
