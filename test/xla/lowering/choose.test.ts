/** The table of attention kernels, the blocks of the TPU's, and what the calls say. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CustomCall } from '../../../src/xla/graph/custom-call.ts';
import {
  type AttentionKernel,
  attentionChoices,
  lower,
  PLATFORMS,
  settleAttention,
  type Target,
} from '../../../src/xla/lowering/lower.ts';
import { flashBlocks, vmemBytes } from '../../../src/xla/lowering/splash.ts';
import { attention, type Float, type Graph, graph, parameter, print } from '../../../src/xla.ts';
import { fails } from '../../support/fails.ts';

interface Node {
  readonly h?: number;
  readonly n?: number;
  readonly c?: number;
  readonly dtype?: Float;
  readonly bias?: 'bias';
  readonly mask?: 'causal';
}

/** A graph of one attention; Flux's of 1024² and 512 text tokens unless told otherwise. */
function one({ h = 24, n = 4608, c = 128, dtype = 'bf16', bias, mask }: Node = {}): Graph {
  const [q, k, v] = ['q', 'k', 'v'].map((name) => parameter(name, dtype, [1, h, n, c]));
  const added = bias ? [parameter('bias', dtype, [1, h, n, n])] : [];
  const options = { scale: c ** -0.5, ...(mask && { mask }), ...(bias && { bias: added[0]! }) };
  return graph('attention', [q!, k!, v!, ...added], [attention(q!, k!, v!, options)]);
}

const CLIP = { h: 12, n: 77, c: 64, mask: 'causal' } as const;
const T5 = { h: 64, n: 512, c: 64, bias: 'bias' } as const;
const VAE = { h: 1, n: 16384, c: 512 } as const;

const TABLE: readonly (readonly [Target, Node, AttentionKernel, RegExp])[] = [
  [{ platform: 'cpu' }, {}, 'chunked', /1944.0 MiB of scores/],
  [{ platform: 'cpu' }, { n: 96 }, 'dense', /0.8 MiB of scores/],
  [{ platform: 'cpu' }, CLIP, 'dense', /no causal mask/],
  [{ platform: 'cpu' }, T5, 'chunked', /64.0 MiB of scores/],
  [{ platform: 'cpu' }, { ...VAE, dtype: 'f32' }, 'chunked', /1024.0 MiB of scores/],
  [{ platform: 'cpu', attention: 'flash' }, {}, 'chunked', /scores/],
  [{ platform: 'cpu', attention: 'dot_product' }, {}, 'dense', /^attention=dot_product$/],
  [{ platform: 'tpu' }, {}, 'splash', /scores/],
  [{ platform: 'tpu' }, VAE, 'splash', /scores/],
  [{ platform: 'tpu' }, { n: 96 }, 'dense', /splash is not worth its call/],
  [{ platform: 'tpu', attention: 'flash' }, { n: 96 }, 'splash', /scores/],
  [{ platform: 'tpu' }, { dtype: 'f32' }, 'chunked', /splash takes bf16, not f32/],
  [{ platform: 'tpu' }, T5, 'dense', /splash takes no bias/],
  [{ platform: 'tpu' }, CLIP, 'dense', /splash takes no causal mask/],
  [{ platform: 'cuda' }, {}, 'cudnn', /scores/],
  [{ platform: 'cuda', computeCapability: 7.5 }, {}, 'triton', /cudnn needs compute capability 8.0, this is 7.5/],
  [{ platform: 'cuda', attention: 'flash' }, {}, 'triton', /scores/],
  [{ platform: 'cuda', attention: 'flash' }, T5, 'cudnn', /triton takes no bias/],
  [{ platform: 'cuda', attention: 'cudnn_flash_te' }, CLIP, 'cudnn', /scores/],
  [{ platform: 'cuda' }, T5, 'dense', /cudnn is not taken unasked/],
  [{ platform: 'cuda' }, { dtype: 'f32' }, 'chunked', /cudnn takes bf16 or f16, not f32; triton takes/],
  [{ platform: 'cuda', computeCapability: 9 }, { h: 1, c: 256, n: 4096 }, 'cudnn', /scores/],
  [{ platform: 'cuda' }, { h: 1, c: 256, n: 4096 }, 'triton', /cudnn takes heads up to 128 wide, not 256/],
  [{ platform: 'cuda' }, VAE, 'dense', /triton takes heads 16, 32, 64, 128 or 256 wide, not 512/],
  [{ platform: 'metal' }, {}, 'chunked', /scores/],
];

