/** The fused attention kernels, compiled by the real compilers for TPUs and an H200 that are not here. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLUX_DEV, fluxPrograms } from '../../../src/models.ts';
import { type AttentionOptions, lower, type PlatformName } from '../../../src/xla/lowering/lower.ts';
import { Sharding } from '../../../src/xla/lowering/rules.ts';
import { programText } from '../../../src/xla/runtime/program.ts';
import { attention, type Float, findPlugin, graph, parameter, print, rearrange } from '../../../src/xla.ts';
import { type CompileRequest, compileAhead } from '../../support/compile-ahead.ts';

interface Case extends AttentionOptions {
  readonly h: number;
  readonly n: number;
  readonly m?: number;
  readonly c: number;
  readonly dtype?: Float;
  readonly mask?: 'causal';
  readonly bias?: 'bias';
  /** Most bytes of temporaries: what is padded is copied, what is not is used in place. */
  readonly temporaries: number;
}

/** Attention as the models have it: heads come out of and go back into the width of a token. */
function program({ h, n, m = n, c, dtype = 'bf16', mask, bias, ...options }: Case, platform: PlatformName): string {
  const tokens = [n, m, m].map((count, i) => parameter('qkv'[i]!, dtype, [1, count, h * c]));
  const [q, k, v] = tokens.map((x) => rearrange(x, 'b n (h c) -> b h n c', { h }));
  const added = bias ? [parameter('bias', dtype, [1, h, n, m])] : [];
  const out = attention(q!, k!, v!, { scale: c ** -0.5, ...(mask && { mask }), ...(bias && { bias: added[0]! }) });
  const whole = graph('attention', [...tokens, ...added], [rearrange(out, 'b h n c -> b n (h c)')]);
  return print(lower(whole, { platform, ...options }));
}

const FLUX = { h: 24, n: 4608, c: 128, temporaries: 0 } as const;
const block = (size: number) => ({ blockQ: size, blockKv: size, blockKvCompute: size });

/** On every TPU. */
const TPU: Readonly<Record<string, Case>> = {
  'Flux, 1024² and 512 text tokens': FLUX,
  'ragged, in pieces': {
    h: 2, n: 300, m: 700, c: 128, attention: 'flash', temporaries: 2 ** 21,
    flashBlockSizes: { blockQ: 128, blockKv: 512, blockKvCompute: 256 },
  },
  'narrow heads': { h: 4, n: 256, c: 64, attention: 'flash', temporaries: 2 ** 21 },
  'wide heads': { h: 1, n: 2048, c: 512, attention: 'flash', temporaries: 0 },
}; // biome-ignore format: one case a line

/** On v6e besides: the blocks of MaxDiffusion's files and examples, and what the limits of memory allow. */
const TRILLIUM: Readonly<Record<string, Case>> = {
  'Flux, 1024² and 256 text tokens': { ...FLUX, n: 4352 },
  'blocks of 256': { ...FLUX, flashBlockSizes: block(256) },
  'blocks of 512': { ...FLUX, flashBlockSizes: block(512) },
  'blocks of 1536': { ...FLUX, flashBlockSizes: block(1536) },
  'queries by 256, keys by 2176': { ...FLUX, n: 4352, flashBlockSizes: { ...block(2176), blockQ: 256 } },
  'blocks of 2304 in pieces of 768': { ...FLUX, flashBlockSizes: { ...block(2304), blockKvCompute: 768 } },
  'powers of e': { ...FLUX, flashBlockSizes: block(512), useBase2Exp: false },
};

const TOPOLOGIES = ['v4:2x2x1', 'v5e:2x2', 'v5p:2x2x1', 'v6e:2x2', 'tpu7x:2x2x1'] as const;

