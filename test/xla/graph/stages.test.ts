/** Graphs cut into stages: what stands alone, what is made again, and which stages of a Flux block are compiled with which flags. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLUX_DEV, FLUX_VAE, fluxPrograms, type VaeConfig, vaePrograms } from '../../../src/models.ts';
import { graph } from '../../../src/xla/graph/graph.ts';
import { cutIntoStages } from '../../../src/xla/graph/stages.ts';
import { parameter, type Tensor } from '../../../src/xla/graph/tensor.ts';
import { cpuFlags, cpuStages } from '../../../src/xla/lowering/lower.ts';

const AMX = { apiVersion: '0.115', instructions: ['AVX2', 'AVX512', 'AVX512-BF16', 'AMX'] };
const sizes = { batch: 1, prompts: 1, imageTokens: 256, textTokens: 512, steps: 1 } as const;
const bf16 = { ...sizes, compute: 'bf16', storage: 'bf16' } as const;

const kinds = (nodes: readonly Tensor[]) => nodes.map(({ op }) => op.kind).filter((kind) => kind !== 'parameter');

describe('cutting', () => {
  const x = parameter('x', 'f32', [4]);
  const gate = parameter('gate', 'f32', [4]);
  const isExp = ({ op }: Tensor) => op.kind === 'unary' && op.fn === 'exponential';

  test('before, alone and after; gates are made again, not handed over', () => {
    const opened = gate.add(1);
    const before = x.tanh().mul(opened);
    const whole = graph('g', [x, gate], [before.exp().tanh().mul(opened).add(before)]);
    const stages = cutIntoStages(whole, isExp);
    assert.deepEqual(
      stages.map((stage) => kinds(stage.graph.nodes)),
      [
        ['unary', 'constant', 'broadcast', 'binary', 'binary'],
        ['unary'],
        ['unary', 'constant', 'broadcast', 'binary', 'binary', 'binary'],
      ],
    );
    assert.deepEqual(stages[0]!.takes, [x, gate]);
    assert.deepEqual(stages[1]!.takes, [before]);
    assert.deepEqual(
      stages[2]!.takes.map((value) => value === before || value === gate || isExp(value)),
      [true, true, true],
    );
    assert.deepEqual(stages[2]!.gives, whole.outputs);
  });

  test('one after the other, and two at once', () => {
    const two = graph('g', [x], [x.exp().exp()]);
    assert.deepEqual(
      cutIntoStages(two, isExp).map((stage) => kinds(stage.graph.nodes)),
      [['unary'], ['unary']],
    );
    const both = graph('g', [x, gate], [x.exp().add(gate.exp())]);
    assert.deepEqual(
      cutIntoStages(both, isExp).map((stage) => kinds(stage.graph.nodes)),
      [['unary', 'unary'], ['binary']],
    );
  });

  test('stays whole without such a node, with an output that nothing makes, and with one that stands twice', () => {
    const y = x.exp();
    for (const whole of [graph('g', [x], [x.tanh()]), graph('g', [x], [y.tanh(), x])]) {
      const [stage, ...others] = cutIntoStages(whole, isExp);
      assert.equal(stage!.graph, whole);
      assert.equal(others.length, 0);
    }
    const z = y.tanh();
    assert.equal(cutIntoStages(graph('g', [x], [z, z]), isExp).length, 1);
  });
});

describe('a block on a CPU', () => {
  const { doubleBlock, singleBlock, textIn, join } = fluxPrograms(FLUX_DEV, bf16);

  test('with AMX is three programs: oneDNN, attention, oneDNN', () => {
    for (const { graph: g } of [doubleBlock, singleBlock]) {
      const stages = cpuStages(g, AMX);
      assert.deepEqual(
        stages.map(({ flags }) => flags['xla_cpu_use_onednn'] ?? false),
        [true, false, true],
      );
      assert.deepEqual(kinds(stages[1]!.graph.nodes), ['attention']);
      assert.deepEqual(stages.at(-1)!.gives, g.outputs);
      // Every weight is taken once.
      const weights = stages.flatMap(({ takes }) =>
        takes.filter(({ op, shape }) => op.kind === 'parameter' && shape.length === 2 && shape[1]! >= 3072),
      );
      assert.equal(new Set(weights).size, weights.length);
      assert.equal(
        stages.flatMap((stage) => stage.graph.nodes).filter(({ op }) => op.kind === 'dot').length,
        g.nodes.filter(({ op }) => op.kind === 'dot').length,
      );
    }
    assert.equal(cpuStages(textIn.graph, AMX).length, 1);
    assert.equal(cpuStages(textIn.graph, AMX)[0]!.flags['xla_cpu_use_onednn'], true);
    assert.deepEqual(cpuStages(join.graph, AMX)[0]!.flags, cpuFlags(AMX));
  });

  test('stays whole in f32, of integers, of small matrices, with the older XLA and without AMX', () => {
    const whole = (g: typeof singleBlock, cpu: Parameters<typeof cpuStages>[1]) => {
      const [stage, ...others] = cpuStages(g.graph, cpu);
      assert.equal(others.length, 0);
      assert.deepEqual(stage!.flags, cpuFlags(cpu));
    };
    whole(singleBlock, { ...AMX, apiVersion: '0.81' });
    whole(singleBlock, { ...AMX, instructions: ['AVX2', 'AVX512', 'AVX512-BF16'] });
    whole(fluxPrograms(FLUX_DEV, { ...bf16, compute: 'f32', storage: 'f32' }).singleBlock, AMX);
    whole(fluxPrograms(FLUX_DEV, { ...bf16, form: 'int8' }).singleBlock, AMX);
    // Starting two programs more would take longer than products of a small model.
    whole(fluxPrograms({ ...FLUX_DEV, heads: 2 }, bf16).singleBlock, AMX);
  });
});

describe('the decoder on a CPU', () => {
  const small: VaeConfig = { ...FLUX_VAE, blockOutChannels: [16, 32], layersPerBlock: 1, normGroups: 8 };
  const flags = (cfg: VaeConfig, cpu = AMX) =>
    vaePrograms(cfg, { batch: 1, height: 32, width: 32, compute: 'f32', storage: 'f32' }).decode.map(
      ({ traced: { name, graph: g } }) => [name.replace(/_\d.*/, ''), cpuStages(g, cpu)[0]!.flags] as const,
    );
  const plain = (cfg: VaeConfig, cpu = AMX) =>
    new Set(
      flags(cfg, cpu).flatMap(([name, { xla_cpu_experimental_ynn_fusion_type: types }]) => (types === '' ? name : [])),
    );

  test('does without YNNPACK in brief convolutions, of the newer XLA alone', () => {
    assert.deepEqual(plain(small), new Set(['vae_decode_in', 'vae_resnet', 'vae_double', 'vae_decode_out']));
    assert.deepEqual(plain(FLUX_VAE), new Set(['vae_decode_in', 'vae_decode_out']));
    assert.deepEqual(plain(small, { ...AMX, apiVersion: '0.81' }), new Set());
  });
});