describe('the table of attention kernels', () => {
  for (const [target, node, kernel, why] of TABLE) {
    const { h = 24, n = 4608, c = 128, dtype = 'bf16' } = node;
    const { platform, attention: setting = 'auto' } = target;
    test(`${platform}, ${setting}, ${dtype} ${h} heads of ${c}, ${n} tokens: ${kernel}`, () => {
      const g = one(node);
      const [choice] = attentionChoices(g, target);
      assert.equal(choice!.kernel, kernel);
      assert.match(choice!.why, why);
      const kinds = lower(g, target).nodes.map(({ op }) => op.kind);
      assert.equal(kinds.includes('attention'), false);
      assert.equal(kinds.includes('customCall'), ['splash', 'cudnn', 'triton'].includes(kernel));
      assert.equal(kinds.includes('map'), kernel === 'chunked');
    });
  }

  test('cuDNN is for NVIDIA alone', () => {
    const asked = { attention: 'cudnn_flash_te', attentionFallback: 'auto' } as const;
    assert.deepEqual(settleAttention(PLATFORMS.cuda, asked, 'h200').warnings, []);
    const { attention, warnings } = settleAttention(PLATFORMS.tpu, asked, 'v6e');
    assert.equal(attention.attention, 'auto');
    assert.match(
      warnings.join(),
      /^attention=cudnn_flash_te is not available on v6e: .*NVIDIA.*; auto is used instead$/,
    );
    const { attentionFallback: _, ...strict } = asked;
    fails(() => settleAttention(PLATFORMS.tpu, strict, 'v6e'), 'unsupported', /on v6e: .*NVIDIA/);
    assert.equal(settleAttention(PLATFORMS.tpu, { attention: 'flash' }, 'v6e').attention.attention, 'flash');
  });
});

describe('blocks', () => {
  const sizes = (n: number, asked = {}, c = 128) => {
    const { blockQ, blockKv, blockKvCompute } = flashBlocks({ n, m: n, c }, asked);
    return [blockQ, blockKv, blockKvCompute];
  };
  test("fill up exactly at Flux's sizes", () => {
    assert.deepEqual(sizes(4608), [1536, 1536, 1536]);
    assert.deepEqual(sizes(4352), [1088, 2176, 2176]);
    assert.deepEqual(sizes(1536), [1536, 1536, 1536]);
    for (const n of [1280, 1536, 2816, 4352, 4608, 16384]) {
      const [blockQ, blockKv] = sizes(n);
      assert.deepEqual([n % blockQ!, n % blockKv!], [0, 0], `${n}`);
    }
  });
  test('are shorter for wider heads', () => {
    assert.deepEqual(sizes(16384, {}, 512), [1024, 512, 512]);
  });
  test('are those asked for, cut to the tokens there are', () => {
    assert.deepEqual(sizes(4608, { blockQ: 512, blockKv: 1024, blockKvCompute: 512 }), [512, 1024, 512]);
    assert.deepEqual(sizes(300, { blockQ: 1536, blockKv: 1536 }), [384, 384, 384]);
    assert.deepEqual(sizes(1200, { blockKv: 1536, blockKvCompute: 512 }), [1200, 1536, 512]);
  });
  test('that cannot be are refused', () => {
    const refused = (asked: object, message: RegExp) => fails(() => sizes(4608, asked), 'bad_config', message);
    refused({ blockQ: 100 }, /block_q must be a multiple of 16, found 100/);
    refused({ blockKv: 64 }, /block_kv must be a multiple of 128, found 64/);
    refused({ blockQ: Number.NaN }, /found NaN/);
    refused({ blockKv: 512, blockKvCompute: 384 }, /block_kv 512 is not a multiple of block_kv_compute 384/);
  });
  test('decide the vector memory that is allowed', () => {
    const memory = (q: number, kv: number) =>
      vmemBytes({ blockQ: q, blockKv: kv, blockKvCompute: kv, c: 128 }) / 2 ** 20;
    assert.equal(memory(256, 256), 16);
    // What libtpu was seen to use: 15.7, 31 and 96 MB.
    for (const [q, kv, used] of [
      [1536, 1536, 15.7],
      [2304, 2304, 31],
      [4608, 4608, 96],
    ] as const) {
      assert.ok(memory(q, kv) * 2 ** 20 >= used * 1e6 && memory(q, kv) < 1.5 * used, `${q} × ${kv}: ${memory(q, kv)}`);
    }
  });
});