const H200: Readonly<Record<string, Case>> = {
  'cuDNN: Flux': { ...FLUX, temporaries: 1024 },
  'cuDNN: causal': { h: 12, n: 77, c: 64, mask: 'causal', attention: 'cudnn_flash_te', temporaries: 1024 },
  'cuDNN: bias': { h: 64, n: 512, c: 64, bias: 'bias', attention: 'cudnn_flash_te', temporaries: 1024 },
  'Triton: Flux': { ...FLUX, attention: 'flash' },
  'Triton: ragged': { h: 2, n: 4500, m: 77, c: 128, attention: 'flash', temporaries: 0 },
  'Triton: narrow': { h: 2, n: 600, m: 40, c: 16, attention: 'flash', temporaries: 0 },
  'Triton: wide': { h: 1, n: 4096, c: 256, attention: 'flash', temporaries: 0 },
  'Triton: f16': { h: 2, n: 600, m: 700, c: 64, dtype: 'f16', attention: 'flash', temporaries: 0 },
};

/** Compiles all cases at once, and checks that the kernel is there and nothing large beside it. */
async function check(target: Omit<CompileRequest, 'programs'>, cases: Readonly<Record<string, Case>>): Promise<void> {
  const programs = Object.fromEntries(
    Object.entries(cases).map(([name, options]) => [name, program(options, target.device)]),
  );
  const results = await compileAhead({ ...target, programs });
  for (const [name, { temporaries, bias }] of Object.entries(cases)) {
    const result = results.get(name)!;
    assert.equal(result.error, undefined, `${name}: ${result.error}`);
    const cudnn = bias ? '__cudnn$fmhaScaleBiasSoftmax' : '__cudnn$fmhaSoftmax';
    const gpu = name.startsWith('cuDNN') ? cudnn : '__gpu$xla.gpu.triton';
    assert.deepEqual(result.calls, [target.device === 'tpu' ? 'tpu_custom_call' : gpu], name);
    assert.ok(result.temporaries! <= temporaries, `${name}: ${result.temporaries} bytes of temporaries`);
  }
}

const missing = (device: 'tpu' | 'cuda'): string | false =>
  findPlugin(device) ? false : `the plugin for ${device} is not installed: fluxion plugins install ${device}`;

describe('TPUs', { skip: missing('tpu') }, () => {
  for (const topology of TOPOLOGIES) {
    test(topology, () => check({ device: 'tpu', topology }, topology === 'v6e:2x2' ? { ...TPU, ...TRILLIUM } : TPU));
  }
});

/** A single block of FLUX.1 dev, four pictures over four chips. */
function shardedBlock(axis: 'fsdp' | 'context'): string {
  const types = { compute: 'bf16', storage: 'bf16' } as const;
  const block = fluxPrograms(FLUX_DEV, {
    batch: 4,
    prompts: 4,
    imageTokens: 1024,
    textTokens: 512,
    steps: 1,
    ...types,
  });
  const sharding = new Sharding({ mesh: [{ name: axis, size: 4 }] });
  return programText(block.singleBlock, { target: { platform: 'tpu' }, sharding, precision: 'DEFAULT' }).stages[0]!
    .text;
}

test('the kernel runs on its own shard of a mesh, v6e:2x2', { skip: missing('tpu') }, async () => {
  const axes = ['fsdp', 'context'] as const;
  const programs = Object.fromEntries(axes.map((axis) => [axis, shardedBlock(axis)]));
  const shapes = {
    fsdp: 'tensor<1x1536x3072xbf16>', // one picture, all heads
    context: 'tensor<4x1536x768xbf16>', // all pictures, six heads, from shares of the tokens
  } as const;
  const results = await compileAhead({ device: 'tpu', topology: 'v6e:2x2', partitions: 4, programs });
  for (const axis of axes) {
    const { error, calls } = results.get(axis)!;
    assert.equal(error, undefined, `${axis}: ${error}`);
    assert.deepEqual(calls, ['tpu_custom_call'], axis);
    const call = programs[axis]!.split('\n').find((line) => line.includes('@tpu_custom_call'))!;
    assert.ok(call.endsWith(` -> ${shapes[axis]}`), `${axis}: ${call.slice(-120)}`);
  }
});

describe('NVIDIA GPUs', { skip: missing('cuda') }, () => {
  test('H200', () => check({ device: 'cuda', topology: '1x1x1' }, H200));
});