describe('calls', () => {
  const callOf = (target: Target, node: Node): CustomCall => {
    const found = lower(one(node), target).nodes.find(({ op }) => op.kind === 'customCall');
    assert.ok(found?.op.kind === 'customCall');
    return found.op.call;
  };
  const cudnn = { platform: 'cuda', attention: 'cudnn_flash_te' } as const;
  const config = (node: Node): Record<string, unknown> =>
    JSON.parse(callOf(cudnn, node).backendConfig as string).cudnn_fmha_backend_config;

  test('cuDNN is told scale, mask and score shape', () => {
    assert.equal(callOf(cudnn, {}).target, '__cudnn$fmhaSoftmax');
    const plain = config({});
    assert.equal(plain['fmha_scale'], 128 ** -0.5);
    assert.equal(plain['mask_type'], 'NO_MASK');
    const scores = plain['intermediate_tensor_shape'] as Record<string, unknown>;
    assert.deepEqual([scores['element_type'], scores['dimensions']], ['BF16', ['1', '24', '4608', '4608']]);
    assert.equal(config(CLIP)['mask_type'], 'CAUSAL');
    assert.equal(callOf(cudnn, T5).target, '__cudnn$fmhaScaleBiasSoftmax');
  });

  test('print with version, config, layouts and scratch', () => {
    const text = print(lower(one({}), cudnn));
    const line = text.split('\n').find((l) => l.includes('custom_call'))!;
    assert.match(
      line,
      /^ {4}%\d+:2 = stablehlo\.custom_call @__cudnn\$fmhaSoftmax\(%\d+, %\d+, %\d+\) \{api_version = 2 : i32, /,
    );
    assert.match(line, /backend_config = "\{\\22operation_queue_id\\22:\\220\\22,/);
    assert.match(line, /result_layouts = \[dense<\[3, 1, 2, 0\]> : tensor<4xindex>, dense<0> : tensor<1xindex>\]\}/);
    assert.match(line, /-> \(tensor<1x24x4608x128xbf16>, tensor<0xui8>\)$/);
    assert.match(text, /return %\d+#0 : /);
  });

  test('Triton text survives its quoting', () => {
    const target = { platform: 'cuda', attention: 'flash' } as const;
    const { backendConfig } = callOf(target, {});
    const { ir, grid_x, grid_y, num_warps } = backendConfig as Record<string, string | number>;
    assert.deepEqual([grid_x, grid_y, num_warps], [36, 24, 8]);
    const quoted = /ir = "([^"]*)"/.exec(print(lower(one(), target)))![1]!;
    const unquoted = quoted.replaceAll(/\\([0-9A-F]{2})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 16)),
    );
    assert.equal(unquoted, ir);
  });

  test('the options of the TPU kernel change its text', () => {
    const body = (options: Omit<Target, 'platform'>): string => {
      const call = callOf({ platform: 'tpu', ...options }, { n: 4500 });
      return atob(JSON.parse(call.backendConfig as string).custom_call_config.body);
    };
    assert.match(body({}), /math\.exp2/);
    assert.doesNotMatch(body({ useBase2Exp: false }), /math\.exp2/);
    assert.match(body({}), /tpu\.iota/);
    assert.doesNotMatch(body({ maskPaddingTokens: false }), /tpu\.iota/);
    assert.match(
      body({ flashBlockSizes: { blockQ: 512, blockKv: 1024 } }),
      /iteration_bounds = array<i64: 1, 24, 9, 5>/,
    );
  });
});
